//! A driver of the broker: it parks requests, offers them again and fires deadlines, as the crate
//! documentation tells it to; and answers in short.

use super::*;

/// A broker, the requests that it parked, and the answers that parked requests got since.
pub(super) struct Driver {
    pub(super) broker: LogBroker,
    pub(super) now: Instant,
    pub(super) ground_truth: Vec<Event>,
    pub(super) parked: Vec<(ClientId, Request)>,
    pub(super) answers: Vec<(ClientId, Response)>,
}

impl Driver {
    pub(super) fn new(settings: LogSettings) -> Self {
        Self {
            broker: LogBroker::new(settings),
            now: Instant::START,
            ground_truth: Vec::new(),
            parked: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Four partitions, two groups, no retention.
    pub(super) fn plain() -> Self {
        Self::new(LogSettings {
            partitions: 4,
            groups: 2,
            retention_time: None,
            ..LogSettings::default()
        })
    }

    pub(super) fn ask(&mut self, from: ClientId, mut request: Request) -> Option<Response> {
        let response = self.broker.handle(self.now, from, &mut request, &mut self.ground_truth);
        if response.is_none() {
            self.parked.push((from, request));
        }
        self.offer_again();
        response
    }

    pub(super) fn offer_again(&mut self) {
        while self.broker.take_changed() {
            for (from, mut request) in mem::take(&mut self.parked) {
                match self.broker.handle(self.now, from, &mut request, &mut self.ground_truth) {
                    Some(response) => self.answers.push((from, response)),
                    None => self.parked.push((from, request)),
                }
            }
        }
    }

    /// Lets time pass until `secs`, firing every deadline of the broker on the way.
    pub(super) fn run_until(&mut self, secs: u64) {
        let end = Instant::START + Duration::from_secs(secs);
        while let Some(deadline) = self.next_due().filter(|at| *at <= end) {
            self.now = self.now.max(deadline);
            self.broker.advance(self.now, &mut self.ground_truth);
            self.offer_again();
        }
        self.now = end;
    }

    fn next_due(&self) -> Option<Instant> {
        self.broker.next_deadline().into_iter().chain(self.broker.next_housekeeping()).min()
    }

    pub(super) fn disconnect(&mut self, client: ClientId) {
        self.parked.retain(|(from, _)| *from != client);
        self.broker.disconnected(self.now, client, &mut self.ground_truth);
        self.offer_again();
    }

    /// Stores messages `ids` in one partition, a batch each, of ten bytes.
    pub(super) fn store(&mut self, partition: u16, ids: std::ops::Range<u32>) {
        for id in ids {
            let records = vec![record(id)];
            let request = Request::Produce {
                partition: PartitionId(partition),
                records,
                acks: Acks::All,
                sequence: None,
            };
            assert!(matches!(self.ask(PRODUCER, request), Some(Response::Produced { .. })));
        }
    }

    /// Joins and returns the generation and each partition with its committed offset.
    pub(super) fn join(&mut self, from: ClientId) -> Option<(u32, Assignment)> {
        self.ask(from, Request::Join { group: GROUP, has: Generation(0) }).as_ref().map(assignment)
    }

    pub(super) fn commit(
        &mut self,
        from: ClientId,
        generation: u32,
        partition: u16,
        offset: u64,
    ) -> Outcome {
        let offsets = vec![PartitionOffset { partition: PartitionId(partition), offset }];
        outcome(self.ask(from, commit_request(generation, offsets)))
    }

    /// Fetches at most ten records of one partition; waits for 1 s.
    pub(super) fn fetch(
        &mut self,
        from: ClientId,
        generation: u32,
        partition: u16,
        offset: u64,
    ) -> Outcome {
        let positions = vec![PartitionOffset { partition: PartitionId(partition), offset }];
        let deadline = self.now + Duration::from_secs(1);
        outcome(self.ask(from, fetch_request(generation, positions, deadline)))
    }

    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.ground_truth.iter().map(|event| event.kind).collect()
    }

    pub(super) fn audited(&self, subscription: SubscriptionId) -> Vec<u32> {
        let mut ground_truth = Vec::new();
        self.broker.audit(self.now, &mut ground_truth);
        let of_group = |event: &Event| match event.kind {
            Kind::Retrievable { message, subscription: of } if of == subscription => {
                Some(message.0)
            }
            _ => None,
        };
        ground_truth.iter().filter_map(of_group).collect()
    }
}

pub(super) type Assignment = Vec<(u16, Option<Offset>)>;

/// An answer in short.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Parked,
    Ok,
    Records(Vec<u32>),
    OutOfRange(Offset, Offset),
    Refused(Refusal),
}

pub(super) fn outcome(response: Option<Response>) -> Outcome {
    match response {
        None => Outcome::Parked,
        Some(Response::Fetched { records, .. }) => {
            Outcome::Records(records.iter().map(|fetched| fetched.record.message.0).collect())
        }
        Some(Response::OutOfRange { partition, .. }) => {
            Outcome::OutOfRange(partition.log_start, partition.high_watermark)
        }
        Some(Response::Refused(refusal)) => Outcome::Refused(refusal),
        Some(_) => Outcome::Ok,
    }
}

pub(super) fn assignment(response: &Response) -> (u32, Assignment) {
    let Response::Joined { generation, assigned } = response else {
        panic!("not joined: {response:?}");
    };
    let assigned =
        assigned.iter().map(|partition| (partition.partition.0, partition.committed)).collect();
    (generation.0, assigned)
}

pub(super) fn record(id: u32) -> Record {
    Record { message: MessageId(id), key: Key(id), bytes: 10 }
}

pub(super) fn commit_request(generation: u32, offsets: Vec<PartitionOffset>) -> Request {
    let (generation, trigger) = (Generation(generation), SettleTrigger::Application);
    Request::Commit { group: GROUP, generation, offsets, trigger }
}

pub(super) fn fetch_request(
    generation: u32,
    positions: Vec<PartitionOffset>,
    deadline: Instant,
) -> Request {
    let (generation, buffer) = (Generation(generation), Vec::with_capacity(10));
    Request::Fetch { group: GROUP, generation, positions, max_records: 10, buffer, deadline }
}
