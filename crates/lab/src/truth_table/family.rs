//! The small worlds of a row: what they differ in, and which of them are tried.
//!
//! One small world is aligned with itself: where batch, prefetch and poll have the same size,
//! nothing is ever left over, and what goes wrong with the rest is not seen. So each row is tried
//! in a family of worlds, which differ in everything that the row reads and does not itself fix.

use std::collections::BTreeMap;

use entrega_model::{Model, SubscriptionId};
use entrega_sim::explore::Scope;

use super::covering::{Member, covering, product};
use super::rows::TableRow;

/// Which worlds of its family a row is tried in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Some thirty, in which every three values of three settings occur together.
    #[default]
    Triples,
    /// Every combination of values.
    All,
}

impl Family {
    /// The name in options and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Triples => "triples",
            Self::All => "all",
        }
    }
}

/// What the worlds of a family differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Factor {
    /// How many messages there are.
    Messages,
    /// How many consumers share them.
    Consumers,
    /// How many partitions the log has.
    Partitions,
    /// One key, or two that take turns; with two partitions each key has one of its own.
    Keys,
    /// Whether a message is sent when the one before is confirmed, while consumers ask; or all are
    /// stored before a consumer starts.
    Backlog,
    /// A setting of the table `[consumer]`.
    Consumer(&'static str),
}

/// All factors with their values, the value of the scenario as written first.
const FACTORS: [(Factor, &[u32]); 9] = [
    (Factor::Messages, &[3, 2, MOST_MESSAGES]),
    (Factor::Consumers, &[2, 1]),
    (Factor::Partitions, &[1, 2]),
    (Factor::Keys, &[1, 2]),
    (Factor::Backlog, &[0, 1]),
    (Factor::Consumer(PREFETCH), &[2, 1, 3]),
    (Factor::Consumer("settle_every"), &[2, 1, 3]),
    (Factor::Consumer("batch_size"), &[2, 1, 3]),
    (Factor::Consumer("workers"), &[2, 3]),
];

/// In which values a world differs from the scenario as written.
type Differing = &'static [(Factor, u32)];

/// Worlds that a selection lacks and that alone show a letter of some row, found by trying all.
/// They differ in these values from the scenario as written.
const ALONE: [Differing; 5] = [
    &[(Factor::Messages, MOST_MESSAGES), (Factor::Consumer(PREFETCH), 1)],
    &[(Factor::Messages, MOST_MESSAGES), (Factor::Consumer(PREFETCH), 3)],
    &[(Factor::Backlog, 1), (Factor::Consumer(PREFETCH), 3)],
    &[(Factor::Partitions, 2), (Factor::Keys, 2)],
    &[(Factor::Messages, MOST_MESSAGES), (Factor::Keys, 2)],
];

/// Settings that no factor varies, each with a value that alone shows a letter of some row: one
/// attempt dead-letters what fails once; with a backoff of ten seconds a message that is tried for
/// ever reaches `max_poll_interval` at its thirtieth attempt; consumers that wait longer for a
/// broker that is away come back to a longer queue; and a timeout as long as the lease, which both
/// are by default, finds the message in other hands, and with a consumer that has more in its
/// buffer the next one as well.
const SETTINGS_ALONE: [(&str, &str, Differing); 5] = [
    ("max_attempts", "1", &[]),
    ("retry_backoff", "10s", &[]),
    (REQUEST_TIMEOUT, "10s", &[]),
    (REQUEST_TIMEOUT, "30s", &[]),
    (REQUEST_TIMEOUT, "30s", MORE_IN_A_BUFFER),
];

/// One consumer has everything, and more than it settles at once, while another one waits.
const MORE_IN_A_BUFFER: Differing = &[(Factor::Backlog, 1), (Factor::Consumer(PREFETCH), 3)];

/// The most messages that a world has.
pub(super) const MOST_MESSAGES: u32 = 4;
/// What every client library reads.
const PREFETCH: &str = "prefetch";
const REQUEST_TIMEOUT: &str = "request_timeout";

impl Factor {
    /// Whether the worlds of a row differ in it.
    fn varies(self, model: Model, row: &TableRow) -> bool {
        match self {
            Self::Partitions => model == Model::Log,
            Self::Consumer(setting) => leaves_open(row, setting),
            _ => true,
        }
    }
}

/// Whether a row reads a setting of the table `[consumer]` and does not fix it.
fn leaves_open(row: &TableRow, setting: &str) -> bool {
    let is_read = [PREFETCH, REQUEST_TIMEOUT].contains(&setting) || row.strategy.reads(setting);
    let path = format!("consumer.{setting}");
    is_read && !row.set.iter().any(|(fixed, _)| *fixed == path)
}

/// A small world: how it differs from the scenario as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SmallWorld {
    /// How much of the scenario is run.
    pub(super) scope: Scope,
    /// The settings that differ, besides those of its row.
    pub(super) set: Vec<(String, String)>,
    /// The seed of the messages. It decides their keys, and nothing else is left to chance.
    pub(super) seed: u64,
    /// In how many values it differs from the scenario as written.
    differences: usize,
}

/// The seed of worlds with one key.
const SEED: u64 = 1;
/// A seed with which two keys take turns, whether there are two of them or four; of four, one has
/// the first partition of two to itself.
const SEED_OF_TURNS: u64 = 126;
/// So many keys are asked for where there are to be several: an exploration takes two for each
/// partition.
const SEVERAL: &str = "4";

impl SmallWorld {
    /// The scenario as written.
    pub(super) fn plain() -> Self {
        let subscription = SubscriptionId(0);
        let scope = Scope { subscription, messages: 3, consumers: 2, partitions: 1 };
        Self { scope, set: Vec::new(), seed: SEED, differences: 0 }
    }

    /// The world with these values, and else with those of the scenario as written.
    fn of(differing: impl Iterator<Item = (Factor, u32)>) -> Self {
        let mut world = Self::plain();
        for (factor, value) in differing {
            world.take(factor, value);
            world.differences += 1;
        }
        world
    }

    /// The world with these values and a setting of the table `[consumer]`.
    fn with(setting: &str, value: &str, differing: impl Iterator<Item = (Factor, u32)>) -> Self {
        let mut world = Self::of(differing);
        world.set(&format!("consumer.{setting}"), value);
        world.differences += 1;
        world
    }

    fn take(&mut self, factor: Factor, value: u32) {
        match factor {
            Factor::Messages => {
                self.scope.messages = value;
                self.set("workload.messages", value.to_string());
            }
            Factor::Consumers => self.scope.consumers = value,
            Factor::Partitions => {
                self.scope.partitions = value as u16;
                self.set("log.partitions", value.to_string());
            }
            Factor::Keys => {
                self.seed = SEED_OF_TURNS;
                self.set("workload.keys", SEVERAL);
            }
            Factor::Backlog => self.set("workload.arrivals.distribution", "backlog"),
            Factor::Consumer(setting) => {
                self.set(&format!("consumer.{setting}"), value.to_string());
            }
        }
    }

    /// Whether it is the scenario as written.
    pub(super) fn is_plain(&self) -> bool {
        self.differences == 0
    }

    /// How many changes of order there may be where there may be `most` in the plain world. With a
    /// companion a run has three things to choose; far from the plain world, where most worlds are,
    /// one of them is taken away.
    pub(super) fn preemptions(&self, most: u8, has_companion: bool) -> u8 {
        most.saturating_sub(u8::from(has_companion && self.differences > 1))
    }

    fn set(&mut self, path: &str, value: impl Into<String>) {
        self.set.push((path.to_owned(), value.into()));
    }
}

/// Makes families. Many rows have factors of the same sizes, so selections are kept.
#[derive(Default)]
pub(super) struct Families {
    selections: BTreeMap<Vec<usize>, Vec<Member>>,
}

impl Families {
    /// The worlds that a row is tried in, the plain one first.
    pub(super) fn worlds(
        &mut self,
        model: Model,
        row: &TableRow,
        family: Family,
    ) -> Vec<SmallWorld> {
        let factors: Vec<(Factor, &[u32])> =
            FACTORS.into_iter().filter(|(factor, _)| factor.varies(model, row)).collect();
        let sizes: Vec<usize> = factors.iter().map(|(_, values)| values.len()).collect();
        let members = match family {
            Family::All => product(&sizes),
            Family::Triples => with_those_alone(self.selection(sizes), &factors),
        };
        let world = |member: &Member| {
            let values = factors.iter().zip(member).filter(|&(_, &number)| number > 0);
            SmallWorld::of(values.map(|(&(factor, values), &number)| (factor, values[number])))
        };
        let open = SETTINGS_ALONE.iter().filter(|(setting, ..)| leaves_open(row, setting));
        let alone = open.map(|(setting, value, differing)| {
            let open = differing.iter().filter(|(factor, _)| factor.varies(model, row));
            SmallWorld::with(setting, value, open.copied())
        });
        members.iter().map(world).chain(alone).collect()
    }

    fn selection(&mut self, sizes: Vec<usize>) -> Vec<Member> {
        self.selections.entry(sizes).or_insert_with_key(|sizes| covering(sizes)).clone()
    }
}

/// The members of a selection and those of [`ALONE`] that it lacks, as far as there are such.
fn with_those_alone(mut members: Vec<Member>, factors: &[(Factor, &[u32])]) -> Vec<Member> {
    for differing in ALONE {
        let number = |&(factor, values): &(Factor, &[u32])| {
            let wanted = differing.iter().find(|(differs, _)| *differs == factor);
            wanted.and_then(|(_, wanted)| values.iter().position(|value| value == wanted))
        };
        let numbers: Vec<Option<usize>> = factors.iter().map(number).collect();
        let is_one = numbers.iter().flatten().count() == differing.len();
        let member: Member = numbers.into_iter().map(Option::unwrap_or_default).collect();
        if is_one && !members.contains(&member) {
            members.push(member);
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::super::rows::ROWS;
    use super::*;

    fn row(strategy: &str, setting: &str) -> &'static TableRow {
        let is_it = |row: &&TableRow| row.strategy.name() == strategy && row.setting == setting;
        ROWS.iter().find(is_it).expect("a row")
    }

    fn count(model: Model, row: &TableRow, family: Family) -> usize {
        let worlds = Families::default().worlds(model, row, family);
        assert_eq!(worlds[0], SmallWorld::plain());
        let distinct = (1..worlds.len()).all(|end| !worlds[..end].contains(&worlds[end]));
        assert!(distinct, "no world twice");
        worlds.len()
    }

    /// The numbers follow from what a row reads, and from what it fixes.
    #[test]
    fn a_row_is_tried_in_worlds_that_differ_in_what_it_reads() {
        let check = |model, strategy, setting, all, selected| {
            let row = row(strategy, setting);
            assert_eq!(count(model, row, Family::All), all, "{strategy}");
            assert_eq!(count(model, row, Family::Triples), selected, "{strategy}");
        };
        check(Model::Log, "process-then-settle", "default", 148, 36);
        check(Model::Queue, "process-then-settle", "default", 76, 29);
        check(Model::Log, "settle-every-n", "default", 436, 40);
        check(Model::Queue, "settle-every-n", "default", 220, 41);
        check(Model::Log, "parallel", "ordered keys", 292, 34);
    }

    /// Every factor has two values at least, and no setting has the value that it has as written
    /// under another number.
    #[test]
    fn values_differ() {
        for (factor, values) in FACTORS {
            let distinct = (1..values.len()).all(|end| !values[..end].contains(&values[end]));
            assert!(distinct && values.len() > 1, "{factor:?}");
        }
    }
}
