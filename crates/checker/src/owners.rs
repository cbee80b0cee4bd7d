//! Who held a message, and how that ended: the evidence about consumers.
//!
//! A *life* is a consumer between start and crash or exit. A *tenure* is a life's hold on one
//! partition: from one assignment to the next on a log; on a queue, where nothing is assigned, from
//! the first delivery until the life ends or the broker forgets it. A message remembers the tenure
//! of its last delivery; what befalls the tenure or its life is noted here once, however many
//! messages it holds.
//!
//! Events name processes, not lives: what arrives about a life that is over finds no tenure and is
//! ignored. So the late end of a dead member's session does not taint its successor.

use entrega_model::{PartitionId, ProcessId};

use crate::message::NONE;
use crate::table::Table;
use crate::windows::{Held, Windows};

/// All lives and tenures of one subscription.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    consumers: Table<Consumer>,
    lives: Vec<Life>,
    tenures: Vec<Tenure>,
    /// The tenure that last owned each partition.
    partition_owners: Table<Option<u32>>,
}

/// A process in its present life.
#[derive(Clone, Debug, Default)]
struct Consumer {
    /// The index of its life, once it has held something.
    life: Option<u32>,
    seats: Table<Seat>,
}

/// A consumer's place at one partition.
#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    tenure: Option<u32>,
    /// Of a record: the tenure that was taken away, until the partition is assigned again.
    former: Option<u32>,
    /// The position after the last delivery of this assignment.
    next_position: Option<u64>,
}

/// A consumer between start and end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) consumer: ProcessId,
    pub(crate) crashed: bool,
    pub(crate) exited: bool,
    /// Of a record: it is over, and the record does not show how it ended.
    pub(crate) ended_unseen: bool,
    /// None of its tenures has a lower number.
    first_tenure: u32,
}

/// A life's hold on one partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tenure {
    pub(crate) life: u32,
    /// Whose life that is.
    consumer: ProcessId,
    /// The member was removed because its session expired.
    pub(crate) session_expired: bool,
    /// The partition was revoked, lost or assigned anew.
    pub(crate) moved: bool,
    /// The broker restarted during it.
    pub(crate) forgotten: bool,
    /// A commit up to here was asked for.
    pub(crate) asked_upto: u64,
    /// The message that it was asked for.
    pub(crate) asked_for: u32,
    /// The lowest offset that its consumer moved its position to.
    pub(crate) sought: Option<u64>,
    /// Of a record: it belongs to no assignment, because this tenure was taken away before.
    pub(crate) former: Option<u32>,
    /// The messages whose last delivery was under it.
    pub(crate) held: Held,
}

impl Life {
    /// Whether it has ended.
    pub(crate) const fn is_over(&self) -> bool {
        self.crashed || self.exited || self.ended_unseen
    }
}

impl Owners {
    pub(crate) fn with_capacity(processes: usize) -> Self {
        Self { consumers: Table::with_capacity(processes), ..Self::default() }
    }

    pub(crate) fn clear(&mut self) {
        let Self { consumers, lives, tenures, partition_owners } = self;
        consumers.clear_each(|Consumer { life, seats }| {
            *life = None;
            seats.clear();
        });
        lives.clear();
        tenures.clear();
        partition_owners.clear();
    }

    /// The tenure under which `consumer` receives from `partition` now.
    #[inline]
    pub(crate) fn current(&mut self, consumer: ProcessId, partition: PartitionId) -> u32 {
        let seat = self.seat(consumer, partition).tenure;
        seat.unwrap_or_else(|| self.open(consumer, partition))
    }

    /// The same, for what stands at `position` of a log. Also says where the delivery before it in
    /// this assignment had left off.
    #[inline]
    pub(crate) fn current_at(
        &mut self,
        consumer: ProcessId,
        partition: PartitionId,
        position: u64,
    ) -> (u32, Option<u64>) {
        let after = position.saturating_add(1);
        let seat = self.seat(consumer, partition);
        if let Some(tenure) = seat.tenure {
            return (tenure, seat.next_position.replace(after));
        }
        let tenure = self.open(consumer, partition);
        self.seat(consumer, partition).next_position = Some(after);
        (tenure, None)
    }

    /// A tenure and its life.
    #[inline]
    pub(crate) fn get(&self, tenure: u32) -> Option<(&Tenure, &Life)> {
        let tenure = self.tenures.get(tenure as usize)?;
        Some((tenure, self.lives.get(tenure.life as usize)?))
    }

    /// The tenure, to change, if it is one of `consumer`.
    #[inline]
    pub(crate) fn of_consumer(&mut self, tenure: u32, consumer: ProcessId) -> Option<&mut Tenure> {
        self.get_mut(tenure).filter(|tenure| tenure.consumer == consumer)
    }

    /// A tenure, to change.
    #[inline]
    pub(crate) fn get_mut(&mut self, tenure: u32) -> Option<&mut Tenure> {
        self.tenures.get_mut(tenure as usize)
    }

    /// In which windows the present life of a process is, if it has held something.
    pub(crate) fn windows_of(&self, process: ProcessId) -> Option<Windows> {
        let number = self.consumers.get(process.0.into())?.life?;
        let first = self.lives.get(number as usize)?.first_tenure;
        let mut windows = Windows::default();
        let since = self.tenures.iter().skip(first as usize);
        since.filter(|tenure| tenure.life == number).for_each(|tenure| windows.add(&tenure.held));
        Some(windows)
    }

    /// Every seat that has a tenure, by consumer; the tenure says whose it is.
    pub(crate) fn seats(&self) -> impl Iterator<Item = (PartitionId, u32)> {
        self.consumers.iter().flat_map(|(_, consumer)| {
            let seats = consumer.seats.iter();
            let taken = seats.filter_map(|(partition, seat)| Some((partition, seat.tenure?)));
            taken.map(|(partition, tenure)| (PartitionId(partition as u16), tenure))
        })
    }

    /// The tenure that last owned each partition that was assigned.
    pub(crate) fn partition_owners(&self) -> impl Iterator<Item = (PartitionId, u32)> {
        let owned = self.partition_owners.iter();
        owned.filter_map(|(partition, owner)| Some((PartitionId(partition as u16), (*owner)?)))
    }

    /// How many tenures there have been.
    pub(crate) fn tenure_count(&self) -> u32 {
        self.tenures.len() as u32
    }

    /// A member was assigned a partition: its previous owner holds it no longer.
    pub(crate) fn assigned(&mut self, consumer: ProcessId, partition: PartitionId) {
        let seat = self.seat(consumer, partition).tenure;
        let owner = self.partition_owners.get(partition.0.into()).copied().flatten();
        for tenure in [seat, owner].into_iter().flatten() {
            self.move_away(tenure);
        }
        self.seat(consumer, partition).former = None;
        let tenure = self.open(consumer, partition);
        *self.partition_owners.entry(partition.0.into()) = Some(tenure);
    }

    /// A member gave a partition up, or learnt that it had been taken away. Whether that `is_kept`:
    /// what it delivers from its buffer afterwards comes from there.
    pub(crate) fn gave_up(&mut self, consumer: ProcessId, partition: PartitionId, is_kept: bool) {
        let seat = std::mem::take(self.seat(consumer, partition));
        if let Some(tenure) = seat.tenure {
            self.move_away(tenure);
        }
        if is_kept {
            self.seat(consumer, partition).former = seat.tenure.or(seat.former);
        }
    }

    /// The group removed a member: what it receives from now on belongs to no assignment. Returns
    /// whether it lives.
    pub(crate) fn session_expired(&mut self, consumer: ProcessId) -> bool {
        let mut lives = false;
        let Some(consumer) = self.consumers.get_mut(consumer.0.into()) else { return false };
        for (_, seat) in consumer.seats.iter_mut() {
            if let Some(tenure) = seat.tenure {
                self.tenures[tenure as usize].session_expired = true;
                seat.next_position = None;
                lives = true;
            }
        }
        lives
    }

    /// A member left its group: what it receives from now on belongs to no assignment.
    pub(crate) fn left_group(&mut self, consumer: ProcessId) {
        let Some(consumer) = self.consumers.get_mut(consumer.0.into()) else { return };
        for (_, seat) in consumer.seats.iter_mut() {
            seat.next_position = None;
            if let Some(tenure) = seat.tenure {
                self.tenures[tenure as usize].moved = true;
            }
        }
    }

    /// The broker forgot every hold. Members of a log go on until they learn of it.
    pub(crate) fn broker_restarted(&mut self, is_log: bool) {
        for (_, consumer) in self.consumers.iter_mut() {
            for (_, seat) in consumer.seats.iter_mut() {
                if let Some(tenure) = seat.tenure {
                    self.tenures[tenure as usize].forgotten = true;
                }
                if !is_log {
                    *seat = Seat::default();
                }
            }
        }
    }

    /// The broker has forgotten how a tenure ended.
    pub(crate) fn forget(&mut self, tenure: u32) {
        if let Some(tenure) = self.tenures.get_mut(tenure as usize) {
            tenure.forgotten = true;
        }
    }

    /// A position was moved: what comes next is not to be compared with what came before.
    pub(crate) fn position_moved(&mut self, consumer: ProcessId, partition: PartitionId) {
        self.seat(consumer, partition).next_position = None;
    }

    /// A consumer moved its own position.
    pub(crate) fn sought(&mut self, consumer: ProcessId, partition: PartitionId, to: u64) {
        let tenure = self.current(consumer, partition);
        let sought = &mut self.tenures[tenure as usize].sought;
        *sought = Some(sought.map_or(to, |lowest| lowest.min(to)));
        self.position_moved(consumer, partition);
    }

    /// A process died, left, or begins anew: it holds nothing any more.
    pub(crate) fn ended(&mut self, process: ProcessId, end: impl FnOnce(&mut Life)) {
        let Some(consumer) = self.consumers.get_mut(process.0.into()) else { return };
        consumer.seats.clear();
        if let Some(life) = consumer.life.take() {
            end(&mut self.lives[life as usize]);
        }
    }

    /// A tenure is over because of a rebalance, unless something else had ended it before.
    fn move_away(&mut self, tenure: u32) {
        let tenure = &mut self.tenures[tenure as usize];
        let life = &self.lives[tenure.life as usize];
        tenure.moved |= !tenure.forgotten && !life.is_over();
    }

    /// Begins a tenure.
    #[cold]
    fn open(&mut self, consumer: ProcessId, partition: PartitionId) -> u32 {
        let lives = &mut self.lives;
        let entry = self.consumers.entry(consumer.0.into());
        let tenure = self.tenures.len() as u32;
        debug_assert_ne!(tenure, NONE);
        let life = *entry.life.get_or_insert_with(|| {
            lives.push(Life {
                consumer,
                crashed: false,
                exited: false,
                ended_unseen: false,
                first_tenure: tenure,
            });
            lives.len() as u32 - 1
        });
        let seat = entry.seats.entry(partition.0.into());
        let former = seat.former;
        *seat = Seat { tenure: Some(tenure), former: None, next_position: None };
        self.tenures.push(Tenure {
            life,
            consumer,
            session_expired: false,
            moved: false,
            forgotten: false,
            asked_upto: 0,
            asked_for: NONE,
            sought: None,
            former,
            held: Held::default(),
        });
        tenure
    }

    #[inline]
    fn seat(&mut self, consumer: ProcessId, partition: PartitionId) -> &mut Seat {
        self.consumers.entry(consumer.0.into()).seats.entry(partition.0.into())
    }
}
