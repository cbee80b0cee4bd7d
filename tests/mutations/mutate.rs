//! How an input is changed: one to three times, at its text or at its values.

use entrega_lab::ReplayString;
use entrega_lab::replay_string::ReplayError;
use toml::{Table, Value};

use crate::dice::Dice;

/// Texts that numbers, durations, probabilities, conditions and names are made of.
const WORDS: [&str; 51] = [
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
    "reader.handler.order",
    "deadline.order",
    "reader.poll.order",
    "orders.csv",
    "orders.xml",
    "\u{1b}[2J",
    "broker-dead-letter",
];

const NUMBERS: [i64; 12] =
    [0, 1, -1, 2, 7, 255, 65_536, 1_000_001, 100_000_001, 4_294_967_296, i64::MAX, i64::MIN];

const REALS: [f64; 9] = [0.0, -0.0, 0.5, 1.0, 1.5, -3.0, 1e-30, 1e300, f64::NAN];

/// Any value, mostly of the kind that was there.
fn value(dice: &mut Dice, like: &Value) -> Value {
    match (dice.below(4), like) {
        (0, _) | (_, Value::Datetime(_)) => any(dice),
        (_, Value::Integer(_)) => Value::Integer(*dice.pick(&NUMBERS)),
        (_, Value::Float(_)) => Value::Float(*dice.pick(&REALS)),
        (_, Value::Boolean(value)) => Value::Boolean(!value),
        (_, Value::String(text)) => Value::String(word(dice, text)),
        (_, Value::Array(_) | Value::Table(_)) => any(dice),
    }
}

fn any(dice: &mut Dice) -> Value {
    match dice.below(9) {
        0 => Value::Integer(*dice.pick(&NUMBERS)),
        1 => Value::Float(*dice.pick(&REALS)),
        2 => Value::Boolean(true),
        3 => Value::Array(Vec::new()),
        4 => Value::Array(vec![Value::Integer(1), Value::String((*dice.pick(&WORDS)).to_owned())]),
        5 => Value::Table(Table::new()),
        6 => Value::Table(Table::from_iter([("order".to_owned(), Value::Table(Table::new()))])),
        7 => "1979-05-27".parse().map_or(Value::Boolean(false), Value::Datetime),
        _ => Value::String((*dice.pick(&WORDS)).to_owned()),
    }
}

/// Another word, or this one with a letter less, twice or in the other case.
fn word(dice: &mut Dice, text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.is_empty() || dice.once_in(2) {
        return (*dice.pick(&WORDS)).to_owned();
    }
    let at = dice.below(letters.len());
    let (before, after) = (&letters[..at], &letters[at + 1..]);
    let between = match dice.below(3) {
        0 => String::new(),
        1 => [letters[at]; 2].iter().collect(),
        _ => letters[at].to_uppercase().chain("-".chars()).collect(),
    };
    before.iter().collect::<String>() + &between + &after.iter().collect::<String>()
}

/// Changes something in a table or below it.
fn change(dice: &mut Dice, table: &mut Table) {
    let keys: Vec<String> = table.keys().cloned().collect();
    if keys.is_empty() || dice.once_in(12) {
        let added = any(dice);
        table.insert((*dice.pick(&["late", "nth", "name", "from", "lost", "x"])).to_owned(), added);
        return;
    }
    let key = dice.pick(&keys).clone();
    let goes_below = dice.below(5) > 0;
    match table.get_mut(&key) {
        Some(Value::Table(below)) if goes_below => change(dice, below),
        Some(Value::Array(items)) if goes_below && !items.is_empty() => change_items(dice, items),
        Some(other) => match dice.below(6) {
            0 => drop(table.remove(&key)),
            1 => {
                let moved = table.remove(&key);
                let name = word(dice, &key);
                table.extend(moved.map(|moved| (name, moved)));
            }
            _ => *other = value(dice, other),
        },
        None => {}
    }
}

fn change_items(dice: &mut Dice, items: &mut Vec<Value>) {
    let at = dice.below(items.len());
    match (dice.below(8), &mut items[at]) {
        (0, _) => drop(items.remove(at)),
        (1, one) => {
            let twice = one.clone();
            items.push(twice);
        }
        (_, Value::Table(table)) => change(dice, table),
        (_, other) => *other = value(dice, other),
    }
}

/// A TOML text with changed values, or a changed text.
pub(crate) fn scenario(number: u64, text: &str) -> String {
    let mut dice = Dice::new(number);
    if dice.once_in(5) {
        return characters(&mut dice, text, "[]{}=\"'.,#\n \\x1");
    }
    let mut table: Table = text.parse().expect("the scenario is TOML");
    for _ in 0..=dice.below(8) / 3 {
        change(&mut dice, &mut table);
    }
    toml::to_string(&table).unwrap_or_else(|_| characters(&mut dice, text, "=[]"))
}

/// A text of lines, such as a history, with changed lines or characters.
pub(crate) fn lines(number: u64, text: &str) -> String {
    let mut dice = Dice::new(number);
    let mut lines: Vec<&str> = text.lines().collect();
    for _ in 0..=dice.below(4) {
        let (from, to) = (dice.below(lines.len()), dice.below(lines.len()));
        match dice.below(5) {
            0 if lines.len() > 1 => drop(lines.remove(from)),
            1 => lines.insert(to, lines[from]),
            2 => lines.swap(from, to),
            3 => lines.truncate(from.max(1)),
            _ => {}
        }
    }
    let text = lines.join("\n") + "\n";
    if dice.once_in(2) { text } else { characters(&mut dice, &text, "{}[]:,\"-0en\u{e9}\\") }
}

/// A replay string with one part changed, under a checksum that fits, or all would end there; or
/// with any characters changed.
pub(crate) fn replay_string(dice: &mut Dice, text: &str) -> String {
    if dice.once_in(8) {
        return characters(dice, text, ":+#=.,0129aqm\u{e9}");
    }
    let mut parts: Vec<&str> = text.split(':').collect();
    let at = dice.below(parts.len() - 1);
    let changed = characters(dice, parts[at], "+#&%=.,0129aqms\u{e9}");
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
pub(crate) fn characters(dice: &mut Dice, text: &str, others: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let others: Vec<char> = others.chars().collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(letters.len().max(1));
        let other = *dice.pick(&others);
        match dice.below(4) {
            _ if letters.is_empty() => letters.push(other),
            0 => drop(letters.remove(at)),
            1 => letters[at] = other,
            2 => letters.insert(at, other),
            _ => letters.truncate(letters.len() - at.min(letters.len() / 4)),
        }
    }
    letters.into_iter().collect()
}
