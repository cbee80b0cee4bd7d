//! What is wrong with a history: where, what, and what would be valid there.

use std::fmt;

use thiserror::Error;

use crate::Duration;
use crate::printable::printable;

/// One mistake in a history, at its place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct HistoryError {
    /// The file as its reader named it.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// What is wrong.
    pub mistake: Box<Mistake>,
}

/// `orders.jsonl:12:10: what is wrong`, and what would be valid on a line of its own. What is
/// quoted from the file is fit for a terminal.
impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = (self.line, self.column);
        let (file, mistake) = (printable(&self.file), self.mistake.to_string());
        write!(f, "{file}:{line}:{column}: {}", printable(&mistake))?;
        write!(f, "\n  help: {}", printable(&self.mistake.help()))
    }
}

/// What can be wrong with a history. [`Mistake::help`] says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Mistake {
    /// The input failed; nothing is known about the rest of it.
    #[error("cannot be read: {why}")]
    Unreadable {
        /// What the system says.
        why: String,
    },
    /// The line is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The line is longer than any event needs. No more of it was read.
    #[error("the line is longer than {limit} bytes")]
    LongLine {
        /// The longest that is read.
        limit: usize,
    },
    /// A byte is 0: the file is binary or UTF-16, or its disk was full.
    #[error("there is a NUL byte")]
    NulByte,
    /// There is nothing in the file.
    #[error("the history is empty")]
    Empty,
    /// The line is not one JSON object.
    #[error("not a JSON object: {why}")]
    NotJson {
        /// What the parser says.
        why: String,
    },
    /// The line ends before its JSON object does.
    #[error("the line breaks off within its JSON object")]
    Incomplete,
    /// The first line is not a header.
    #[error("the history does not begin with a header")]
    NoHeader,
    /// The header announces a format that this program does not know.
    #[error("format version {found} is unknown")]
    UnknownVersion {
        /// What stands there.
        found: String,
    },
    /// The header has no subscription, so that there is nothing to judge.
    #[error("there is no subscription")]
    NoSubscription,
    /// The header has two subscriptions of one name.
    #[error("there are two subscriptions {name:?}")]
    RepeatedSubscription {
        /// The name.
        name: String,
    },
    /// An event names a subscription that the header does not have.
    #[error("unknown subscription {name:?}")]
    UnknownSubscription {
        /// What stands there.
        name: String,
        /// Those that the header has.
        valid: Vec<String>,
    },
    /// There is no event of this name.
    #[error("unknown event {name:?}")]
    UnknownEvent {
        /// What stands there.
        name: String,
        /// All names.
        valid: Vec<String>,
    },
    /// A line of this kind has no such field.
    #[error("unknown field `{name}` of {of}")]
    UnknownField {
        /// What stands there.
        name: String,
        /// The kind of line.
        of: &'static str,
        /// The fields that it has.
        valid: Vec<String>,
    },
    /// One line has a field twice.
    #[error("field `{name}` stands twice")]
    RepeatedField {
        /// The field.
        name: String,
    },
    /// A field that may not be left out is missing.
    #[error("missing field `{name}` of {of}")]
    MissingField {
        /// The field.
        name: &'static str,
        /// The kind of line.
        of: &'static str,
    },
    /// A field has a value of another type, or out of its range.
    #[error("field `{field}` cannot be {found}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// What stands there, shortened.
        found: String,
        /// What would be valid.
        expected: &'static str,
    },
    /// A field has a word that is not one of its own.
    #[error("field `{field}` cannot be {word:?}")]
    UnknownWord {
        /// The field.
        field: &'static str,
        /// What stands there.
        word: String,
        /// Its words.
        valid: Vec<String>,
    },
    /// A time is a text that is no timestamp, or not one of an age that can be counted.
    #[error("field `at` cannot be {found:?}: {why}")]
    WrongTime {
        /// What stands there, shortened.
        found: String,
        /// What is wrong with it.
        why: String,
        /// What would be valid.
        expected: &'static str,
    },
    /// Some lines count nanoseconds, and others have timestamps.
    #[error("a number and a timestamp cannot be compared: line {first} has the other")]
    MixedTimes {
        /// The first line that has a time.
        first: u64,
    },
    /// The time is earlier than on a line before, by more than it may be.
    #[error("time goes backwards from {previous} to {at}")]
    TimeBackwards {
        /// This line's time, as the file writes it.
        at: String,
        /// The latest time before.
        previous: String,
        /// How far it goes back.
        by: Duration,
        /// How far it may.
        skew: Duration,
    },
    /// There are more different names than ids.
    #[error("there are too many different {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
    /// Something stands after the closing line.
    #[error("the history goes on after its closing line")]
    AfterEnd,
    /// The file ends without a closing line.
    #[error("the history is truncated: there is no closing line")]
    Truncated,
}

impl Mistake {
    /// What would be valid instead, or what to do.
    pub fn help(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check that the file is whole and may be read".to_owned(),
            Self::LongLine { .. } => "put each event on a line of its own".to_owned(),
            Self::NulByte => "save the file as UTF-8; a disk that was full may have left such \
                bytes too"
                .to_owned(),
            Self::NotUtf8 => "save the file as UTF-8".to_owned(),
            Self::NotJson { .. } => "a line is one JSON object, like \
                {\"event\":\"send.ok\",\"message\":\"order-1\"}"
                .to_owned(),
            Self::Incomplete => "put the whole object on one line".to_owned(),
            Self::NoHeader | Self::Empty => {
                "the first line is like {\"entrega_history\":1,\"model\":\"queue\",\
                \"subscriptions\":[{\"name\":\"mailer\",\"guarantee\":\"at-least-once\"}]}"
                    .to_owned()
            }
            Self::UnknownVersion { .. } => format!("the known version is {}", super::VERSION),
            Self::NoSubscription => "name whoever reads the messages, like {\"name\":\"mailer\",\
                 \"guarantee\":\"at-least-once\"}"
                .to_owned(),
            Self::RepeatedSubscription { .. } => "give each a name of its own".to_owned(),
            Self::UnknownSubscription { name, valid }
            | Self::UnknownEvent { name, valid }
            | Self::UnknownField { name, valid, .. }
            | Self::UnknownWord { word: name, valid, .. } => suggestion(name, valid),
            Self::RepeatedField { .. } => "remove one of them".to_owned(),
            Self::MissingField { name, .. } => format!("add \"{name}\""),
            Self::WrongType { expected, .. } | Self::WrongTime { expected, .. } => {
                format!("valid is {expected}")
            }
            Self::MixedTimes { .. } => "write all times alike".to_owned(),
            Self::TimeBackwards { previous, by, skew, .. } if skew.is_zero() => format!(
                "sort the events by time; here `at` is {previous} or later. `--skew` says by how \
                 much time may go backwards (here by {by}), and `--sort` sorts within that"
            ),
            Self::TimeBackwards { by, skew, .. } => format!(
                "it goes back by {by}, and `--skew` allows {skew}: allow more, or sort the file"
            ),
            Self::TooMany { limit, .. } => format!("split the history; the limit is {limit}"),
            Self::AfterEnd => "remove what follows, or the closing line before it".to_owned(),
            Self::Truncated => "end with {\"end\":\"quiescent\"} if the system was drained, else \
                with {\"end\":\"unfinished\"}"
                .to_owned(),
        }
    }
}

/// ``did you mean `effect`? valid here: …``. A name is meant if at most a third of it differs.
fn suggestion(written: &str, names: &[String]) -> String {
    let valid = format!("valid here: {}", names.join(", "));
    let lower = written.to_lowercase();
    let nearest = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .min()
        .filter(|(distance, name)| *distance <= (name.len().max(written.len()) / 3).max(1));
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`? {valid}"),
        None => valid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["effect", "exit"].map(str::to_owned);
        let check = |written, expect: &str| assert_eq!(suggestion(written, &names), expect);
        check("efect", "did you mean `effect`? valid here: effect, exit");
        check("EXIT", "did you mean `exit`? valid here: effect, exit");
        check("retention", "valid here: effect, exit");
        check("", "valid here: effect, exit");
    }
}
