//! Profiles: how a real system is set, as data.
//!
//! > **The rule.** A profile is a file, and knows nothing that is not in it: each setting has a
//! > value, a source, and whether somebody has read that source. What the simulator does not model
//! > is listed as well, so that nobody takes it for granted.
//!
//! A scenario that names a profile has its settings instead of the usual defaults, and overrides
//! any of them. A profile may inherit another, of which it changes some settings. One with a path
//! for a name, `./mine.toml`, is a file of one's own.
//!
//! A profile of a *client* is written the same way and named by `client`: its settings stand
//! between the scenario's own and those of the system.

use std::collections::BTreeMap;

use entrega_model::Model;
use serde::Deserialize;
use toml::{Table, Value};

use crate::file::Problem;

mod builtin;
mod listing;

pub use builtin::{CLIENTS, NAMES};
pub use listing::{in_full, names};

/// A profile with all that it inherits.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// What a scenario calls it.
    pub name: String,
    /// What it describes.
    pub title: String,
    /// Whether that is a log or a queue.
    pub model: Model,
    /// Which versions of it.
    pub versions: String,
    /// Its settings by their path in a scenario, as `queue.late_settle`.
    pub settings: BTreeMap<String, Fact>,
    /// How long it holds a message that is due later than it is sent, at most: a duration, or
    /// `"never"`, if there is no end to it. None if nobody has looked.
    pub longest_hold: Option<Fact>,
    /// What is true of the system and not modelled, by name.
    pub not_modelled: BTreeMap<String, Fact>,
}

/// What is known of one setting.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// The value, as a scenario would write it.
    pub value: Value,
    /// Where it is from.
    pub source: String,
    /// Whether somebody has read it there, or has seen it. If not, what follows is a guess.
    #[serde(default = "yes")]
    pub verified: bool,
    /// The first version of which it is true.
    pub since: Option<String>,
    /// The first version of which it is not true any more.
    pub until: Option<String>,
    /// What else there is to know.
    pub note: Option<String>,
}

const fn yes() -> bool {
    true
}

/// A profile as its file has it.
#[derive(Deserialize)]
struct Written {
    title: String,
    model: Model,
    versions: String,
    inherits: Option<String>,
    /// What is not true of it although it is of the one that it inherits, by path.
    #[serde(default)]
    omits: Vec<String>,
    longest_hold: Option<Fact>,
    #[serde(default)]
    not_modelled: BTreeMap<String, Fact>,
    #[serde(flatten)]
    tables: BTreeMap<String, BTreeMap<String, Fact>>,
}

/// The longest chain of profiles that inherit each other.
const LONGEST_CHAIN: usize = 8;

impl Profile {
    /// The profile of this name, or in the file of this path, which `read` returns the content of.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what would be valid.
    pub fn load(
        name: &str,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, Problem> {
        let mut chain = vec![written(name, read)?];
        while let Some(parent) = chain.last().and_then(|one| one.inherits.clone()) {
            if chain.len() == LONGEST_CHAIN {
                let message = format!("more than {LONGEST_CHAIN} profiles inherit each other");
                return Err(Problem::new(name, message));
            }
            chain.push(written(&parent, read)?);
        }
        let (title, model) = (chain[0].title.clone(), chain[0].model);
        let versions = chain[0].versions.clone();
        let longest_hold = chain.iter().find_map(|one| one.longest_hold.clone());
        let (mut settings, mut not_modelled) =
            (BTreeMap::<String, Fact>::new(), BTreeMap::<String, Fact>::new());
        for Written { tables, not_modelled: more, omits, .. } in chain.into_iter().rev() {
            settings.retain(|path, _| !omits.contains(path));
            not_modelled.retain(|name, _| !omits.contains(&format!("not_modelled.{name}")));
            for (table, facts) in tables {
                let facts = facts.into_iter();
                settings.extend(facts.map(|(key, fact)| (format!("{table}.{key}"), fact)));
            }
            not_modelled.extend(more);
        }
        let name = name.to_owned();
        Ok(Self { name, title, model, versions, settings, longest_hold, not_modelled })
    }

    /// A profile that comes with the program.
    pub fn builtin(name: &str) -> Option<Self> {
        let alone = |_: &str| Err("it is no file".to_owned());
        let is_one = NAMES.contains(&name) || CLIENTS.contains(&name);
        is_one.then(|| Self::load(name, &alone).ok()).flatten()
    }

    /// Its settings as overrides of a scenario are written.
    pub(crate) fn overrides(&self) -> Vec<(String, String)> {
        let plain = |(path, fact): (&String, &Fact)| (path.clone(), fact.value.to_string());
        self.settings.iter().map(plain).collect()
    }
}

fn written(name: &str, read: &dyn Fn(&str) -> Result<String, String>) -> Result<Written, Problem> {
    let own = match builtin::text(name) {
        Some(text) => return parsed(name, text),
        None if is_path(name) => read(name).map_err(|why| format!("cannot read `{name}`: {why}")),
        None => {
            let problem = Problem::new(name, format!("there is no profile `{name}`"));
            let (valid, clients) = (NAMES.join(", "), CLIENTS.join(", "));
            return Err(problem.with_help(format!(
                "valid: {valid}, or a path as ./mine.toml; as `client`: {clients}"
            )));
        }
    };
    let text = own.map_err(|why| Problem::new(name, why))?;
    parsed(name, &text)
}

/// Whether a name is that of a file of one's own.
fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || name.ends_with(".toml")
}

fn parsed(name: &str, text: &str) -> Result<Written, Problem> {
    let wrong = |message: &str, at: Option<std::ops::Range<usize>>| {
        let offset = at.map_or(0, |span| span.start);
        let problem = Problem::at(name, text, offset, message.replace('\n', ", "));
        problem.with_help(
            "a setting is [queue.late_settle] with value and source, and if need be verified, \
             since, until and note",
        )
    };
    let table: Table =
        toml::from_str(text).map_err(|error| wrong(error.message(), error.span()))?;
    Written::deserialize(table).map_err(|error| wrong(error.message(), error.span()))
}

#[cfg(test)]
mod tests;
