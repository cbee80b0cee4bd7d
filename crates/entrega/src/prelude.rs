//! Everything that a test of your own consumer needs: `use entrega::prelude::*;`.

pub use entrega_clients::application::ProgressInSink;
pub use entrega_clients::{
    Application, CarryOn, Consumer, LogSubscription, QueueSubscription, Stop, Strategy,
    Subscription, Turn, consumer,
};
pub use entrega_model::{Delivery, Duration, Instant, Model};

pub use crate::outcome::{dead_lettered, duplicated, lost, phantom, reordered, stalled};
pub use crate::own::{Explorer, Outcomes, explore};
