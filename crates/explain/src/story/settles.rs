//! The words for what settled a message that has no effect.

use entrega_model::ProcessId;
use entrega_model::event::SettleTrigger;

use super::chronicle::Chronicle;
use crate::possessions::Settle;
use crate::words;

/// What settles a message that has no effect, unless it is the application.
pub(super) fn all_the_same(trigger: SettleTrigger) -> &'static str {
    match trigger {
        SettleTrigger::Application => "it is settled all the same",
        SettleTrigger::Timer => "the auto-commit timer commits its offset all the same",
        SettleTrigger::Delivery => "handing it over acks it all the same",
        SettleTrigger::NextReceive => "asking for the next message settles it all the same",
        SettleTrigger::Close => "closing settles it all the same",
        SettleTrigger::Revoke => "giving up its partition settles it all the same",
        SettleTrigger::WorkerLost => "the supervisor of its worker settles it all the same",
    }
}

/// A relative clause that says what has settled the message, in view of a crash.
pub(super) fn already(
    chronicle: &Chronicle<'_>,
    settle: &Settle,
    holder: ProcessId,
    crashed: usize,
) -> String {
    if settle.place.event > crashed {
        return match settle.trigger {
            SettleTrigger::Timer => {
                "while the auto-commit timer's commit of its offset is on its way".to_owned()
            }
            _ => "while its settle is on its way".to_owned(),
        };
    }
    let asked = chronicle.asked_to_settle(settle);
    let who =
        if settle.process == holder { "it".to_owned() } else { chronicle.name(settle.process) };
    match settle.trigger {
        SettleTrigger::Application if asked == Some(chronicle.id) || asked.is_none() => {
            format!("which {who} has already settled")
        }
        SettleTrigger::Application => {
            let other = asked.map_or_else(String::new, words::name);
            format!("which the {} of {other} already covers", chronicle.settle_noun(settle))
        }
        SettleTrigger::Timer => {
            "whose offset the auto-commit timer has already committed".to_owned()
        }
        SettleTrigger::Delivery => "which handing it over has already acked".to_owned(),
        SettleTrigger::NextReceive => {
            "which asking for the next message has already settled".to_owned()
        }
        SettleTrigger::Close => "which closing has already settled".to_owned(),
        SettleTrigger::Revoke => "which giving up its partition has already settled".to_owned(),
        SettleTrigger::WorkerLost => format!("which {who} has already settled for its worker"),
    }
}
