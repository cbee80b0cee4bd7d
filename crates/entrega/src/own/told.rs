//! A run of your own consumer in plain words, one line an event.
//!
//! > **The rule.** A line says what its event says. What the network and the library do is left
//! > out, except where it changes what becomes of a message.

use entrega_checker::Class;
use entrega_model::event::{EffectVerdict, Phase, ProcessingResult, SettleOutcome};
use entrega_model::{Event, Kind, MessageId};
use entrega_scenario::{Cast, points};

use crate::Finding;

/// So many lines are enough to understand a run.
const LINES: usize = 60;

/// What a run shows, as the first half of a sentence. `message` is the first that shows it.
pub(super) fn finding(finding: Finding, message: Option<MessageId>) -> String {
    let (class, cause) = match finding {
        Finding::Reordered => return "messages of one key take effect out of order".to_owned(),
        Finding::DeadLetteredTwice => return "a message has several dead letters".to_owned(),
        Finding::Stalled => return "messages are left behind".to_owned(),
        Finding::Class(class, cause) => (class, cause),
    };
    let message = message.map_or_else(|| "a message".to_owned(), |message| format!("m{message}"));
    let what = match class {
        Class::Lost => "is lost",
        Class::Duplicated => "takes effect more than once",
        Class::Split => "takes effect and is a dead letter too",
        Class::DeadLettered => "becomes a dead letter",
        Class::Phantom => "takes effect, and nobody sent it",
        _ => return format!("{message} is {}", class.name().replace('_', " ")),
    };
    match cause {
        Some(cause) => format!("{message} {what} ({})", cause.name().replace('_', " ")),
        None => format!("{message} {what}"),
    }
}

/// The lines of a run, with the virtual time of each.
pub(super) fn lines(events: &[Event], cast: &Cast) -> Vec<String> {
    let told = events.iter().filter_map(|event| {
        let words = words(&event.kind, cast)?;
        Some(format!("{}  {words}", event.at))
    });
    let mut lines: Vec<String> = told.take(LINES + 1).collect();
    if lines.len() > LINES {
        lines[LINES] = "and so on".to_owned();
    }
    lines
}

fn words(kind: &Kind, cast: &Cast) -> Option<String> {
    if let Some(words) = of_lives(kind, cast) {
        return Some(words);
    }
    Some(match *kind {
        Kind::Stored { message, .. } => format!("m{message} is stored"),
        Kind::Removed { message, reason, .. } => format!("m{message} is removed: {reason:?}"),
        Kind::Delivered { message, consumer, redelivered, .. } => {
            let again = if redelivered { " again" } else { "" };
            format!("m{message} is delivered{again} to {}", cast.name(consumer))
        }
        Kind::ProcessingEnded { message, result, .. } if result != ProcessingResult::Ok => {
            format!("the handler of m{message} fails: {result:?}")
        }
        Kind::Effect { message, verdict: EffectVerdict::Applied, .. } => {
            format!("m{message} takes effect")
        }
        Kind::Effect { message, verdict, .. } => {
            format!("the effect of m{message} is not applied: {verdict:?}")
        }
        Kind::SettleInvoked { message, consumer, .. } => {
            format!("{} asks to settle m{message}", cast.name(consumer))
        }
        Kind::SettleEnded { message, consumer, outcome, .. } if outcome != SettleOutcome::Ok => {
            format!("{} learns of the settle of m{message}: {outcome:?}", cast.name(consumer))
        }
        Kind::Settled { message, .. } => format!("m{message} is settled"),
        Kind::Committed { partition, upto, .. } => {
            format!("everything before offset {upto} of partition {partition} is settled")
        }
        Kind::DeadLettered { message, .. } => format!("m{message} becomes a dead letter"),
        Kind::LeaseExpired { message, .. } => format!("the lease of m{message} ends"),
        Kind::Requeued { message, .. } => format!("m{message} goes back to its queue"),
        Kind::Retrievable { message, .. } => format!("m{message} is still at the broker"),
        _ => return None,
    })
}

/// What happens to processes, and what goes wrong.
fn of_lives(kind: &Kind, cast: &Cast) -> Option<String> {
    Some(match *kind {
        Kind::Started { process, incarnation } if incarnation.0 > 0 => {
            format!("{} starts again", cast.name(process))
        }
        Kind::Crashed { process, .. } => format!("{} crashes", cast.name(process)),
        Kind::Exited { process, failed, .. } if !cast.is_producer(process) => {
            let how = if failed { "fails and ends" } else { "ends" };
            format!("{} {how}", cast.name(process))
        }
        Kind::Stalled { process } => format!("{} stands still", cast.name(process)),
        Kind::Resumed { process } => format!("{} goes on", cast.name(process)),
        Kind::SessionExpired { consumer, .. } => {
            format!("the session of {} ends", cast.name(consumer))
        }
        Kind::BrokerRestarted => "the broker restarts".to_owned(),
        Kind::Faulted { point, alternative, .. } => {
            let (info, _) = points::describe(entrega_choice::Point(point));
            let name = info.alternative_name(alternative.into()).unwrap_or("?");
            format!("fault: {} = {name}", info.name)
        }
        Kind::Entered { phase: Phase::Quiescent } => "nothing more can happen".to_owned(),
        _ => return None,
    })
}
