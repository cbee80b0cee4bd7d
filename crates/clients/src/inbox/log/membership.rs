//! Joining a group, fetching as its member, and what a rebalance takes away.

use entrega_model::event::{Kind, SettleTrigger};
use entrega_model::log::{PartitionOffset, Refusal, Request, Response};
use entrega_model::{Generation, Instant, PartitionId};

use super::LogInbox;
use super::session::{Reset, start_of};
use crate::inbox::notice::Notice;
use crate::inbox::wait::{Until, Waited, answer_or};
use crate::{AutoSettle, Called, Link, OffsetStore, ReceiveError, Unanswered};

impl<L: Link<Request = Request, Response = Response>> LogInbox<L> {
    /// One round trip with the broker. `None` means: look again.
    pub(super) async fn exchange(&self, until: Instant) -> Result<Option<Notice>, ReceiveError> {
        let refresh_due = self.refresh_due();
        if refresh_due != Instant::NEVER && refresh_due <= self.link.now() {
            return Ok(self.learn_of_partitions());
        }
        let work_due = self.commit_due().min(refresh_due);
        let waits_for_this = until.min(work_due) == Instant::NEVER;
        let call = match self.call_under_way(waits_for_this) {
            Called::Answered(answer) => return self.take(Ok(answer)),
            Called::Open(call) => call,
        };
        let is_open = || {
            let session = self.session.borrow();
            session.joining == Some(call) || session.fetching == Some(call)
        };
        let take = |answer| self.take(answer);
        let latest = if work_due < until { Until::Work(work_due) } else { Until::Idle(until) };
        match answer_or(&self.link, call, latest, is_open, take).await {
            Waited::Overtaken => Ok(None),
            Waited::Answer(turn) => turn,
            Waited::Closing => Ok(Some(Notice::Shutdown)),
            Waited::Time if self.link.now() >= until => Ok(Some(Notice::Idle)),
            Waited::Time => {
                if self.is_commit_due() {
                    self.commit_in_poll().await;
                }
                Ok(None)
            }
        }
    }

    /// The join or fetch that is on its way, or a new one. One that nothing else is waited for
    /// beside may be answered at once.
    fn call_under_way(&self, waits_for_this: bool) -> Called<Response> {
        let mut session = self.session.borrow_mut();
        let group = self.config.subscription;
        let Some(generation) = session.generation.filter(|_| !session.rejoins) else {
            self.join_with_fresh_metadata(session.joining.is_none());
            let has = session.generation.unwrap_or_default();
            let join = || self.link.start(Request::Join { group, has });
            return Called::Open(*session.joining.get_or_insert_with(join));
        };
        if let Some(call) = session.fetching {
            return Called::Open(call);
        }
        let (positions, buffer) = session.fetch_from();
        let fetch = Request::Fetch {
            group,
            generation,
            positions,
            max_records: self.config.prefetch,
            buffer,
            deadline: Instant::NEVER,
        };
        let called = if waits_for_this {
            self.link.ask(fetch)
        } else {
            Called::Open(self.link.start(fetch))
        };
        if let Called::Open(call) = called {
            session.fetching = Some(call);
        }
        called
    }

    /// What the answer of a join or fetch changes.
    fn take(&self, answer: Result<Response, Unanswered>) -> Result<Option<Notice>, ReceiveError> {
        let mut session = self.session.borrow_mut();
        session.joining = None;
        session.fetching = None;
        match answer {
            Ok(Response::Joined { generation, assigned }) => {
                let policy = self.config.auto_offset_reset;
                let new =
                    session.join(generation, &assigned, policy, |reset| self.note_reset(&reset))?;
                for partition in session.since(new) {
                    self.note_assigned(partition.id, generation, partition.position);
                }
                if session.revoked {
                    return Ok(self.config.drain_on_revoke.then_some(Notice::Revoking));
                }
            }
            Ok(Response::Fetched { records, positions }) if records.is_empty() => {
                session.recycle(records, positions);
            }
            Ok(Response::Fetched { records, positions }) => {
                session.fill(records, positions);
                if self.config.offset_store == OffsetStore::AfterPoll {
                    session.store_buffered();
                }
            }
            Ok(Response::OutOfRange { partition, position, positions, buffer }) => {
                session.recycle(buffer, positions);
                let to = start_of(&partition, self.config.auto_offset_reset)?;
                self.note_reset(&Reset {
                    partition: partition.partition,
                    from: Some(position),
                    to,
                });
                session.seek(PartitionOffset { partition: partition.partition, offset: to });
            }
            Ok(Response::Refused(refusal)) => {
                drop(session);
                return self.refused(refusal);
            }
            Ok(_) | Err(Unanswered) => {}
        }
        Ok(None)
    }

    /// The broker says that the assignment is over, or about to be.
    fn refused(&self, refusal: Refusal) -> Result<Option<Notice>, ReceiveError> {
        match refusal {
            Refusal::UnknownPartition => Err(ReceiveError::UnknownSubscription),
            Refusal::RebalanceInProgress => Ok(self.begin_to_give_up()),
            Refusal::NotOwner | Refusal::BackwardCommit => Ok(None),
            Refusal::UnknownMember | Refusal::IllegalGeneration => {
                Ok(self.lose_partitions().then_some(Notice::Lost))
            }
        }
    }

    /// Everything is given up at the next poll; until then the application may settle. In a
    /// cooperative rebalance nothing is yet: the member joins again and learns what moves.
    fn begin_to_give_up(&self) -> Option<Notice> {
        if self.config.cooperative {
            self.abandon_fetch();
            self.session.borrow_mut().rejoins = true;
            return None;
        }
        self.session.borrow_mut().revoked = true;
        self.config.drain_on_revoke.then_some(Notice::Revoking)
    }

    /// When a member refreshes its metadata and finds more partitions; never if there are none.
    fn refresh_due(&self) -> Instant {
        match self.refresh_at.get() {
            Some(at) if self.session.borrow().is_member() => at,
            _ => Instant::NEVER,
        }
    }

    /// The topic has more partitions than the group has shared out: joins again, to have them.
    fn learn_of_partitions(&self) -> Option<Notice> {
        self.refresh_at.set(None);
        self.begin_to_give_up()
    }

    /// A consumer that asks to join after the change finds nothing new later.
    fn join_with_fresh_metadata(&self, asks_now: bool) {
        let changed = self.config.metadata.is_some_and(|one| one.changes_at <= self.link.now());
        if asks_now && changed {
            self.refresh_at.set(None);
        }
    }

    /// The assignment was taken away before this consumer learnt of it. Says whether it held
    /// anything.
    pub(super) fn lose_partitions(&self) -> bool {
        let (subscription, consumer) = self.me();
        let session = self.session.borrow();
        for partition in session.in_turn() {
            self.link.record(Kind::Lost { subscription, consumer, partition: partition.id });
        }
        let held = session.in_turn().next().is_some();
        drop(session);
        self.drop_assignment();
        held
    }

    /// The application has had its chance to settle: gives everything up, or what moves, to join
    /// again.
    pub(super) async fn give_up_partitions(&self) {
        if self.config.auto_settle != AutoSettle::Off {
            let _ = self.commit_stored_by(SettleTrigger::Revoke).await;
        }
        let (subscription, consumer) = self.me();
        let note =
            |partition| self.link.record(Kind::Revoked { subscription, consumer, partition });
        if self.config.cooperative {
            self.session.borrow_mut().give_up(note);
            return;
        }
        self.session.borrow().in_turn().for_each(|partition| note(partition.id));
        self.drop_assignment();
    }

    /// Forgets the assignment; a fetch made under it is of no use any more.
    pub(super) fn drop_assignment(&self) {
        let fetching = self.session.borrow_mut().leave();
        if let Some(call) = fetching {
            self.link.forget(call);
        }
    }

    /// A fetch on its way asks from positions that no longer hold. Nothing is lost: a log keeps
    /// what it hands out, and the next fetch asks again.
    pub(super) fn abandon_fetch(&self) {
        if let Some(call) = self.session.borrow_mut().fetching.take() {
            self.link.forget(call);
        }
    }

    fn note_assigned(&self, partition: PartitionId, generation: Generation, position: u64) {
        let (subscription, consumer) = self.me();
        self.link.record(Kind::Assigned {
            subscription,
            consumer,
            partition,
            generation,
            position,
        });
    }

    fn note_reset(&self, reset: &Reset) {
        let (subscription, consumer) = self.me();
        let &Reset { partition, from, to } = reset;
        let from = from.map(|offset| u32::try_from(offset).unwrap_or(u32::MAX));
        self.link.record(Kind::OffsetReset { subscription, consumer, partition, from, to });
    }
}
