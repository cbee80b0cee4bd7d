//! Twins: two brokers that came to the same fingerprint by different ways must go on alike.
//!
//! > **The rule.** What is done to both is said in relative terms: the last tag but one, a life
//! > ago, the present generation. Whatever can be seen (answers, truth, deadlines, the next
//! > fingerprint) must be the same, in relative terms as well.
//!
//! Random walks alone rarely meet. So each walk has a family: itself with one step left out, done
//! twice, or exchanged with the next. Members of a family that come to one fingerprint are twins.
//! The tests that use this show that it bites: a fingerprint that leaves something out is caught.

use std::collections::BTreeMap;
use std::fmt::Debug;

use entrega_model::fingerprint::{Context, Fingerprint, Fingerprinted};
use entrega_model::{
    ClientId, DeliveryId, Duration, Event, Generation, Incarnation, Instant, ProcessId,
    SubscriptionId,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::{Broker, Failure, Followers, Transferred};

const PROCESSES: usize = 3;
const SUBSCRIPTIONS: u8 = 2;

/// A broker whose requests can be said in relative terms.
pub(crate) trait Subject: Broker<Response: Fingerprinted> + Clone {
    /// What is asked.
    type Ask: Clone + Debug;

    /// The subscription and the request, if everything that it names exists.
    fn request(&self, now: Instant, ask: &Self::Ask) -> Option<(SubscriptionId, Self::Request)>;
}

/// One step of a walk. `ago` is how many lives ago the client lived.
#[derive(Clone, Debug)]
pub(crate) enum Step<A> {
    /// A request arrives.
    Ask {
        process: u16,
        ago: u32,
        what: A,
    },
    Silent {
        process: u16,
        ago: u32,
    },
    Heard {
        process: u16,
        ago: u32,
    },
    Disconnected {
        process: u16,
        ago: u32,
    },
    /// The present life ends and the next one begins; the broker does not learn of it.
    Die {
        process: u16,
    },
    Restart,
    /// The leader fails and is back so many seconds later.
    FailOver {
        failure: Failure,
        seconds: u64,
    },
    /// Followers are behind for so many seconds.
    FallBehind {
        followers: Followers,
        seconds: u64,
    },
    Pass {
        seconds: u64,
    },
}

/// A broker and what its fingerprint is relative to.
#[derive(Clone)]
pub(crate) struct Twin<B> {
    pub(crate) broker: B,
    now: Instant,
    lives: [Incarnation; PROCESSES],
}

impl<B: Subject> Twin<B> {
    fn new(broker: B) -> Self {
        Self { broker, now: Instant::START, lives: [Incarnation(0); PROCESSES] }
    }

    fn client(&self, process: u16, ago: u32) -> Option<ClientId> {
        let incarnation = self.lives[usize::from(process)].0.checked_sub(ago).map(Incarnation)?;
        Some(ClientId { process: ProcessId(process), incarnation })
    }

    /// Enters something, seen from here.
    pub(crate) fn print(&self, enter: impl FnOnce(&mut Fingerprint<'_>)) -> u64 {
        self.print_naming(u64::MAX, enter)
    }

    /// Enters something relative to now; no tag is named that lies `back` or more before the next.
    pub(crate) fn print_naming(&self, back: u64, enter: impl FnOnce(&mut Fingerprint<'_>)) -> u64 {
        let subscriptions = || (0..SUBSCRIPTIONS).map(SubscriptionId);
        let generations: Vec<Generation> =
            subscriptions().map(|of| self.broker.generation(of)).collect();
        let next_tags: Vec<u64> = subscriptions().map(|of| self.broker.next_tag(of)).collect();
        let named_from: Vec<u64> = next_tags.iter().map(|next| next.saturating_sub(back)).collect();
        let mut print = Fingerprint::new(Context {
            now: self.now,
            incarnations: &self.lives,
            next_delivery: DeliveryId(0),
            generations: &generations,
            next_tags: &next_tags,
            named_from: &named_from,
        });
        enter(&mut print);
        print.finish()
    }

    /// Does a step and says what can be seen of it; `None`, and nothing is done, if the step names
    /// what does not exist here.
    fn perform(&mut self, step: &Step<B::Ask>) -> Option<String> {
        let (mut ground_truth, mut seen) = (Vec::new(), String::new());
        match *step {
            Step::Ask { process, ago, ref what } => {
                let client = self.client(process, ago)?;
                let (own, mut request) = self.broker.request(self.now, what)?;
                let answer = self.broker.handle(self.now, client, &mut request, &mut ground_truth);
                seen = self.describe(own, answer);
            }
            Step::Silent { process, ago } => {
                self.broker.silent(self.now, self.client(process, ago)?);
            }
            Step::Heard { process, ago } => {
                self.broker.heard(self.now, self.client(process, ago)?);
            }
            Step::Disconnected { process, ago } => {
                let client = self.client(process, ago)?;
                self.broker.disconnected(self.now, client, &mut ground_truth);
            }
            Step::Die { process } => self.lives[usize::from(process)].0 += 1,
            Step::Restart => self.broker.restart(self.now, &mut ground_truth),
            Step::FailOver { failure, seconds } => {
                let back_at = self.now + Duration::from_secs(seconds);
                let leads = self.broker.fail_over(self.now, failure, back_at, &mut ground_truth);
                seen = format!("another leads: {leads}");
            }
            Step::FallBehind { followers, seconds } => {
                self.broker.fall_behind(
                    self.now,
                    followers,
                    self.now + Duration::from_secs(seconds),
                );
            }
            Step::Pass { seconds } => self.pass(seconds, &mut ground_truth),
        }
        self.end_transfers();
        let until = |at: Instant| at.as_nanos().wrapping_sub(self.now.as_nanos());
        let told: Vec<_> = ground_truth.iter().map(|event| (until(event.at), event.kind)).collect();
        let deadlines = [self.broker.next_deadline(), self.broker.next_housekeeping()];
        let changed = self.broker.take_changed();
        let ids = self.ids();
        Some(format!("{seen} {told:?} {:?} {changed} {ids:?}", deadlines.map(|at| at.map(until))))
    }

    /// The broker's ids of what was delivered last.
    fn ids(&self) -> [Option<u64>; 4] {
        let subscription = SubscriptionId(0);
        let next = self.broker.next_tag(subscription);
        let id = |back: u64| self.broker.stored_id(subscription, next.checked_sub(back)?);
        [1, 2, 3, 4].map(id)
    }

    /// Decides about dead letters on their way: one is lost again and again, another arrives twice.
    fn end_transfers(&mut self) {
        while let Some(transfer) = self.broker.next_transfer() {
            let how = match transfer.message.0 {
                0 => Transferred::Lost,
                1 => Transferred::Twice,
                _ => Transferred::Arrived,
            };
            self.broker.end_transfer(self.now, how);
        }
    }

    fn describe(&self, own: SubscriptionId, answer: Option<B::Response>) -> String {
        let Some(answer) = answer else { return "parked".into() };
        let print = self.print(|into| {
            into.set_own(own);
            answer.fingerprint(into);
        });
        format!("answer {print:x}")
    }

    fn pass(&mut self, seconds: u64, ground_truth: &mut Vec<Event>) {
        let end = self.now + Duration::from_secs(seconds);
        let due = |broker: &B| broker.next_deadline().into_iter().chain(broker.next_housekeeping());
        while let Some(at) = due(&self.broker).min().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.broker.advance(self.now, ground_truth);
            self.end_transfers();
        }
        self.now = end;
    }
}

/// Walks from `start`, in families. Twins go on as the walks after theirs do.
pub(crate) struct Walks<B: Subject> {
    start: B,
    walks: Vec<Vec<Step<B::Ask>>>,
}

/// How many ways on twins are made to go.
const WAYS_ON: usize = 4;

/// How often twins were found, and how often their names or times differed.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) twins: usize,
    pub(crate) renamed: usize,
}

impl<B: Subject> Walks<B> {
    /// Always the same ones.
    pub(crate) fn new(start: B, steps: impl Strategy<Value = Step<B::Ask>>, walks: usize) -> Self {
        let mut runner = TestRunner::deterministic();
        let walk = proptest::collection::vec(steps, 12);
        let mut next = || walk.new_tree(&mut runner).expect("steps can be made").current();
        Self { start, walks: (0..walks).map(|_| next()).collect() }
    }

    /// What all walks begin with.
    pub(crate) fn start(&self) -> &B {
        &self.start
    }

    /// A walk made by hand and what shows a difference after it, for what chance rarely meets.
    pub(crate) fn by_hand(&self, walk: &[Step<B::Ask>], way_on: Step<B::Ask>) -> Self {
        Self { start: self.start.clone(), walks: vec![walk.to_vec(), vec![way_on]] }
    }

    /// Lets twins go on; `Err` says what the first ones did that did not go on alike.
    pub(crate) fn compare(&self, print: impl Fn(&Twin<B>) -> u64) -> Result<Found, String> {
        let mut found = Found::default();
        for (number, walk) in self.walks.iter().enumerate() {
            let mut known = BTreeMap::<u64, Vec<Twin<B>>>::new();
            for relative in family(walk) {
                let mut twin = Twin::new(self.start.clone());
                for step in &relative {
                    twin.perform(step);
                }
                let twins = known.entry(print(&twin)).or_default();
                if let Some(other) = twins.first() {
                    found.twins += 1;
                    found.renamed += usize::from(are_renamed(&twin, other));
                    let ways_on = self.walks.iter().cycle().skip(number + 1).take(WAYS_ON);
                    go_on(&twin, other, ways_on, &print)
                        .map_err(|why| format!("{why}\nafter {relative:?}\nof {walk:?}"))?;
                }
                twins.push(twin);
            }
        }
        Ok(found)
    }

    /// Does each walk, makes the broker forget it, and lets it go on beside a new one; `Err` says
    /// where they part. Here tags and generations are compared by number.
    pub(crate) fn forget(&self, forget: impl Fn(&mut B)) -> Result<(), String> {
        for (number, walk) in self.walks.iter().enumerate() {
            let mut used = Twin::new(self.start.clone());
            walk.iter().for_each(|step| drop(used.perform(step)));
            forget(&mut used.broker);
            let (cleared, new) = (Twin::new(used.broker), Twin::new(self.start.clone()));
            if names(&cleared) != names(&new) {
                return Err(format!("{:?} after {walk:?}", names(&cleared)));
            }
            let ways_on = self.walks.iter().cycle().skip(number + 1).take(WAYS_ON);
            go_on(&cleared, &new, ways_on, |twin| twin.print(|into| twin.broker.fingerprint(into)))
                .map_err(|why| format!("{why}\nafter {walk:?}"))?;
        }
        Ok(())
    }
}

fn go_on<'a, B: Subject<Ask: 'a>>(
    one: &Twin<B>,
    other: &Twin<B>,
    ways_on: impl Iterator<Item = &'a Vec<Step<B::Ask>>>,
    print: impl Fn(&Twin<B>) -> u64,
) -> Result<(), String> {
    for way_on in ways_on {
        let (mut one, mut other) = (one.clone(), other.clone());
        for step in way_on {
            let before = (one.clone(), other.clone());
            let (Some(first), Some(second)) = (one.perform(step), other.perform(step)) else {
                (one, other) = before;
                continue;
            };
            if first != second {
                return Err(format!("{step:?}: {first}, but {second}"));
            }
            if print(&one) != print(&other) {
                return Err(format!("{step:?}: the fingerprints part"));
            }
        }
    }
    Ok(())
}

/// Whether two twins differ in anything that a fingerprint must not see.
fn are_renamed<B: Subject>(one: &Twin<B>, other: &Twin<B>) -> bool {
    names(one) != names(other)
}

/// What a fingerprint names only relatively.
fn names<B: Subject>(twin: &Twin<B>) -> (Instant, [Incarnation; PROCESSES], Generation, u64) {
    let of = SubscriptionId(0);
    (twin.now, twin.lives, twin.broker.generation(of), twin.broker.next_tag(of))
}

/// A walk and those that are one change away from it.
fn family<A: Clone>(walk: &[Step<A>]) -> Vec<Vec<Step<A>>> {
    let mut family = vec![walk.to_vec()];
    for place in 0..walk.len() {
        let mut shorter = walk.to_vec();
        shorter.remove(place);
        let mut longer = walk.to_vec();
        longer.insert(place, walk[place].clone());
        let mut exchanged = walk.to_vec();
        exchanged.swap(place, (place + 1) % walk.len());
        family.extend([shorter, longer, exchanged]);
    }
    family
}
