//! The vocabulary of Entrega. Every other crate speaks in these words, and this crate depends on
//! none of them.
//!
//! # Layout
//!
//! * [`time`]: virtual time, an integer number of nanoseconds. Nothing here reads a clock.
//! * [`ids`]: small integer names for messages, processes, subscriptions, partitions and
//!   deliveries.
//! * [`guarantee`]: the three delivery semantics as words, and the two models.
//! * [`message`]: what is stored in a broker, and what a consumer holds in its hand.
//! * [`log`], [`queue`]: what a client asks of a broker and what it answers, as plain data. The
//!   same types serve the simulator's links and later real transports.
//! * [`purpose`]: what a request is for, whichever model it is made to.
//! * [`event`]: everything that happens, as one ordered stream of small values.
//! * [`fingerprint`]: a state in 64 bits, for who explores them.
//! * [`history`]: the same stream as a text file, for people and for real systems.
//! * [`printable`]: text of unknown origin, made fit for a terminal.
//!
//! # The four "onces"
//!
//! Most disputes about exactly-once come from counting at different places. A message is *stored*
//! in the broker, *delivered* to one consumer incarnation, *processed* by its handler, has its
//! *effect* at a sink, and is *settled* in the broker. Loss and duplication are counted on effects.

pub mod event;
pub mod fingerprint;
pub mod guarantee;
pub mod history;
pub mod ids;
pub mod log;
pub mod message;
pub mod printable;
pub mod purpose;
pub mod queue;
pub mod time;

pub use event::{Event, Kind, Observer};
pub use fingerprint::{Fingerprint, Fingerprinted};
pub use guarantee::{Guarantee, Model};
pub use ids::*;
pub use message::{Delivery, Output, Record};
pub use purpose::{Purposeful, RequestPurpose};
pub use time::{Duration, Instant};
