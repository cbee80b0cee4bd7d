//! What an application writes, and the client library under it.
//!
//! # Layout
//!
//! * [`subscription`]: an application's view of its messages, whatever the broker.
//! * [`application`]: handlers, error policies and dead letters.
//! * [`consumers`]: one delivery semantic a file, and the catalogue of them. Start reading here.
//! * [`consumer`](mod@consumer): a consumer of one's own.
//! * [`batch`] and [`workers`]: what the consumers need that take several messages at once.
//! * [`producers`]: how messages get into the broker.
//! * [`sinks`]: where effects happen.
//! * [`combinators`]: the three ways to put futures together, instead of `spawn` and `select!`.
//! * [`context`] and [`link`]: what the client library needs of its process and of a network; the
//!   simulator and a live transport each provide both.
//! * [`metadata`]: when a client learns of more partitions.
//! * [`inbox`]: the client library itself, once for each model, over a link.
//!
//! # The one lesson
//!
//! A strategy that makes sense on both models is written once, over [`Subscription`]. What differs
//! is what *settle* means: on a log it commits an offset, which covers every earlier message of the
//! partition; on a queue it acks one message. Everything else in the tables follows from that.

pub mod application;
pub mod batch;
pub mod combinators;
pub mod config;
pub mod consumer;
pub mod consumers;
pub mod context;
pub mod inbox;
pub mod link;
pub mod metadata;
pub mod producers;
pub mod sinks;
pub mod subscription;
pub mod workers;

#[cfg(test)]
mod fake_link;

pub use application::{
    Application, BatchError, BatchFailure, BatchRules, BatchSink, DeadLetters, ErrorPolicy,
    Handler, HandlerError, Supervised,
};
pub use config::{
    AutoSettle, ClientConfig, Library, OffsetReset, OffsetStore, SettleScope, StrategyConfig,
    TransactionConfig, TransactionOffsets, WorkerLost,
};
pub use consumer::Consumer;
pub use consumers::{Catalogued, Strategy};
pub use context::{Context, Shutdown};
pub use link::{CallId, Called, Link, OpenCall, Unanswered};
pub use metadata::MetadataRefresh;
pub use producers::{Prepared, TransactionError, TransactionalProducer};
pub use subscription::{
    CarryOn, LogSubscription, QueueSubscription, ReceiveError, SettleError, Stop, Subscription,
    Turn,
};
