//! The client library directly on [`LiveQueue`](entrega_inproc::LiveQueue) and
//! [`LiveLog`](entrega_inproc::LiveLog): every strategy of the catalogue runs on them unchanged.
//!
//! > **The rule.** Messages are read and settled in the segments; everything else is answered by
//! > the code that answers it elsewhere. So no rule is written twice.
//!
//! The inboxes are those of `entrega-clients`, over a [`Link`](entrega_clients::Link) whose
//! receives and fetches are answered from the segments. Beside them stands a
//! [`Served`](crate::Served) broker without messages, the *control plane*: it keeps the history,
//! the clock and the connections, and asks consumers to stop.
//!
//! * [`DirectQueue`]: the control plane has nothing else to do. The queue itself passes what does
//!   not go well to its sans-IO broker.
//! * [`DirectLog`]: the control plane also coordinates the groups. It handles joins, leaves and
//!   commits, with generations, rebalances and fencing, and never sees a record.
//!
//! # What is watched
//!
//! A run is watched if it has an observer. Then each delivery, settle and append is recorded under
//! the lock of the control plane, in the order in which they happen, for the checker. Otherwise
//! nothing is recorded, and a message takes no lock: a queue asks the control plane at most once
//! per receive, and a log once per fetch and commit.
//!
//! In a watched run destructors of bodies and wakers that a call runs do so under that lock. They
//! may use the queue or log, but no link to it and not the control plane: that would wait for
//! itself.
//!
//! # Example
//!
//! ```
//! use entrega_clients::{Catalogued, Strategy};
//! use entrega_clients::producers::Publisher;
//! use entrega_clients::sinks::ChosenSink;
//! use entrega_inproc::{LiveQueue, QueueOptions};
//! use entrega_live::direct::DirectQueue;
//! use entrega_live::{
//!     Attempt, Clock, ConsumerSettings, LiveHandler, Shared, SharedSink,
//! };
//! use entrega_model::{Event, Key, Kind, MessageId, Model, ProcessId, Record, SubscriptionId};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let history = Shared::new(Vec::<Event>::new());
//! let queue = LiveQueue::<Record>::new(QueueOptions::default());
//! let queue = DirectQueue::watched(queue, Clock::new(), history.clone());
//!
//! let (strategy, mailer) = (Strategy::ProcessThenSettle, SubscriptionId(0));
//! let sink = SharedSink::new(ChosenSink::of(strategy, Model::Queue, 10));
//! let link = queue.served().connect(ProcessId(1));
//! let handler = LiveHandler::new(link.clone(), mailer, sink, |_| Attempt::default());
//! let (code, settings) = (Catalogued::new(strategy), ConsumerSettings::of(strategy, mailer));
//!
//! let sends = async {
//!     let link = queue.served().connect(ProcessId(0));
//!     let publisher = queue.publisher(&link, |record| record);
//!     for number in 0..10 {
//!         let record = Record { message: MessageId(number), key: Key(0), bytes: 64 };
//!         assert!(publisher.publish(record, 1).await.is_ok());
//!     }
//!     queue.queue().close();
//! };
//! let (ended, ()) = tokio::join!(queue.consume(link, &code, &settings, &handler), sends);
//! assert!(ended.is_ok());
//! let is_effect = |event: &&Event| matches!(event.kind, Kind::Effect { .. });
//! assert_eq!(history.with(|events| events.iter().filter(is_effect).count()), 10);
//! # });
//! ```

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use entrega_brokers::Broker;
use entrega_clients::Context;
use entrega_model::{DeliveryId, Kind, Record};

use crate::LiveLink;

mod log;
mod queue;

pub use log::{DirectLog, LogFeed, LogLink};
pub use queue::{DirectQueue, QueueFeed, QueueLink};

/// A body that has a record.
pub trait Message: Send + Sync + 'static {
    /// The record that a strategy sees.
    fn record(&self) -> Record;
}

impl Message for Record {
    fn record(&self) -> Record {
        *self
    }
}

impl<M: Message> Message for Arc<M> {
    fn record(&self) -> Record {
        M::record(self)
    }
}

/// A client's link to the control plane.
struct ControlLink<B: Broker> {
    link: LiveLink<B>,
    is_watched: bool,
    /// The id of the last delivery, if the run is not watched.
    deliveries: Cell<u32>,
}

impl<B: Broker> ControlLink<B> {
    fn new(link: LiveLink<B>, is_watched: bool) -> Self {
        Self { link, is_watched, deliveries: Cell::new(0) }
    }

    fn record(&self, kind: Kind) {
        if self.is_watched {
            self.link.record(kind);
        }
    }

    fn next_delivery(&self) -> DeliveryId {
        if self.is_watched {
            return self.link.next_delivery();
        }
        let next = self.deliveries.get().checked_add(1).expect("fewer than 2^32 deliveries");
        self.deliveries.set(next);
        DeliveryId(next)
    }

    /// Changes a queue or log and records what has happened in one step: no other client can record
    /// anything in between.
    fn act<R>(&self, act: impl FnOnce() -> R, note: impl FnOnce(&R, &mut dyn FnMut(Kind))) -> R {
        if !self.is_watched {
            return act();
        }
        self.link.served().with(|core| {
            let done = act();
            note(&done, &mut |kind| core.record(kind));
            done
        })
    }
}

/// A wait for a notification.
type Sleep = Pin<Box<dyn Future<Output = ()>>>;

/// Whether one of them has ended. Polls all of them, so that each wakes the task.
fn any_has_ended(sleeps: &mut [Sleep], cx: &mut task::Context<'_>) -> bool {
    let mut ended = false;
    for sleep in sleeps {
        ended |= matches!(sleep.as_mut().poll(cx), Poll::Ready(()));
    }
    ended
}
