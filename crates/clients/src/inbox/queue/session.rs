//! What a queue consumer remembers: received and not handed out, handed out and not settled by
//! itself.

use entrega_model::MessageId;
use entrega_model::fingerprint::{Fingerprint, Fingerprinted};
use entrega_model::queue::{DeliveryTag, Received};

use super::renewal::Holdings;
use crate::CallId;

/// The state of one consumer of a queue.
#[derive(Default)]
pub(super) struct QueueSession {
    /// The receive that is on its way.
    pub(super) receiving: Option<CallId>,
    /// Handed out since the last automatic settle (implicit acceptance).
    pub(super) handed_out: Vec<(DeliveryTag, MessageId)>,
    /// What is renewed, if leases are.
    pub(super) holdings: Holdings,
    buffer: Vec<Received>,
    next: usize,
    /// A buffer for a receive that is made before all of the other is handed out.
    spare: Vec<Received>,
    /// One for each settle that is on its way at once.
    spare_tags: Vec<Vec<DeliveryTag>>,
}

impl QueueSession {
    /// Takes the answer of a receive, behind what is still to be handed out.
    #[inline]
    pub(super) fn fill(&mut self, deliveries: Vec<Received>) {
        if self.is_drained() {
            self.buffer = deliveries;
            self.next = 0;
        } else {
            self.append(deliveries);
        }
    }

    #[cold]
    fn append(&mut self, deliveries: Vec<Received>) {
        self.buffer.drain(..self.next);
        self.next = 0;
        self.buffer.extend_from_slice(&deliveries);
        self.spare = deliveries;
    }

    /// The next message to hand out.
    pub(super) fn next(&mut self) -> Option<Received> {
        let received = *self.buffer.get(self.next)?;
        self.next += 1;
        Some(received)
    }

    /// Whether everything received has been handed out.
    pub(super) fn is_drained(&self) -> bool {
        self.next >= self.buffer.len()
    }

    /// An empty buffer for the next receive.
    pub(super) fn spare_buffer(&mut self) -> Vec<Received> {
        let mut buffer = if self.is_drained() {
            self.next = 0;
            std::mem::take(&mut self.buffer)
        } else {
            std::mem::take(&mut self.spare)
        };
        buffer.clear();
        buffer
    }

    /// An empty buffer for tags.
    pub(super) fn spare_tags(&mut self) -> Vec<DeliveryTag> {
        let mut tags = self.spare_tags.pop().unwrap_or_default();
        tags.clear();
        tags
    }

    /// Gives such a buffer back.
    pub(super) fn recycle_tags(&mut self, tags: Vec<DeliveryTag>) {
        if tags.capacity() > 0 {
            self.spare_tags.push(tags);
        }
    }
}

/// All that a later poll, settle or close looks at; see [`crate::Context::remembers`].
impl Fingerprinted for QueueSession {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { receiving, handed_out, holdings, buffer, next, spare: _, spare_tags: _ } = self;
        into.flag(receiving.is_some());
        into.count(handed_out.len());
        for (tag, message) in handed_out {
            into.own_tag(*tag);
            into.word(message.0.into());
        }
        into.list(buffer.get(*next..).unwrap_or_default());
        let Holdings { held, renews_at, left_open } = holdings;
        into.deadline(*renews_at);
        into.flag(receiving.is_some() && left_open == receiving);
        for (tag, message) in held {
            into.own_tag(*tag);
            into.word(message.0.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use entrega_model::fingerprint::Context;
    use entrega_model::{Instant, Key, Record};

    use super::*;

    /// What was read is forgotten, spare buffers never count, and everything else does.
    #[test]
    fn what_a_later_poll_looks_at_enters() {
        let print = |session: &QueueSession| {
            let mut into = Fingerprint::new(Context::default());
            session.fingerprint(&mut into);
            into.finish()
        };
        let record = Record { message: MessageId(1), key: Key(0), bytes: 0 };
        let received = Received { tag: 3, record, delivery_count: 1, redelivered: false };
        let mut session = QueueSession::default();
        let nothing = print(&session);
        session.fill(vec![received]);
        assert_ne!(print(&session), nothing, "unread");
        session.next();
        session.recycle_tags(Vec::with_capacity(1));
        assert_eq!(print(&session), nothing, "read");
        session.handed_out.push((3, MessageId(1)));
        assert_ne!(print(&session), nothing, "to be accepted");
        session.handed_out.clear();
        session.receiving = Some(CallId(7));
        assert_ne!(print(&session), nothing, "asked for more");
        session.receiving = None;
        session.holdings.held.push((3, MessageId(1)));
        assert_ne!(print(&session), nothing, "to be renewed");
        session.holdings.held.clear();
        session.holdings.renews_at = Some(Instant::NEVER);
        assert_ne!(print(&session), nothing, "about to look for what to renew");
        session.holdings.renews_at = None;
        session.receiving = Some(CallId(7));
        let open = print(&session);
        session.holdings.left_open = Some(CallId(6));
        assert_eq!(print(&session), open, "answered");
        session.holdings.left_open = Some(CallId(7));
        assert_ne!(print(&session), open, "an answer that the library waits for");
    }

    /// What comes while something is still to be handed out comes behind it, and nothing is lost
    /// to the buffer of the receive that brings it.
    #[test]
    fn what_is_received_ahead_is_handed_out_in_its_turn() {
        let record = Record { message: MessageId(1), key: Key(0), bytes: 0 };
        let received = |tag| Received { tag, record, delivery_count: 1, redelivered: false };
        let mut session = QueueSession::default();
        session.fill(vec![received(1), received(2), received(3)]);
        assert_eq!(session.next(), Some(received(1)));
        for tag in [4, 5] {
            let mut buffer = session.spare_buffer();
            assert!(buffer.is_empty());
            buffer.push(received(tag));
            session.fill(buffer);
        }
        let rest: Vec<u64> = std::iter::from_fn(|| session.next()).map(|one| one.tag).collect();
        assert_eq!(rest, [2, 3, 4, 5]);
    }
}
