//! Small integer names. They are dense, so tables are vectors, and they never carry text: names for
//! people are added where something is printed.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $int);

        impl $name {
            /// This id as an index into a dense table.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A logical message, assigned by its producer and stable across retries and resends. Ids are
    /// dense and grow in the order in which a producer first sends them.
    MessageId(u32)
}
id! {
    /// What a message is about (a customer, an account). Messages of one key have an order.
    Key(u32)
}
id! {
    /// A process of the world: a producer or one consumer instance. It survives its crashes; its
    /// lives are distinguished by an [`Incarnation`].
    ProcessId(u16)
}
id! {
    /// One life of a process, between a start and a crash. The first is 0.
    Incarnation(u32)
}
id! {
    /// An independent reader of all messages: a consumer group on a log, a queue bound to the
    /// exchange on a queue broker.
    SubscriptionId(u8)
}
id! {
    /// A sequence of messages inside a subscription: a partition on a log; a queue has only
    /// partition 0.
    PartitionId(u16)
}
id! {
    /// One delivery of one stored message to one consumer incarnation. Unique in a run.
    DeliveryId(u32)
}
id! {
    /// The name of a transactional producer, the same in all its lives (`transactional.id`).
    TransactionalId(u16)
}
id! {
    /// The number of the assignment under which a group member acts; every rebalance increments it.
    Generation(u32)
}

/// One connection to a broker: a process in one of its lives. A broker never confuses a restarted
/// process with the life before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    /// The process that connected.
    pub process: ProcessId,
    /// Which of its lives.
    pub incarnation: Incarnation,
}
