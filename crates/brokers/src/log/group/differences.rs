//! The broker against the [`reference`](super::reference): whatever the settings and the steps,
//! sensible or not, both answer the same, with the same offsets committed under the same
//! generation, and the same sessions expired.
//!
//! The comparison is itself tested: every kind of answer comes about, and with any one rule of the
//! reference turned wrong, some sequence shows it.

use std::collections::BTreeMap;

use entrega_model::{ClientId, Duration, Incarnation, ProcessId};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::reference::{Answer, Ask, Happened, Naive, Slip};
use crate::log::LogSettings;

mod driven;
mod steps;

use driven::Driven;
use steps::{Named, PROCESSES, Step, Who, walks};

const PRODUCER: ClientId = ClientId { process: ProcessId(99), incarnation: Incarnation(0) };

/// Broker and reference side by side, and what the clients know.
struct Pair {
    broker: Driven,
    model: Naive,
    lives: [u32; PROCESSES as usize],
    /// The generation that each process has joined in its present life.
    joined: [u32; PROCESSES as usize],
    counts: BTreeMap<String, usize>,
    is_static: bool,
}

impl Pair {
    fn new(settings: LogSettings, slip: Option<Slip>) -> Self {
        Self {
            broker: Driven::new(settings),
            model: Naive::new(settings, slip),
            lives: [0; PROCESSES as usize],
            joined: [0; PROCESSES as usize],
            counts: BTreeMap::new(),
            is_static: settings.static_membership,
        }
    }

    fn present(&self, process: u16) -> ClientId {
        let incarnation = Incarnation(self.lives[usize::from(process)]);
        ClientId { process: ProcessId(process), incarnation }
    }

    fn client(&self, who: Who) -> ClientId {
        let ClientId { process, incarnation } = self.present(who.process);
        let past = u32::from(who.is_past);
        ClientId { process, incarnation: Incarnation(incarnation.0.saturating_sub(past)) }
    }

    fn generation(&self, who: Who, named: Named) -> u32 {
        match named {
            Named::Own { ago } => self.joined[usize::from(who.process)].saturating_sub(ago),
            Named::Present => self.broker.generation(),
            Named::No => 0,
        }
    }

    /// Asks both. A client that leaves, or whose place another life takes, has one Join that waits,
    /// not more: the broker does not count them, and takes a second one for a new Join.
    fn ask(&mut self, who: Who, ask: Ask) {
        let from = self.client(who);
        let most = match ask {
            Ask::Leave => 2,
            Ask::Join { .. } if self.is_static => 1,
            _ => usize::MAX,
        };
        if self.model.waiting_joins(from) >= most {
            return;
        }
        self.broker.ask(from, &ask);
        self.model.ask(from, ask);
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Join { who, has } => {
                let has = self.generation(who, has);
                self.ask(who, Ask::Join { has });
            }
            Step::Leave { who } => self.ask(who, Ask::Leave),
            Step::Fetch { who, under, partition, offset, seconds } => {
                let generation = self.generation(who, under);
                let until = self.broker.now + Duration::from_secs(seconds);
                self.ask(who, Ask::Fetch { generation, partition, offset, until });
            }
            Step::Commit { who, under, ref offsets } => {
                let generation = self.generation(who, under);
                self.ask(who, Ask::Commit { generation, offsets: offsets.clone() });
            }
            Step::Store { partition } => {
                self.broker.store(PRODUCER, partition);
                self.model.store(partition);
            }
            _ => self.happen(step),
        }
    }

    /// What is no request.
    fn happen(&mut self, step: &Step) {
        match *step {
            Step::Silent { process } => {
                let client = self.present(process);
                self.broker.silent(client);
                self.model.silent(client);
            }
            Step::Heard { process } => {
                let client = self.present(process);
                self.broker.heard(client);
                self.model.heard(client);
            }
            Step::Disconnect { process } => {
                let client = self.present(process);
                self.broker.disconnect(client);
                self.model.disconnect(client);
                self.lives[usize::from(process)] += 1;
                self.joined[usize::from(process)] = 0;
            }
            Step::Restart => {
                self.broker.restart();
                self.model.restart();
            }
            Step::Rebalance => {
                self.broker.rebalance();
                self.model.rebalance_from_outside();
            }
            Step::Pass { seconds } => {
                self.broker.pass(seconds);
                self.model.pass(seconds);
            }
            _ => {}
        }
    }

    /// What both say of the step.
    fn compare(&mut self) -> Result<(), String> {
        if self.broker.is_endless {
            return Err("the broker comes to no end".to_owned());
        }
        let (mut given, truth) = self.broker.take();
        let (mut expected, happened) = self.model.take();
        given.sort();
        expected.sort();
        if given != expected {
            return Err(format!("{given:?},\nnot {expected:?}"));
        }
        if truth != happened {
            return Err(format!("{truth:?} happened, not {happened:?}"));
        }
        self.compare_state()?;
        given.iter().for_each(|(to, answer)| self.learn(*to, answer));
        for one in &truth {
            self.count(if matches!(one, Happened::SessionExpired(_)) {
                "expired"
            } else {
                "recorded"
            });
        }
        Ok(())
    }

    fn compare_state(&self) -> Result<(), String> {
        let (given, expected) = (self.broker.generation(), self.model.generation());
        if given != expected {
            return Err(format!("generation {given}, not {expected}"));
        }
        for (partition, expected) in (0..).zip(self.model.committed()) {
            let given = self.broker.committed(partition);
            if given != *expected {
                return Err(format!("{given:?} is committed in {partition}, not {expected:?}"));
            }
        }
        Ok(())
    }

    fn learn(&mut self, to: ClientId, answer: &Answer) {
        self.count(kind(answer));
        let process = usize::from(to.process.0);
        if to == self.present(to.process.0) {
            match answer {
                Answer::Joined(generation, _) => self.joined[process] = *generation,
                Answer::Refused(why) if why == "UnknownMember" => self.joined[process] = 0,
                _ => {}
            }
        }
    }

    fn count(&mut self, kind: &str) {
        *self.counts.entry(kind.to_owned()).or_default() += 1;
    }
}

/// The kind of an answer; a refusal is one by its reason.
fn kind(answer: &Answer) -> &str {
    match answer {
        Answer::Joined(_, assigned) if assigned.is_empty() => "joined without a partition",
        Answer::Joined(..) => "joined",
        Answer::Left => "left",
        Answer::Fetched(offsets) if offsets.is_empty() => "fetched nothing",
        Answer::Fetched(_) => "fetched",
        Answer::OutOfRange => "out of range",
        Answer::Committed => "committed",
        Answer::Refused(why) => why,
    }
}

/// Takes the steps on both sides, until they differ.
fn walk(
    settings: LogSettings,
    slip: Option<Slip>,
    steps: &[Step],
) -> Result<BTreeMap<String, usize>, String> {
    let mut pair = Pair::new(settings, slip);
    for (number, step) in steps.iter().enumerate() {
        pair.take(step);
        pair.compare().map_err(|why| format!("{number} {step:?}: {why}"))?;
    }
    Ok(pair.counts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_group_answers_as_its_naive_model_does((settings, steps) in walks(80)) {
        let same = walk(settings, None, &steps);
        prop_assert!(same.is_ok(), "{}", same.unwrap_err());
    }
}

/// The same walks every time.
fn fixed_walks(count: usize) -> Vec<(LogSettings, Vec<Step>)> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| walks(120).new_tree(&mut runner).expect("a walk").current()).collect()
}

/// A broker that kept to such a rule would be noticed.
#[test]
fn a_wrong_rule_of_groups_is_noticed() {
    let all = fixed_walks(600);
    let is_noticed =
        |slip| all.iter().any(|(settings, steps)| walk(*settings, Some(slip), steps).is_err());
    let missed: Vec<Slip> = Slip::ALL.into_iter().filter(|slip| !is_noticed(*slip)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

/// Everything that both may say.
const KINDS: [&str; 15] = [
    "BackwardCommit",
    "IllegalGeneration",
    "NotOwner",
    "RebalanceInProgress",
    "UnknownMember",
    "UnknownPartition",
    "committed",
    "expired",
    "fetched",
    "fetched nothing",
    "joined",
    "joined without a partition",
    "left",
    "out of range",
    "recorded",
];

/// Every kind of answer comes about, so the comparison is about something.
#[test]
fn every_kind_of_answer_of_a_group_is_compared() {
    let mut sums: BTreeMap<String, usize> = BTreeMap::new();
    for (settings, steps) in fixed_walks(600) {
        for (kind, count) in walk(settings, None, &steps).expect("no difference") {
            *sums.entry(kind).or_default() += count;
        }
    }
    assert!(sums.keys().map(String::as_str).eq(KINDS), "{sums:?}");
    assert!(sums.values().all(|count| *count > 20), "{sums:?}");
}
