//! The judge: semantics.md 5.2 to 5.7 once more, as plainly as they can be written down.
//!
//! It knows nothing of the checker. It looks through all lines for every question and keeps nothing
//! in between, which is slow, and easy to compare with the formulas. Order is in `order.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::handed::{lacks_a_delivery, once};
use crate::order::{
    Polls, inconsistent_offsets, inversions, is_of_a_life, lack_of_keys_matters, past_lives,
    wrong_polls,
};

const CLASSES: [&str; 10] = [
    "exact",
    "duplicated",
    "split",
    "dead_lettered",
    "pending",
    "lost",
    "recovered",
    "absent",
    "phantom",
    "refused",
];

/// Events with the numbers of their lines.
pub(crate) type Lines<'a> = [(usize, &'a Value)];

/// Partition and offset.
pub(crate) type Offset = (u64, u64);

/// What the producers know of a message: the line of its first send, its place in the order if that
/// is an invocation, the line that first says `ok`, and what became of it.
pub(crate) struct Send {
    first: usize,
    pub(crate) place: Option<usize>,
    pub(crate) acknowledged: Option<usize>,
    /// Whether its producer promises the order of its program.
    pub(crate) is_in_program_order: bool,
    is_whole: bool,
    /// How many copies its attempts may have stored.
    most_copies: usize,
    pub(crate) outcome: &'static str,
    pub(crate) key: Option<String>,
    pub(crate) producer: String,
}

/// What became of a message in one subscription: the lines of its applied effects, the number of
/// its dead letters, and where its copies were stored, as far as that is known.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) effects: Vec<usize>,
    letters: usize,
    is_begun: bool,
    is_retrievable: bool,
    pub(crate) copies: BTreeSet<Offset>,
    has_copy_nobody_knows_where: bool,
}

/// What is to be said of a history in which time may go back by `skew` nanoseconds.
pub(crate) fn judge(lines: &[Value], skew: u64) -> Value {
    let [header, events @ .., end] = lines else { panic!("a header and a closing line") };
    let events: Vec<(usize, &Value)> = events.iter().enumerate().collect();
    let names: BTreeSet<String> =
        events.iter().filter_map(|(_, event)| name(event, "message")).collect();
    let sent = |message: &String| Some((message.clone(), send(header, &events, message)?));
    let sends: BTreeMap<String, Send> = names.iter().filter_map(sent).collect();
    let doubtful = end["end"] == "unfinished"
        || !sends.values().any(|send| send.outcome == "ok")
        || events.iter().any(|(line, event)| is_impossible(*line, event, &events, &sends, skew))
        || goes_back(&events, skew);
    let subscriptions = header["subscriptions"].as_array().expect("subscriptions").iter();
    let judged: Vec<Value> = subscriptions
        .map(|of| {
            let is_store = |event: &Value| header["model"] == "log" && kind(event) == "store";
            let mine = |event: &Value| {
                is_store(event) || [&Value::Null, &of["name"]].contains(&&event["subscription"])
            };
            let lines: Vec<_> = events.iter().copied().filter(|(_, event)| mine(event)).collect();
            let lines = once(of, &lines);
            let facts = |message: &String| (message.clone(), facts(&lines, &events, message));
            let facts: BTreeMap<String, Facts> = names.iter().map(facts).collect();
            subscription(header, of, end, [&lines, &events], &sends, &facts, (doubtful, skew))
        })
        .collect();
    let some = |verdict: &&str| judged.iter().any(|of| of["verdict"] == *verdict);
    let verdict = ["invalid", "unknown"].into_iter().find(some).unwrap_or("valid");
    json!({
        "verdict": verdict,
        "exit": if verdict == "valid" { 0 } else { 1 },
        "subscriptions": judged,
    })
}

pub(crate) fn kind(event: &Value) -> &str {
    event["event"].as_str().expect("an event")
}

/// A name is a string or an integer; `7` and `"7"` are the same.
pub(crate) fn name(event: &Value, field: &str) -> Option<String> {
    match &event[field] {
        Value::Null => None,
        Value::String(name) => Some(name.clone()),
        number => Some(number.to_string()),
    }
}

/// Partition and offset of a record, if its offset is known.
pub(crate) fn offset(event: &Value) -> Option<Offset> {
    Some((event["lane"].as_u64().unwrap_or(0), event["position"].as_u64()?))
}

/// A line that leaves out the producer belongs to the one that another send of the message names.
/// A key that is left out is the first by which a line about the message names it.
fn send(header: &Value, events: &Lines<'_>, message: &str) -> Option<Send> {
    let about = |event: &Value| name(event, "message").as_deref() == Some(message);
    let all = || events.iter().copied().filter(|(_, event)| about(event));
    let lines: Vec<_> = all().filter(|(_, event)| kind(event).starts_with("send.")).collect();
    let (first, line) = *lines.first()?;
    let producer = lines.iter().find_map(|(_, event)| name(event, "producer"));
    let known = || all().find_map(|(_, event)| name(event, "key"));
    let spoken = spoken_for(events, &lines);
    Some(Send {
        first,
        place: (kind(line) == "send.invoke" && !is_later_attempt(line)).then_some(first),
        acknowledged: lines.iter().find(|(_, line)| kind(line) == "send.ok").map(|(at, _)| *at),
        is_in_program_order: header["program_order"] == true,
        is_whole: lines.iter().all(|(at, line)| has_begun(&lines, *at, line))
            && !is_later_attempt(line),
        most_copies: most_copies(&lines, &spoken),
        outcome: outcome(&lines, &spoken),
        key: name(line, "key").or_else(known),
        producer: producer.unwrap_or_else(|| "producer".to_owned()),
    })
}

/// Whether a first line is that of a later attempt: the first one is not recorded, and is open.
fn is_later_attempt(first: &Value) -> bool {
    kind(first) == "send.invoke" && first["attempt"].as_u64().is_some_and(|attempt| attempt > 1)
}

/// Whether the attempt that an outcome names had begun; if it names none, whether any had.
fn has_begun(lines: &Lines<'_>, at: usize, line: &Value) -> bool {
    let before =
        lines.iter().filter(|(earlier, line)| *earlier < at && kind(line) == "send.invoke");
    let mut begun = before.map(|(_, invoked)| invoked["attempt"].as_u64().unwrap_or(1));
    let named = line["attempt"].as_u64();
    kind(line) == "send.invoke" || begun.any(|attempt| named.is_none_or(|named| named == attempt))
}

/// For each line the attempts that it speaks for. An outcome that does not name its attempt speaks
/// for all that were begun since the last outcome; and if one of them was begun in another life of
/// the producer, only for those of that life.
fn spoken_for(events: &Lines<'_>, lines: &Lines<'_>) -> Vec<Vec<u64>> {
    let past = past_lives(events);
    let about_lives = events.iter().filter(|(at, event)| is_of_a_life(event) && !past.contains(at));
    let lives: Vec<(usize, Option<String>)> =
        about_lives.map(|(at, event)| (*at, name(event, "process"))).collect();
    let (mut begun, mut last, mut named) = (Vec::new(), 0, None);
    let mut spoken = Vec::new();
    for (at, line) in lines {
        let attempt = line["attempt"].as_u64();
        if kind(line) != "send.invoke" {
            spoken.push(attempt.map_or_else(|| begun.clone(), |attempt| vec![attempt]));
            begun.clear();
        } else {
            let producer = named.clone().unwrap_or_else(|| "producer".to_owned());
            let ends = |(over, process): &(usize, Option<String>)| {
                (last..*at).contains(over) && process.as_ref() == Some(&producer)
            };
            if lives.iter().any(ends) {
                begun.clear();
            }
            begun.push(attempt.unwrap_or(1));
            spoken.push(Vec::new());
        }
        named = named.or_else(|| name(line, "producer"));
        last = *at;
    }
    spoken
}

/// 5.2: acknowledged if any outcome is; refused if all are and no attempt is open.
fn outcome(lines: &Lines<'_>, spoken: &[Vec<u64>]) -> &'static str {
    let (mut open, mut outcomes) = (BTreeSet::new(), Vec::new());
    for ((_, line), ended) in lines.iter().zip(spoken) {
        if kind(line) == "send.invoke" {
            open.insert(line["attempt"].as_u64().unwrap_or(1));
        } else {
            open.retain(|attempt| !ended.contains(attempt));
            outcomes.push(kind(line));
        }
    }
    let is_open = !open.is_empty() || lines.first().is_some_and(|(_, line)| is_later_attempt(line));
    let is_refused = !is_open && outcomes.iter().all(|outcome| *outcome == "send.fail");
    if outcomes.contains(&"send.ok") {
        "ok"
    } else if is_refused {
        "fail"
    } else {
        "info"
    }
}

/// As many as there were attempts, by their lines or by the numbers that lines name, without those
/// that were refused: an attempt is refused if the first outcome that speaks for it says so.
fn most_copies(lines: &Lines<'_>, spoken: &[Vec<u64>]) -> usize {
    let number = |line: &Value| line["attempt"].as_u64();
    let invoked = lines.iter().filter(|(_, line)| kind(line) == "send.invoke").count();
    let highest = lines.iter().map(|(_, line)| match number(line) {
        None if kind(line) == "send.invoke" => 1,
        named => named.unwrap_or(0),
    });
    let highest = highest.max().unwrap_or(0) as usize;
    let (mut open, mut refused) = (BTreeSet::new(), 0);
    for ((_, line), ended) in lines.iter().zip(spoken) {
        if kind(line) == "send.invoke" {
            open.insert(number(line).unwrap_or(1));
            continue;
        }
        let closed = open.len();
        open.retain(|attempt| !ended.contains(attempt));
        refused += if kind(line) == "send.fail" { closed - open.len() } else { 0 };
    }
    invoked.max(highest).saturating_sub(refused).max(1)
}

/// Something happened to a message before its first send, or to one that nobody sent. An applied
/// effect of the latter is a phantom instead.
///
/// What comes first by no more than the clocks differ need not have come first.
fn is_impossible(
    line: usize,
    event: &Value,
    events: &Lines<'_>,
    sends: &BTreeMap<String, Send>,
    skew: u64,
) -> bool {
    let needs_a_send = matches!(kind(event), "effect" | "store" | "deliver" | "dlq" | "settled")
        || kind(event).starts_with("settle.");
    let send = name(event, "message").and_then(|message| sends.get(&message));
    let time =
        |line: usize| events[..=line].iter().rev().find_map(|(_, event)| event["at"].as_u64());
    let is_before = |send: &Send| {
        let (sent, early) = (time(send.first).unwrap_or(0), time(line).unwrap_or(0));
        line < send.first && (sent == 0 || sent.saturating_sub(early) > skew)
    };
    needs_a_send && send.map_or(!is_applied(event), is_before)
}

/// Whether a line is earlier than one before it, by more than the clocks may differ.
fn goes_back(events: &Lines<'_>, skew: u64) -> bool {
    let times: Vec<u64> = events.iter().filter_map(|(_, event)| event["at"].as_u64()).collect();
    let latest = |at: usize| times[..at].iter().max().copied().unwrap_or(0);
    (0..times.len()).any(|at| times[at] + skew < latest(at))
}

pub(crate) fn is_applied(event: &Value) -> bool {
    kind(event) == "effect" && [&Value::Null, &json!("applied")].contains(&&event["verdict"])
}

/// An offset is known from a store or from a delivery, to whichever subscription.
fn facts(lines: &Lines<'_>, all: &Lines<'_>, message: &str) -> Facts {
    let about = |event: &Value| name(event, "message").as_deref() == Some(message);
    let seen = all.iter().filter(|(_, event)| about(event) && shows_an_offset(event));
    let copies = seen.filter_map(|(_, event)| offset(event)).collect();
    let mut facts = Facts { copies, ..Facts::default() };
    for (line, event) in lines.iter().filter(|(_, event)| about(event)) {
        match kind(event) {
            "effect" if is_applied(event) => facts.effects.push(*line),
            "dlq" => facts.letters += 1,
            "redriven" => facts.letters = facts.letters.saturating_sub(1),
            "deliver" | "process.start" | "process.end" | "settle.invoke" | "effect"
            | "effect.invoke" => facts.is_begun = true,
            "retrievable" => facts.is_retrievable = true,
            "store" => facts.has_copy_nobody_knows_where |= offset(event).is_none(),
            _ => {}
        }
    }
    facts
}

/// Whether an event says at which offset its message stands, if it says an offset.
pub(crate) fn shows_an_offset(event: &Value) -> bool {
    matches!(kind(event), "store" | "deliver")
}

/// Where a consumer goes on in a partition, if the line says so or shows it.
fn moved_to(event: &Value) -> Option<Offset> {
    let field = match kind(event) {
        "seek" | "reset" => "to",
        "assign" | "deliver" => "position",
        _ => return None,
    };
    Some((event["lane"].as_u64().unwrap_or(0), event[field].as_u64()?))
}

/// P of 5.3, read at the end: a message that nobody ever had is gone if its only copy was removed
/// because its time was over or there was no queue, and the broker has not restarted.
fn is_removed_unread([lines, all]: [&Lines<'_>; 2], message: &str) -> bool {
    let of_it = |event: &Value| name(event, "message").as_deref() == Some(message);
    let about: Vec<&Value> =
        lines.iter().map(|(_, event)| *event).filter(|event| of_it(event)).collect();
    let of_kind = |sought: &'static str| about.iter().filter(move |event| kind(event) == sought);
    let is_storage = |event: &&Value| {
        ["store", "remove", "retrievable", "fault"].contains(&kind(event))
            || kind(event).starts_with("send.")
    };
    let was_read = lines.iter().any(|(_, event)| event["phase"] == "audit");
    let has_restarted = all.iter().any(|(_, event)| kind(event) == "broker_restart");
    let reason = of_kind("remove").next().map(|first| &first["reason"]);
    was_read
        && !has_restarted
        && about.iter().all(is_storage)
        && of_kind("store").count() <= 1
        && reason.is_some_and(|reason| *reason == "ttl" || *reason == "unroutable")
}

/// `prefix` of 5.3: no consumer was given the message or has begun with it, and each copy that its
/// attempts may have stored is known and lies
/// below the highest offset that was delivered, unless a consumer went back to it since, or below
/// an offset that was committed, unless a lower one was committed since or a consumer went back.
fn is_passed_over(lines: &Lines<'_>, facts: &Facts, most_copies: usize) -> bool {
    let delivered = lines.iter().filter(|(_, event)| kind(event) == "deliver");
    let delivered = delivered.filter_map(|(line, event)| Some((*line, offset(event)?)));
    let delivered: Vec<(usize, Offset)> = delivered.collect();
    let goes_back = |line: usize, (lane, at): Offset| {
        let later = lines.iter().filter(|(later, _)| *later > line);
        later.filter_map(|(_, event)| moved_to(event)).any(|(of, to)| of == lane && to <= at)
    };
    let is_above = |(line, (of, highest)): (usize, Offset), (lane, at): Offset| {
        of == lane && highest > at && !goes_back(line, (lane, at))
    };
    let commits: Vec<(usize, Offset)> =
        lines.iter().filter_map(|(line, event)| Some((*line, committed(event)?))).collect();
    let is_covered = |copy: Offset| {
        let is_undone = |line: usize| {
            let later = commits.iter().filter(|(later, _)| *later > line);
            later.into_iter().any(|(_, (lane, upto))| *lane == copy.0 && *upto <= copy.1)
        };
        commits.iter().any(|&commit| is_above(commit, copy) && !is_undone(commit.0))
    };
    let is_below =
        |copy: Offset| delivered.iter().any(|&one| is_above(one, copy)) || is_covered(copy);
    let all_below = facts.copies.iter().all(|copy| is_below(*copy));
    let all_known = facts.copies.len() >= most_copies && !facts.has_copy_nobody_knows_where;
    !facts.is_begun && !facts.is_retrievable && all_known && all_below
}

/// Partition and committed offset, if the line says one.
fn committed(event: &Value) -> Option<Offset> {
    let is_commit = kind(event) == "committed";
    is_commit.then(|| (event["lane"].as_u64().unwrap_or(0), event["upto"].as_u64().expect("upto")))
}

/// 5.6: whether lines of consumers are missing. What needs a delivery has one before it. And where
/// all deliveries say their offsets, a store, or a delivery before, is recorded at every offset
/// that a commit newly covers, unless all that may be stored stands elsewhere.
fn has_holes(
    [header, of]: [&Value; 2],
    [lines, all]: [&Lines<'_>; 2],
    sends: &BTreeMap<String, Send>,
    facts: &BTreeMap<String, Facts>,
    skew: u64,
) -> bool {
    let deliveries: Vec<&Value> = lines
        .iter()
        .filter(|(_, event)| kind(event) == "deliver")
        .map(|(_, event)| *event)
        .collect();
    let is_known = |line: usize, place: Offset| {
        let shows = |(at, event): &(usize, &Value)| {
            kind(event) == "store" || kind(event) == "deliver" && *at < line
        };
        all.iter().filter(|one| shows(one)).any(|(_, event)| offset(event) == Some(place))
    };
    let mut before: BTreeMap<u64, u64> = BTreeMap::new();
    let jumps = lines.iter().filter(|(line, event)| {
        let Some((lane, upto)) = committed(event) else { return false };
        let named = event["previous"].as_u64().filter(|previous| *previous > 0);
        let from = before.insert(lane, upto).or(named).unwrap_or(upto);
        (from..upto).any(|at| !is_known(*line, (lane, at)))
    });
    let jumps = jumps.count() > 0;
    let all_say = deliveries.iter().all(|event| offset(event).is_some());
    let may_stand = |(message, send): (&String, &Send)| {
        send.outcome != "fail" && facts[message].copies.is_empty()
    };
    let jumps = jumps && sends.iter().any(may_stand);
    let is_log = header["model"] == "log";
    let uncovered = is_log && !deliveries.is_empty() && all_say && jumps;
    uncovered || lacks_a_delivery(of, [lines, all], skew)
}

/// 5.3: the first row that matches. A message that nobody sent and that took no effect has none.
fn class(outcome: Option<&str>, facts: &Facts, is_lost: bool) -> Option<&'static str> {
    Some(match (outcome, facts.effects.len(), facts.letters) {
        (None, 0, _) => return None,
        (Some("fail"), 0, _) => "refused",
        (None | Some("fail"), ..) => "phantom",
        (_, 1.., 1..) => "split",
        (_, 2.., _) => "duplicated",
        (Some("info"), 0, 0) => "absent",
        (Some("info"), ..) => "recovered",
        (_, 1, _) => "exact",
        (_, _, 1..) => "dead_lettered",
        _ if is_lost => "lost",
        _ => "pending",
    })
}

/// Whether no two of several sends can be compared, because some say no key and no two say one.
fn lack_keys(sends: &BTreeMap<String, Send>) -> bool {
    let placed: Vec<&Send> = sends.values().filter(|send| send.place.is_some()).collect();
    let keys: Vec<&String> = placed.iter().filter_map(|send| send.key.as_ref()).collect();
    let differ = keys.iter().collect::<BTreeSet<_>>().len() == keys.len();
    placed.len() > 1 && keys.len() < placed.len() && differ
}

/// Whether two messages are known to stand in one partition.
fn have_neighbours(facts: &BTreeMap<String, Facts>) -> bool {
    let lanes = |facts: &Facts| facts.copies.iter().map(|(lane, _)| *lane).collect();
    let each: Vec<BTreeSet<u64>> = facts.values().map(lanes).collect();
    (0..each.len()).any(|at| each[..at].iter().any(|other| !other.is_disjoint(&each[at])))
}

/// 5.6 and 5.7: what became of the messages, and what that means for the promise.
fn subscription(
    header: &Value,
    of: &Value,
    end: &Value,
    [lines, all]: [&Lines<'_>; 2],
    sends: &BTreeMap<String, Send>,
    facts: &BTreeMap<String, Facts>,
    (doubtful, skew): (bool, u64),
) -> Value {
    let is_log = header["model"] == "log";
    let mut classes: BTreeMap<&str, u64> = CLASSES.map(|class| (class, 0)).into();
    for (message, facts) in facts {
        let is_gone = end["end"] == "quiescent" && !facts.is_retrievable;
        let most_copies = sends.get(message).map_or(1, |send| send.most_copies);
        let is_unread = !is_log && is_removed_unread([lines, all], message);
        let is_gone = is_gone || is_unread && !facts.is_retrievable;
        let is_lost = is_gone || is_log && is_passed_over(lines, facts, most_copies);
        let outcome = sends.get(message).map(|send| send.outcome);
        if let Some(class) = class(outcome, facts, is_lost) {
            *classes.get_mut(class).expect("a class") += 1;
        }
    }
    let [reordered, replayed, behind] = inversions(sends, facts);
    let polls = wrong_polls(of, [lines, all], sends);
    let polls = if is_log { polls } else { Polls::default() };
    let Polls { skips, backwards } = polls;
    let inconsistent = if is_log { inconsistent_offsets(lines) } else { 0 };
    let behind = if is_log { behind } else { 0 };
    let some = |class: &str| classes[class] > 0;
    let is_promised = |message| sends.get(message).is_some_and(|send| send.outcome != "fail");
    let letters_twice =
        facts.iter().any(|(message, facts)| facts.letters > 1 && is_promised(message));
    let guarantee = of["guarantee"].as_str().expect("a guarantee");
    let (ordered, declared) = (of["ordered"] == true, of["dead_letters"] == true);
    let all_arrive = matches!(guarantee, "at-least-once" | "exactly-once-effect");
    let none_twice = matches!(guarantee, "at-most-once" | "exactly-once-effect");
    let lines_are_missing = has_holes([header, of], [lines, all], sends, facts, skew);
    let broken = some("phantom")
        || all_arrive && some("lost")
        || none_twice && (some("duplicated") || some("split"))
        || guarantee == "exactly-once-effect" && letters_twice
        || (all_arrive || ordered) && !declared && some("dead_lettered")
        || ordered && reordered + replayed + behind + inconsistent > 0;
    let unplaced = ordered && sends.values().any(|send| !send.is_whole);
    let compared = !lack_keys(sends) || is_log && have_neighbours(facts);
    let holes = (none_twice || ordered) && lines_are_missing;
    let unproven = ordered && skips + backwards > 0;
    let compared = compared && !lack_of_keys_matters(is_log, sends, facts);
    let unknown =
        doubtful || some("pending") || unplaced || ordered && !compared || holes || unproven;
    json!({
        "verdict": if broken { "invalid" } else if unknown { "unknown" } else { "valid" },
        "classes": classes,
        "reordered": reordered,
        "replayed": replayed,
        "write_inversions": behind,
        "poll_skips": skips > 0,
        "nonmonotonic_polls": backwards > 0,
        "inconsistent_offsets": inconsistent > 0,
    })
}
