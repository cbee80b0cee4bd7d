//! A deliberately naive share group, and a broker that must answer as it does.
//!
//! Goal: whatever members do, both acquire the same records, refuse the same words and have the
//! same window, and log start ≤ SPSO ≤ SPEO. Method: the model is written from `semantics.md` 3.4
//! alone: one list of records with their states, searched from end to end. Planted wrong rules are
//! caught.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

use super::*;

const LOCK: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_secs(100);

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Available,
    Acquired { member: u16, tag: u64, until: Instant },
    Acknowledged,
    Archived,
}

struct Row {
    state: State,
    deliveries: u16,
    produced: Instant,
}

#[derive(Clone, Debug)]
enum Operation {
    Produce,
    Acquire { member: u16, max: u32 },
    Say { member: u16, ago: u64, word: Settlement },
    Close { member: u16 },
    LeaderChange,
    Pass { seconds: u64 },
}

/// A mistake that somebody might make.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    None,
    LimitAtAcquisition,
    StartOverAvailable,
    CapOfAcquired,
    HardCap,
    LateAccepted,
    RenewCounts,
    ChangeCounts,
    KeepsOld,
}

struct Model {
    rows: Vec<Row>,
    log_start: usize,
    end: usize,
    tags: u64,
    now: Instant,
    mistake: Mistake,
}

const CAP: u32 = 3;
const LIMIT: u16 = 2;

impl Model {
    fn new(mistake: Mistake) -> Self {
        let (rows, now) = (Vec::new(), Instant::START);
        Self { rows, log_start: 0, end: 0, tags: 0, now, mistake }
    }

    fn is_terminal(&self, place: usize) -> bool {
        let state = self.rows[place].state;
        let is_skipped = self.mistake == Mistake::StartOverAvailable && state == State::Available;
        matches!(state, State::Acknowledged | State::Archived) || is_skipped
    }

    fn start(&self) -> usize {
        let mut start = self.log_start;
        while start < self.rows.len() && self.is_terminal(start) {
            start += 1;
        }
        start
    }

    fn window(&self) -> [usize; 3] {
        let start = self.start();
        [self.log_start, start, self.end.max(start)]
    }

    fn acquire(&mut self, member: u16, max: u32) -> String {
        let mut got = Vec::new();
        let [_, start, end] = self.window();
        let is_acquired = |row: &&Row| matches!(row.state, State::Acquired { .. });
        let counted = if self.mistake == Mistake::CapOfAcquired {
            self.rows.iter().filter(is_acquired).count()
        } else {
            end - start
        };
        for place in 0..self.rows.len() {
            let grown = if self.mistake == Mistake::HardCap { got.len() } else { 0 };
            let may_grow = counted + grown < CAP as usize;
            let is_in_reach = place < end || may_grow;
            if got.len() == max as usize || !is_in_reach {
                break;
            }
            let row = &mut self.rows[place];
            if row.state != State::Available {
                continue;
            }
            if self.mistake == Mistake::LimitAtAcquisition && row.deliveries >= LIMIT {
                row.state = State::Archived;
                continue;
            }
            self.tags += 1;
            let again = if row.deliveries > 0 { "*" } else { "" };
            row.deliveries += 1;
            row.state = State::Acquired { member, tag: self.tags, until: self.now + LOCK };
            let count = if row.deliveries > 1 { format!("x{}", row.deliveries) } else { "".into() };
            got.push(format!("{}:{}{again}{count}", self.tags, place + 1));
            self.end = self.end.max(place + 1);
        }
        if got.is_empty() { "parked".to_owned() } else { got.join(" ") }
    }

    fn say(&mut self, member: u16, tag: u64, word: Settlement) -> bool {
        let is_it = |row: &Row| match row.state {
            State::Acquired { member: of, tag: its, .. } => of == member && its == tag,
            _ => false,
        };
        let Some(place) = self.rows.iter().position(is_it) else {
            return self.mistake == Mistake::LateAccepted && word == Settlement::Ack;
        };
        match word {
            Settlement::Ack => self.rows[place].state = State::Acknowledged,
            Settlement::Reject => self.rows[place].state = State::Archived,
            Settlement::Requeue | Settlement::RejectAndRequeue => self.end_attempt(place),
            Settlement::Extend => {
                let until = self.now + LOCK;
                self.rows[place].state = State::Acquired { member, tag, until };
                self.rows[place].deliveries += u16::from(self.mistake == Mistake::RenewCounts);
            }
        }
        true
    }

    /// An attempt ends without success.
    fn end_attempt(&mut self, place: usize) {
        let is_old = place < self.log_start && self.mistake != Mistake::KeepsOld;
        let is_spent =
            self.rows[place].deliveries >= LIMIT && self.mistake != Mistake::LimitAtAcquisition;
        let state = if is_spent || is_old { State::Archived } else { State::Available };
        self.rows[place].state = state;
    }

    fn end_all(&mut self, ends: impl Fn(State) -> bool) {
        for place in 0..self.rows.len() {
            if ends(self.rows[place].state) {
                self.end_attempt(place);
            }
        }
    }

    fn leader_change(&mut self) {
        for row in &mut self.rows {
            if matches!(row.state, State::Acquired { .. }) {
                row.state = State::Available;
                row.deliveries -= u16::from(self.mistake != Mistake::ChangeCounts);
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        let now = self.now;
        self.end_all(|state| matches!(state, State::Acquired { until, .. } if until <= now));
        let is_old = |row: &&Row| row.produced + RETENTION <= now;
        self.log_start = self.rows.iter().take_while(is_old).count();
        for row in &mut self.rows[..self.log_start] {
            if row.state == State::Available {
                row.state = State::Archived;
            }
        }
    }
}

/// The first difference between the broker and the model, or a broken invariant.
fn difference(mistake: Mistake, operations: &[Operation]) -> Option<String> {
    let mut settings = share(CAP, true);
    settings.delivery_limit = Some(LIMIT);
    settings.features.retention_time = Some(RETENTION);
    let (mut bench, mut model) = (Bench::new(settings), Model::new(mistake));
    let client = |member| ClientId { process: ProcessId(member), incarnation: Incarnation(0) };
    operations.iter().enumerate().find_map(|(index, operation)| {
        let [said, expect] = match *operation {
            Operation::Produce => {
                let (state, produced) = (State::Available, model.now);
                model.rows.push(Row { state, deliveries: 0, produced });
                bench.publish(&[model.rows.len() as u32]);
                Default::default()
            }
            Operation::Acquire { member, max } => {
                [bench.receive(client(member), max), model.acquire(member, max)]
            }
            Operation::Say { member, ago, word } => {
                let tag = model.tags.saturating_sub(ago);
                let said = bench.settle(client(member), &[tag], word);
                let is_known = model.say(member, tag, word);
                [said, if is_known { "settled".to_owned() } else { format!("stale [{tag}]") }]
            }
            Operation::Close { member } => {
                bench.handle(client(member), Request::Close { queue: QUEUE });
                let is_its =
                    |state| matches!(state, State::Acquired { member: of, .. } if of == member);
                model.end_all(is_its);
                Default::default()
            }
            Operation::LeaderChange => {
                bench.restart();
                model.leader_change();
                Default::default()
            }
            Operation::Pass { seconds } => {
                bench.pass(seconds);
                model.pass(seconds);
                Default::default()
            }
        };
        let (real, window) = (window(&bench), model.window().map(|place| place as u64));
        let [log_start, start, end] = real;
        let is_sound = log_start <= start && start <= end;
        (said != expect || real != window || !is_sound)
            .then(|| format!("{index}, {operation:?}: {said}, not {expect}; {real:?}, {window:?}"))
    })
}

fn operations() -> impl Strategy<Value = Operation> {
    use Settlement::{Ack, Extend, Reject, Requeue};
    let words = select(vec![Ack, Ack, Requeue, Requeue, Reject, Extend]);
    let who = || 1..3_u16;
    prop_oneof![
        5 => Just(Operation::Produce),
        6 => (who(), 1..4_u32).prop_map(|(member, max)| Operation::Acquire { member, max }),
        9 => (who(), 0..5_u64, words)
            .prop_map(|(member, ago, word)| Operation::Say { member, ago, word }),
        1 => who().prop_map(|member| Operation::Close { member }),
        1 => Just(Operation::LeaderChange),
        3 => select(vec![1, 10, 29, 30]).prop_map(|seconds| Operation::Pass { seconds }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_share_group_answers_as_its_naive_model_does(
        operations in prop::collection::vec(operations(), 1..80),
    ) {
        let found = difference(Mistake::None, &operations);
        prop_assert!(found.is_none(), "{}", found.unwrap_or_default());
    }
}

#[test]
fn a_share_group_with_a_wrong_rule_is_caught() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut walk = || prop::collection::vec(operations(), 80).new_tree(&mut runner);
    let walks: Vec<_> = (0..200).map(|_| walk().expect("a walk").current()).collect();
    for mistake in [
        Mistake::LimitAtAcquisition,
        Mistake::StartOverAvailable,
        Mistake::CapOfAcquired,
        Mistake::HardCap,
        Mistake::LateAccepted,
        Mistake::RenewCounts,
        Mistake::ChangeCounts,
        Mistake::KeepsOld,
    ] {
        let is_caught = walks.iter().any(|walk| difference(mistake, walk).is_some());
        assert!(is_caught, "{mistake:?}");
    }
}
