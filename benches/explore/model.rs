//! `process-then-settle` as a model checker wants it: the protocol by hand, as states and actions.
//!
//! This is what one writes with [stateright](https://docs.rs/stateright) instead of running a
//! consumer: one broker (a queue with acks, or a log with a commit per message), one consumer, one
//! sink. The consumer receives a message, asks the sink for the effect and settles, each with a
//! request and a response that travel. At most so many crashes and so many lost settles happen; what
//! is left of both budgets is part of the state, since a crash or a loss is possible only while
//! there is some left.
//!
//! # What is in the model, and what is not
//!
//! * Crashes happen where the simulator has them: when a message has come in (`effect.before`), when
//!   the sink has answered (`effect.after`) and when the broker has answered (`settle.after`).
//! * A lost leg is one of a settle, there (`settle.request`) or back (`settle.response`). The
//!   consumer waits for its timeout and goes on, as the strategy does.
//! * After a crash a queue notices the end of the connection and gives the messages back; a log
//!   waits for the end of the session, and the next life joins and begins at the committed offset.
//! * A lease runs out only when nothing else can happen, as in the simulator, where every other
//!   timer is shorter. A model without time that let it run out at any moment would find more
//!   interleavings and the same outcomes.
//! * Messages are in the broker from the start. The simulator sends them first; without faults on
//!   the way that adds steps to each of its runs and no outcome.
//! * Effects are counted up to two, as far as a class asks ([`Class`]).
//!
//! All of these make the model smaller, so a comparison of times flatters nobody but the model.

use stateright::{Model, Property};

/// How many messages there are.
pub(crate) const MESSAGES: usize = 3;

/// What happened to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// No effect.
    Lost,
    /// One effect.
    Exact,
    /// More than one effect.
    Duplicated,
}

/// What happened to each message.
pub(crate) type Outcome = [Class; MESSAGES];

/// The class of a message with so many effects.
pub(crate) fn class(effects: u8) -> Class {
    match effects {
        0 => Class::Lost,
        1 => Class::Exact,
        _ => Class::Duplicated,
    }
}

/// The protocol, with at most this much going wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol {
    /// Whether the broker is a log; else it is a queue.
    pub(crate) is_log: bool,
    /// At most this many crashes.
    pub(crate) crashes: u8,
    /// At most this many lost legs of settles.
    pub(crate) losses: u8,
}

/// Everything that can make a difference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    crashes_left: u8,
    losses_left: u8,
    effects: [u8; MESSAGES],
    broker: Broker,
    consumer: Consumer,
    /// The consumer does one thing after the other, so at most one packet travels.
    network: Option<Packet>,
}

/// What a broker knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Broker {
    /// The messages in their order, and which deliveries are unsettled, oldest first.
    Queue { copies: [Copy; MESSAGES], leases: Vec<u8> },
    /// The first message that no commit covers, and whether somebody is a member of the group.
    Log { committed: u8, has_member: bool },
}

/// A message in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Copy {
    Ready,
    InFlight,
    Settled,
}

/// What a consumer is doing. What it is told comes with the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Consumer {
    /// It waits for an answer. On a log it knows from where to receive next.
    Waiting { position: u8 },
    /// It has crashed; the broker has noticed it or not.
    Down { noticed: bool },
}

/// A request or a response on its way, or a request that the broker keeps for later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Packet {
    Join,
    JoinKept,
    Joined { position: u8 },
    Receive { position: u8 },
    ReceiveKept,
    Received { message: u8 },
    Apply { message: u8 },
    Applied { message: u8 },
    Settle { message: u8 },
    Settled,
}

/// Something that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The packet arrives.
    Deliver,
    /// The packet arrives, and the consumer crashes at once.
    DeliverAndCrash,
    /// The packet is lost.
    Lose,
    /// The consumer has waited long enough for a settle.
    TimeOut,
    /// The broker notices that the consumer has crashed.
    Disconnect,
    /// The consumer begins its next life.
    Restart,
    /// The oldest lease of a queue, or the session of a log, runs out.
    Expire,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let broker = if self.is_log {
            Broker::Log { committed: 0, has_member: false }
        } else {
            Broker::Queue { copies: [Copy::Ready; MESSAGES], leases: Vec::new() }
        };
        vec![State {
            crashes_left: self.crashes,
            losses_left: self.losses,
            effects: [0; MESSAGES],
            network: Some(first_request(&broker)),
            broker,
            consumer: Consumer::Waiting { position: 0 },
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        match (state.consumer, state.network) {
            (Consumer::Down { noticed: false }, _) => actions.push(Action::Disconnect),
            (Consumer::Down { noticed: true }, _) => actions.push(Action::Restart),
            (_, None) => actions.push(Action::TimeOut),
            (_, Some(Packet::ReceiveKept | Packet::JoinKept)) => {
                if state.has_deadline() {
                    actions.push(Action::Expire);
                }
            }
            (_, Some(packet)) => {
                actions.push(Action::Deliver);
                if state.crashes_left > 0 && packet.meets_a_crash() {
                    actions.push(Action::DeliverAndCrash);
                }
                if state.losses_left > 0 && packet.can_be_lost() {
                    actions.push(Action::Lose);
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Deliver => state.deliver(),
            Action::DeliverAndCrash => {
                state.crashes_left -= 1;
                state.network = None;
                state.consumer = Consumer::Down { noticed: false };
            }
            Action::Lose => {
                state.losses_left -= 1;
                state.network = None;
            }
            Action::TimeOut => state.receive(),
            Action::Disconnect => state.disconnect(),
            Action::Restart => {
                state.consumer = Consumer::Waiting { position: 0 };
                state.network = Some(first_request(&state.broker));
            }
            Action::Expire => state.expire(),
        }
        Some(state)
    }

    /// The first can only be refuted, so the checker never stops before it has seen every state.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing is lost", |_, state: &State| {
                state.outcome().is_none_or(|outcome| !outcome.contains(&Class::Lost))
            }),
            Property::sometimes("everything takes effect once", |_, state: &State| {
                state.outcome() == Some([Class::Exact; MESSAGES])
            }),
            Property::sometimes("something is duplicated", |_, state: &State| {
                state.outcome().is_some_and(|outcome| outcome.contains(&Class::Duplicated))
            }),
        ]
    }
}

/// With what a life begins: on a log it joins the group before it receives.
fn first_request(broker: &Broker) -> Packet {
    match broker {
        Broker::Queue { .. } => Packet::Receive { position: 0 },
        Broker::Log { .. } => Packet::Join,
    }
}

impl Packet {
    /// Whether the consumer may crash when it gets this.
    fn meets_a_crash(self) -> bool {
        matches!(self, Self::Received { .. } | Self::Applied { .. } | Self::Settled)
    }

    /// Whether this is a leg of a settle.
    fn can_be_lost(self) -> bool {
        matches!(self, Self::Settle { .. } | Self::Settled)
    }
}

impl State {
    /// What became of the messages, once nothing more can happen.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        let is_over = self.network == Some(Packet::ReceiveKept) && !self.has_deadline();
        is_over.then(|| self.effects.map(class))
    }

    /// Whether time alone changes something in the broker.
    fn has_deadline(&self) -> bool {
        match &self.broker {
            Broker::Queue { leases, .. } => !leases.is_empty(),
            Broker::Log { .. } => self.network == Some(Packet::JoinKept),
        }
    }

    /// A packet arrives, and whoever gets it answers or sends the next request.
    fn deliver(&mut self) {
        match self.network.take() {
            Some(Packet::Join) => self.join(),
            Some(Packet::Joined { position }) => {
                self.consumer = Consumer::Waiting { position };
                self.receive();
            }
            Some(Packet::Receive { position }) => self.hand_over(position),
            Some(Packet::Received { message }) => self.network = Some(Packet::Apply { message }),
            Some(Packet::Apply { message }) => {
                let effects = &mut self.effects[usize::from(message)];
                *effects = (*effects + 1).min(2);
                self.network = Some(Packet::Applied { message });
            }
            Some(Packet::Applied { message }) => {
                self.consumer = Consumer::Waiting { position: message + 1 };
                self.network = Some(Packet::Settle { message });
            }
            Some(Packet::Settle { message }) => self.settle(message),
            Some(Packet::Settled) => self.receive(),
            kept => self.network = kept,
        }
    }

    /// The consumer asks for the next message.
    fn receive(&mut self) {
        let Consumer::Waiting { position } = self.consumer else { return };
        let position = if matches!(self.broker, Broker::Log { .. }) { position } else { 0 };
        self.consumer = Consumer::Waiting { position };
        self.network = Some(Packet::Receive { position });
    }

    /// The broker lets a consumer into the group, once nobody else is in it.
    fn join(&mut self) {
        let Broker::Log { committed, has_member } = &mut self.broker else { return };
        self.network = Some(match *has_member {
            true => Packet::JoinKept,
            false => Packet::Joined { position: *committed },
        });
        *has_member = true;
    }

    /// The broker answers with the next message, if there is one.
    fn hand_over(&mut self, position: u8) {
        let next = match &mut self.broker {
            Broker::Queue { copies, leases } => {
                let next = copies.iter().position(|copy| *copy == Copy::Ready);
                if let Some(next) = next {
                    copies[next] = Copy::InFlight;
                    leases.push(next as u8);
                }
                next.map(|next| next as u8)
            }
            Broker::Log { .. } => (usize::from(position) < MESSAGES).then_some(position),
        };
        let received = |message| Packet::Received { message };
        self.network = Some(next.map_or(Packet::ReceiveKept, received));
    }

    /// A queue settles this message, a log everything up to it.
    fn settle(&mut self, message: u8) {
        match &mut self.broker {
            Broker::Queue { copies, leases } => {
                copies[usize::from(message)] = Copy::Settled;
                leases.retain(|&leased| leased != message);
            }
            Broker::Log { committed, .. } => *committed = message + 1,
        }
        self.network = Some(Packet::Settled);
    }

    /// A queue gives back what a crashed consumer had not settled.
    fn disconnect(&mut self) {
        self.consumer = Consumer::Down { noticed: true };
        if let Broker::Queue { copies, leases } = &mut self.broker {
            leases.clear();
            let in_flight = copies.iter_mut().filter(|copy| **copy == Copy::InFlight);
            in_flight.for_each(|copy| *copy = Copy::Ready);
        }
    }

    /// The oldest lease runs out, or the session of the life before; who waited for it is answered.
    fn expire(&mut self) {
        match &mut self.broker {
            Broker::Queue { copies, leases } => {
                copies[usize::from(leases.remove(0))] = Copy::Ready;
                self.hand_over(0);
            }
            Broker::Log { committed, .. } => {
                self.network = Some(Packet::Joined { position: *committed });
            }
        }
    }
}
