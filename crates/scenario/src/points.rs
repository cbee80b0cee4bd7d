//! The fault points: every place where the world may go wrong, with a stable name.
//!
//! A point belongs to one subscription (`mailer.effect.after`), to the producers (`send.request`)
//! or to the broker (`broker.restart`), so that a fault of the mailer does not shift the faults of
//! analytics. Alternative 0 of every point is the harmless one and has no name; the others are
//! listed in the [table](FAULTS).
//!
//! * `act`: what a fault is; `alternatives`: what can happen at a point.
//! * `table`: one row for each kind of point.
//! * `numbers`: the points of a scenario, and what number each has.

mod act;
mod alternatives;
mod numbers;
mod table;

use entrega_choice::Point;
use entrega_model::{RequestPurpose, SubscriptionId};

pub use act::{Act, Call, Leg, Mishap, Moment, Site, Zone};
pub use alternatives::{Alternative, Alternatives};
pub(crate) use numbers::MAX_SUBSCRIPTIONS;
pub use numbers::{crash_by_time, describe, own_point, shared_point, table, table_of};
pub use table::FAULTS;
pub(crate) use table::{SECTIONS, Section};

/// A kind of fault point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Fault {
    /// The producer's request to store a message.
    SendRequest,
    /// The broker's answer to it.
    SendResponse,
    /// The broker handles any request, then restarts and forgets what was in flight.
    BrokerRestart,
    /// Requests of several processes arrive at one instant: another one than the first is handled
    /// first. No fault but an order; only an exploration chooses it.
    ArrivalOrder,
    /// A consumer's request for messages.
    ReceiveRequest,
    /// The messages on their way to the consumer.
    ReceiveResponse,
    /// A message turns out to be poison: every attempt to process it fails. Picked once for each
    /// message and subscription, when it is first processed.
    MessagePoison,
    /// The handler fails before its effect; another attempt may succeed.
    HandlerError,
    /// The handler takes the additional time `times.slow`; heartbeats and timers of the process go
    /// on.
    HandlerSlow,
    /// Everything in the process stops for `times.stall`, heartbeats included: `before` it asks the
    /// sink for the effect, or `after` it has the sink's answer. Picked once for each attempt at an
    /// effect.
    ProcessStall,
    /// The process dies when it is about to ask the sink for the effect.
    EffectBefore,
    /// The request to the sink.
    EffectRequest,
    /// The sink's answer.
    EffectResponse,
    /// The process dies when it has the sink's answer.
    EffectAfter,
    /// The consumer's request to settle.
    SettleRequest,
    /// The broker's answer to it.
    SettleResponse,
    /// The process dies when it has the broker's answer to a settle that the application asked for.
    SettleAfter,
    /// The consumer's request to write a dead letter.
    DeadLetterRequest,
    /// The answer to it.
    DeadLetterResponse,
    /// The group of the subscription rebalances, as when a member joins or a topic grows: `before`
    /// a consumer asks the sink for an effect, or `after` it has the sink's answer. Only a log has
    /// groups. Picked once for each attempt at an effect.
    GroupRebalance,
    /// The process dies when it has the answer to a dead letter.
    DeadLetterAfter,
    /// The process is asked to stop (SIGTERM), at any turn of a poll. Its library reports the
    /// shutdown, `drain` after it has handed out what it has fetched, or `abandon` at once; the
    /// consumer closes and leaves. What is not gone after `times.grace` is killed. The next life
    /// begins after `times.restart`.
    ProcessShutdown,
    /// Handlers are at work at one instant: this one goes on when all others have done what they
    /// can. No fault but an order; only an exploration chooses it. Picked once for each delivery.
    HandlerOrder,
    /// A deadline of the broker (a lease or session ends) and one of a process (a request, a poll
    /// or a sleep ends) fall on one instant: another one than the first comes first, with all that
    /// follows from it. No fault but an order; only an exploration chooses it.
    DeadlineOrder,
    /// A poll that waits no longer than now: what is on its way at this instant still comes, before
    /// it gives up. No fault but an order; only an exploration chooses it.
    PollOrder,
    /// All is calm but for a process that is to start again: a delay that would be over goes on
    /// until it is back. No fault but an order; only an exploration chooses it.
    DelayOrder,
    /// The connection between a consumer and its queue breaks, `before` it asks the sink for an
    /// effect, or `after` it has the sink's answer; the process goes on and connects again at once.
    /// Picked once for each attempt at an effect.
    ConnectionLost,
    /// The leader of a log with replicas fails once it has handled a request: its process dies
    /// (`crash`), its machine loses its power (`poweroff`), or all machines do (`blackout`).
    /// Another replica leads after `times.broker_restart`; if none may, the same one after
    /// `times.replica_away`.
    BrokerFailover,
    /// Followers copy nothing for `times.replica_away`: the `next` one that would lead, or `all`.
    /// Picked whenever a log with replicas has handled a request.
    ReplicaLag,
    /// The sink refuses what it is asked, or does not answer, from this request on and for a while.
    /// Picked at every request that reaches it while it is there.
    SinkOutage,
    /// Nobody reaches the broker for a while; it forgets nothing. Picked whenever it has handled a
    /// request.
    BrokerOutage,
    /// The process dies at an instant of its own, whatever it does. Picked at every instant that a
    /// consumer of the subscription has by its `mtbf`; it strikes at each of them, and an
    /// exploration has none.
    ProcessCrash,
    /// The producer dies when it is about to send a message. What its buffer holds is gone.
    SendBefore,
    /// The producer dies when it has the broker's answer to a send, and nobody has noted it.
    SendAfter,
    /// The broker transfers a dead letter from a queue to its target, which does not take it, or
    /// takes it twice.
    DeadLetterTransfer,
}

/// A row of the table: how a kind of fault point is named, where it is and what it can do.
#[derive(Clone, Copy, Debug)]
pub struct FaultInfo {
    /// The kind.
    pub fault: Fault,
    /// The stable name, without the subscription.
    pub name: &'static str,
    /// Where it strikes.
    pub site: Site,
    /// Whether each subscription has a point of its own.
    pub per_subscription: bool,
    /// What can happen there.
    pub alternatives: Alternatives,
    /// What it means, as a line of a list.
    pub meaning: &'static str,
    /// What the schema of scenario files says about it.
    pub about: &'static str,
}

/// What can go wrong, whatever its delay.
pub type FaultKind = (Fault, Act);

impl FaultInfo {
    /// How many answers a choice has here, the harmless one included.
    #[inline]
    pub const fn bound(&self) -> u32 {
        self.alternatives.all.len() as u32 + 1
    }

    /// The names of the alternatives that can happen by chance or script, from alternative 1 on.
    pub fn chances(&self) -> &'static [&'static str] {
        &self.alternatives.names[..self.alternatives.by_chance]
    }

    /// Whether anything can happen here by chance or script.
    pub const fn can_happen_by_chance(&self) -> bool {
        self.alternatives.by_chance > 0
    }

    /// Whether it begins a span in which a service is away.
    pub fn is_outage(&self) -> bool {
        self.site == Site::Service
    }

    /// Whether it begins a span in which a sink is away: each subscription has one of its own.
    pub fn is_sink_outage(&self) -> bool {
        self.is_outage() && self.per_subscription
    }

    /// Whether it begins a span in which nobody reaches the broker.
    pub fn is_broker_outage(&self) -> bool {
        self.is_outage() && !self.per_subscription
    }

    /// Whether it strikes at instants of its own, whatever happens then.
    pub fn is_by_time(&self) -> bool {
        self.site == Site::Crash(Moment::AtAnyTime)
    }

    /// What a choice is. The harmless one is nothing, and so is one that there is not.
    pub fn alternative(&self, value: u32) -> Option<&'static Alternative> {
        self.alternatives.all.get((value as usize).checked_sub(1)?)
    }

    /// What a choice is called.
    pub fn alternative_name(&self, value: u32) -> Option<&'static str> {
        self.alternative(value).map(|alternative| alternative.name)
    }

    /// The kinds of faults that can happen here by chance or script, with the choice that each is.
    pub fn kinds(&self) -> impl Iterator<Item = (FaultKind, u32)> {
        let fault = self.fault;
        let by_chance = &self.alternatives.all[..self.alternatives.by_chance];
        (1..).zip(by_chance).map(move |(value, one)| ((fault, one.act), value))
    }

    /// The choice that is an act, and delays no longer than the act by chance. None if it cannot
    /// happen here.
    pub fn value(&self, act: Act) -> Option<u32> {
        let place = self.alternatives.all.iter().position(|one| one.act == act)?;
        Some(place as u32 + 1)
    }

    /// What an act is called here, if it can happen here.
    pub fn act_name(&self, act: Act) -> Option<&'static str> {
        self.alternative_name(self.value(act)?)
    }

    /// The choices by which an exploration meets an act: delays end in zones there.
    pub fn explored(&self, act: Act) -> impl Iterator<Item = u32> {
        let all = (1..).zip(self.alternatives.all);
        all.filter(move |(_, one)| one.act == act && one.zone != Zone::Span).map(|(value, _)| value)
    }

    /// The point of this kind that a subscription has, or shares with the others.
    pub const fn point(&self, subscription: SubscriptionId) -> Point {
        if self.per_subscription {
            own_point(self.fault, subscription)
        } else {
            shared_point(self.fault)
        }
    }
}

/// The row of a kind.
#[inline]
pub const fn info(fault: Fault) -> &'static FaultInfo {
    &FAULTS[fault as usize]
}

/// At most this many requests that arrive at one instant compete for who is handled first, or
/// deadlines that fall on it.
pub const MOST_RIVALS: u32 = info(Fault::ArrivalOrder).bound();

/// Whether what happens at a point can befall a subscription: the point is its own or shared.
pub fn befalls(point: Point, subscription: SubscriptionId) -> bool {
    describe(point).1.is_none_or(|whose| whose == subscription)
}

/// How many answers a choice has at a point at which just one thing can happen. In a constant, a
/// point at which more can happen does not compile: what asks there would take all for the same.
///
/// # Panics
///
/// If more than one thing can happen there.
pub const fn yes_or_no(fault: Fault) -> u32 {
    let bound = info(fault).bound();
    assert!(bound == 2, "several things can happen at this point");
    bound
}

/// The points of the two legs of a request to the broker. Membership calls have none: a stall shows
/// what they would show too.
#[inline]
pub const fn legs(purpose: RequestPurpose) -> Option<[Point; 2]> {
    match purpose {
        RequestPurpose::Send => {
            Some([shared_point(Fault::SendRequest), shared_point(Fault::SendResponse)])
        }
        RequestPurpose::Receive(of) => {
            Some([own_point(Fault::ReceiveRequest, of), own_point(Fault::ReceiveResponse, of)])
        }
        RequestPurpose::Settle(of, _) => {
            Some([own_point(Fault::SettleRequest, of), own_point(Fault::SettleResponse, of)])
        }
        RequestPurpose::Effect(of) => {
            Some([own_point(Fault::EffectRequest, of), own_point(Fault::EffectResponse, of)])
        }
        RequestPurpose::Join | RequestPurpose::Leave => None,
    }
}

/// The kind of fault that a choice is, if it is any.
pub fn kind_of(point: Point, value: u32) -> Option<FaultKind> {
    let (info, _) = describe(point);
    info.alternative(value).map(|alternative| (info.fault, alternative.act))
}

/// The kind of fault that scenario files and replay strings write like this: `settle.request` and
/// `lost`. In a constant, a name that there is not does not compile.
///
/// # Panics
///
/// If there is no such point, or no such alternative there.
pub const fn kind(point: &str, alternative: &str) -> FaultKind {
    let mut row = 0;
    while row < FAULTS.len() {
        let info = &FAULTS[row];
        let mut value = 0;
        while is_same(info.name, point) && value < info.alternatives.all.len() {
            let found = info.alternatives.all[value];
            if is_same(found.name, alternative) {
                return (info.fault, found.act);
            }
            value += 1;
        }
        row += 1;
    }
    panic!("there is no such kind of fault")
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The choices by which, in an exploration of one subscription, what happens at one instant comes
/// in another order than it would: a request or a deadline before its turn, a handler, the end of a
/// poll or that of a delay after the others.
pub fn preemptions() -> impl Iterator<Item = (Point, u32)> {
    FAULTS.iter().filter(|info| info.site.is_order()).flat_map(choices_of)
}

/// Those of [`preemptions`] by which a request comes before its turn.
pub fn overtakings() -> impl Iterator<Item = (Point, u32)> {
    FAULTS.iter().filter(|info| info.site == Site::Arrivals).flat_map(choices_of)
}

fn choices_of(info: &FaultInfo) -> impl Iterator<Item = (Point, u32)> {
    let point = info.point(SubscriptionId(0));
    (1..info.bound()).map(move |value| (point, value))
}

/// The choices by which a handler of one explored subscription takes until a deadline has passed.
pub fn beyond_deadlines() -> impl Iterator<Item = (Point, u32)> {
    let own = FAULTS.iter().map(|info| (info, info.point(SubscriptionId(0))));
    own.flat_map(|(info, point)| {
        let all = (1..).zip(info.alternatives.all);
        let slow = all.filter(|(_, one)| one.act == Act::Slow && one.zone.is_past_a_deadline());
        slow.map(move |(value, _)| (point, value))
    })
}

/// Everything that can go wrong by chance, in the order of the table.
pub fn kinds() -> impl Iterator<Item = FaultKind> {
    FAULTS.iter().flat_map(|info| info.kinds().map(|(kind, _)| kind))
}

/// The choices by which an exploration of one subscription makes a fault of this kind happen.
pub fn chosen_in((fault, act): FaultKind) -> impl Iterator<Item = (Point, u32)> {
    let info = info(fault);
    let point = info.point(SubscriptionId(0));
    info.explored(act).map(move |value| (point, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_end_in_zones() {
        let check = |fault, value, expect: Option<(Act, Zone)>| {
            let found = info(fault).alternative(value).map(|one| (one.act, one.zone));
            assert_eq!(found, expect, "{fault:?} {value}");
        };
        check(Fault::SettleRequest, 0, None);
        check(Fault::SettleRequest, 1, Some((Act::Lost, Zone::Now)));
        check(Fault::SettleRequest, 2, Some((Act::Late, Zone::Span)));
        check(Fault::SettleRequest, 5, Some((Act::Late, Zone::Expiry)));
        check(Fault::SettleRequest, 7, None);
        check(Fault::ProcessStall, 2, Some((Act::StallAfter, Zone::Span)));
        check(Fault::ProcessStall, 6, Some((Act::StallAfter, Zone::Takeover)));
        check(Fault::ProcessStall, 7, Some((Act::StallBefore, Zone::Timer)));
        check(Fault::EffectAfter, 1, Some((Act::Crash, Zone::Now)));
        check(Fault::EffectAfter, 2, Some((Act::Crash, Zone::Calm)));
        check(Fault::HandlerSlow, 1, Some((Act::Slow, Zone::Span)));
        check(Fault::ArrivalOrder, 2, Some((Act::Order(3), Zone::Now)));
        check(Fault::HandlerOrder, 1, Some((Act::Last, Zone::Calm)));
        let explored = |fault, act| info(fault).explored(act).collect::<Vec<_>>();
        assert_eq!(explored(Fault::SettleRequest, Act::Lost), [1]);
        assert_eq!(explored(Fault::SettleRequest, Act::Late), [4, 5, 6]);
        assert_eq!(explored(Fault::EffectAfter, Act::Crash), [1, 2, 3, 4]);
        assert_eq!(explored(Fault::ProcessStall, Act::StallBefore), [3, 4, 7]);
    }

    #[test]
    fn a_kind_of_fault_is_chosen_with_its_zones() {
        assert_eq!(kinds().filter(|&(fault, _)| fault == Fault::ProcessStall).count(), 2);
        let check = |kind, expect: &[u32]| {
            let values: Vec<u32> = chosen_in(kind).map(|(_, value)| value).collect();
            assert_eq!(values, expect, "{kind:?}");
        };
        check((Fault::SettleRequest, Act::Late), &[4, 5, 6]);
        check((Fault::BrokerRestart, Act::Restart), &[1]);
        check((Fault::BrokerRestart, Act::Late), &[]);
        assert!(kinds().all(|kind| chosen_in(kind).count() > 0));
    }

    #[test]
    fn a_handler_takes_until_a_deadline_and_until_another_has_taken_over() {
        let point = own_point(Fault::HandlerSlow, SubscriptionId(0));
        assert_eq!(beyond_deadlines().collect::<Vec<_>>(), [(point, 3), (point, 4)]);
    }

    /// A name says what its alternative does: `late-calm` is `late` until all is calm. An order has
    /// names for its places.
    #[test]
    fn names_say_what_the_alternatives_do() {
        for info in &FAULTS {
            for one in info.alternatives.all {
                let (base, zone) = one.name.split_once('-').unwrap_or((one.name, ""));
                let by_chance = info.alternatives.all.iter().find(|other| other.name == base);
                assert_eq!(by_chance.map(|other| other.act), Some(one.act), "{}", one.name);
                let named = match zone {
                    "" if info.site.is_order() => true,
                    "" => one.zone == Zone::Now || one.zone == Zone::Span,
                    zone => format!("{:?}", one.zone).to_lowercase() == zone,
                };
                assert!(named, "{} {}", info.name, one.name);
            }
        }
    }

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (index, info) in FAULTS.iter().enumerate() {
            assert_eq!(info.fault as usize, index);
            let is_listed = info.can_happen_by_chance();
            assert_eq!(SECTIONS.iter().filter(|one| one.holds(info)).count(), is_listed as usize);
        }
    }

    /// Orders stand in no section, so the schema does not know them.
    #[test]
    fn every_row_says_what_it_means() {
        for info in &FAULTS {
            assert!(!info.meaning.is_empty(), "{}", info.name);
            assert_eq!(info.about.is_empty(), !info.can_happen_by_chance(), "{}", info.name);
        }
    }

    #[test]
    fn orders_and_nothing_else_are_preemptions() {
        let orders: Vec<Point> = preemptions().map(|(point, _)| point).collect();
        for info in &FAULTS {
            let is_preemption = orders.contains(&info.point(SubscriptionId(0)));
            let is_by_time = info.fault == Fault::ProcessCrash;
            let is_left_out = !info.can_happen_by_chance() && !is_by_time;
            assert_eq!(is_preemption, is_left_out, "{}", info.name);
        }
    }

    #[test]
    fn kinds_are_found_by_their_names() {
        const LOST: FaultKind = kind("settle.request", "lost");
        assert_eq!(LOST, (Fault::SettleRequest, Act::Lost));
        assert_eq!(kind("process.stall", "after-expiry"), (Fault::ProcessStall, Act::StallAfter));
        let wrong = [("settle.request", "los"), ("settle.requests", "lost"), ("", "")];
        for (point, alternative) in wrong {
            assert!(std::panic::catch_unwind(|| kind(point, alternative)).is_err());
        }
    }
}
