//! One run in a line that fits in a chat message.
//!
//! `1:4f2a91c0:7:queue:process-then-settle:messages=5:mailer.effect.after#2=crash:9b1e`: the
//! version of the format, the digest of the scenario, the seed, the model, the strategy, what
//! differs from the scenario as written (`messages=5` or `explored=mailer.3.2.1`, and overrides,
//! joined by `&`), the choices that were not harmless (joined by `+`), and a checksum, so that a
//! character lost on the way is noticed.

use std::fmt;
use std::str::FromStr;

use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_sim::explore::Scope;
use thiserror::Error;

use crate::configuration::Configuration;

/// The version of the format.
const VERSION: &str = "1";

/// Everything needed to repeat one run of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayString {
    /// The scenario's digest, as printed.
    pub digest: String,
    /// The seed of everything that is left to chance.
    pub seed: u64,
    /// The strategy and the model that it runs on.
    pub configuration: Configuration,
    /// Whether it is a smaller version of the scenario.
    pub size: Size,
    /// What `--set` changed.
    pub overrides: Vec<(String, String)>,
    /// The choices in their own text form.
    pub choices: String,
}

/// How much of a scenario is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// All of it.
    #[default]
    Full,
    /// At most this many messages: `messages=5`.
    Short(u32),
    /// One subscription without spans of time: `explored=mailer.3.2.1`.
    Explored {
        /// The subscription.
        subscription: String,
        /// At most this many messages.
        messages: u32,
        /// At most this many consumers.
        consumers: u32,
        /// At most this many partitions of the log.
        partitions: u16,
    },
}

impl Size {
    /// The scope of an exploration, with the name of its subscription.
    pub fn of(subscription: &str, scope: Scope) -> Self {
        let Scope { messages, consumers, partitions, .. } = scope;
        Self::Explored { subscription: subscription.to_owned(), messages, consumers, partitions }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => Ok(()),
            Self::Short(messages) => write!(f, "messages={messages}"),
            Self::Explored { subscription, messages, consumers, partitions } => {
                write!(f, "explored={subscription}.{messages}.{consumers}.{partitions}")
            }
        }
    }
}

/// Why a text is no replay string.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// It has more or fewer parts: copy all of it.
    #[error(
        "a replay string has 8 parts between colons, as in \
         1:4f2a91c0:7:queue:process-then-settle:messages=5:mailer.effect.after#2=crash:9b1e; \
         this has {0}"
    )]
    Parts(usize),
    /// Another version of the program has made it.
    #[error("this replay string has version `{0}`; this program reads version {VERSION}")]
    Version(String),
    /// A character was lost or changed on the way: copy it again.
    #[error("the replay string is damaged: its checksum is {found}, its text gives {expected}")]
    Checksum {
        /// What stands at its end.
        found: String,
        /// What should stand there.
        expected: String,
    },
    /// One of its parts says nothing that this program knows.
    #[error("`{text}` is no {what}; valid is {valid}")]
    Part {
        /// What the part is.
        what: &'static str,
        /// The part.
        text: String,
        /// What it could be.
        valid: String,
    },
}

impl fmt::Display for ReplayString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut differs: Vec<String> = Vec::new();
        differs.extend((self.size != Size::Full).then(|| self.size.to_string()));
        differs.extend(
            self.overrides
                .iter()
                .map(|(path, value)| format!("{}={}", escape(path), escape(value))),
        );
        let Self { digest, seed, choices, .. } = self;
        let Configuration { model, strategy } = self.configuration;
        let differs = differs.join("&");
        let text = format!("{VERSION}:{digest}:{seed}:{model}:{strategy}:{differs}:{choices}");
        write!(f, "{text}:{}", checksum(&text))
    }
}

impl FromStr for ReplayString {
    type Err = ReplayError;

    fn from_str(text: &str) -> Result<Self, ReplayError> {
        let text = text.trim();
        let parts: Vec<&str> = text.split(':').collect();
        let &[version, digest, seed, model, strategy, differs, choices, found] = parts.as_slice()
        else {
            return Err(ReplayError::Parts(parts.len()));
        };
        if version != VERSION {
            return Err(ReplayError::Version(version.to_owned()));
        }
        let covered = &text[..text.len() - found.len() - 1];
        let expected = checksum(covered);
        if found != expected {
            return Err(ReplayError::Checksum { found: found.to_owned(), expected });
        }
        let (size, overrides) = parse_differs(differs)?;
        Ok(Self {
            digest: digest.to_owned(),
            seed: part(seed, "seed", "a whole number")?,
            configuration: Configuration {
                model: parse_model(model)?,
                strategy: parse_strategy(strategy)?,
            },
            size,
            overrides,
            choices: choices.to_owned(),
        })
    }
}

fn parse_model(text: &str) -> Result<Model, ReplayError> {
    match text {
        "log" => Ok(Model::Log),
        "queue" => Ok(Model::Queue),
        _ => Err(invalid("model", text, "log or queue")),
    }
}

fn parse_strategy(text: &str) -> Result<Strategy, ReplayError> {
    let names: Vec<&str> = Strategy::ALL.iter().map(|strategy| strategy.name()).collect();
    text.parse().map_err(|()| invalid("strategy", text, names.join(", ")))
}

type Differs = (Size, Vec<(String, String)>);

fn parse_differs(text: &str) -> Result<Differs, ReplayError> {
    let mut differs = (Size::Full, Vec::new());
    for entry in text.split('&').filter(|entry| !entry.is_empty()) {
        let Some((path, value)) = entry.split_once('=') else {
            return Err(invalid("override", entry, "path=value"));
        };
        if path == "messages" {
            differs.0 = Size::Short(part(value, "number of messages", "a whole number")?);
        } else if path == "explored" {
            differs.0 = parse_explored(value)?;
        } else {
            differs.1.push((unescape(path), unescape(value)));
        }
    }
    Ok(differs)
}

fn parse_explored(text: &str) -> Result<Size, ReplayError> {
    let shape = "a subscription and the numbers of messages, consumers and partitions, as in \
                 mailer.3.2.1";
    let parts: Vec<&str> = text.split('.').collect();
    let &[subscription, messages, consumers, partitions] = parts.as_slice() else {
        return Err(invalid("scope", text, shape));
    };
    Ok(Size::Explored {
        subscription: subscription.to_owned(),
        messages: part(messages, "number of messages", "a whole number")?,
        consumers: part(consumers, "number of consumers", "a whole number")?,
        partitions: part(partitions, "number of partitions", "a whole number")?,
    })
}

fn part<T: FromStr>(text: &str, what: &'static str, valid: &str) -> Result<T, ReplayError> {
    text.parse().map_err(|_| invalid(what, text, valid))
}

fn invalid(what: &'static str, text: &str, valid: impl Into<String>) -> ReplayError {
    ReplayError::Part { what, text: text.to_owned(), valid: valid.into() }
}

/// Characters that would end a part, or a word in a shell, as `%` and two digits.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02x}")),
        }
    }
    escaped
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Four hexadecimal digits over every byte.
fn checksum(text: &str) -> String {
    let words: Vec<u64> = text.bytes().map(u64::from).collect();
    format!("{:04x}", entrega_choice::mix(0, &words) & 0xFFFF)
}

#[cfg(test)]
mod tests {
    use entrega_clients::Strategy;
    use proptest::prelude::*;

    use super::*;

    fn example() -> ReplayString {
        ReplayString {
            digest: "4f2a91c0".to_owned(),
            seed: 7,
            configuration: Configuration {
                model: Model::Queue,
                strategy: Strategy::ProcessThenSettle,
            },
            size: Size::Short(5),
            overrides: vec![("times.stall".to_owned(), "10 s: & more%".to_owned())],
            choices: "mailer.effect.after#2=crash".to_owned(),
        }
    }

    #[test]
    fn it_comes_back_as_it_was() {
        let text = example().to_string();
        assert!(!text.contains(' '), "{text} must be one word");
        assert_eq!(text.parse(), Ok(example()));
    }

    #[test]
    fn the_scope_of_an_exploration_comes_back_too() {
        let size = Size::Explored {
            subscription: "mailer".to_owned(),
            messages: 3,
            consumers: 2,
            partitions: 1,
        };
        let explored = ReplayString { size, ..example() };
        let text = explored.to_string();
        assert!(text.contains(":explored=mailer.3.2.1&"), "{text}");
        assert_eq!(text.parse(), Ok(explored));
    }

    proptest! {
        #[test]
        fn a_changed_character_is_noticed(position in 0_usize..200, with in "[a-z0-9]") {
            let text = example().to_string();
            let position = position % text.len();
            let mut damaged = text.clone();
            damaged.replace_range(position..=position, &with);
            prop_assume!(damaged != text);
            prop_assert!(damaged.parse::<ReplayString>().is_err(), "{}", damaged);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = text.parse::<ReplayString>();
        }
    }
}
