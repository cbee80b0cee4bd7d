//! One run in a line that fits in a chat message.
//!
//! Two forms, told apart by the version at the beginning:
//!
//! * **By chance**, `2:4f2a91c0:7:queue:process-then-settle:log.partitions=4:9b1e`: the version,
//!   the digest of the scenario, the seed, the platform (a model of a broker), the strategy, what
//!   differs from the scenario as written, and a checksum. The seed decides what goes wrong, so the
//!   line is as short for a million faults as for none.
//! * **By a list**, `1:4f2a91c0:7:queue:process-then-settle::mailer.effect.after#2=crash:9b1e`: the
//!   same with one more part, the choices that were not harmless, joined by `+`.
//!
//! What differs is joined by `&`: how much of the scenario is run (`messages=5`, `first=20`,
//! `explored=mailer.3.2.1`), and overrides. The checksum notices a character lost on the way.
//!
//! > **The rule.** No line is longer than [`LONGEST`] characters. Where overrides would make it so,
//! > `set=` and their digest stand for them, and `entrega replay` asks for them again.
//!
//! * `differs`: the part that says what differs.

mod differs;

use std::fmt;
use std::str::FromStr;

use entrega_clients::Strategy;
use entrega_model::Model;
use thiserror::Error;

pub use self::differs::Overrides;

use crate::configuration::Configuration;
use crate::size::Size;

/// The version of a line with a list of choices.
const BY_LIST: &str = "1";
/// The version of a line whose seed decides.
const BY_CHANCE: &str = "2";
/// What stands before the scenario in a command that repeats a run.
const VERB: &str = " replay ";
/// No line that is printed is longer than this many characters.
pub const LONGEST: usize = 1_000;

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
    pub overrides: Overrides,
    /// What decides what goes wrong.
    pub course: Course,
}

/// What decides what goes wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Course {
    /// The seed, with the probabilities and the script of the scenario.
    ByChance,
    /// A list of choices, in its own text form.
    ByList(String),
}

/// Why a text is no replay string.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// It has more or fewer parts: copy all of it.
    #[error(
        "a replay string has 7 parts between colons, as in \
         2:4f2a91c0:7:queue:process-then-settle::9b1e, or 8 if it begins with 1; this has {0}"
    )]
    Parts(usize),
    /// Another version of the program has made it.
    #[error("this replay string has version `{0}`; this program reads versions 1 and 2")]
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
    /// Two entries say what a run has once: copy one string, and all of it.
    #[error("`{before}` and `{entry}` exclude each other in a replay string: {why}")]
    Exclude {
        /// What the entries before say.
        before: String,
        /// The entry that says otherwise.
        entry: String,
        /// What there is one of.
        why: &'static str,
    },
}

/// The command that repeats a run of a scenario; program and scenario are words of a shell.
pub fn command(program: &str, scenario: &str, replay: &str) -> String {
    format!("{program}{VERB}{scenario} '{replay}'")
}

/// Whether a line shows such a command. Whoever copies it needs it whole.
pub fn is_command(line: &str) -> bool {
    let begins = |version: &&str| line.contains(&format!(" '{version}:"));
    line.contains(VERB) && [BY_LIST, BY_CHANCE].iter().any(begins)
}

impl ReplayString {
    fn text(&self, overrides: &Overrides) -> String {
        let Self { digest, seed, size, course, .. } = self;
        let Configuration { model, strategy } = self.configuration;
        let differs = differs::text(size, overrides);
        let run = format!("{digest}:{seed}:{model}:{strategy}:{differs}");
        let text = match course {
            Course::ByChance => format!("{BY_CHANCE}:{run}"),
            Course::ByList(choices) => format!("{BY_LIST}:{run}:{choices}"),
        };
        format!("{text}:{}", checksum(&text))
    }

    /// The command that repeats the run; program and scenario are words of a shell.
    pub(crate) fn command(&self, program: &str, scenario: &str) -> String {
        command(program, scenario, &self.to_string())
    }

    /// The overrides as the line shows them: named, or their digest if that makes it too long.
    pub fn shown_overrides(&self) -> Overrides {
        if self.text(&self.overrides).len() <= LONGEST {
            return self.overrides.clone();
        }
        self.overrides.shortened()
    }
}

impl fmt::Display for ReplayString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(&self.shown_overrides()))
    }
}

impl FromStr for ReplayString {
    type Err = ReplayError;

    fn from_str(text: &str) -> Result<Self, ReplayError> {
        let text = text.trim();
        let parts: Vec<&str> = text.split(':').collect();
        let (run, choices, found) = match parts.as_slice() {
            [BY_CHANCE, run @ .., found] if run.len() == RUN => (run, None, *found),
            [BY_LIST, run @ .., choices, found] if run.len() == RUN => {
                (run, Some(*choices), *found)
            }
            [BY_CHANCE | BY_LIST, ..] => return Err(ReplayError::Parts(parts.len())),
            [version, _, ..] => return Err(ReplayError::Version((*version).to_owned())),
            _ => return Err(ReplayError::Parts(parts.len())),
        };
        let covered = &text[..text.len() - found.len() - 1];
        let expected = checksum(covered);
        if found != expected {
            return Err(ReplayError::Checksum { found: found.to_owned(), expected });
        }
        let (size, overrides) = differs::parse(run[4])?;
        Ok(Self {
            digest: run[0].to_owned(),
            seed: part(run[1], "seed", "a whole number")?,
            configuration: Configuration {
                model: parse_platform(run[2])?,
                strategy: parse_strategy(run[3])?,
            },
            size,
            overrides,
            course: choices.map_or(Course::ByChance, |list| Course::ByList(list.to_owned())),
        })
    }
}

/// How many parts name the run: digest, seed, platform, strategy, and what differs.
const RUN: usize = 5;

/// A platform is a model of a broker.
fn parse_platform(text: &str) -> Result<Model, ReplayError> {
    match text {
        "log" => Ok(Model::Log),
        "queue" => Ok(Model::Queue),
        _ => Err(invalid("platform", text, "log or queue")),
    }
}

fn parse_strategy(text: &str) -> Result<Strategy, ReplayError> {
    let names: Vec<&str> = Strategy::ALL.iter().map(|strategy| strategy.name()).collect();
    text.parse().map_err(|()| invalid("strategy", text, names.join(", ")))
}

fn part<T: FromStr>(text: &str, what: &'static str, valid: &str) -> Result<T, ReplayError> {
    text.parse().map_err(|_| invalid(what, text, valid))
}

fn invalid(what: &'static str, text: &str, valid: impl Into<String>) -> ReplayError {
    ReplayError::Part { what, text: text.to_owned(), valid: valid.into() }
}

/// Four hexadecimal digits over every byte.
fn checksum(text: &str) -> String {
    let words: Vec<u64> = text.bytes().map(u64::from).collect();
    format!("{:04x}", entrega_choice::mix(0, &words) & 0xFFFF)
}

#[cfg(test)]
mod tests;
