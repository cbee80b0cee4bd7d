//! The two brokers, sans-IO.
//!
//! > **The rule.** A broker is a plain struct. Its driver passes in the time, the requests that
//! > arrive and the clients that fall silent; it answers. It never sleeps, reads a clock, draws a
//! > random number, locks or prints. The driver (the simulator's world, or a served broker) owns
//! > all of that.
//!
//! # How to drive one
//!
//! 1. A request arrives: [`Broker::handle`]. `Some` is the answer. `None` parks the request: keep
//!    it.
//! 2. After every call, if [`Broker::take_changed`] says so, offer each parked request again, in
//!    the order in which they were parked; and offer each one again at its own deadline.
//! 3. Keep one timer at [`Broker::next_deadline`]; when it fires, call [`Broker::advance`]. A
//!    deadline that has become moot may fire in vain: re-arm only if the next one is earlier or the
//!    timer fired. When time passes [`Broker::next_housekeeping`] anyway, call it then too.
//! 4. Heartbeats are not requests. A client that cannot send them is reported [`Broker::silent`],
//!    and [`Broker::heard`] when it can again; only in between does a session deadline exist.
//! 5. A connection that ends without a goodbye is [`Broker::disconnected`].
//!
//! What really happened is pushed to `ground_truth`, for the history.

use entrega_model::{
    ClientId, Event, Fingerprint, Fingerprinted, Generation, Instant, MessageId, SubscriptionId,
};

mod fingerprint;
pub mod log;
pub mod queue;

pub use log::LogBroker;
pub use queue::QueueBroker;

/// How the leader of a replicated broker fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Its process dies; what it has stored stays.
    Crash,
    /// Its machine loses its power, and with it what was not flushed.
    PowerLoss,
    /// The machines of all replicas do.
    Blackout,
}

/// Which followers of a replicated broker fall behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followers {
    /// The first that is not behind yet, in the order in which they would lead.
    Next,
    /// All of them.
    All,
}

/// A dead letter on its way from a queue to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Of which queue.
    pub subscription: SubscriptionId,
    /// The message.
    pub message: MessageId,
    /// The place among the events of the one that says that it has arrived.
    pub place: usize,
}

/// What becomes of a dead letter on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transferred {
    /// It arrives.
    Arrived,
    /// The target does not take it.
    Lost,
    /// It arrives, and again, because the first confirmation does not.
    Twice,
}

/// What every broker is driven through.
pub trait Broker {
    /// What clients ask.
    type Request: Clone + Fingerprinted;
    /// What it answers.
    type Response: Fingerprinted;

    /// Handles a request of `from`, or parks it (`None`). A parked request may be offered any
    /// number of times; offering it again changes nothing unless it is answered. Buffers are taken
    /// out of the request when it is answered and come back in the response. A broker may carry out
    /// a part of a request and leave in its place what is still to be waited for.
    fn handle(
        &mut self,
        now: Instant,
        from: ClientId,
        request: &mut Self::Request,
        ground_truth: &mut Vec<Event>,
    ) -> Option<Self::Response>;

    /// Until when a parked request wants to wait; [`Instant::NEVER`] for as long as it takes.
    fn deadline_of(&self, request: &Self::Request) -> Instant;

    /// Whether something happened since the last call that could answer a parked request.
    fn take_changed(&mut self) -> bool;

    /// When time alone will change something, if it will. Never earlier than it must be.
    fn next_deadline(&self) -> Option<Instant>;

    /// When the lease of a delivery ends as it stands now; none if it has no lease.
    fn lease_end(&self, _subscription: SubscriptionId, _tag: u64) -> Option<Instant> {
        None
    }

    /// The broker's own id of the message that was delivered under a tag: the same in every
    /// delivery of one stored message, and another one for each that is stored. None if nothing
    /// was, if the broker was not asked to remember, or if it is a log, where the offset is the id.
    fn stored_id(&self, _subscription: SubscriptionId, _tag: u64) -> Option<u64> {
        None
    }

    /// When the broker would tidy up next (retention), if time comes that far. A drain must not
    /// wait for it: it would delete the log before it is audited.
    fn next_housekeeping(&self) -> Option<Instant> {
        None
    }

    /// Does what is due at `now`: leases, sessions, retention.
    fn advance(&mut self, now: Instant, ground_truth: &mut Vec<Event>);

    /// `client` sends no heartbeats any more, but its connection stands.
    fn silent(&mut self, now: Instant, client: ClientId);

    /// `client` sends heartbeats again.
    fn heard(&mut self, now: Instant, client: ClientId);

    /// The connection of `client` ended without a goodbye.
    fn disconnected(&mut self, now: Instant, client: ClientId, ground_truth: &mut Vec<Event>);

    /// The connection of `client` broke, and it has connected again: what ends with a connection
    /// has ended, and it goes on to ask. Nothing where nothing does.
    fn reconnected(&mut self, _now: Instant, _client: ClientId, _ground_truth: &mut Vec<Event>) {}

    /// The broker process restarts with its disk intact and forgets what was in flight: sessions,
    /// leases, group membership. Stored messages and committed offsets stay.
    fn restart(&mut self, now: Instant, ground_truth: &mut Vec<Event>);

    /// Whether it keeps replicas or flushes what it stores: then it can fail over, and lose.
    fn is_replicated(&self) -> bool {
        false
    }

    /// The leader fails; it can be back at `back_at`. Returns whether another replica leads
    /// meanwhile. Its driver keeps requests away until somebody does.
    fn fail_over(
        &mut self,
        _now: Instant,
        _failure: Failure,
        _back_at: Instant,
        _ground_truth: &mut Vec<Event>,
    ) -> bool {
        false
    }

    /// Followers copy nothing from the leader until `until`.
    fn fall_behind(&mut self, _now: Instant, _followers: Followers, _until: Instant) {}

    /// Returns the first transfer whose outcome is undecided. Its arrival is already recorded; a
    /// driver that decides otherwise replaces that event.
    fn next_transfer(&self) -> Option<Transfer> {
        None
    }

    /// Decides about that one. Returns whether it stays in its queue, to be sent again.
    fn end_transfer(&mut self, _now: Instant, _how: Transferred) -> bool {
        false
    }

    /// Forgets everything but its settings, and keeps its memory: it is as if it were new.
    fn clear(&mut self);

    /// Whether consumers share their work in groups that rebalance.
    fn has_groups(&self) -> bool {
        false
    }

    /// Makes the group of a subscription rebalance, as a new member or a changed topic does;
    /// nothing if there are no groups here.
    fn rebalance(&mut self, _now: Instant, _subscription: SubscriptionId) {}

    /// Reads what is left, independently of any client: a `Retrievable` event for each message that
    /// some subscription could still get, and at what it would start.
    fn audit(&self, now: Instant, ground_truth: &mut Vec<Event>);

    /// Enters everything that can make a difference to an answer, a deadline or the truth. Spare
    /// buffers, places in slabs and what follows from the rest stay out, and so do the settings:
    /// compare only brokers that have the same.
    fn fingerprint(&self, into: &mut Fingerprint<'_>);

    /// The present generation of a subscription's group; 0 where there is none.
    fn generation(&self, subscription: SubscriptionId) -> Generation;

    /// The tag that a subscription's queue will give next; 0 where there is none.
    fn next_tag(&self, subscription: SubscriptionId) -> u64;
}
