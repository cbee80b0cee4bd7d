//! What a fault is: an act, until when it delays, and where it strikes.

/// What happens when a choice is not the harmless one, whatever its delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// A leg of a call never arrives.
    Lost,
    /// A leg of a call arrives later.
    Late,
    /// A leg of a call arrives twice.
    Duplicated,
    /// The broker restarts.
    Restart,
    /// Of the requests that arrive or the deadlines that fall due at one instant, the one at this
    /// place comes first; the harmless one is the first.
    Order(u8),
    /// Of what is at work at one instant, this goes on last.
    Last,
    /// Every attempt to process a message fails.
    Poison,
    /// Every attempt to process a message kills the process.
    Kills,
    /// An attempt to process a message fails.
    Transient,
    /// A handler takes longer.
    Slow,
    /// A process stands still before the effect.
    StallBefore,
    /// A process stands still after the effect.
    StallAfter,
    /// A process dies.
    Crash,
    /// A process is asked to stop, and is handed out first what its library has fetched.
    Drain,
    /// A process is asked to stop, and is handed out nothing more.
    Abandon,
    /// A group rebalances before the effect.
    RebalanceBefore,
    /// A group rebalances after the effect.
    RebalanceAfter,
    /// A connection breaks before the effect.
    DisconnectBefore,
    /// A connection breaks after the effect.
    DisconnectAfter,
    /// The process of a leader dies.
    LeaderCrash,
    /// The machine of a leader loses its power.
    LeaderPoweroff,
    /// The machines of all replicas lose their power.
    Blackout,
    /// The next leader falls behind.
    NextLags,
    /// All followers fall behind.
    AllLag,
    /// A service refuses what it is asked from here on.
    Refuses,
    /// A service does not answer from here on.
    Silent,
}

/// What happens to a leg of a call on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mishap {
    /// It never arrives.
    Lost,
    /// It arrives later.
    Late,
    /// It arrives twice.
    Duplicated,
}

impl Act {
    /// What it does to a leg of a call, if it is about one.
    pub const fn on_leg(self) -> Option<Mishap> {
        match self {
            Self::Lost => Some(Mishap::Lost),
            Self::Late => Some(Mishap::Late),
            Self::Duplicated => Some(Mishap::Duplicated),
            Self::Restart
            | Self::Order(_)
            | Self::Last
            | Self::Poison
            | Self::Kills
            | Self::Transient
            | Self::Slow
            | Self::StallBefore
            | Self::StallAfter
            | Self::Crash
            | Self::Drain
            | Self::Abandon
            | Self::RebalanceBefore
            | Self::RebalanceAfter
            | Self::DisconnectBefore
            | Self::DisconnectAfter
            | Self::LeaderCrash
            | Self::LeaderPoweroff
            | Self::Blackout
            | Self::NextLags
            | Self::AllLag
            | Self::Refuses
            | Self::Silent => None,
        }
    }

    /// Whether a process stands still.
    pub const fn is_stall(self) -> bool {
        matches!(self, Self::StallBefore | Self::StallAfter)
    }

    /// Whether a service is away from here on.
    pub const fn is_outage(self) -> bool {
        matches!(self, Self::Refuses | Self::Silent)
    }

    /// Whether a process is asked to stop.
    pub const fn is_shutdown(self) -> bool {
        matches!(self, Self::Drain | Self::Abandon)
    }

    /// Whether a group rebalances.
    pub const fn is_rebalance(self) -> bool {
        matches!(self, Self::RebalanceBefore | Self::RebalanceAfter)
    }
}

/// How long a delay lasts. Chance draws spans; an exploration has no spans and lets a delay end
/// where it makes a difference: in a zone, never after a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Zone {
    /// No delay at all.
    Now,
    /// The span that the scenario's `[times]` give.
    Span,
    /// Until only timers are left: all other processes have done what they can without waiting.
    Calm,
    /// Until just after the next deadline: a lease or session ends, or the time from one poll to
    /// the next, or the caller's own timeout.
    Expiry,
    /// Until all is calm again after such a deadline: another process has taken over.
    Takeover,
    /// The same, but before it begins all others do what they can, and then a timer of the process
    /// comes due, as that of commits, if it has one.
    Timer,
}

impl Zone {
    /// Whether a deadline has passed when the delay ends.
    pub const fn is_past_a_deadline(self) -> bool {
        matches!(self, Self::Expiry | Self::Takeover | Self::Timer)
    }
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// One leg of a remote call.
    Leg(Call, Leg),
    /// The broker process.
    Broker,
    /// A sink, or the broker, as one that is asked.
    Service,
    /// The order in which requests arrive at one instant.
    Arrivals,
    /// The order in which handlers go on that are at work at one instant.
    Handlers,
    /// The order of deadlines of the broker and of processes that fall on one instant.
    Deadlines,
    /// The order of the end of a poll and of what is on its way at that instant.
    Polls,
    /// The order of the end of a delay and of the next life of a process that is down.
    Delays,
    /// A message itself.
    Message,
    /// The application's handler.
    Handler,
    /// A consumer process as a whole.
    Process,
    /// The end of a consumer process that is asked to stop.
    Shutdown,
    /// A moment at which a consumer process may die.
    Crash(Moment),
    /// A consumer group.
    Group,
    /// The connection of a consumer.
    Connection,
    /// The way of a dead letter from a queue to its target, within the broker.
    Transfer,
    /// The node that leads a log.
    Leader,
    /// The nodes that follow it.
    Followers,
}

impl Site {
    /// Whether a producer dies there.
    pub const fn is_of_producer(self) -> bool {
        matches!(self, Self::Crash(Moment::BeforeSend | Moment::AfterSend))
    }

    /// Whether it is one of the nodes that a log with replicas has.
    pub const fn is_of_replicas(self) -> bool {
        matches!(self, Self::Leader | Self::Followers)
    }

    /// Whether nothing goes wrong there, and only the order of things is chosen.
    pub const fn is_order(self) -> bool {
        matches!(
            self,
            Self::Arrivals | Self::Handlers | Self::Deadlines | Self::Polls | Self::Delays
        )
    }
}

/// What a remote call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// To store a message.
    Send,
    /// For messages.
    Receive,
    /// For an effect, at the sink.
    Effect,
    /// To settle.
    Settle,
    /// To write a dead letter.
    DeadLetter,
}

/// A way that something travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// To the peer.
    Request,
    /// Back to the caller.
    Response,
}

/// A moment in the life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A producer is about to send a message.
    BeforeSend,
    /// A producer has the broker's answer to a send, and its application has not noted it.
    AfterSend,
    /// It is about to ask the sink for the effect.
    BeforeEffect,
    /// It has the sink's answer.
    AfterEffect,
    /// It has the broker's answer to a settle that the application asked for.
    AfterSettle,
    /// It has the answer to a dead letter.
    AfterDeadLetter,
    /// An instant that is its own, whatever it does then.
    AtAnyTime,
}
