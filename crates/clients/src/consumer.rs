//! A consumer of one's own: any async function over a [`Subscription`] and an [`Application`].
//!
//! ```
//! use entrega_clients::{Application, CarryOn, Stop, Subscription, consumer};
//!
//! async fn settle_last(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
//!     while let Some(delivery) = inbox.next().await? {
//!         let done = app.process(&delivery).await?;
//!         inbox.settle(done).await.carry_on();
//!     }
//!     Ok(())
//! }
//!
//! let consumer = consumer!(settle_last);
//! # fn is_one(_: &impl entrega_clients::Consumer) {}
//! # is_one(&consumer);
//! ```
//!
//! The function is generic over the inbox, so that the same code runs on both models, simulated and
//! live. No closure is, and no function can be passed before its types are known; a type with a
//! trait can. [`consumer!`](crate::consumer!) makes that type. Write the `impl` by hand for a
//! consumer with parameters.
//!
//! One with a store of its own, which outlives its process, is a [`ConsumerWithStore`].

use std::cell::RefCell;

use crate::application::ProgressInSink;
use crate::{Application, LogSubscription, QueueSubscription, Stop, Subscription};

/// Consumer code. Implement [`run`](Self::run), or what runs on one model for a consumer that needs
/// what only that one has.
///
/// The process may die at any await: the future is dropped, and the next life is another call, on
/// another clone where an exploration makes it. So whatever must survive belongs into a broker, a
/// sink or a store, not into `self`.
pub trait Consumer {
    /// Reads until there is no next message, on either model.
    ///
    /// # Errors
    /// [`Stop`], if it cannot go on; it is closed and started again. [`Stop::Unsupported`] unless
    /// it is implemented.
    async fn run(&self, _inbox: &impl Subscription, _app: &impl Application) -> Result<(), Stop> {
        Err(Stop::Unsupported)
    }

    /// The same on a log, with what only a log can do.
    ///
    /// # Errors
    /// As [`Consumer::run`], which it calls unless it is implemented.
    async fn run_on_log(
        &self,
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
    ) -> Result<(), Stop> {
        self.run(inbox, app).await
    }

    /// The same on a queue, with what only a queue can do.
    ///
    /// # Errors
    /// As [`Consumer::run`], which it calls unless it is implemented.
    async fn run_on_queue(
        &self,
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
    ) -> Result<(), Stop> {
        self.run(inbox, app).await
    }
}

/// Consumer code with a store: one value that outlives its lives, and that all its instances share,
/// as a table in a database does. Implement what you would implement of a [`Consumer`].
///
/// Reading or writing it takes no time and does not fail. Hold no borrow of it across an await.
pub trait ConsumerWithStore {
    /// What the store holds.
    type Store;

    /// As [`Consumer::run`].
    ///
    /// # Errors
    /// As there.
    async fn run(
        &self,
        _inbox: &impl Subscription,
        _app: &impl Application,
        _store: &RefCell<Self::Store>,
    ) -> Result<(), Stop> {
        Err(Stop::Unsupported)
    }

    /// As [`Consumer::run_on_log`].
    ///
    /// # Errors
    /// As there.
    async fn run_on_log(
        &self,
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
        store: &RefCell<Self::Store>,
    ) -> Result<(), Stop> {
        self.run(inbox, app, store).await
    }

    /// As [`Consumer::run_on_queue`].
    ///
    /// # Errors
    /// As there.
    async fn run_on_queue(
        &self,
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
        store: &RefCell<Self::Store>,
    ) -> Result<(), Stop> {
        self.run(inbox, app, store).await
    }
}

/// Makes a [`Consumer`] of an async function with the parameters `inbox: &impl Subscription, app:
/// &impl Application`. `consumer!(log: f)` and `consumer!(queue: f)` take one that needs a
/// [`LogSubscription`] or a [`QueueSubscription`], with a [`ProgressInSink`]. `consumer!(keeping T:
/// f)` makes a [`ConsumerWithStore`] of one with a third parameter `store: &RefCell<T>`.
#[macro_export]
macro_rules! consumer {
    (log: $function:path) => {
        $crate::consumer!(@ run_on_log, LogSubscription, application::ProgressInSink, $function)
    };
    (queue: $function:path) => {
        $crate::consumer!(@ run_on_queue, QueueSubscription, application::ProgressInSink, $function)
    };
    (@ $run:ident, $inbox:ident, $($app:ident)::+, $function:path) => {{
        #[derive(Clone, Copy, Debug)]
        struct Own;
        impl $crate::Consumer for Own {
            async fn $run(
                &self,
                inbox: &impl $crate::$inbox,
                app: &impl $crate::$($app)::+,
            ) -> ::core::result::Result<(), $crate::Stop> {
                $function(inbox, app).await
            }
        }
        Own
    }};
    (keeping $store:ty: $function:path) => {{
        #[derive(Clone, Copy, Debug)]
        struct Own;
        impl $crate::consumer::ConsumerWithStore for Own {
            type Store = $store;
            async fn run(
                &self,
                inbox: &impl $crate::Subscription,
                app: &impl $crate::Application,
                store: &::core::cell::RefCell<$store>,
            ) -> ::core::result::Result<(), $crate::Stop> {
                $function(inbox, app, store).await
            }
        }
        Own
    }};
    ($function:path) => {
        $crate::consumer!(@ run, Subscription, Application, $function)
    };
}
