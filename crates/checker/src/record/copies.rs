//! Which copy of a message a delivery hands out, as far as a record shows.
//!
//! > **The rule** (semantics.md 5.4, `stored_twice`). A message of a log that is delivered from
//! > two offsets has two copies. Where offsets do not tell, and more than one attempt of the send
//! > may have stored the message, a later delivery may be one of another copy.
//!
//! That several copies were stored the fold knows if their stores are recorded. That one was is no
//! evidence that no other was: the line may be missing, unless the record leaves out nothing.

use entrega_model::event::NO_POSITION;
use entrega_model::history::Origin;
use entrega_model::{Kind, MessageId, PartitionId};

use super::attempts::Attempts;
use crate::table::Table;

/// How the copy of a delivery is related to that of the delivery before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Copy {
    /// Nothing says that it is another one.
    #[default]
    Same,
    /// It stands at another offset.
    Other,
    /// The message was sent more than once, and the line does not say that this is a redelivery.
    PerhapsOther,
    /// The same, and the line says that it is none.
    ProbablyOther,
}

impl Copy {
    /// The same where every store is recorded, so that another copy would be known.
    pub(super) const fn where_stores_are_known(self) -> Self {
        match self {
            Self::Same | Self::PerhapsOther | Self::ProbablyOther => Self::Same,
            Self::Other => Self::Other,
        }
    }
}

/// Where the latest delivery of each message stood on a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    places: Table<Option<(PartitionId, u64)>>,
}

impl Copies {
    /// A message is delivered.
    pub(super) fn delivered(
        &mut self,
        kind: &Kind,
        origin: Origin,
        is_log: bool,
        attempts: &Attempts,
    ) -> Copy {
        let Kind::Delivered { message, partition, position, attempt, redelivered, .. } = *kind
        else {
            return Copy::Same;
        };
        if is_log && let Some(copy) = self.moved(message, partition, position) {
            return copy;
        }
        let says_again = redelivered || attempt > 1;
        if says_again || !attempts.may_be_stored_twice(message) {
            Copy::Same
        } else if origin.says_first {
            Copy::ProbablyOther
        } else {
            Copy::PerhapsOther
        }
    }

    /// What the offsets of this delivery and of the one before say, if both are known.
    fn moved(&mut self, message: MessageId, partition: PartitionId, position: u64) -> Option<Copy> {
        let place = (position != NO_POSITION).then_some((partition, position))?;
        let before = self.places.entry(message.0.into()).replace(place)?;
        Some(if before == place { Copy::Same } else { Copy::Other })
    }
}
