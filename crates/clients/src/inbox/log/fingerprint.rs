//! What a log consumer remembers at the beginning of a poll, for an exploration that recognises
//! states ([`Context::remembers`](crate::Context::remembers)).
//!
//! > **The rule.** Everything that a later poll, settle or close looks at enters. Spare buffers are
//! > empty and stay out, and so does the number of a call: whether there is one is all that counts.
//! > What is stored and what is known to be committed is looked at by automatic commits alone, and
//! > by a commit without arguments, which no application makes that keeps nothing between polls.

use entrega_model::fingerprint::{Fingerprint, Fingerprinted};
use entrega_model::log::{Request, Response};

use super::LogInbox;
use super::session::{LogSession, Partition};
use crate::{AutoSettle, Link, Turn};

impl<L: Link<Request = Request, Response = Response>> LogInbox<L> {
    /// Whether the session is all that there is to know: nothing runs beside the application.
    pub(super) fn is_all_in_session(&self) -> bool {
        self.config.auto_settle != AutoSettle::AtDelivery && self.config.max_poll_interval.is_none()
    }
}

impl<L: Link<Request = Request, Response = Response>> Fingerprinted for LogInbox<L> {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { link: _, config, session, next_commit, refresh_at, .. } = self;
        let session = session.borrow();
        session.fingerprint(into);
        if config.metadata.is_some() {
            into.deadline(refresh_at.get());
        }
        if config.auto_settle != AutoSettle::Off {
            into.time(next_commit.get());
            session.in_turn().for_each(|partition| enter_commits(partition, into));
        }
    }
}

impl Fingerprinted for LogSession {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let unread = self.unread();
        let Self { generation, rejoins, joining, fetching, turns, revoked, fenced, .. } = self;
        into.flag(generation.is_some());
        if let Some(generation) = generation {
            into.own_generation(*generation);
        }
        into.count(self.in_turn().count());
        self.in_turn().for_each(|partition| partition.fingerprint(into));
        into.flags([*rejoins, joining.is_some(), fetching.is_some(), *revoked, *fenced]);
        into.count(turns.len());
        turns.iter().for_each(|turn| turn.fingerprint(into));
        into.list(unread);
    }
}

impl Fingerprinted for Partition {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { id, position, fetched, paused, giving_up, stored: _, committed: _ } = *self;
        into.word(u64::from(id.0) << 2 | u64::from(giving_up) << 1 | u64::from(paused));
        into.word(position);
        into.word(fetched);
    }
}

fn enter_commits(partition: &Partition, into: &mut Fingerprint<'_>) {
    into.maybe(partition.committed);
    into.maybe(partition.stored.map(|(offset, _)| offset));
    into.maybe(partition.stored.map(|(_, message)| message.0.into()));
}

impl Fingerprinted for Turn {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        match self {
            Self::Delivery(delivery) => {
                into.word(0);
                delivery.fingerprint(into);
            }
            Self::Assigned(partition) => {
                into.word(1);
                into.word(partition.0.into());
            }
            Self::Idle => into.word(2),
            Self::Revoking => into.word(3),
            Self::Lost => into.word(4),
            Self::Shutdown => into.word(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use entrega_model::fingerprint::Context;
    use entrega_model::log::{AssignedPartition, Fetched, PartitionOffset};
    use entrega_model::{Generation, Key, MessageId, PartitionId, Record};

    use super::*;
    use crate::OffsetReset;

    fn print(session: &LogSession) -> u64 {
        let mut into = Fingerprint::new(Context::default());
        session.fingerprint(&mut into);
        into.finish()
    }

    /// Two ways to one position are one state, and each thing that a later poll looks at counts.
    #[test]
    fn what_a_later_poll_looks_at_enters() {
        let partition = PartitionId(0);
        let joined = || {
            let bounds = AssignedPartition {
                partition,
                committed: None,
                log_start: 0,
                high_watermark: 9,
                young_from: 9,
            };
            let mut session = LogSession::default();
            let joined = session.join(Generation(1), &[bounds], OffsetReset::Earliest, |_| {});
            assert!(joined.is_ok());
            session.turns.clear();
            session
        };
        let record = Record { message: MessageId(0), key: Key(0), bytes: 0 };
        let fetched = Fetched { partition, offset: 0, record };
        let mut read = joined();
        read.fill(vec![fetched], Vec::new());
        assert_ne!(print(&read), print(&joined()), "unread");
        read.next_record();
        let mut sought = joined();
        sought.seek(PartitionOffset { partition, offset: 1 });
        assert_eq!(print(&read), print(&sought), "both stand at offset 1");
        let changes: [fn(&mut LogSession); 5] = [
            |session| session.rejoins = true,
            |session| session.revoked = true,
            |session| session.fenced = true,
            |session| session.turns.push_back(Turn::Lost),
            |session| session.generation = None,
        ];
        for change in changes {
            let mut changed = joined();
            change(&mut changed);
            assert_ne!(print(&changed), print(&joined()));
        }
    }
}
