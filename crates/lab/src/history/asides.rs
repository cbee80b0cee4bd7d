//! Lines that name no message, and that a cause speaks of: the crash of a consumer, a rebalance.
//!
//! > **The rule.** What a sentence says is shown. Between two deliveries of a message the first
//! > line counts that says of its holder, its partition or the broker what the cause says.

use std::collections::BTreeMap;

use entrega_checker::{Cause, Lives, Spoken};
use entrega_model::{Kind, PartitionId, ProcessId, SubscriptionId};

/// All lines about consumers, partitions and the broker that a cause may speak of.
#[derive(Clone, Debug, Default)]
pub(super) struct Asides {
    about: BTreeMap<About, Vec<Aside>>,
    lives: Lives,
}

/// What such a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Process(ProcessId),
    Partition(SubscriptionId, PartitionId),
    Broker,
}

/// One of them: when, in events from the beginning, and where.
#[derive(Clone, Copy, Debug)]
struct Aside {
    moment: u64,
    line: u64,
    cause: Cause,
}

/// A delivery: when, to whom, and from where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handed {
    pub(super) moment: u64,
    pub(super) subscription: SubscriptionId,
    pub(super) consumer: ProcessId,
    pub(super) partition: PartitionId,
}

impl Handed {
    /// The delivery that an event is, if it is one.
    pub(super) fn of(moment: u64, kind: &Kind) -> Option<Self> {
        let Kind::Delivered { subscription, consumer, partition, .. } = *kind else { return None };
        Some(Self { moment, subscription, consumer, partition })
    }
}

impl Asides {
    /// Keeps an event if some cause may speak of it: none speaks of a life that is over.
    pub(super) fn see(&mut self, moment: u64, line: u64, kind: &Kind) {
        let is_present = self.lives.note(kind) == Spoken::OfThePresent;
        if let Some((about, cause)) = spoken_of(kind).filter(|_| is_present) {
            self.about.entry(about).or_default().push(Aside { moment, line, cause });
        }
    }

    /// The lines that a cause speaks of, between one delivery to a subscription and the next.
    pub(super) fn between(
        &self,
        deliveries: &[Handed],
        subscription: SubscriptionId,
        cause: Cause,
    ) -> Vec<u64> {
        let of_it = |one: &&Handed| one.subscription == subscription;
        let deliveries: Vec<&Handed> = deliveries.iter().filter(of_it).collect();
        let first = |pair: &[&Handed]| self.first_between(pair[0], pair[1].moment, cause);
        deliveries.windows(2).filter_map(first).collect()
    }

    fn first_between(&self, held: &Handed, until: u64, cause: Cause) -> Option<u64> {
        let Handed { moment, subscription, consumer, partition } = *held;
        let places =
            [About::Process(consumer), About::Partition(subscription, partition), About::Broker];
        let lists = places.iter().filter_map(|about| self.about.get(about));
        let found = lists.filter_map(|list| {
            let since = list.partition_point(|aside| aside.moment <= moment);
            let between = list[since..].iter().take_while(|aside| aside.moment < until);
            between.into_iter().find(|aside| aside.cause == cause)
        });
        found.min_by_key(|aside| aside.moment).map(|aside| aside.line)
    }
}

/// What an event is about, and the cause that may speak of it.
fn spoken_of(kind: &Kind) -> Option<(About, Cause)> {
    Some(match *kind {
        Kind::Crashed { process, .. } => (About::Process(process), Cause::RedeliveredAfterCrash),
        Kind::Exited { process, .. } => (About::Process(process), Cause::ClosedWithoutSettle),
        Kind::SessionExpired { consumer, .. } => (About::Process(consumer), Cause::SessionExpired),
        Kind::MaxPollExceeded { consumer, .. } => (About::Process(consumer), Cause::Rebalanced),
        Kind::Assigned { subscription, partition, .. }
        | Kind::Revoked { subscription, partition, .. }
        | Kind::Lost { subscription, partition, .. } => {
            (About::Partition(subscription, partition), Cause::Rebalanced)
        }
        Kind::OffsetReset { subscription, partition, .. } => {
            (About::Partition(subscription, partition), Cause::OffsetReset)
        }
        Kind::Sought { subscription, partition, .. } => {
            (About::Partition(subscription, partition), Cause::OffsetRewind)
        }
        Kind::BrokerRestarted => (About::Broker, Cause::BrokerForgot),
        _ => return None,
    })
}
