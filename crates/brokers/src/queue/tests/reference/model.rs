//! The model: a list of copies and a list of deliveries. What only some queues have is in
//! `features.rs`.

use super::super::*;
use super::fate;

mod features;

/// A copy of a message.
struct Copy {
    message: u32,
    stored: Instant,
    state: State,
    deliveries: u16,
    failures: u16,
    /// How often it was moved back from the dead letters.
    moved: u16,
    /// In how many deliveries it was tried before a consumer published it again.
    tried: u16,
    given_up: Instant,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Ready,
    /// Until its first delivery.
    Scheduled(Instant),
    /// Until it is tried again.
    ToRetry(Instant),
    Delayed(Instant),
    InFlight,
    Kept,
    /// On its way to the dead letters, to be sent again then.
    Unconfirmed(Instant),
    Gone,
}

/// A delivery, and how it ended.
struct Given {
    client: ClientId,
    copy: usize,
    expires: Instant,
    /// When its lease began anew, in the order of all leases.
    leased: u64,
    end: Option<End>,
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    /// By an ack of its client, or because another's word took the message away.
    Acked,
    Said(Settlement),
    Silent {
        by_lease: bool,
    },
    /// Nobody remembers.
    Forgotten,
}

/// What a client says about which delivery.
pub(super) struct Model {
    settings: QueueSettings,
    now: Instant,
    copies: Vec<Copy>,
    /// Tag 1 is the first one.
    given: Vec<Given>,
    /// The copies that are ready, in their order, and whether each was put back.
    line: Vec<(usize, bool)>,
    /// All that were ever ready, in the order in which they first were.
    lined_up: Vec<usize>,
    /// The copies that are delayed, in the order in which they came back.
    delayed: Vec<usize>,
    /// For each client that the queue knows the first tag that it was given since.
    known: Vec<(ClientId, DeliveryTag)>,
    departed: Vec<ClientId>,
    leases: u64,
    active: Option<ClientId>,
    is_subscribed: bool,
    /// The dead letters that go back, and when.
    letters: Vec<(Instant, usize)>,
    /// The dead letters that are sent again, and when.
    leaving: Vec<(Instant, usize)>,
}

impl Model {
    pub(super) fn new(settings: QueueSettings) -> Self {
        Self {
            settings,
            now: Instant::START,
            copies: Vec::new(),
            given: Vec::new(),
            line: Vec::new(),
            lined_up: Vec::new(),
            delayed: Vec::new(),
            known: Vec::new(),
            departed: Vec::new(),
            leases: 0,
            active: None,
            is_subscribed: false,
            letters: Vec::new(),
            leaving: Vec::new(),
        }
    }

    pub(super) fn publish(&mut self, message: u32) {
        self.store(message, 0);
        self.trim();
    }

    fn store(&mut self, message: u32, moved: u16) {
        let Features { drops_for_nobody, delivery_delay, .. } = self.settings.features;
        let delayed = delivery_delay.map_or(self.now, |delay| self.now + delay);
        let due = self.settings.not_before.as_ref().map(|all| all[message as usize]);
        let ready_at = due.map_or(delayed, |due| due.max(delayed));
        let state = match ready_at {
            _ if drops_for_nobody && !self.is_subscribed => State::Gone,
            at if at > self.now => State::Scheduled(at),
            _ => State::Ready,
        };
        self.copies.push(Copy { moved, ..Copy::new(message, self.now, state) });
        if state == State::Ready {
            self.line_up(self.copies.len() - 1);
        }
    }

    /// The tag of an earlier delivery to a client.
    pub(super) fn tag_given(&self, client: ClientId, ago: usize) -> Option<DeliveryTag> {
        let own = (1..).zip(&self.given).filter(|(_, given)| given.client == client);
        let tags: Vec<DeliveryTag> = own.map(|(tag, _)| tag).collect();
        tags.iter().rev().nth(ago).copied()
    }

    pub(super) fn receive(
        &mut self,
        client: ClientId,
        max: u32,
        settle_at_delivery: bool,
    ) -> String {
        if self.departed.contains(&client) {
            return String::new();
        }
        self.is_subscribed = true;
        let mut got = Vec::new();
        let is_soft = self.settings.features.max_in_flight.is_some_and(|cap| cap.is_soft);
        let (had_room, grew) = (self.has_room(client), self.may_grow());
        while got.len() < max as usize && self.has_credit(client, settle_at_delivery) {
            let has_room = if is_soft { had_room } else { self.has_room(client) };
            let grows = if is_soft { grew } else { self.may_grow() };
            if !settle_at_delivery && !has_room {
                break;
            }
            let Some(copy) = self.next_for(client, grows) else { break };
            got.push(self.deliver(client, copy, settle_at_delivery));
        }
        if got.is_empty() { "parked".to_owned() } else { got.join(" ") }
    }

    fn has_credit(&self, client: ClientId, settle_at_delivery: bool) -> bool {
        let prefetch = self.settings.prefetch as usize;
        prefetch == 0 || settle_at_delivery || self.unsettled(client).len() < prefetch
    }

    fn deliver(&mut self, client: ClientId, copy: usize, settle_at_delivery: bool) -> String {
        let redelivered = self.copies[copy].deliveries > 0;
        self.copies[copy].deliveries += 1;
        let end = settle_at_delivery.then_some(End::Acked);
        self.copies[copy].state = if end.is_some() { State::Gone } else { State::InFlight };
        let expires = self.now + self.settings.lease_length();
        if self.settings.features.single_active_consumer {
            self.active = Some(client);
        }
        self.leases += 1;
        self.given.push(Given { client, copy, expires, leased: self.leases, end });
        let tag = self.given.len() as DeliveryTag;
        if !self.known.iter().any(|(known, _)| *known == client) {
            self.known.push((client, tag));
        }
        let Copy { message, deliveries, tried, .. } = self.copies[copy];
        let deliveries = deliveries + tried;
        let mark = if redelivered { "*" } else { "" };
        let count = if deliveries > 1 { format!("x{deliveries}") } else { String::new() };
        format!("{tag}:{message}{mark}{count}")
    }

    /// Says something about all unsettled deliveries up to a tag.
    pub(super) fn settle_up_to(
        &mut self,
        client: ClientId,
        tag: DeliveryTag,
        word: Settlement,
    ) -> bool {
        for earlier in self.unsettled(client).into_iter().filter(|one| *one < tag) {
            self.carry_out(client, earlier, word);
        }
        self.settle(client, tag, word)
    }

    pub(super) fn settle(&mut self, client: ClientId, tag: DeliveryTag, word: Settlement) -> bool {
        let rules = self.settings.rules;
        match self.given[tag as usize - 1].end {
            None => {
                self.carry_out(client, tag, word);
                true
            }
            Some(End::Silent { by_lease }) => {
                let is_cancelled = by_lease && rules.at_lease_end == AtLeaseEnd::CancelConsumer;
                match rules.late_settle {
                    _ if is_cancelled => true,
                    LateSettle::Refused => false,
                    LateSettle::Ignored => true,
                    LateSettle::Honoured => {
                        self.honour(client, tag, word)
                            || rules.repeated_settle == RepeatedSettle::Idempotent
                    }
                }
            }
            Some(end) => {
                let said = if end == End::Acked { Some(Settlement::Ack) } else { None };
                let said = if let End::Said(word) = end { Some(word) } else { said };
                let is_known = self.known.iter().any(|(who, from)| *who == client && *from <= tag);
                is_known && said == Some(word) && self.repeat(client)
            }
        }
    }

    /// A client says once more what it has said.
    fn repeat(&mut self, client: ClientId) -> bool {
        if self.settings.rules.repeated_settle == RepeatedSettle::ClosesChannel {
            self.release(client, false);
        }
        self.settings.rules.repeated_settle == RepeatedSettle::Idempotent
    }

    /// A late word counts, whoever has the message.
    fn honour(&mut self, client: ClientId, tag: DeliveryTag, word: Settlement) -> bool {
        let copy = self.given[tag as usize - 1].copy;
        let held = self.given.iter().position(|one| one.copy == copy && one.end.is_none());
        if let Some(place) = held {
            self.carry_out(client, place as DeliveryTag + 1, word);
            return true;
        }
        if !matches!(word, Settlement::Ack | Settlement::Reject) {
            return true;
        }
        let waits = matches!(self.copies[copy].state, State::Ready | State::Delayed(_))
            || self.copies[copy].state == State::Kept;
        if waits {
            self.line.retain(|(one, _)| *one != copy);
            self.delayed.retain(|one| *one != copy);
            self.copies[copy].state = State::Gone;
            if word == Settlement::Reject {
                self.dead_letter(copy);
            }
        }
        waits
    }

    /// Carries out a client's word about a delivery that is in flight.
    fn carry_out(&mut self, client: ClientId, tag: DeliveryTag, word: Settlement) {
        let Given { client: holder, copy, .. } = self.given[tag as usize - 1];
        if word == Settlement::Extend {
            self.leases += 1;
            let (expires, leased) = (self.now + self.settings.lease_length(), self.leases);
            let given = &mut self.given[tag as usize - 1];
            if given.expires != expires {
                (given.expires, given.leased) = (expires, leased);
            }
            return;
        }
        let own = if word == Settlement::Ack { End::Acked } else { End::Said(word) };
        let another = if word == Settlement::Ack { own } else { End::Silent { by_lease: false } };
        self.given[tag as usize - 1].end = Some(if holder == client { own } else { another });
        self.copies[copy].state = State::Gone;
        let Rules { limit_counts, redelivery_delay, .. } = self.settings.rules;
        if word == Settlement::Requeue {
            self.come_back(copy, limit_counts.nacks, redelivery_delay.on_nack);
        } else if word == Settlement::RejectAndRequeue {
            self.come_back(copy, limit_counts.rejects, redelivery_delay.on_reject);
        } else if word == Settlement::Reject {
            self.dead_letter(copy);
        }
    }

    /// Everything that a client has unsettled comes back, and the queue knows it no more.
    pub(super) fn release(&mut self, client: ClientId, by_lease: bool) {
        let rules = self.settings.rules;
        let hears = rules.late_settle != LateSettle::Refused
            || rules.at_lease_end == AtLeaseEnd::CancelConsumer;
        let end = if hears { End::Silent { by_lease } } else { End::Forgotten };
        self.known.retain(|(known, _)| *known != client);
        self.active = self.active.filter(|active| *active != client);
        for tag in self.unsettled(client) {
            self.given[tag as usize - 1].end = Some(end);
            let copy = self.given[tag as usize - 1].copy;
            let (counts, delayed) = if by_lease {
                (rules.limit_counts.expiries, rules.redelivery_delay.on_expiry)
            } else {
                (rules.limit_counts.disconnects, rules.redelivery_delay.on_disconnect)
            };
            self.come_back(copy, counts, delayed);
        }
    }

    pub(super) fn disconnect(&mut self, client: ClientId) {
        self.departed.push(client);
        if self.settings.requeue_on_disconnect {
            self.release(client, false);
        } else {
            self.known.retain(|(known, _)| *known != client);
            self.active = self.active.filter(|active| *active != client);
        }
    }

    pub(super) fn restart(&mut self) {
        let features = self.settings.features;
        if features.in_flight_survives_restart {
            return;
        }
        self.active = None;
        for tag in 0..self.given.len() {
            let (copy, is_held) = (self.given[tag].copy, self.given[tag].end.is_none());
            self.given[tag].end = Some(End::Forgotten);
            if is_held {
                self.copies[copy].deliveries -= u16::from(features.counts_written_at_return);
                self.put_back(copy);
            }
        }
        self.known.clear();
        if !self.settings.rules.counts_survive_restart {
            for copy in &mut self.copies {
                (copy.deliveries, copy.failures) = (0, 0);
            }
        }
        self.trim();
        self.drop_expired();
    }

    /// Lets time pass: leases end in their order, then delays do.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        let rules = self.settings.rules;
        let is_claimed = self.settings.features.claim_min_idle.is_some();
        while let Some(tag) = self.overdue().filter(|_| !is_claimed) {
            let Given { client, copy, .. } = self.given[tag];
            self.given[tag].end = Some(End::Silent { by_lease: true });
            self.come_back(copy, rules.limit_counts.expiries, rules.redelivery_delay.on_expiry);
            if rules.at_lease_end != AtLeaseEnd::ReturnMessage {
                self.release(client, true);
            }
        }
        while let Some((_, place)) = self.first_delayed().filter(|(at, _)| *at <= self.now) {
            let copy = self.delayed.remove(place);
            self.put_back(copy);
            self.trim();
            self.drop_expired();
        }
        self.pass_features();
    }

    fn overdue(&self) -> Option<usize> {
        let held = (0..self.given.len())
            .filter(|tag| self.given[*tag].end.is_none() && self.given[*tag].expires <= self.now);
        held.min_by_key(|tag| (self.given[*tag].expires, self.given[*tag].leased))
    }

    fn first_delayed(&self) -> Option<(Instant, usize)> {
        let until = |copy: usize| match self.copies[copy].state {
            State::Delayed(until) => until,
            _ => Instant::NEVER,
        };
        (0..self.delayed.len()).map(|place| (until(self.delayed[place]), place)).min()
    }

    /// A delivery ended without success.
    fn come_back(&mut self, copy: usize, counts: bool, delayed: bool) {
        let Rules { limit_counts, limit_checked, redelivery_delay, .. } = self.settings.rules;
        if counts && !limit_counts.deliveries {
            self.copies[copy].failures += 1;
        }
        if limit_checked == LimitChecked::AtReturn && self.is_spent(copy) {
            return self.give_up(copy);
        }
        if self.is_older(copy, self.settings.features.retention_time) {
            self.copies[copy].state = State::Gone;
            return;
        }
        let times = if redelivery_delay.linear { self.copies[copy].deliveries } else { 1 };
        let wait = redelivery_delay.after.saturating_mul(times.into()).min(redelivery_delay.most);
        if delayed && wait > Duration::ZERO {
            self.copies[copy].state = State::Delayed(self.now + wait);
            self.delayed.push(copy);
        } else {
            self.put_back(copy);
            self.trim();
            self.drop_expired();
        }
    }

    fn is_spent(&self, copy: usize) -> bool {
        let Copy { deliveries, failures, .. } = self.copies[copy];
        let counts = self.settings.rules.limit_counts.deliveries;
        let count = if counts { deliveries } else { failures };
        self.settings.delivery_limit.is_some_and(|limit| count >= limit)
    }

    fn give_up(&mut self, copy: usize) {
        if self.settings.rules.keeps_at_limit {
            self.copies[copy].state = State::Kept;
        } else {
            self.dead_letter(copy);
        }
    }

    /// A copy is given up: it is gone, or goes to the dead letters.
    fn dead_letter(&mut self, copy: usize) {
        self.copies[copy].given_up = self.now;
        self.copies[copy].state = State::Gone;
        if self.settings.dead_letter {
            self.transfer(copy);
        }
    }

    /// It arrives or does not; where there is a redrive, it will be stored again.
    fn transfer(&mut self, copy: usize) {
        let retry = self.settings.features.dead_letter_retry;
        self.copies[copy].state = State::Gone;
        let how = fate(self.copies[copy].message, self.now);
        let letters = match how {
            _ if !self.settings.reports_transfers => 1,
            Transferred::Twice if retry.is_some() => 2,
            Transferred::Arrived | Transferred::Twice => 1,
            Transferred::Lost => 0,
        };
        if let Some(wait) = retry.filter(|_| letters == 0) {
            self.copies[copy].state = State::Unconfirmed(self.now + wait);
            self.leaving.push((self.now + wait, copy));
        }
        if let Some(redrive) = self.settings.features.redrive
            && self.copies[copy].moved < redrive.times
        {
            let due = (self.copies[copy].given_up + redrive.after).max(self.now);
            self.letters.extend((0..letters).map(|_| (due, copy)));
        }
    }

    /// A copy is ready for the first time.
    fn line_up(&mut self, copy: usize) {
        self.copies[copy].state = State::Ready;
        self.line.push((copy, false));
        self.lined_up.push(copy);
    }

    fn put_back(&mut self, copy: usize) {
        self.copies[copy].state = State::Ready;
        let goes_before =
            |&(other, is_back): &(usize, bool)| match self.settings.rules.requeue_position {
                RequeuePosition::Same => self.place(other) > self.place(copy),
                RequeuePosition::Front => !is_back,
                RequeuePosition::End => false,
            };
        let place = self.line.iter().position(goes_before).unwrap_or(self.line.len());
        self.line.insert(place, (copy, true));
    }

    /// A queue with a bound looks at its head.
    fn trim(&mut self) {
        let Some(most) = self.settings.max_length else { return };
        self.discard_the_oldest();
        let drops = self.settings.overflow == Overflow::DropHead;
        while drops && self.line.len() > most as usize {
            let (copy, _) = self.line.remove(0);
            self.dead_letter(copy);
        }
        self.drop_expired();
    }

    fn unsettled(&self, client: ClientId) -> Vec<DeliveryTag> {
        let held = (1..).zip(&self.given);
        let own = held.filter(|(_, given)| given.client == client && given.end.is_none());
        own.map(|(tag, _)| tag).collect()
    }

    pub(super) fn state(&self) -> String {
        let here = self.copies.iter().filter(|copy| copy.state != State::Gone);
        let left: Vec<String> = here.map(|copy| copy.message.to_string()).collect();
        let held = self.given.iter().filter(|given| given.end.is_none());
        let is_claimed = self.settings.features.claim_min_idle.is_some();
        let leases = held.clone().map(|given| given.expires);
        let leases = leases.filter(|at| !is_claimed || *at > self.now);
        let delayed = self.first_delayed().map(|(at, _)| at);
        let next = leases
            .chain(delayed)
            .chain(self.next_of_features())
            .min()
            .filter(|at| *at != Instant::NEVER);
        let (window, ready) = (self.window(), self.line.len());
        format!("{}; {ready} {} {next:?} {window:?}", left.join(" "), held.count())
    }
}
