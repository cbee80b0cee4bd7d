//! A consumer's link: fetches are answered from the segments, everything else by the control plane.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::task::{self, Poll, ready};

use entrega_brokers::LogBroker;
use entrega_clients::{CallId, Context, Link, Unanswered};
use entrega_model::log::{AssignedPartition, Fetched, PartitionOffset, Request, Response};
use entrega_model::{
    DeliveryId, Generation, Instant, Kind, PartitionId, ProcessId, SubscriptionId,
};
use tokio::task::coop;

use super::{ControlLink, Message, Shared};
use crate::direct::{Sleep, any_has_ended};
use crate::link::Busy;
use entrega_inproc::log::{Ended, OutOfRange, Reader};

/// Ids of fetches begin here; those below belong to the control plane.
const FETCHES: u32 = 1 << 31;

/// The link of one consumer in one of its lives. All its futures are polled by one task.
///
/// A fetch waits until there is something, ignoring its own deadline. At the same time an empty
/// fetch waits at the control plane, which answers it when the assignment ends.
pub struct LogLink<T> {
    shared: Arc<Shared<T>>,
    control: ControlLink<LogBroker>,
    group: SubscriptionId,
    state: RefCell<State<T>>,
    /// The log was stopped.
    has_ended: Cell<bool>,
}

struct State<T> {
    /// One for each partition that was read under this assignment, or will be.
    readers: Vec<(PartitionId, Reader<T>)>,
    fetch: Option<Fetch>,
    fetches: u32,
    asleep: Vec<Sleep>,
    /// The empty fetch at the control plane.
    control_call: Option<CallId>,
    /// While it does not sleep, the run is not at rest.
    busy: Option<Busy<LogBroker>>,
}

/// A fetch that is not answered yet.
struct Fetch {
    call: CallId,
    generation: Generation,
    positions: Vec<PartitionOffset>,
    max: usize,
    buffer: Vec<Fetched>,
}

impl<T: Message> LogLink<T> {
    pub(super) fn new(
        shared: Arc<Shared<T>>,
        control: ControlLink<LogBroker>,
        group: SubscriptionId,
    ) -> Self {
        let state = State {
            readers: Vec::new(),
            fetch: None,
            fetches: 0,
            asleep: Vec::new(),
            control_call: None,
            busy: Some(control.link.occupied()),
        };
        Self { shared, control, group, state: RefCell::new(state), has_ended: Cell::new(false) }
    }

    fn poll_fetch(&self, cx: &mut task::Context<'_>) -> Poll<Response> {
        let state = &mut *self.state.borrow_mut();
        state.busy.get_or_insert_with(|| self.control.link.occupied());
        if let Some(refused) = self.poll_control(state, cx) {
            return Poll::Ready(refused);
        }
        loop {
            if let Some(answer) = self.look(state) {
                state.asleep.clear();
                return Poll::Ready(answer);
            }
            let is_new = state.asleep.is_empty() && !state.readers.is_empty();
            if is_new {
                let sleeps = state.readers.iter().map(|(_, reader)| Box::pin(reader.notified()));
                state.asleep = sleeps.map(|sleep| sleep as Sleep).collect();
            }
            if any_has_ended(&mut state.asleep, cx) {
                state.asleep.clear();
            } else if !is_new {
                state.busy = None;
                return Poll::Pending;
            }
        }
    }

    /// The answer of the control plane, if the assignment has ended.
    fn poll_control(&self, state: &mut State<T>, cx: &mut task::Context<'_>) -> Option<Response> {
        let (link, group) = (&self.control.link, self.group);
        let generation = state.fetch.as_ref()?.generation;
        let call = *state.control_call.get_or_insert_with(|| {
            let (positions, buffer) = (Vec::new(), Vec::new());
            let (max_records, deadline) = (1, Instant::NEVER);
            link.start(Request::Fetch {
                group,
                generation,
                positions,
                max_records,
                buffer,
                deadline,
            })
        });
        let Poll::Ready(answer) = link.poll_answer(call, cx) else { return None };
        (state.control_call, state.fetch) = (None, None);
        answer.ok()
    }

    /// What there is to read, if anything.
    fn look(&self, state: &mut State<T>) -> Option<Response> {
        let State { readers, fetch, .. } = state;
        let Fetch { positions, max, buffer, .. } = fetch.as_mut()?;
        for position in &*positions {
            let Some(reader) = self.reader_at(readers, position.partition) else { continue };
            match read(reader, *position, *max, buffer) {
                Ok(()) => {}
                Err(Ended::OutOfRange(range)) => {
                    let partition = Box::new(self.bounds(position.partition, range));
                    return state.fetch.take().map(|fetch| Response::OutOfRange {
                        partition,
                        position: range.position,
                        positions: fetch.positions,
                        buffer: emptied(fetch.buffer),
                    });
                }
                Err(Ended::Closed) => {}
                Err(Ended::Stopped) => self.has_ended.set(true),
            }
            self.shared.note_position(self.group, position.partition, reader.position());
        }
        if buffer.is_empty() {
            return None;
        }
        let Fetch { positions, buffer: records, .. } = fetch.take()?;
        Some(Response::Fetched { records, positions })
    }

    /// The reader of a partition.
    fn reader_at<'a>(
        &self,
        readers: &'a mut Vec<(PartitionId, Reader<T>)>,
        partition: PartitionId,
    ) -> Option<&'a mut Reader<T>> {
        let place = match readers.iter().position(|(of, _)| *of == partition) {
            Some(place) => place,
            None => {
                readers.push((partition, self.shared.log.reader(partition, self.group)?));
                readers.len() - 1
            }
        };
        Some(&mut readers[place].1)
    }

    fn bounds(&self, partition: PartitionId, range: OutOfRange) -> AssignedPartition {
        AssignedPartition {
            partition,
            committed: self.shared.served.look(|broker| broker.committed(self.group, partition)),
            log_start: range.log_start,
            high_watermark: range.log_end,
            young_from: range.log_start,
        }
    }

    /// The control plane has no records; only the log knows where partitions begin and end. It does
    /// not know when a record came, so a reset by duration takes all that there is.
    fn joined(&self, assigned: &mut [AssignedPartition]) {
        for partition in assigned {
            let bounds = self.shared.log.bounds(partition.partition).unwrap_or_default();
            (partition.log_start, partition.high_watermark) = bounds;
            partition.young_from = partition.log_start;
        }
    }

    /// Ends the assignment at the consumer's own request.
    fn let_go(&self) {
        let state = &mut *self.state.borrow_mut();
        state.readers.clear();
        state.asleep.clear();
        if let Some(call) = state.control_call.take() {
            self.control.link.forget(call);
        }
        state.busy.get_or_insert_with(|| self.control.link.occupied());
    }
}

/// Reads on from a position, until the buffer holds `max` records.
fn read<T: Message>(
    reader: &mut Reader<T>,
    from: PartitionOffset,
    max: usize,
    buffer: &mut Vec<Fetched>,
) -> Result<(), Ended> {
    if reader.position() != from.offset {
        reader.seek(from.offset).map_err(Ended::OutOfRange)?;
    }
    while buffer.len() < max {
        let base = reader.position();
        let records = match reader.try_fetch(max - buffer.len()) {
            Ok([]) => break,
            Ok(records) => records,
            Err(_) if !buffer.is_empty() => break,
            Err(ended) => return Err(ended),
        };
        let partition = from.partition;
        buffer.extend((base..).zip(records).map(|(offset, body)| Fetched {
            partition,
            offset,
            record: body.record(),
        }));
    }
    Ok(())
}

fn emptied(mut buffer: Vec<Fetched>) -> Vec<Fetched> {
    buffer.clear();
    buffer
}

impl<T: Message> Context for LogLink<T> {
    fn process(&self) -> ProcessId {
        self.control.link.process()
    }

    fn now(&self) -> Instant {
        self.control.link.now()
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> {
        self.control.link.sleep_until(at)
    }

    fn is_closing(&self) -> bool {
        self.has_ended.get() || self.control.link.is_closing()
    }

    fn record(&self, kind: Kind) {
        self.control.record(kind);
    }

    fn next_delivery(&self) -> DeliveryId {
        self.control.next_delivery()
    }
}

impl<T: Message> Link for LogLink<T> {
    type Request = Request;
    type Response = Response;

    fn start(&self, request: Request) -> CallId {
        match request {
            Request::Fetch { generation, positions, max_records, buffer, .. } => {
                let mut state = self.state.borrow_mut();
                state.fetches = state.fetches.wrapping_add(1) % FETCHES;
                state.asleep.clear();
                let (call, max) = (CallId(FETCHES + state.fetches), max_records as usize);
                state.fetch = Some(Fetch { call, generation, positions, max, buffer });
                return call;
            }
            Request::Commit { group, generation, offsets, trigger } => {
                let moves = self.shared.moves_on(group, &offsets);
                let request = Request::Commit { group, generation, offsets, trigger };
                let call = self.control.link.start(request);
                moves.into_iter().for_each(|partition| self.shared.keep(group, partition));
                return call;
            }
            Request::Join { .. } | Request::Leave { .. } => self.let_go(),
            Request::Produce { .. }
            | Request::AwaitReplication { .. }
            | Request::Transact { .. } => {}
        }
        self.control.link.start(request)
    }

    fn poll_answer(
        &self,
        call: CallId,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Response, Unanswered>> {
        if call.0 >= FETCHES {
            let state = self.state.borrow();
            if state.fetch.as_ref().is_none_or(|fetch| fetch.call != call) {
                return Poll::Pending;
            }
            drop(state);
            let budget = ready!(coop::poll_proceed(cx));
            let answer = self.poll_fetch(cx).map(Ok);
            if answer.is_ready() {
                budget.made_progress();
            }
            return answer;
        }
        let mut answer = self.control.link.poll_answer(call, cx);
        if let Poll::Ready(Ok(Response::Joined { assigned, .. })) = &mut answer {
            self.joined(assigned);
        }
        answer
    }

    fn forget(&self, call: CallId) {
        if call.0 < FETCHES {
            return self.control.link.forget(call);
        }
        let mut state = self.state.borrow_mut();
        state.fetch.take_if(|fetch| fetch.call == call);
    }
}
