//! The broker, driven as the crate documentation says, and its answers in the words of the
//! reference.

use std::mem;

use entrega_model::event::SettleTrigger;
use entrega_model::log::{Acks, AssignedPartition, Offset, PartitionOffset, Request, Response};
use entrega_model::{
    ClientId, Duration, Event, Generation, Instant, Key, Kind, MessageId, PartitionId, Record,
    SubscriptionId,
};

use super::super::reference::{Answer, Ask, Happened};
use crate::Broker;
use crate::log::{LogBroker, LogSettings};

const GROUP: SubscriptionId = SubscriptionId(0);
/// How often a driver goes round before it says that there is no end.
const PATIENCE: u32 = 100;
const SECOND: Duration = Duration::from_secs(1);

/// A broker with the requests that it parked.
pub(super) struct Driven {
    broker: LogBroker,
    pub(super) now: Instant,
    parked: Vec<(ClientId, Request)>,
    answers: Vec<(ClientId, Answer)>,
    truth: Vec<Event>,
    /// It asks to be offered the same again and again, or has a deadline that does not pass.
    pub(super) is_endless: bool,
}

impl Driven {
    pub(super) fn new(settings: LogSettings) -> Self {
        Self {
            broker: LogBroker::new(settings),
            now: Instant::START,
            parked: Vec::new(),
            answers: Vec::new(),
            truth: Vec::new(),
            is_endless: false,
        }
    }

    pub(super) fn generation(&self) -> u32 {
        self.broker.generation(GROUP).0
    }

    pub(super) fn committed(&self, partition: u16) -> Option<Offset> {
        self.broker.committed(GROUP, PartitionId(partition))
    }

    pub(super) fn take(&mut self) -> (Vec<(ClientId, Answer)>, Vec<Happened>) {
        let truth = mem::take(&mut self.truth);
        (mem::take(&mut self.answers), truth.iter().filter_map(happened).collect())
    }

    pub(super) fn ask(&mut self, from: ClientId, ask: &Ask) {
        let request = match *ask {
            Ask::Join { has } => Request::Join { group: GROUP, has: Generation(has) },
            Ask::Leave => Request::Leave { group: GROUP },
            Ask::Fetch { generation, partition, offset, until } => Request::Fetch {
                group: GROUP,
                generation: Generation(generation),
                positions: vec![PartitionOffset { partition: PartitionId(partition), offset }],
                max_records: 1_000,
                buffer: Vec::new(),
                deadline: until,
            },
            Ask::Commit { generation, ref offsets } => Request::Commit {
                group: GROUP,
                generation: Generation(generation),
                offsets: offsets.iter().copied().map(place).collect(),
                trigger: SettleTrigger::Application,
            },
            Ask::Cancelled => return,
        };
        self.offer(from, request);
        self.offer_again();
    }

    fn offer(&mut self, from: ClientId, mut request: Request) {
        match self.broker.handle(self.now, from, &mut request, &mut self.truth) {
            Some(response) => self.answers.extend(answer(response).map(|answer| (from, answer))),
            None => self.parked.push((from, request)),
        }
    }

    fn offer_again(&mut self) {
        let mut rounds = 0;
        while self.broker.take_changed() {
            rounds += 1;
            if rounds > PATIENCE {
                self.is_endless = true;
                return;
            }
            for (from, request) in mem::take(&mut self.parked) {
                self.offer(from, request);
            }
        }
    }

    pub(super) fn store(&mut self, from: ClientId, partition: u16) {
        let records = vec![Record { message: MessageId(0), key: Key(0), bytes: 1 }];
        let partition = PartitionId(partition);
        let request = Request::Produce { partition, records, acks: Acks::All, sequence: None };
        self.offer(from, request);
        self.answers.retain(|(of, _)| *of != from);
        self.offer_again();
    }

    pub(super) fn silent(&mut self, client: ClientId) {
        self.broker.silent(self.now, client);
        self.offer_again();
    }

    pub(super) fn heard(&mut self, client: ClientId) {
        self.broker.heard(self.now, client);
        self.offer_again();
    }

    pub(super) fn disconnect(&mut self, client: ClientId) {
        self.parked.retain(|(from, _)| *from != client);
        self.broker.disconnected(self.now, client, &mut self.truth);
        self.offer_again();
    }

    pub(super) fn restart(&mut self) {
        self.broker.restart(self.now, &mut self.truth);
        self.offer_again();
    }

    pub(super) fn rebalance(&mut self) {
        self.broker.rebalance(self.now, GROUP);
        self.offer_again();
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += SECOND;
            let mut rounds = 0;
            while self.is_due() {
                rounds += 1;
                if rounds > PATIENCE {
                    self.is_endless = true;
                    return;
                }
                self.broker.advance(self.now, &mut self.truth);
                self.offer_again();
            }
            for (from, request) in mem::take(&mut self.parked) {
                if self.broker.deadline_of(&request) <= self.now {
                    self.offer(from, request);
                } else {
                    self.parked.push((from, request));
                }
            }
        }
    }

    fn is_due(&self) -> bool {
        let mut due =
            self.broker.next_deadline().into_iter().chain(self.broker.next_housekeeping());
        due.any(|deadline| deadline <= self.now)
    }
}

fn place((partition, offset): (u16, Offset)) -> PartitionOffset {
    PartitionOffset { partition: PartitionId(partition), offset }
}

fn happened(event: &Event) -> Option<Happened> {
    match event.kind {
        Kind::SessionExpired { consumer, .. } => Some(Happened::SessionExpired(consumer)),
        Kind::Committed { consumer, partition, upto, previous, .. } => {
            Some(Happened::Committed { by: consumer, partition: partition.0, upto, previous })
        }
        _ => None,
    }
}

fn answer(response: Response) -> Option<Answer> {
    Some(match response {
        Response::Joined { generation, assigned } => {
            let one = |of: &AssignedPartition| (of.partition.0, of.committed, of.high_watermark);
            Answer::Joined(generation.0, assigned.iter().map(one).collect())
        }
        Response::Left => Answer::Left,
        Response::Fetched { records, .. } => {
            Answer::Fetched(records.iter().map(|fetched| fetched.offset).collect())
        }
        Response::OutOfRange { .. } => Answer::OutOfRange,
        Response::Committed { .. } => Answer::Committed,
        Response::Refused(refusal) => Answer::Refused(format!("{refusal:?}")),
        Response::Produced { .. } => return None,
        other => panic!("{other:?}"),
    })
}
