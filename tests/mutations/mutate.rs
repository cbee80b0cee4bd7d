//! How an input is changed: one to three times, at its text or at its values.

use entrega_lab::ReplayString;
use entrega_lab::replay_string::ReplayError;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use toml::{Table, Value};

/// Where a mutant's changes come from.
pub(crate) struct Chance(Xoshiro256PlusPlus);

impl Chance {
    pub(crate) fn of(number: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(number))
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.0.next_u64() % bound as u64) as usize
    }

    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Texts that numbers, durations, probabilities, conditions and names are made of.
const WORDS: [&str; 48] = [
    "",
    "0",
    "1",
    "-1",
    "3",
    "1.5",
    "0.5",
    "1e3",
    "nan",
    "0s",
    "0.0ms",
    "1s",
    "1.5h",
    "36501d",
    "0.5ns",
    "1ns",
    "20 s",
    "0.00000000001min",
    "1 parsec",
    "1/2",
    "3/2",
    "1/0",
    "0.5%",
    "101%",
    "100.0%",
    "0.00000000000000000000001",
    ">0",
    "<= 5",
    "=>1",
    "99999999999999999999",
    "log",
    "queue",
    "crash",
    "lost",
    "retry",
    "requeue",
    "dead-letter",
    "mailer",
    "Mailer",
    "reader",
    "mailer.effect.after",
    "reader.effect.before",
    "send.request",
    "arrival.order",
    "orders.csv",
    "orders.xml",
    "\u{1b}[2J",
    "broker-dead-letter",
];

const NUMBERS: [i64; 12] =
    [0, 1, -1, 2, 7, 255, 65_536, 1_000_001, 100_000_001, 4_294_967_296, i64::MAX, i64::MIN];

const REALS: [f64; 9] = [0.0, -0.0, 0.5, 1.0, 1.5, -3.0, 1e-30, 1e300, f64::NAN];

/// Any value, mostly of the kind that was there.
fn value(chance: &mut Chance, like: &Value) -> Value {
    match (chance.below(4), like) {
        (0, _) | (_, Value::Datetime(_)) => any(chance),
        (_, Value::Integer(_)) => Value::Integer(*chance.one_of(&NUMBERS)),
        (_, Value::Float(_)) => Value::Float(*chance.one_of(&REALS)),
        (_, Value::Boolean(value)) => Value::Boolean(!value),
        (_, Value::String(text)) => Value::String(word(chance, text)),
        (_, Value::Array(_) | Value::Table(_)) => any(chance),
    }
}

fn any(chance: &mut Chance) -> Value {
    match chance.below(9) {
        0 => Value::Integer(*chance.one_of(&NUMBERS)),
        1 => Value::Float(*chance.one_of(&REALS)),
        2 => Value::Boolean(true),
        3 => Value::Array(Vec::new()),
        4 => Value::Array(vec![
            Value::Integer(1),
            Value::String((*chance.one_of(&WORDS)).to_owned()),
        ]),
        5 => Value::Table(Table::new()),
        6 => Value::Table(Table::from_iter([("order".to_owned(), Value::Table(Table::new()))])),
        7 => "1979-05-27".parse().map_or(Value::Boolean(false), Value::Datetime),
        _ => Value::String((*chance.one_of(&WORDS)).to_owned()),
    }
}

/// Another word, or this one with a letter less, twice or in the other case.
fn word(chance: &mut Chance, text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.is_empty() || chance.below(2) == 0 {
        return (*chance.one_of(&WORDS)).to_owned();
    }
    let at = chance.below(letters.len());
    let (before, after) = (&letters[..at], &letters[at + 1..]);
    let between = match chance.below(3) {
        0 => String::new(),
        1 => [letters[at]; 2].iter().collect(),
        _ => letters[at].to_uppercase().chain("-".chars()).collect(),
    };
    before.iter().collect::<String>() + &between + &after.iter().collect::<String>()
}

/// Changes something in a table or below it.
fn change(chance: &mut Chance, table: &mut Table) {
    let keys: Vec<String> = table.keys().cloned().collect();
    if keys.is_empty() || chance.below(12) == 0 {
        let added = any(chance);
        table.insert(
            (*chance.one_of(&["late", "nth", "name", "from", "lost", "x"])).to_owned(),
            added,
        );
        return;
    }
    let key = chance.one_of(&keys).clone();
    let goes_below = chance.below(5) > 0;
    match table.get_mut(&key) {
        Some(Value::Table(below)) if goes_below => change(chance, below),
        Some(Value::Array(items)) if goes_below && !items.is_empty() => change_items(chance, items),
        Some(other) => match chance.below(6) {
            0 => drop(table.remove(&key)),
            1 => {
                let moved = table.remove(&key);
                let name = word(chance, &key);
                table.extend(moved.map(|moved| (name, moved)));
            }
            _ => *other = value(chance, other),
        },
        None => {}
    }
}

fn change_items(chance: &mut Chance, items: &mut Vec<Value>) {
    let at = chance.below(items.len());
    match (chance.below(8), &mut items[at]) {
        (0, _) => drop(items.remove(at)),
        (1, one) => {
            let twice = one.clone();
            items.push(twice);
        }
        (_, Value::Table(table)) => change(chance, table),
        (_, other) => *other = value(chance, other),
    }
}

/// A TOML text with changed values, or a changed text.
pub(crate) fn scenario(number: u64, text: &str) -> String {
    let mut chance = Chance::of(number);
    if chance.below(5) == 0 {
        return characters(&mut chance, text, "[]{}=\"'.,#\n \\x1");
    }
    let mut table: Table = text.parse().expect("the scenario is TOML");
    for _ in 0..=chance.below(8) / 3 {
        change(&mut chance, &mut table);
    }
    toml::to_string(&table).unwrap_or_else(|_| characters(&mut chance, text, "=[]"))
}

/// A text of lines, such as a history, with changed lines or characters.
pub(crate) fn lines(number: u64, text: &str) -> String {
    let mut chance = Chance::of(number);
    let mut lines: Vec<&str> = text.lines().collect();
    for _ in 0..=chance.below(4) {
        let (from, to) = (chance.below(lines.len()), chance.below(lines.len()));
        match chance.below(5) {
            0 if lines.len() > 1 => drop(lines.remove(from)),
            1 => lines.insert(to, lines[from]),
            2 => lines.swap(from, to),
            3 => lines.truncate(from.max(1)),
            _ => {}
        }
    }
    let text = lines.join("\n") + "\n";
    if chance.below(2) == 0 { text } else { characters(&mut chance, &text, "{}[]:,\"-0en\u{e9}\\") }
}

/// A replay string with one part changed, under a checksum that fits, or all would end there; or
/// with any characters changed.
pub(crate) fn replay_string(chance: &mut Chance, text: &str) -> String {
    if chance.below(8) == 0 {
        return characters(chance, text, ":+#=.,0129aqm\u{e9}");
    }
    let mut parts: Vec<&str> = text.split(':').collect();
    let at = chance.below(parts.len() - 1);
    let changed = characters(chance, parts[at], "+#&%=.,0129aqms\u{e9}");
    parts[at] = &changed;
    let mutant = parts.join(":");
    resealed(&mutant).unwrap_or(mutant)
}

/// A replay string with the checksum that its text gives, if that is all that is wrong with it.
fn resealed(text: &str) -> Option<String> {
    let Err(ReplayError::Checksum { expected, .. }) = text.parse::<ReplayString>() else {
        return None;
    };
    let (run, _) = text.trim().rsplit_once(':')?;
    Some(format!("{run}:{expected}"))
}

/// A text in which some characters were removed, doubled or replaced.
pub(crate) fn characters(chance: &mut Chance, text: &str, others: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let others: Vec<char> = others.chars().collect();
    for _ in 0..=chance.below(3) {
        let at = chance.below(letters.len().max(1));
        let other = *chance.one_of(&others);
        match chance.below(4) {
            _ if letters.is_empty() => letters.push(other),
            0 => drop(letters.remove(at)),
            1 => letters[at] = other,
            2 => letters.insert(at, other),
            _ => letters.truncate(letters.len() - at.min(letters.len() / 4)),
        }
    }
    letters.into_iter().collect()
}
