//! A producer with a buffer of its own: what is handed to it leaves later, in batches (`linger.ms`,
//! `batch.size`).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use entrega_model::event::SendOutcome;
use entrega_model::{Duration, Instant, PartitionId, Record};

use super::confirmed::turn;
use super::pipelined::Window;
use super::{Outgoing, PublishError, Publisher, Retries};

/// A connection that stores batches of messages.
pub trait BatchPublisher: Publisher {
    /// Where a message belongs: a batch is for one partition. A queue has one.
    fn partition(&self, record: Record) -> PartitionId;

    /// Notes that the application has handed a message over.
    fn accepted(&self, record: Record);

    /// Sends a batch of one partition, at least one message, and waits for the confirmation.
    /// `attempt` 1 is the first.
    ///
    /// # Errors
    /// [`PublishError`], of all of them alike.
    async fn publish_batch(&self, batch: &[Record], attempt: u16) -> Result<(), PublishError>;

    /// Sends a batch and asks for no confirmation.
    fn post_batch(&self, batch: &[Record]);

    /// Notes how the send of a batch ended.
    fn batch_ended(&self, batch: &[Record], outcome: SendOutcome);

    /// The current time.
    fn now(&self) -> Instant;

    /// Waits until a time.
    async fn sleep_until(&self, at: Instant);
}

/// How a producer buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffering {
    /// How long a message may wait for others of its batch (`linger.ms`).
    pub linger: Duration,
    /// How many bytes make a batch that waits no longer (`batch.size`).
    pub batch_bytes: u64,
    /// Whether the producer sends what is left when there will be no more messages (`flush()`), or
    /// throws it away.
    pub flushes: bool,
    /// Whether it waits for confirmations.
    pub confirms: bool,
    /// How often it tries again if it does.
    pub retries: Retries,
    /// How many batches wait for a confirmation at once.
    pub max_in_flight: u32,
}

/// Takes each message as soon as it is due, and sends it with others of its partition: when a batch
/// is full, or when its first message has waited for long enough.
///
/// The window: the application goes on as soon as a message is in the buffer. If the process dies
/// then, or ends without flushing, the message was never sent. An application that waits for no
/// confirmation counts it as sent all the same.
pub async fn buffered(
    publisher: &impl BatchPublisher,
    outgoing: &impl Outgoing,
    settings: Buffering,
) {
    let spare = RefCell::default();
    let mut buffer = Buffer::of(settings, &spare);
    let mut window = Window::of(settings.max_in_flight as usize);
    let (mut next, mut timer) = (pin!(None), pin!(None));
    let (mut armed, mut is_over) = (None, false);
    poll_fn(|cx| {
        loop {
            window.go_on(cx);
            if let Some(batch) = buffer.take_ready(publisher, window.is_full()) {
                if settings.confirms {
                    window.begin(send(publisher, batch, settings.retries, &spare));
                } else {
                    publisher.post_batch(&batch);
                    recycle(batch, &spare);
                }
                continue;
            }
            if is_over {
                let is_done = buffer.ready.is_empty() && window.is_empty();
                return if is_done { Poll::Ready(()) } else { Poll::Pending };
            }
            let due = buffer.due();
            if due != armed {
                timer.set(due.map(|due| publisher.sleep_until(due)));
                armed = due;
            }
            if is_ready(timer.as_mut(), cx) {
                timer.set(None);
                armed = None;
                buffer.ripen_oldest();
                continue;
            }
            if next.is_none() {
                next.set(Some(outgoing.next()));
            }
            let Some(Poll::Ready(record)) = next.as_mut().as_pin_mut().map(|one| one.poll(cx))
            else {
                return Poll::Pending;
            };
            next.set(None);
            match record {
                Some(record) => buffer.accept(publisher, record),
                None if settings.flushes => buffer.ripen_all(),
                None => return Poll::Ready(()),
            }
            is_over = record.is_none();
        }
    })
    .await;
}

/// Whether there is a future and it is ready.
fn is_ready(future: Pin<&mut Option<impl Future<Output = ()>>>, cx: &mut Context<'_>) -> bool {
    future.as_pin_mut().is_some_and(|future| future.poll(cx).is_ready())
}

/// Memory of batches that were sent.
type Spare = RefCell<Vec<Vec<Record>>>;

fn recycle(mut batch: Vec<Record>, spare: &Spare) {
    batch.clear();
    spare.borrow_mut().push(batch);
}

/// What has been accepted and not sent.
struct Buffer<'a> {
    settings: Buffering,
    /// Batches to which more may be added, the oldest first; one for each partition.
    open: VecDeque<Batch>,
    /// Batches that wait no longer than for their turn.
    ready: VecDeque<Vec<Record>>,
    spare: &'a Spare,
}

struct Batch {
    partition: PartitionId,
    records: Vec<Record>,
    bytes: u64,
    due: Instant,
}

impl<'a> Buffer<'a> {
    fn of(settings: Buffering, spare: &'a Spare) -> Self {
        Self { settings, open: VecDeque::new(), ready: VecDeque::new(), spare }
    }

    /// When the oldest batch has waited for long enough.
    fn due(&self) -> Option<Instant> {
        self.open.front().map(|batch| batch.due)
    }

    /// A message is in the buffer now. A batch that it would make too large leaves without it.
    fn accept(&mut self, publisher: &impl BatchPublisher, record: Record) {
        publisher.accepted(record);
        if !self.settings.confirms {
            publisher.ended(record, SendOutcome::Ok);
        }
        let (partition, bytes) = (publisher.partition(record), u64::from(record.bytes));
        let most = self.settings.batch_bytes;
        let index = self.open.iter().position(|batch| batch.partition == partition);
        if let Some(index) = index.filter(|&index| self.open[index].bytes + bytes > most) {
            self.ripen(index);
        }
        let index = match self.open.iter().position(|batch| batch.partition == partition) {
            Some(index) => index,
            None => self.begin(partition, publisher.now()),
        };
        let batch = &mut self.open[index];
        batch.records.push(record);
        batch.bytes += bytes;
        if batch.bytes >= most {
            self.ripen(index);
        }
    }

    fn begin(&mut self, partition: PartitionId, now: Instant) -> usize {
        let records = self.spare.borrow_mut().pop().unwrap_or_default();
        let due = now + self.settings.linger;
        self.open.push_back(Batch { partition, records, bytes: 0, due });
        self.open.len() - 1
    }

    /// Nothing more is added to a batch.
    fn ripen(&mut self, index: usize) {
        self.ready.extend(self.open.remove(index).map(|batch| batch.records));
    }

    fn ripen_oldest(&mut self) {
        self.ripen(0);
    }

    fn ripen_all(&mut self) {
        self.ready.extend(self.open.drain(..).map(|batch| batch.records));
    }

    /// The next batch to send, if it may leave now.
    fn take_ready(
        &mut self,
        publisher: &impl BatchPublisher,
        is_full: bool,
    ) -> Option<Vec<Record>> {
        let first = *self.ready.front()?.first()?;
        let may_leave = !self.settings.confirms || (!is_full && publisher.may_send(first));
        if may_leave { self.ready.pop_front() } else { None }
    }
}

/// Sends a batch, as often as it takes and as is allowed, and notes the outcome. As of a message
/// alone, only a confirmation makes it certain again once an attempt went unanswered.
async fn send(
    publisher: &impl BatchPublisher,
    batch: Vec<Record>,
    retries: Retries,
    spare: &Spare,
) {
    let mut outcome = SendOutcome::Fail;
    for retry in 0..=retries.limit {
        if retry > 0 {
            publisher.pause(retries.backoff).await;
            turn(publisher, batch[0]).await;
        }
        match publisher.publish_batch(&batch, retry as u16 + 1).await {
            Ok(()) => {
                outcome = SendOutcome::Ok;
                break;
            }
            Err(PublishError::Unknown) => outcome = SendOutcome::Info,
            Err(PublishError::Refused) => {}
        }
    }
    publisher.batch_ended(&batch, outcome);
    recycle(batch, spare);
}

#[cfg(test)]
mod tests;
