//! How a run never came to rest, or left messages behind: what waits, and for whom.

use std::collections::BTreeSet;

use entrega_model::event::ProcessingResult;
use entrega_model::{Kind, MessageId, ProcessId};
use entrega_scenario::points::Act;

use super::chronicle::{Chronicle, times};
use super::course::Course;
use super::faults::{self, MANY};
use super::{join, listed};
use crate::injected::Injected;
use crate::possessions::{Ending, Possession};
use crate::words;

/// The message that keeps a run from its rest, because its handler fails again and again or it is
/// delivered again and again: the last one on which a handler of the subscription failed, if it was
/// tried more than twice; else the last one that was delivered more than twice. What was settled in
/// the end, after its last failure, keeps nothing from its rest.
pub(super) fn stuck(chronicle: &Chronicle<'_>) -> Option<MessageId> {
    if chronicle.run.comes_to_rest() {
        return None;
    }
    let failed = failures(chronicle).last().and_then(|at| chronicle.kind(at).message());
    let last_failure =
        |one: MessageId| failures(chronicle).rfind(|&at| chronicle.kind(at).message() == Some(one));
    let is_open = |one: &MessageId| {
        let settle = Chronicle::new(chronicle.run, chronicle.subscription, *one).settle();
        settle.is_none_or(|settle| last_failure(*one) > Some(settle.place.event))
    };
    let tried = |one: &MessageId| {
        let of_it = failures(chronicle).filter(|&at| chronicle.kind(at).message() == Some(*one));
        of_it.count().max(deliveries(chronicle, *one)) > 2
    };
    let stuck = failed.filter(tried).or_else(|| {
        let delivered = chronicle.run.deliveries().iter().rev();
        let mut delivered = delivered.filter_map(|&at| match *chronicle.kind(at) {
            Kind::Delivered { message, subscription, .. }
                if subscription == chronicle.subscription =>
            {
                Some(message)
            }
            _ => None,
        });
        let last = delivered.next();
        last.filter(|one| deliveries(chronicle, *one) > 2)
    });
    stuck.filter(is_open)
}

/// How often a message was delivered.
fn deliveries(chronicle: &Chronicle<'_>, message: MessageId) -> usize {
    let possessions = chronicle.run.possessions.of(chronicle.subscription, message);
    possessions.filter(|one| one.delivery.is_some()).count()
}

/// The messages of the subscription that the audit finds, and that have neither an effect nor a
/// dead letter.
pub(super) fn waiting(chronicle: &Chronicle<'_>) -> Vec<MessageId> {
    let mut found = BTreeSet::new();
    let mut done = BTreeSet::new();
    for &at in chronicle.run.endings() {
        match *chronicle.kind(at) {
            Kind::Retrievable { message, subscription }
                if subscription == chronicle.subscription =>
            {
                found.insert(message);
            }
            Kind::Effect { message, subscription, .. }
            | Kind::DeadLettered { message, subscription, .. }
                if subscription == chronicle.subscription =>
            {
                done.insert(message);
            }
            Kind::Redriven { message, subscription, .. }
                if subscription == chronicle.subscription =>
            {
                done.remove(&message);
            }
            _ => {}
        }
    }
    found.difference(&done).copied().collect()
}

/// What waits, and for whom.
pub(super) fn tell(chronicle: &Chronicle<'_>) -> Course {
    let stuck = stuck(chronicle);
    let waiting = waiting(chronicle);
    let told = causes(chronicle, stuck, &waiting);
    match (stuck, waiting.as_slice()) {
        (Some(stuck), _) => told.part(again_and_again(chronicle, stuck, &waiting)),
        (None, []) => told.part(unsettled(chronicle)),
        (None, _) => {
            let left = left_alone(chronicle, &waiting).into_iter();
            left.fold(told, Course::part).part(still_waiting(chronicle, &waiting))
        }
    }
}

/// A run that does not come to rest although nothing waits for its effect.
fn unsettled(chronicle: &Chronicle<'_>) -> String {
    let left = |at: &usize| match *chronicle.kind(*at) {
        Kind::Retrievable { message, subscription } if subscription == chronicle.subscription => {
            Some(message)
        }
        _ => None,
    };
    let left: BTreeSet<MessageId> = chronicle.run.endings().iter().filter_map(left).collect();
    let left: Vec<MessageId> = left.into_iter().collect();
    match left.len() {
        0 => "the run has not come to rest when it is given up".to_owned(),
        1 => format!("{} is not settled when the run is given up", listed(&left)),
        _ => format!("{} are not settled when the run is given up", listed(&left)),
    }
}

fn still_waiting(chronicle: &Chronicle<'_>, waiting: &[MessageId]) -> String {
    let verb = if waiting.len() == 1 { "is" } else { "are" };
    let of = chronicle.subscription_name();
    format!("{} {verb} still waiting for {of} when the run ends", listed(waiting))
}

/// The faults that befell what waits; if none did, all of them.
fn causes(chronicle: &Chronicle<'_>, stuck: Option<MessageId>, waiting: &[MessageId]) -> Course {
    let ours = |one: &&Injected| {
        let of = chronicle.subscription_of(one.process);
        of.is_none_or(|of| of == chronicle.subscription)
    };
    let all: Vec<Injected> = chronicle.run.faults.iter().filter(ours).copied().collect();
    let concerned = |message| stuck == Some(message) || waiting.contains(&message);
    let mut those: Vec<_> =
        all.iter().copied().filter(|one| one.message.is_some_and(concerned)).collect();
    if those.is_empty() {
        those = all;
        those.truncate(MANY);
    }
    faults::clauses(chronicle, &those)
}

/// A message is tried for ever.
fn again_and_again(chronicle: &Chronicle<'_>, stuck: MessageId, waiting: &[MessageId]) -> String {
    let m = words::name(stuck);
    let failures: Vec<usize> =
        failures(chronicle).filter(|&at| chronicle.kind(at).message() == Some(stuck)).collect();
    let deliveries = deliveries(chronicle, stuck);
    let ends = Ends::of(chronicle, stuck, &failures);
    let who: BTreeSet<ProcessId> = if failures.is_empty() || ends.deaths() > 0 {
        let possessions = chronicle.run.possessions.of(chronicle.subscription, stuck);
        possessions.filter(|one| one.delivery.is_some()).map(|one| one.process).collect()
    } else {
        failures.iter().filter_map(|&at| chronicle.kind(at).process()).collect()
    };
    let names: Vec<String> = who.iter().map(|one| chronicle.name(*one)).collect();
    let names = join(&names);
    let what = if deliveries > 2 {
        let how = ends.tell(deliveries, effects(chronicle, stuck));
        format!("{m} is delivered to {names} again and again{how}")
    } else {
        let (verb, count) = (if who.len() == 1 { "tries" } else { "try" }, times(failures.len()));
        format!("{names} {verb} {m} again and again, {count} until the run is given up")
    };
    let behind: Vec<MessageId> = waiting.iter().copied().filter(|one| *one != stuck).collect();
    if behind.is_empty() {
        return what;
    }
    let verb = if behind.len() == 1 { "waits" } else { "wait" };
    let whom = if who.len() == 1 { names.as_str() } else { chronicle.subscription_name() };
    format!("{what}; {} {verb} for {whom} behind {m}", listed(&behind))
}

/// How the deliveries of a message end that comes again and again.
struct Ends {
    /// Its handler fails.
    failed: usize,
    /// The worker dies that runs the handler, and its process lives on.
    workers: usize,
    /// The process dies.
    processes: usize,
    /// Whether they die of the message.
    kills: bool,
    /// Whether the last delivery has no end yet.
    is_open: bool,
}

impl Ends {
    fn of(chronicle: &Chronicle<'_>, stuck: MessageId, failures: &[usize]) -> Self {
        let is_worker = |at: &&usize| {
            let lost = ProcessingResult::WorkerLost;
            matches!(*chronicle.kind(**at), Kind::ProcessingEnded { result, .. } if result == lost)
        };
        let workers = failures.iter().filter(is_worker).count();
        let possessions = chronicle.run.possessions.of(chronicle.subscription, stuck);
        let handed: Vec<_> = possessions.filter(|one| one.delivery.is_some()).collect();
        let dies = |one: &Possession| {
            let is_at_work = one.processed.is_none() && one.effects.is_empty();
            is_at_work && one.ends.iter().any(|end| end.how == Ending::Crashed)
        };
        let mut faults = chronicle.run.faults.iter();
        Self {
            failed: failures.len() - workers,
            workers,
            processes: handed.iter().filter(|one| dies(one)).count(),
            kills: faults.any(|one| one.act == Act::Kills && one.message == Some(stuck)),
            is_open: handed.last().is_some_and(|one| one.ends.is_empty()),
        }
    }

    const fn deaths(&self) -> usize {
        self.workers + self.processes
    }

    /// What goes on until the run is given up; if some deliveries end neither in a failure nor in a
    /// death, what speaks against so many of them.
    fn tell(&self, deliveries: usize, effects: usize) -> String {
        let ended = self.failed + self.deaths();
        let (mortal, dies) = match (self.workers, self.kills) {
            (0, true) => ("it kills its process", "and kills its process"),
            (0, false) => ("its process dies", "and its process dies"),
            (_, true) => ("it kills its worker", "and kills its worker"),
            (_, false) => ("its worker dies", "and its worker dies"),
        };
        if ended > 0 && ended + usize::from(self.is_open) >= deliveries {
            let each = match (self.failed, self.deaths()) {
                (_, 0) => "and fails each time".to_owned(),
                (0, _) => format!("{dies} each time"),
                (failed, _) => format!("{dies} each time but {failed}, when its handler fails"),
            };
            return format!(" {each}, {} until the run is given up", times(ended));
        }
        let failed = match self.failed {
            0 => "no handler fails on it".to_owned(),
            count => format!("a handler fails on it only {}", times(count)),
        };
        let mut although = vec![failed];
        if self.deaths() > 0 {
            although.push(format!("{mortal} only {}", times(self.deaths())));
        }
        if effects > 0 {
            although.push(format!("it takes effect {}", times(effects)));
        }
        format!(", {} until the run is given up, although {}", times(deliveries), join(&although))
    }
}

fn effects(chronicle: &Chronicle<'_>, message: MessageId) -> usize {
    Chronicle::new(chronicle.run, chronicle.subscription, message).effects().len()
}

/// Which process last had each message that is left, and what it did with it.
fn left_alone(chronicle: &Chronicle<'_>, waiting: &[MessageId]) -> Vec<String> {
    let left = |id: MessageId| {
        let m = words::name(id);
        let possessions = chronicle.run.possessions.of(chronicle.subscription, id);
        let last = possessions
            .filter_map(|one| Some((one.delivery?.place, one.process)))
            .max_by_key(|(place, _)| *place);
        last.map(|(_, holder)| {
            let who = chronicle.name(holder);
            if is_kept(chronicle, id) {
                return format!("{m} is delivered too often, and its queue keeps it");
            }
            format!("{who} goes on without settling {m}, and nobody is given it again")
        })
    };
    let mut told: Vec<String> = waiting.iter().take(MANY).filter_map(|one| left(*one)).collect();
    let never: Vec<MessageId> =
        waiting.iter().copied().filter(|one| deliveries(chronicle, *one) == 0).collect();
    match never.len() {
        0 => {}
        1 => told.push(format!("{} is handed over to nobody", listed(&never))),
        _ => told.push(format!("{} are handed over to nobody", listed(&never))),
    }
    told
}

/// Whether a queue delivers a message no more, and keeps it.
fn is_kept(chronicle: &Chronicle<'_>, id: MessageId) -> bool {
    let mut of_message = chronicle.run.of_message(id).iter();
    of_message.any(|&at| matches!(*chronicle.kind(at), Kind::Kept { subscription, .. } if subscription == chronicle.subscription))
}

/// Where handlers of the subscription failed.
fn failures<'a>(chronicle: &'a Chronicle<'_>) -> impl DoubleEndedIterator<Item = usize> + 'a {
    let of_subscription =
        |at: &usize| chronicle.kind(*at).subscription() == Some(chronicle.subscription);
    chronicle.run.failures().iter().copied().filter(of_subscription)
}
