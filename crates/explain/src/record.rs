//! What befell a message of a recorded history, in one sentence.
//!
//! > **The rule.** A record is told by what the checker found in it and by nothing else: of a run
//! > of the laboratory everything is known, of a real system what its users wrote down.

use entrega_checker::{Cause, Class, Listable, Listed};
use entrega_model::MessageId;

/// A sentence about a message, and about the one that came before it although it was sent later,
/// if there is one; `name` is what messages are called.
pub fn sentence(one: &Listed, name: &dyn Fn(MessageId) -> String) -> String {
    let why = one.cause.map_or_else(String::new, |cause| format!(": {}", why(one, cause)));
    let (message, after) = (name(one.message), one.after.map(name));
    let (name, after) = (message.as_str(), after.as_deref());
    match one.what {
        Listable::Class(class) => of_class(class, name) + &why + ".",
        Listable::Reordered => {
            let other = after.unwrap_or("a later message");
            format!("{name} was sent before {other} and acknowledged, and takes effect after it.")
        }
        Listable::Replayed => {
            let other = after.unwrap_or("a later message");
            format!("{name} takes effect again after {other}, which was sent later.")
        }
    }
}

fn of_class(class: Class, name: &str) -> String {
    match class {
        Class::Lost => format!("{name} was acknowledged and never takes effect"),
        Class::Duplicated => format!("{name} takes effect more than once"),
        Class::Split => format!("{name} takes effect and is a dead letter as well"),
        Class::Phantom => format!("{name} takes effect, although it was refused or never sent"),
        Class::DeadLettered => format!("{name} is a dead letter and never takes effect"),
        Class::Pending => format!("{name} was acknowledged, and may still take effect"),
        Class::Exact => format!("{name} was acknowledged and takes effect once"),
        Class::Recovered => {
            format!("{name} has an outcome, although its producer never learnt that it was stored")
        }
        Class::Absent => {
            format!("{name} never takes effect, and its producer was promised nothing")
        }
        Class::Refused => format!("{name} was refused, and its producer knows it"),
    }
}

/// Why, as far as that is known.
fn why(one: &Listed, cause: Cause) -> &'static str {
    if one.perhaps_stored_twice {
        "it was sent more than once, and what was stored is not recorded"
    } else {
        because(cause)
    }
}

/// A cause as the second half of a sentence.
fn because(cause: Cause) -> &'static str {
    match cause {
        Cause::NeverStoredButAcked => "it is stored nowhere, although others are",
        Cause::RemovedTtl => "its time to live ended",
        Cause::RemovedOverflow => "it was removed because the queue was full",
        Cause::RemovedRetention => "retention deleted it",
        Cause::RemovedCompaction => "a newer value of its key replaced it",
        Cause::RemovedDeliveryLimit => "it was delivered too often and removed",
        Cause::RemovedTruncation => "the end of the log was cut off with it",
        Cause::RemovedPurge => "the queue was purged",
        Cause::RemovedBrokerLoss => "the broker lost its storage",
        Cause::RemovedUnroutable => "no queue was bound for it",
        Cause::TransactionExpired => "the transaction of its effect was open for too long",
        Cause::RemovedDeadLettering => "it did not reach the dead letters",
        Cause::SkippedByReset => "a reset moved the position past it",
        Cause::SettledBeforeProcess => "the application settled it without an effect",
        Cause::SettledByTimer => "the timer of the automatic commit settled it without an effect",
        Cause::SettledAtDelivery => "its delivery settled it, and no effect followed",
        Cause::SettledByNextReceive => "the next receive settled it without an effect",
        Cause::SettledByClose => "closing the consumer settled it without an effect",
        Cause::SettledOnRevoke => "a rebalance settled it without an effect",
        Cause::SettledForLostWorker => {
            "the supervisor of a worker that died settled it without an effect"
        }
        Cause::DlqExpired => "its dead letter expired unread",
        Cause::StoredTwice => "it is stored more than once",
        Cause::RedeliveredAfterCrash => "its consumer crashed, and it was delivered again",
        Cause::LeaseExpired => "its lease ran out, and it was delivered again",
        Cause::SessionExpired => "the session of its consumer expired",
        Cause::Rebalanced => "its partition moved to another consumer",
        Cause::SettleLost => "its settle was asked for and never recorded",
        Cause::NackedAfterEffect => "its consumer gave it back or rejected it after the effect",
        Cause::ClosedWithoutSettle => "its consumer's connection ended without a settle",
        Cause::ReturnedWithBatch => {
            "it was settled, and came again after its consumer had given back another message that \
             it held at the same time"
        }
        Cause::RedeliveredAfterSettle => {
            "it was settled, and delivered again although nothing recorded took it back"
        }
        Cause::Redriven => "a copy came back from the dead letters",
        Cause::RetryCopy => {
            "a consumer had published another copy of it to be tried later, and both were processed"
        }
        Cause::BrokerForgot => "the broker restarted and forgot what was in flight",
        Cause::OffsetReset => "a reset moved the position back over it",
        Cause::OffsetRewind => "the committed offset or the position moved back over it",
        Cause::HandlerRetry => "it comes from one delivery",
        Cause::AbortedVisible => "the effect of an aborted transaction was visible",
        Cause::Unexplained | Cause::Unknown => "what is recorded does not say why",
    }
}
