//! How a run ends: why nothing more can happen, or what goes on for ever.
//!
//! > **The rule.** A run that repeats itself until it is given up is told once: the same events, in
//! > the same order, of the same messages and processes and with the same outcomes; only times and
//! > numbers differ. What would have come later nobody knows, so it is not said that nothing would.

use std::collections::BTreeSet;
use std::mem::{Discriminant, discriminant};

use entrega_model::event::Phase;
use entrega_model::{Event, Kind, MessageId, ProcessId, SubscriptionId};

use crate::story::listed;

/// The longest cycle that is looked for, in events.
const LONGEST: usize = 128;
/// What came fewer times than this is no cycle.
const TIMES: usize = 4;
/// Cycles of fewer events in all are shown as they are.
const FEW: usize = 40;
/// How many of the last events are examined.
const LOOKED_AT: usize = 20_000;

/// The same events again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Where it begins for the third time.
    pub from: usize,
    /// Behind its last event.
    pub until: usize,
    /// How many events it has.
    pub length: usize,
    /// How often it came.
    pub times: usize,
}

/// What makes two events the same but for times and numbers: what happened, to whom, and how it
/// went.
type Shape =
    (Discriminant<Kind>, Option<MessageId>, Option<ProcessId>, Option<SubscriptionId>, [u16; 2]);

impl Cycle {
    /// The cycle that a run repeats until it is given up, if it does.
    pub fn of(events: &[Event]) -> Option<Self> {
        if events.iter().any(is_rest) {
            return None;
        }
        let is_of_it = |at: &usize| {
            !matches!(events[*at].kind, Kind::Entered { .. } | Kind::Retrievable { .. })
        };
        let first = events.len().saturating_sub(LOOKED_AT);
        let places: Vec<usize> = (first..events.len()).filter(is_of_it).collect();
        let shapes: Vec<Shape> = places.iter().map(|&at| shape(&events[at].kind)).collect();
        let repeated = |length: usize| {
            let pairs = shapes.iter().zip(shapes.get(length..)?);
            let same = pairs.rev().take_while(|(one, other)| one == other).count();
            (same >= length * (TIMES - 1)).then_some((same + length, length))
        };
        let longest = (1..=LONGEST).filter_map(repeated);
        let (count, length) =
            longest.max_by_key(|(count, length)| (*count, usize::MAX - length))?;
        if count < FEW {
            return None;
        }
        let begin = places.len() - count;
        let (from, last) = (*places.get(begin + 2 * length)?, *places.last()?);
        Some(Self { from, until: last + 1, length, times: count / length })
    }
}

fn shape(kind: &Kind) -> Shape {
    (discriminant(kind), kind.message(), kind.process(), kind.subscription(), how(kind))
}

/// How it went, for what can go in several ways.
const fn how(kind: &Kind) -> [u16; 2] {
    match *kind {
        Kind::Faulted { point, alternative, .. } => [point, alternative as u16],
        Kind::SendEnded { outcome, .. } => [outcome as u16, 0],
        Kind::ProcessingEnded { result, .. } => [result as u16, 0],
        Kind::Effect { verdict, .. } => [verdict as u16, 0],
        Kind::SettleInvoked { act, .. } => [act as u16, 0],
        Kind::Settled { act, trigger, .. } => [act as u16, trigger as u16],
        Kind::Committed { partition, trigger, .. } => [partition.0, trigger as u16],
        Kind::Assigned { partition, .. }
        | Kind::Revoked { partition, .. }
        | Kind::Lost { partition, .. }
        | Kind::Sought { partition, .. } => [partition.0, 0],
        Kind::Aborted { seen, reason, .. } => [seen as u16, reason as u16],
        Kind::SettleEnded { act, outcome, .. } => [act as u16, outcome as u16],
        Kind::Removed { reason, .. } => [reason as u16, 0],
        Kind::DeadLettered { reason, .. } => [reason as u16, 0],
        Kind::Exited { failed, .. } => [failed as u16, 0],
        _ => [0; 2],
    }
}

fn is_rest(event: &Event) -> bool {
    matches!(event.kind, Kind::Entered { phase: Phase::Quiescent })
}

/// Why nothing more can happen in a run that comes to rest; of one that repeats itself, from when
/// on and how often.
pub fn ending(events: &[Event]) -> Option<String> {
    if let Some(rest) = events.iter().position(is_rest) {
        return Some(at_rest(events, rest));
    }
    let Cycle { from, until, length, times } = Cycle::of(events)?;
    let (since, end) = (events[from].at, events[until - 1].at);
    let noun =
        if length == 1 { "event repeats".to_owned() } else { format!("{length} events repeat") };
    Some(format!(
        "From {since} on there is nothing new: the same {noun}, {times} times in all until the run \
         is given up at {end}."
    ))
}

fn at_rest(events: &[Event], rest: usize) -> String {
    let end = events[rest].at;
    let is_one = |event: &&Event| !matches!(event.kind, Kind::Entered { .. });
    let last = events[..rest].iter().rfind(is_one).map_or(end, |event| event.at);
    let mut why =
        "Nothing more can happen: everything is sent, nobody works on a message".to_owned();
    if last < end {
        why.push_str(&format!(
            ", and of the deadlines that were left at {last} the last one has run out at {end} and \
             has changed nothing"
        ));
    } else {
        why.push_str(", and no deadline is left that could change anything");
    }
    let left = |event: &Event| match event.kind {
        Kind::Retrievable { message, .. } => Some(message),
        _ => None,
    };
    let left: BTreeSet<MessageId> = events[rest..].iter().filter_map(left).collect();
    let left: Vec<MessageId> = left.into_iter().collect();
    match left.len() {
        0 => why.push('.'),
        1 => why.push_str(&format!("; {} is still there, and nobody is given it.", listed(&left))),
        _ => {
            why.push_str(&format!("; {} are still there, and nobody is given them.", listed(&left)))
        }
    }
    why
}

#[cfg(test)]
mod tests {
    use entrega_model::Instant;
    use entrega_model::event::SendOutcome;

    use super::*;

    fn started(at: u64, process: u16) -> Event {
        let kind = Kind::Resumed { process: ProcessId(process) };
        Event { at: Instant::from_nanos(at), kind }
    }

    fn entered(at: u64, phase: Phase) -> Event {
        Event { at: Instant::from_nanos(at), kind: Kind::Entered { phase } }
    }

    /// Two events in turn, in the middle of which a phase begins; and the same with one of them
    /// left out near the end, after which it is too short.
    #[test]
    fn a_cycle_is_found_from_its_third_turn_on() {
        let mut events = vec![started(0, 9), started(1, 8)];
        events.extend((2..102).map(|at| started(at, (at % 2) as u16)));
        events.insert(50, entered(50, Phase::Drain));
        events.push(entered(200, Phase::Audit));
        let expect = Cycle { from: 6, until: 103, length: 2, times: 50 };
        assert_eq!(Cycle::of(&events), Some(expect));
        let said = ending(&events).unwrap_or_default();
        assert!(said.contains("the same 2 events repeat, 50 times in all"), "{said}");
        let mut broken = events.clone();
        broken.remove(90);
        assert_eq!(Cycle::of(&broken), None);
        let mut harmed = events.clone();
        let (process, message) = (ProcessId(0), None);
        let kind = Kind::Faulted { point: 3, alternative: 1, process, message };
        harmed[90].kind = kind;
        assert_eq!(Cycle::of(&harmed), None);
        let mut at_rest = events;
        at_rest.push(entered(201, Phase::Quiescent));
        assert_eq!(Cycle::of(&at_rest), None);
    }

    /// What went another way is another event.
    #[test]
    fn outcomes_that_differ_are_no_cycle() {
        let ended = |at: u64, outcome| {
            let (message, producer) = (MessageId(0), ProcessId(0));
            let kind = Kind::SendEnded { message, producer, outcome };
            Event { at: Instant::from_nanos(at), kind }
        };
        let alike: Vec<Event> = (0..60).map(|at| ended(at, SendOutcome::Info)).collect();
        assert_eq!(Cycle::of(&alike).map(|cycle| cycle.times), Some(60));
        let mut last = alike;
        last[59] = ended(59, SendOutcome::Ok);
        assert_eq!(Cycle::of(&last), None);
    }

    #[test]
    fn a_rest_says_what_was_waited_for() {
        let check = |events: &[Event], expect: &str| {
            let said = ending(events).unwrap_or_default();
            assert!(said.ends_with(expect), "{said}");
        };
        let busy = [started(5, 0), entered(5, Phase::Quiescent)];
        check(
            &busy,
            "nobody works on a message, and no deadline is left that could change anything.",
        );
        let waits = [started(5, 0), entered(9, Phase::Heal), entered(9, Phase::Quiescent)];
        check(&waits, "the last one has run out at 0.000000s and has changed nothing.");
        let left = Kind::Retrievable { message: MessageId(3), subscription: SubscriptionId(0) };
        let left = [entered(5, Phase::Quiescent), Event { at: Instant::from_nanos(6), kind: left }];
        check(&left, "; m3 is still there, and nobody is given it.");
        assert_eq!(ending(&[started(5, 0), entered(9, Phase::Audit)]), None);
    }
}
