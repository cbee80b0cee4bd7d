//! Appending records to a partition.
//!
//! > **The rule.** A record gets the next offset of its partition. A batch of an idempotent
//! > producer is appended once and in the order of its sequence (module `producers`).

use std::mem;

use entrega_model::log::{BatchSequence, Refusal, Response};
use entrega_model::{ClientId, Event, Instant, Kind, PartitionId, Record};

use super::LogBroker;
use super::producers::{Admission, Sent};

impl LogBroker {
    /// Appends records, and says where the first of them stands.
    pub(super) fn produce(
        &mut self,
        now: Instant,
        id: PartitionId,
        records: &mut Vec<Record>,
        ground_truth: &mut Vec<Event>,
    ) -> Response {
        let Some(partition) = self.partitions.get_mut(id.index()) else {
            return Response::Refused(Refusal::UnknownPartition);
        };
        let base_offset = match records[..] {
            [record] => partition.append_one(now, record, self.segment_limits),
            _ => partition.append(now, records, self.segment_limits),
        };
        let is_oversize = self.retention.is_oversize(partition);
        for (position, record) in (base_offset..).zip(records.iter()) {
            let (message, copy) = (record.message, self.copies.count(record.message));
            let kind = Kind::Stored { message, subscription: None, partition: id, position, copy };
            ground_truth.push(Event { at: now, kind });
            self.changed = true;
        }
        if is_oversize || self.retention_check.is_none() {
            self.watch_retention(now, id);
        }
        if let Some(timestamps) = self.timestamps.as_mut().filter(|_| !records.is_empty()) {
            timestamps.note(now, id, base_offset);
        }
        records.clear();
        Response::Produced { base_offset, records: mem::take(records) }
    }

    /// Appends a batch of any producer.
    #[inline]
    pub(super) fn append(
        &mut self,
        now: Instant,
        from: ClientId,
        (partition, sequence): (PartitionId, Option<BatchSequence>),
        records: &mut Vec<Record>,
        ground_truth: &mut Vec<Event>,
    ) -> Response {
        let Some(sequence) = sequence else {
            return self.produce(now, partition, records, ground_truth);
        };
        let sent = Sent { partition, producer: from, sequence, count: records.len() as u32 };
        self.produce_once(now, &sent, records, ground_truth)
    }

    /// Appends a batch of an idempotent producer, unless it stands in the log already or comes
    /// before its predecessor.
    #[inline(never)]
    fn produce_once(
        &mut self,
        now: Instant,
        sent: &Sent,
        records: &mut Vec<Record>,
        ground_truth: &mut Vec<Event>,
    ) -> Response {
        let id = sent.partition;
        let Some(partition) = self.partitions.get(id.index()).filter(|_| sent.count > 0) else {
            return self.produce(now, id, records, ground_truth);
        };
        let base_offset = match self.producers.admit(now, sent) {
            Admission::New => partition.log_end_offset,
            Admission::Duplicate(base_offset) => {
                records.clear();
                return Response::Produced { base_offset, records: mem::take(records) };
            }
            Admission::Refused(refusal) => {
                return Response::ProduceRefused { refusal, records: mem::take(records) };
            }
        };
        self.producers.appended(now, sent, base_offset);
        self.produce(now, id, records, ground_truth)
    }
}
