//! The words for what a run shows, in English.

use entrega_checker::{Cause, Class, Finding};
use entrega_model::MessageId;

use crate::words::name;

/// What a run shows, as the first half of a sentence.
pub(in crate::words) fn finding(finding: Finding, message: Option<MessageId>) -> String {
    let (class, cause) = match finding {
        Finding::Reordered => return "messages of one key take effect out of order".to_owned(),
        Finding::DeadLetteredTwice => return "a message has several dead letters".to_owned(),
        Finding::Stalled => return "messages are left behind".to_owned(),
        Finding::Class(class, cause) => (class, cause),
    };
    let message = message.map_or_else(|| "a message".to_owned(), name);
    let what = match class {
        Class::Lost => "is lost",
        Class::Duplicated => "takes effect more than once",
        Class::Split => "takes effect and is a dead letter too",
        Class::DeadLettered => "becomes a dead letter",
        Class::Phantom => "takes effect, and nobody sent it",
        _ => return format!("{message} is {}", class.name().replace('_', " ")),
    };
    match cause {
        Some(cause) => format!("{message} {what} ({})", self::cause(cause)),
        None => format!("{message} {what}"),
    }
}

/// What a cause is called. Two effects of one delivery need not be those of a handler that tried
/// again: its request to the sink may have arrived twice.
pub(in crate::words) fn cause(cause: Cause) -> String {
    match cause {
        Cause::HandlerRetry => "within one delivery".to_owned(),
        other => other.name().replace('_', " "),
    }
}
