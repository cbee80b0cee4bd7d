//! The in-process queue: a message waits until a consumer acks it, and is never delivered after
//! that.
//!
//! > **The rule.** The rule is that of [`entrega_brokers::queue`], and that broker enforces it:
//! > whatever does not go well goes to it. Nearly everything goes well, and takes a short cut: it
//! > is delivered once, acked once, and forgotten.
//!
//! # The short cut
//!
//! 1. Messages lie in segments, in order. A consumer fetches a run of them under one short lock,
//!    its *window*, and reads them in place. They belong to no consumer yet.
//! 2. The application is *given* a message when [`Consumer::take`] or another call returns it. From
//!    then on it is under that consumer's lease, and the delivery counts. Until then a consumer
//!    that has nothing else to do may have it instead, as a first delivery.
//! 3. Each message has one bit, "settled here". The first to set it decides about this delivery:
//!    the consumer that acks, or whatever takes the message away from it. An ack that finds the bit
//!    set is too late ([`Stale`]).
//! 4. When a whole segment is settled, it is used again.
//!
//! # What leaves the short cut
//!
//! A consumer that is dropped (even by a panic), requeues, rejects, or lets a lease expire passes
//! the message to the sans-IO broker behind the lock ([`QueueBroker::adopt`]). From then on that
//! broker alone decides: original position, `redelivered`, delivery limit, dead letter, lease. Its
//! messages are served before others, because they came first.
//!
//! # What a consumer is given first
//!
//! Redeliveries, then what it has fetched, then the oldest of what no consumer was given. So one
//! that is alone all the time is given first deliveries in the order of the queue. Several are
//! given each producer's messages nearly in order: a consumer that has nothing to do takes over
//! what a slow one, or one that is gone, has fetched and was not given, and that may be older than
//! what it has processed itself.
//!
//! # Bounds
//!
//! Capacity counts whole segments: a segment is free again when the last of its messages is
//! settled. So unsettled messages may block producers before there are `capacity` of them, but
//! never later; and if everything is settled, there is room. A full queue blocks
//! [`Producer::send`]; [`Producer::try_send`] and [`Producer::send_until`] do not wait forever. A
//! consumer that holds on to a segment holds up no producer: if nothing in it is unsettled, the
//! queue goes on with another one, and [`LiveQueue::segments`] counts both.
//!
//! # Code of users
//!
//! Destructors of bodies, wakers, and what builds a message run on the thread of whichever call
//! needs it, and under no lock: they may use the same queue. (A destructor must not wait for room,
//! because the room may be what its own call is about to make: it uses [`Producer::try_send`].) If
//! one panics, the call panics, and nothing is half done: other messages are where they were, and
//! the queue goes on. A consumer that settles at delivery has lost what that call would have given,
//! as if it had died.
//!
//! Bodies are dropped not when they are settled, but all those of a segment together: when a
//! producer reuses the segment or frees it, or when the queue is gone or has forgotten it and the
//! last consumer leaves it. So what a settled body owns lives on for a while.
//!
//! # How it ends
//!
//! [`LiveQueue::close`]: no more sends. Consumers take what is left, and wait while another
//! consumer has something unsettled that may come back; then they get [`Ended::Closed`], after
//! which nothing comes any more. One that has something unsettled itself does not wait:
//! [`Ended::Unsettled`] says so.
//! [`LiveQueue::stop`]: they get [`Ended::Stopped`] at once, and it returns how many messages are
//! unsettled.
//!
//! A close loses nothing that was sent with `Ok`: no consumer gets [`Ended::Closed`] before it. A
//! send that races with the close may end as [`Refused::TooLate`]: the message may be delivered or
//! not.
//!
//! # Example
//!
//! ```
//! use entrega_inproc::queue::{LiveQueue, QueueOptions};
//!
//! let queue = LiveQueue::new(QueueOptions::default());
//! let mut producer = queue.producer();
//! let mut consumer = queue.consumer();
//! for order in ["a", "b", "c"] {
//!     producer.send(order).expect("there is room");
//! }
//! consumer.take().expect("there is one").ack().expect("it is in time");
//! consumer.take().expect("there is one").requeue().expect("it is in time");
//! let again = consumer.take().expect("there is one");
//! assert_eq!((*again, again.delivery_count(), again.redelivered()), ("b", 2, true));
//! again.ack().expect("it is in time");
//! assert_eq!(*consumer.take().expect("there is one"), "c", "it came later");
//! ```
//!
//! [`QueueBroker::adopt`]: entrega_brokers::QueueBroker::adopt

use entrega_brokers::queue::QueueSettings;

use crate::barrier::Barrier;
use crate::segment::{Filling, Segment, View};
use crate::spares::ROTATION;
use crate::sync::{Arc, AtomicUsize, CachePadded, Mutex, MutexGuard, Ordering, lock};
use crate::wait::{Bell, ring_all};

mod consumer;
mod control;
mod delivery;
mod desk;
mod holdings;
mod marks;
mod producer;
mod returned;
mod time;
mod visit;
mod window;

#[cfg(all(test, inproc_loom))]
mod interleavings;
#[cfg(all(test, not(inproc_loom)))]
mod properties;
#[cfg(all(test, not(inproc_loom)))]
mod tests;

pub use consumer::{Consumer, Ended, Stale, Tag};
pub use delivery::{Batch, Delivery};
pub use producer::{Producer, Refused};
pub use returned::DeadLetter;

use control::Control;
use marks::Marks;
use time::Time;
use visit::Visit;

/// A segment, with a mark for each message beside it.
type Block<T> = Segment<T, Marks>;
/// A consumer's hold on a segment.
type BlockView<T> = View<T, Marks>;
/// The writer of the last segment.
type BlockFilling<T> = Filling<T, Marks>;

/// The options of a [`LiveQueue`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueOptions {
    /// The semantics; number of queues, length, overflow and features are ignored. Default: that
    /// of the settings, which is a RabbitMQ quorum queue.
    pub settings: QueueSettings,
    /// How many unsettled messages there may be, in whole segments, of which there are two at
    /// least. Default: 4096.
    pub capacity: usize,
    /// How many messages a segment holds. Default: 512.
    pub segment: usize,
    /// How many messages a consumer fetches from the queue at once, if its prefetch allows it and
    /// it does not ask for more. Default: 256.
    pub window: usize,
    /// How much memory the queue cycles through before it reuses a segment that another thread has
    /// read, in bytes: lines in another core's cache are slow to write. If this is more than the
    /// capacity needs, that much is kept once traffic has filled it; it does not apply to messages
    /// that own something. Default: 4 MiB. 0: no more memory than the capacity.
    pub rotation: usize,
}

impl Default for QueueOptions {
    fn default() -> Self {
        let settings = QueueSettings::default();
        Self { settings, capacity: 4096, segment: 512, window: 256, rotation: ROTATION }
    }
}

/// A queue of messages of any type, shared by threads and tasks. A clone is the same queue.
pub struct LiveQueue<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Clone for LiveQueue<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> LiveQueue<T> {
    /// An empty queue.
    pub fn new(options: QueueOptions) -> Self {
        Self::with_time(options, Time::of_the_machine())
    }

    fn with_time(options: QueueOptions, time: Time) -> Self {
        let (control, filling) = Control::new(&options);
        let shared = Shared {
            writer: CachePadded(Mutex::new(Some(filling))),
            control: CachePadded(Mutex::new(control)),
            flags: AtomicUsize::new(0),
            barrier: Barrier::new(),
            sent: Bell::new(),
            freed: Bell::new(),
            leased: options.settings.visibility_timeout,
            prefetch: options.settings.prefetch,
            window: options.window.max(1),
            time,
        };
        Self { shared: Arc::new(shared) }
    }

    /// A producer; there may be any number. They share the end of the queue under a lock.
    pub fn producer(&self) -> Producer<T> {
        Producer::new(Arc::clone(&self.shared))
    }

    /// A producer that has the end of the queue to itself and so needs no lock; `None` if there is
    /// one already. While it lives other producers wait, as if the queue were full.
    pub fn sole_producer(&self) -> Option<Producer<T>> {
        Producer::sole(Arc::clone(&self.shared))
    }

    /// A consumer that acks. Consumers compete for the messages.
    ///
    /// # Panics
    ///
    /// If there are 65 536 consumers already.
    pub fn consumer(&self) -> Consumer<T> {
        Consumer::new(Arc::clone(&self.shared), false)
    }

    /// A consumer whose messages are settled when it fetches them from the queue (automatic ack):
    /// if it dies, its window is lost, given or not.
    pub fn consumer_settled_at_delivery(&self) -> Consumer<T> {
        Consumer::new(Arc::clone(&self.shared), true)
    }

    /// The oldest message that was dead-lettered, if the settings attach a dead-letter queue. It
    /// counts as unsettled until the letter is dropped.
    pub fn dead_letter(&self) -> Option<DeadLetter<T>> {
        let dead = self.shared.control().take_dead()?;
        Some(DeadLetter::new(Arc::clone(&self.shared), dead))
    }

    /// Ends the leases that are due. Every consumer that looks for messages does so; call this if
    /// none does.
    pub fn end_due_leases(&self) {
        let _telling = self.shared.sent.rung_in_a_panic();
        self.shared.control().advance(self.shared.time.now());
        self.shared.sent.ring();
    }

    /// How many messages were sent and are not settled, including dead letters, held or not.
    pub fn unsettled(&self) -> usize {
        self.shared.control().unsettled()
    }

    /// How many segments are in memory: in use, spare, or held by a consumer alone.
    pub fn segments(&self) -> usize {
        self.shared.control().segments()
    }

    /// Ends sends. Consumers take what is left, and then get [`Ended::Closed`].
    pub fn close(&self) {
        let Shared { sent, freed, .. } = &*self.shared;
        sent.close();
        self.shared.control().seal();
        freed.close();
        ring_all([sent, freed].into_iter());
    }

    /// Ends sends, and deliveries too. Returns how many messages are unsettled; a send that comes
    /// too late to be counted says so ([`Refused::TooLate`]), and its message may be in the queue.
    pub fn stop(&self) -> usize {
        self.shared.flags.fetch_or(STOPPED, Ordering::SeqCst);
        self.close();
        self.unsettled()
    }
}

/// The queue was stopped.
const STOPPED: usize = 1;
/// A redelivery is ready, and comes before what is at hand.
const RETURNED: usize = 2;

/// What producers and consumers share.
struct Shared<T> {
    /// Where the next message goes, unless the sole producer has it.
    writer: CachePadded<Mutex<Option<BlockFilling<T>>>>,
    /// Taken after `writer`, never before it.
    control: CachePadded<Mutex<Control<T>>>,
    /// [`STOPPED`] and [`RETURNED`]: what a consumer must know before it goes on with its window.
    flags: AtomicUsize,
    barrier: Barrier,
    /// Rung when there may be something to take, or nothing will ever be.
    sent: Bell,
    /// Rung when there may be room.
    freed: Bell,
    leased: entrega_model::Duration,
    prefetch: u32,
    window: usize,
    time: Time,
}

impl<T> Shared<T> {
    fn control(&self) -> Visit<'_, T> {
        Visit::new(lock(&self.control.0), self)
    }

    fn writer(&self) -> MutexGuard<'_, Option<BlockFilling<T>>> {
        lock(&self.writer.0)
    }

    fn has_leases(&self) -> bool {
        self.leased != entrega_model::Duration::MAX
    }

    /// Wakes consumers that wait for the end: there may be nothing more.
    #[inline]
    fn tell_settled(&self) {
        if self.sent.was_closed() {
            self.sent.ring();
        }
    }
}
