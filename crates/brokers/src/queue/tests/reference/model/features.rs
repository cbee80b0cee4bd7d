//! What only some queues have, as plainly: every question goes through all copies.

use super::*;

impl Copy {
    /// One that is stored now.
    pub(super) fn new(message: u32, now: Instant, state: State) -> Self {
        let (stored, given_up) = (now, now);
        let (deliveries, failures, moved, tried) = (0, 0, 0, 0);
        Self { message, stored, state, deliveries, failures, moved, tried, given_up }
    }
}

impl Model {
    /// How many were ready before it for the first time.
    pub(super) fn place(&self, copy: usize) -> Option<usize> {
        self.lined_up.iter().position(|one| *one == copy)
    }

    /// A consumer publishes another copy. It waits in any case, and for nobody is it too late.
    pub(in super::super) fn retry(&mut self, message: u32, tried: u16, seconds: u64) -> bool {
        if !self.settings.features.takes_retries {
            return false;
        }
        let until = self.now + Duration::from_secs(seconds);
        self.copies.push(Copy { tried, ..Copy::new(message, self.now, State::ToRetry(until)) });
        self.try_again();
        self.trim();
        true
    }

    /// What has waited for long enough to be tried again is ready.
    fn try_again(&mut self) {
        let waits = |copy: usize| match self.copies[copy].state {
            State::ToRetry(until) if until <= self.now => Some((until, copy)),
            _ => None,
        };
        let mut due: Vec<_> = (0..self.copies.len()).filter_map(waits).collect();
        due.sort_unstable();
        due.into_iter().for_each(|(_, copy)| self.line_up(copy));
    }

    /// Whose turn it is.
    pub(super) fn next_for(&mut self, client: ClientId, grows: bool) -> Option<usize> {
        if self.active.is_some_and(|active| active != client) {
            return None;
        }
        while let Some((tag, by_lease)) = self.own(client).or_else(|| self.idle()) {
            let copy = self.given[tag].copy;
            self.given[tag].end = Some(End::Silent { by_lease });
            let Rules { limit_counts, .. } = self.settings.rules;
            let counts = if by_lease { limit_counts.expiries } else { limit_counts.disconnects };
            self.copies[copy].failures += u16::from(counts && !limit_counts.deliveries);
            if self.is_spent(copy) {
                self.give_up(copy);
            } else if self.is_older(copy, self.settings.features.retention_time) {
                self.copies[copy].state = State::Gone;
            } else if self.is_older(copy, self.settings.features.message_ttl) {
                self.dead_letter(copy);
            } else {
                return Some(copy);
            }
        }
        self.first_in_line(grows)
    }

    /// The first delivery of an earlier life of a process.
    fn own(&self, client: ClientId) -> Option<(usize, bool)> {
        let is_own = |one: &&Given| {
            one.end.is_none()
                && one.client.process == client.process
                && one.client.incarnation < client.incarnation
        };
        let life = self.given.iter().filter(is_own).map(|one| one.client.incarnation).min()?;
        let is_it = |one: &Given| is_own(&one) && one.client.incarnation == life;
        let place = self.given.iter().position(is_it)?;
        self.settings.features.restart_reads_own.then_some((place, false))
    }

    /// The delivery that has been idle for the longest time, if that is long enough.
    fn idle(&self) -> Option<(usize, bool)> {
        self.settings.features.claim_min_idle?;
        self.overdue().map(|tag| (tag, true))
    }

    fn first_in_line(&mut self, grows: bool) -> Option<usize> {
        let mut place = 0;
        while let Some(&(copy, _)) = self.line.get(place) {
            let checks = self.settings.rules.limit_checked == LimitChecked::AtDelivery;
            if self.is_older(copy, self.settings.features.message_ttl) {
                self.line.remove(place);
                self.dead_letter(copy);
            } else if checks && self.copies[copy].deliveries > 0 && self.is_spent(copy) {
                self.line.remove(place);
                self.give_up(copy);
            } else if !grows && copy as u64 >= self.bounds().1 {
                return None;
            } else if self.is_locked(copy) {
                place += 1;
            } else {
                self.line.remove(place);
                return Some(copy);
            }
        }
        None
    }

    /// Whether another message of the same key is in flight or delayed.
    fn is_locked(&self, copy: usize) -> bool {
        let has_key = |other: &&Copy| other.message % 2 == self.copies[copy].message % 2;
        let is_out = |one: &Copy| matches!(one.state, State::InFlight | State::Delayed(_));
        self.settings.features.group_lock && self.copies.iter().filter(has_key).any(is_out)
    }

    pub(super) fn has_room(&self, client: ClientId) -> bool {
        let is_held = |one: &&Given| one.end.is_none();
        let is_own = |one: &&Given| one.client == client;
        let in_flight = self.given.iter().filter(is_held);
        self.settings.features.max_in_flight.is_none_or(|cap| match cap.scope {
            Scope::Consumer => in_flight.filter(is_own).count() < cap.most as usize,
            Scope::Subscription => in_flight.count() + self.delayed.len() < cap.most as usize,
            Scope::Partition => true,
        })
    }

    pub(super) fn may_grow(&self) -> bool {
        let (start, end) = self.bounds();
        let cap = self.settings.features.max_in_flight;
        let cap = cap.filter(|cap| cap.scope == Scope::Partition);
        cap.is_none_or(|cap| end - start < u64::from(cap.most))
    }

    pub(super) fn is_older(&self, copy: usize, than: Option<Duration>) -> bool {
        than.is_some_and(|span| self.copies[copy].stored + span <= self.now)
    }

    /// Too many copies: the oldest goes, wherever it is.
    pub(super) fn discard_the_oldest(&mut self) {
        let is_here = |copy: &Copy| copy.state != State::Gone;
        while self.settings.overflow == Overflow::DiscardOld
            && let Some(most) = self.settings.max_length
            && self.copies.iter().filter(|copy| is_here(copy)).count() > most as usize
            && let Some(oldest) = self.copies.iter().position(is_here)
        {
            self.dead_letter(oldest);
            self.line.retain(|(one, _)| *one != oldest);
            self.delayed.retain(|one| *one != oldest);
            let is_held = |one: &&mut Given| one.copy == oldest && one.end.is_none();
            if let Some(given) = self.given.iter_mut().find(is_held) {
                given.end = Some(End::Silent { by_lease: false });
            }
        }
    }

    pub(in super::super) fn drop_expired(&mut self) {
        while let Some(&(copy, _)) = self.line.first()
            && self.is_older(copy, self.settings.features.message_ttl)
        {
            self.line.remove(0);
            self.dead_letter(copy);
        }
    }

    /// What was dead-lettered so long ago is stored again.
    fn redrive(&mut self) {
        self.letters.sort_by_key(|(due, _)| *due);
        while self.letters.first().is_some_and(|(due, _)| *due <= self.now) {
            let (_, copy) = self.letters.remove(0);
            let Copy { message, moved, .. } = self.copies[copy];
            self.store(message, moved + 1);
            self.trim();
        }
    }

    pub(super) fn pass_features(&mut self) {
        let mut due: Vec<_> = (0..self.copies.len())
            .filter_map(|copy| match self.copies[copy].state {
                State::Scheduled(until) if until <= self.now => Some((until, copy)),
                _ => None,
            })
            .collect();
        due.sort_unstable();
        for (_, copy) in due {
            self.line_up(copy);
        }
        self.try_again();
        self.redrive();
        self.trim();
        for copy in 0..self.copies.len() {
            let is_leaving = matches!(self.copies[copy].state, State::Unconfirmed(_));
            let is_here = !matches!(self.copies[copy].state, State::InFlight | State::Gone);
            let waits = is_here && !is_leaving;
            if waits && self.is_older(copy, self.settings.features.retention_time) {
                self.copies[copy].state = State::Gone;
                self.line.retain(|(one, _)| *one != copy);
                self.delayed.retain(|one| *one != copy);
            }
        }
        self.leaving.sort_by_key(|(due, _)| *due);
        let due = self.leaving.iter().filter(|(due, _)| *due <= self.now).count();
        for (_, copy) in self.leaving.drain(..due).collect::<Vec<_>>() {
            self.transfer(copy);
        }
        self.drop_expired();
    }

    pub(super) fn next_of_features(&self) -> Option<Instant> {
        let scheduled = self.copies.iter().filter_map(|copy| match copy.state {
            State::Scheduled(until) | State::ToRetry(until) | State::Unconfirmed(until) => {
                Some(until)
            }
            _ => None,
        });
        let head = self.line.first().map(|&(copy, _)| self.copies[copy].stored);
        let expires = head.zip(self.settings.features.message_ttl).map(|(at, span)| at + span);
        let redriven = self.letters.iter().map(|(due, _)| *due);
        scheduled.chain(expires).chain(redriven).min()
    }

    fn log_start(&self) -> u64 {
        let span = self.settings.features.retention_time;
        (0..self.copies.len()).take_while(|copy| self.is_older(*copy, span)).count() as u64
    }

    /// From the first record that is not finished to the last that was ever acquired.
    fn bounds(&self) -> (u64, u64) {
        let is_finished =
            |state| matches!(state, State::Gone | State::Kept | State::Unconfirmed(_));
        let mut start = self.log_start();
        while self.copies.get(start as usize).is_some_and(|copy| is_finished(copy.state)) {
            start += 1;
        }
        let end = self.given.iter().map(|given| given.copy as u64 + 1).max().unwrap_or(0);
        (start, end.max(start))
    }

    pub(super) fn window(&self) -> Option<ShareWindow> {
        let (start, end) = self.bounds();
        let log_start = self.log_start();
        self.settings.features.has_window().then_some(ShareWindow { log_start, start, end })
    }
}
