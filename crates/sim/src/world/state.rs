//! The whole state of the world as one number, so that an exploration recognises where it has been.
//!
//! Two worlds with the same fingerprint go on in the same way. Names (incarnations, generations,
//! tags, deliveries) and times enter relatively, so that a world is recognised after a crash that
//! left no trace but a higher number. A process is a future, which is opaque; but it is a function
//! of the answers and clock readings that it got since its life began, so their digest stands for
//! it.

use entrega_brokers::Broker;
use entrega_model::fingerprint::{Context, Fingerprint, Fingerprinted, Name};
use entrega_model::{DeliveryId, Generation, Incarnation, Instant, SubscriptionId};

use super::calls::{Answer, Call, Payload};
use super::process::{Memory, Process};
use super::{Due, Routed, World};

/// What a fingerprint needs to be made, kept from one to the next: there are many of them.
#[derive(Default)]
pub(crate) struct Scratch {
    incarnations: Vec<Incarnation>,
    generations: Vec<Generation>,
    next_tags: Vec<u64>,
    named_from: Vec<u64>,
    names: Vec<Name>,
    dues: Vec<(Instant, u64, Due)>,
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// The fingerprint of this state, of `salt` and of what `also` adds.
    pub(crate) fn fingerprint(
        &self,
        scratch: &mut Scratch,
        salt: u64,
        also: impl FnOnce(&mut Fingerprint<'_>),
    ) -> u64 {
        let Scratch { incarnations, generations, next_tags, named_from, names, dues } = scratch;
        let subscriptions = || (0..self.sinks.len() as u8).map(SubscriptionId);
        fill(incarnations, self.processes.iter().map(|one| one.incarnation));
        fill(generations, subscriptions().map(|id| self.broker.generation(id)));
        fill(next_tags, subscriptions().map(|id| self.broker.next_tag(id)));
        self.lowest_tags(next_tags, named_from, names);
        self.timers.in_order(dues);
        let mut into = Fingerprint::new(Context {
            now: self.now,
            incarnations,
            next_delivery: DeliveryId(self.deliveries + 1),
            generations,
            next_tags,
            named_from,
        });
        into.word(salt);
        into.flag(self.closing);
        self.broker.fingerprint(&mut into);
        self.sinks.iter().for_each(|sink| sink.fingerprint(&mut into));
        for table in &self.poison {
            into.count(table.words().count());
            table.words().for_each(|word| into.word(word));
        }
        into.deadline((self.broker_up_at > self.now).then_some(self.broker_up_at));
        self.outages.fingerprint(self.now, &mut into);
        self.outbox.fingerprint(&mut into);
        for due in self.not_before.iter().flat_map(|all| all.iter()) {
            into.time((*due).max(self.now));
        }
        self.rolling.iter().for_each(|rolling| rolling.fingerprint(&mut into));
        self.processes.iter().for_each(|process| process.fingerprint(&mut into));
        self.fingerprint_dues(dues, &mut into);
        if self.idle.may_sleep {
            self.fingerprint_idle(&mut into);
        }
        also(&mut into);
        into.finish()
    }

    /// Fills `lowest` with the lowest tag of each queue that a process knows or that is on its way;
    /// if there is none, only tags will be named that are still to be given.
    fn lowest_tags(&self, next_tags: &[u64], lowest: &mut Vec<u64>, names: &mut Vec<Name>) {
        fill(lowest, next_tags.iter().copied());
        if next_tags.iter().all(|&next| next == 0) {
            return;
        }
        for process in self.processes.iter().filter(|process| process.is_alive()) {
            lower(lowest, process.role.subscription(), &process.memory.names);
        }
        for call in self.calls.carrying() {
            names.clear();
            let of = self.processes[call.client.process.index()].role.subscription();
            call.fingerprint(of, &mut Fingerprint::collecting(Context::default(), names));
            lower(lowest, of, names);
        }
    }

    /// What is due, in its order, with the calls that it is about.
    fn fingerprint_dues(&self, dues: &[(Instant, u64, Due)], into: &mut Fingerprint<'_>) {
        for held in &self.held {
            into.word(held.zone as u64);
            into.flag(held.expired);
            into.deadline(held.until.filter(|&at| at > self.now));
            self.fingerprint_due(held.what, into);
        }
        into.word(u64::MAX);
        for list in [&self.due_now, &self.put_off] {
            list.iter().for_each(|&due| self.fingerprint_due(due, into));
            into.word(u64::MAX);
        }
        for &(at, _, due) in dues {
            if self.means_something(at, due) {
                into.time(at);
                self.fingerprint_due(due, into);
            }
        }
        into.word(u64::MAX);
        for &id in &self.parked {
            self.fingerprint_call(self.calls.look(id), into);
        }
        into.word(u64::MAX);
        for call in self.calls.answered() {
            self.fingerprint_call(call, into);
        }
    }

    fn fingerprint_call(&self, call: &Call<B>, into: &mut Fingerprint<'_>) {
        call.fingerprint(self.processes[call.client.process.index()].role.subscription(), into);
    }

    /// Whether anything happens when this is due: some timers have become moot. The broker's timer
    /// counts even if it will fire in vain, because it is armed again then, behind whatever else is
    /// due at that instant.
    pub(super) fn means_something(&self, at: Instant, due: Due) -> bool {
        match due {
            Due::Broker => at == self.broker_timer,
            Due::Wake(client) | Due::Resume(client) => {
                self.processes[client.process.index()].client() == client
            }
            Due::Overdue(hold) => self.is_held(hold),
            Due::Kill(client) => self.is_alive(client),
            Due::TimeOut(id) => {
                let call = self.calls.look(id);
                call.awaited && !matches!(call.payload, Payload::Answer { arrived: true, .. })
            }
            Due::Unpark(id) => self.calls.look(id).parked,
            Due::Idle(poll) => self.idle.awake(poll).is_some(),
            _ => true,
        }
    }

    fn fingerprint_due(&self, due: Due, into: &mut Fingerprint<'_>) {
        let (kind, call) = match due {
            Due::Arrive(id) => (1, Some(id)),
            Due::Return(id) => (2, Some(id)),
            Due::TimeOut(id) => (3, Some(id)),
            Due::Unpark(id) => (4, Some(id)),
            Due::Wake(_) => (5, None),
            Due::Resume(_) => (6, None),
            Due::Start(_) => (7, None),
            Due::Disconnect(_) => (8, None),
            Due::Broker => (9, None),
            Due::Idle(_) => (10, None),
            Due::Overdue(_) => (11, None),
            Due::Kill(_) => (12, None),
            Due::BrokerBack => (13, None),
            Due::SinkBack(_) => (14, None),
            Due::Change(_) => (15, None),
            Due::Roll(_) => (16, None),
        };
        into.word(kind);
        match due {
            Due::Wake(client)
            | Due::Resume(client)
            | Due::Kill(client)
            | Due::Disconnect(client) => {
                into.client(client);
            }
            Due::Start(process) => into.word(process.0.into()),
            Due::SinkBack(subscription) | Due::Roll(subscription) => {
                into.word(subscription.0.into())
            }
            Due::Change(number) => into.word(number.into()),
            Due::Idle(poll) => self.fingerprint_awake(poll, into),
            Due::Overdue(hold) => into.maybe(self.place_of(hold).map(|place| place as u64)),
            _ => {}
        }
        if let Some(id) = call {
            self.fingerprint_call(self.calls.look(id), into);
        }
    }
}

/// Makes the lowest tag of a subscription as low as these names say.
fn lower(lowest: &mut [u64], of: Option<SubscriptionId>, names: &[Name]) {
    let Some(lowest) = of.and_then(|of| lowest.get_mut(of.index())) else { return };
    for name in names {
        if let Name::Tag(tag) = name {
            *lowest = (*lowest).min(*tag);
        }
    }
}

fn fill<T>(buffer: &mut Vec<T>, with: impl Iterator<Item = T>) {
    buffer.clear();
    buffer.extend(with);
}

impl<B: Broker> Call<B> {
    fn fingerprint(&self, own: Option<SubscriptionId>, into: &mut Fingerprint<'_>) {
        if let Some(own) = own {
            into.set_own(own);
        }
        into.client(self.client);
        into.flag(self.parked);
        into.flag(self.awaited);
        if self.awaited {
            into.word(self.issued);
            into.flag(self.timed_out);
            into.flag(self.patient);
        }
        if self.awaited && !self.patient {
            into.time(self.started);
        }
        match &self.payload {
            Payload::Request(request) => {
                into.word(1);
                request.fingerprint(into);
            }
            Payload::Asked { delivery, subscription } => {
                into.word(2 + self.route.to as u64 * 8);
                into.word(subscription.0.into());
                delivery.fingerprint(into);
            }
            Payload::AskedProgress { request, subscription } => {
                into.word(5);
                into.word(subscription.0.into());
                request.words().into_iter().for_each(|word| into.word(word));
            }
            Payload::AskedBatch { batch, subscription } => {
                into.word(6);
                into.word(subscription.0.into());
                into.list(batch);
            }
            Payload::Answer { answer, arrived } => {
                into.word(3);
                into.flag(*arrived);
                answer.fingerprint(into);
            }
            Payload::Gone => into.word(4),
        }
    }
}

impl<B: Broker> Fingerprinted for Answer<B> {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        match self {
            Self::Response(response) => response.fingerprint(into),
            Self::Done => into.word(0),
            Self::Refused => into.word(u64::MAX),
            Self::Decided(verdict) => into.word(1 + *verdict as u64),
            Self::Progress(answer) => answer.words().into_iter().for_each(|word| into.word(word)),
        }
    }
}

impl Process {
    /// Its state, and what its life knows.
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        into.word(self.state as u64);
        into.flag(self.ready);
        into.maybe(self.shutdown.map(|how| how as u64));
        into.flag(self.leaves);
        if !self.is_alive() {
            return;
        }
        let Memory { digest, names, last_reading } = &self.memory;
        into.word(*digest);
        into.deadline(*last_reading);
        if let Some(own) = self.role.subscription() {
            into.set_own(own);
        }
        into.list(names);
    }
}
