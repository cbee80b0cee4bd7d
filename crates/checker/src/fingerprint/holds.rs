//! Tenures and lives by what they mean, not by their numbers.
//!
//! > **The rule.** A tenure is asked three things: what befell it and its life, whether it is the
//! > present hold of some seat or partition, and which of two is older. A tenure that neither a
//! > message nor a seat refers to is asked nothing any more. The others are named by their order.
//!
//! A life is not named at all. All that can befall one befalls the present life of a process, and
//! that is the one that has neither crashed nor exited. A present life that holds nothing is as
//! good as none.
//!
//! Of a tenure whose life has crashed only that, and whether the broker had forgotten it, is
//! entered: a crash is the first cause that counts, and only a settle of a queue lets another one
//! pass. A partition's last owner matters only while a new assignment would still take it away.

use entrega_model::Fingerprint;

use super::END;
use crate::message::NONE;
use crate::owners::{Life, Owners, Tenure};
use crate::subscription::SubscriptionFold;

/// The tenures that still matter.
pub(super) struct Holds<'a> {
    owners: &'a Owners,
    /// Ascending; the place of a tenure here is its name.
    kept: Vec<u32>,
}

impl<'a> Holds<'a> {
    /// Those of a subscription.
    pub(super) fn of(fold: &'a SubscriptionFold) -> Self {
        let owners = &fold.owners;
        let of_messages = fold.messages.iter().map(|(_, message)| message.tenure);
        let mut kept: Vec<u32> = of_messages.filter(|tenure| *tenure != NONE).collect();
        kept.extend(owners.seats().map(|(_, tenure)| tenure));
        kept.sort_unstable();
        kept.dedup();
        Self { owners, kept }
    }

    /// How many of them have a lower number. For one of them, that is its name.
    pub(super) fn count_before(&self, tenure: u32) -> usize {
        self.kept.partition_point(|kept| *kept < tenure)
    }

    /// Enters what befell them, and who holds what now.
    pub(super) fn enter(&self, into: &mut Fingerprint<'_>) {
        into.count(self.kept.len());
        for tenure in &self.kept {
            if let Some((tenure, life)) = self.owners.get(*tenure) {
                enter_tenure(tenure, life, into);
            }
        }
        for (partition, tenure) in self.owners.seats() {
            into.word(u64::from(partition.0) + 1);
            into.count(self.count_before(tenure));
        }
        into.word(END);
        for (partition, tenure) in self.owners.partition_owners() {
            if self.kept.binary_search(&tenure).is_ok() && self.can_move(tenure) {
                into.word(u64::from(partition.0) + 1);
                into.count(self.count_before(tenure));
            }
        }
        into.word(END);
    }

    fn can_move(&self, tenure: u32) -> bool {
        self.owners.get(tenure).is_some_and(|(tenure, life)| {
            !tenure.moved && !tenure.forgotten && !life.crashed && !life.exited
        })
    }
}

fn enter_tenure(tenure: &Tenure, life: &Life, into: &mut Fingerprint<'_>) {
    into.word(life.consumer.0.into());
    into.flags([life.crashed, tenure.forgotten]);
    if life.crashed {
        return;
    }
    into.flags([life.exited, tenure.session_expired, tenure.moved]);
    into.word(tenure.asked_upto);
    if tenure.asked_upto > 0 {
        into.word(tenure.asked_for.into());
    }
    into.maybe(tenure.sought);
}
