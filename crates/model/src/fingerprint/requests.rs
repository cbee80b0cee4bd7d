//! How requests and answers enter a fingerprint.
//!
//! > **The rule.** All of their content enters, of a buffer what is in it. Answers do not say which
//! > subscription they are of: their tags and generations are of the *own* one
//! > ([`Fingerprint::set_own`]).

use super::{Fingerprint, Fingerprinted};
use crate::{Output, SubscriptionId, log, queue};

impl Fingerprinted for log::PartitionOffset {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        into.word(self.partition.0.into());
        into.word(self.offset);
    }
}

impl Fingerprinted for log::Fetched {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        into.word(self.partition.0.into());
        into.word(self.offset);
        self.record.fingerprint(into);
    }
}

impl Fingerprinted for log::AssignedPartition {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { partition, committed, log_start, high_watermark, young_from } = *self;
        into.word(partition.0.into());
        into.maybe(committed);
        into.word(log_start);
        into.word(high_watermark);
        into.word(young_from);
    }
}

impl Fingerprinted for log::Request {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        match self {
            Self::Produce { partition, records, acks, sequence } => {
                begin(into, 0, partition.0);
                into.list(records);
                into.word(*acks as u64);
                let word = |of: log::BatchSequence| u64::from(of.epoch) << 32 | u64::from(of.first);
                into.maybe(sequence.map(word));
            }
            Self::Join { group, has } => {
                begin(into, 1, group.0);
                into.generation(*group, *has);
            }
            Self::Leave { group } => begin(into, 2, group.0),
            Self::Fetch { group, generation, positions, max_records, buffer, deadline } => {
                begin(into, 3, group.0);
                into.generation(*group, *generation);
                into.list(positions);
                into.word((*max_records).into());
                into.list(buffer);
                into.time(*deadline);
            }
            Self::Commit { group, generation, offsets, trigger } => {
                begin(into, 4, group.0);
                into.generation(*group, *generation);
                into.list(offsets);
                into.word(*trigger as u64);
            }
            Self::AwaitReplication { partition, base_offset, upto, records, deadline } => {
                begin(into, 5, partition.0);
                into.word(*base_offset);
                into.word(*upto);
                into.list(records);
                into.time(*deadline);
            }
            Self::Transact { of, id, epoch, act } => {
                begin(into, 6, u64::from(id.0) << 8 | u64::from(of.0));
                into.word((*epoch).into());
                enter_act(*of, act, into);
            }
        }
    }
}

fn enter_act(of: SubscriptionId, act: &log::TransactionAct, into: &mut Fingerprint<'_>) {
    match act {
        log::TransactionAct::Init { timeout } => {
            into.word(0);
            into.word(timeout.as_nanos());
        }
        log::TransactionAct::Produce { to, first, records } => {
            begin(into, 1, *first);
            to.fingerprint(into);
            into.list(records);
        }
        log::TransactionAct::AddOffsets { member, offsets } => {
            into.word(2);
            into.flag(member.is_some());
            into.generation(of, member.unwrap_or_default());
            into.list(offsets);
        }
        log::TransactionAct::End { commit } => begin(into, 3, *commit),
    }
}

impl Fingerprinted for log::Destination {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        into.maybe(match self {
            Self::Topic(partition) => Some(partition.0.into()),
            Self::Output => None,
        });
    }
}

impl Fingerprinted for Output {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        self.record.fingerprint(into);
        into.delivery(self.delivery);
    }
}

impl Fingerprinted for log::Response {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        match self {
            Self::Produced { base_offset, records } => {
                into.word(0);
                into.word(*base_offset);
                into.list(records);
            }
            Self::Joined { generation, assigned } => {
                into.word(1);
                into.own_generation(*generation);
                into.list(assigned);
            }
            Self::Left => into.word(2),
            Self::Fetched { records, positions } => {
                into.word(3);
                into.list(records);
                into.list(positions);
            }
            Self::OutOfRange { partition, position, positions, buffer } => {
                into.word(4);
                partition.fingerprint(into);
                into.word(*position);
                into.list(positions);
                into.list(buffer);
            }
            Self::Committed { offsets } => {
                into.word(5);
                into.list(offsets);
            }
            Self::Refused(refusal) => begin(into, 6, *refusal as u8),
            Self::ProduceRefused { refusal, records } => {
                begin(into, 7, *refusal as u8);
                into.list(records);
            }
            Self::Transacted { epoch, base_offset, records, offsets } => {
                begin(into, 8, *epoch);
                into.word(*base_offset);
                into.list(records);
                into.list(offsets);
            }
            Self::TransactionRefused(refusal) => begin(into, 9, *refusal as u8),
        }
    }
}

impl Fingerprinted for queue::Received {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { tag, record, delivery_count, redelivered } = *self;
        into.own_tag(tag);
        record.fingerprint(into);
        into.word(u64::from(delivery_count) << 1 | u64::from(redelivered));
    }
}

impl Fingerprinted for queue::Request {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        match self {
            Self::Publish { records, confirm, id } => {
                begin(into, 0, u8::from(*confirm));
                into.word((*id).into());
                into.list(records);
            }
            Self::Receive { queue, max, settle_at_delivery, buffer, deadline } => {
                begin(into, 1, queue.0);
                into.word((*max).into());
                into.flag(*settle_at_delivery);
                into.count(buffer.len());
                buffer.iter().for_each(|received| of(*queue, received, into));
                into.time(*deadline);
            }
            Self::Settle { queue, tags, settlement, multiple, trigger } => {
                begin(into, 2, queue.0);
                into.count(tags.len());
                tags.iter().for_each(|tag| into.tag(*queue, *tag));
                into.word(*settlement as u64);
                into.flag(*multiple);
                into.word(*trigger as u64);
            }
            Self::Close { queue } => begin(into, 3, queue.0),
            Self::SettleAndPublish { queue, tag, output } => {
                begin(into, 4, queue.0);
                into.flag(tag.is_some());
                tag.iter().for_each(|tag| into.tag(*queue, *tag));
                into.flag(output.is_some());
                output.iter().for_each(|output| output.fingerprint(into));
            }
            Self::Retry { queue, record, tried, after } => {
                begin(into, 5, queue.0);
                record.fingerprint(into);
                into.word((*tried).into());
                into.word(after.as_nanos());
            }
        }
    }
}

impl Fingerprinted for queue::Response {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        match self {
            Self::Published { records } => {
                into.word(0);
                into.list(records);
            }
            Self::PublishRefused { records } => {
                into.word(1);
                into.list(records);
            }
            Self::Received { deliveries } => {
                into.word(2);
                into.list(deliveries);
            }
            Self::Settled { tags } => own_tags(into, 3, tags),
            Self::Stale { tags } => own_tags(into, 4, tags),
            Self::Closed => into.word(5),
            Self::UnknownQueue => into.word(6),
            Self::NotAtomic => into.word(7),
        }
    }
}

/// Which variant, and its first field.
fn begin(into: &mut Fingerprint<'_>, variant: u64, field: impl Into<u64>) {
    into.word(variant << 32 | field.into());
}

fn own_tags(into: &mut Fingerprint<'_>, variant: u64, tags: &[u64]) {
    into.word(variant);
    into.count(tags.len());
    tags.iter().for_each(|tag| into.own_tag(*tag));
}

/// Enters something whose names are of `subscription`, and goes back to the own one.
fn of(subscription: SubscriptionId, what: &impl Fingerprinted, into: &mut Fingerprint<'_>) {
    let own = into.own.replace(subscription);
    what.fingerprint(into);
    into.own = own;
}
