//! What an event is about: a message, a subscription, a process.

use super::Kind;
use crate::{MessageId, ProcessId, SubscriptionId};

impl Kind {
    /// The message that the event is about, if it is about one.
    pub const fn message(&self) -> Option<MessageId> {
        match *self {
            Self::SendInvoked { message, .. }
            | Self::SendEnded { message, .. }
            | Self::Stored { message, .. }
            | Self::Removed { message, .. }
            | Self::Delivered { message, .. }
            | Self::ProcessingStarted { message, .. }
            | Self::ProcessingEnded { message, .. }
            | Self::Effect { message, .. }
            | Self::EffectInvoked { message, .. }
            | Self::SettleInvoked { message, .. }
            | Self::SettleEnded { message, .. }
            | Self::DeadLettered { message, .. }
            | Self::Settled { message, .. }
            | Self::LeaseExpired { message, .. }
            | Self::Requeued { message, .. }
            | Self::Retrievable { message, .. }
            | Self::Kept { message, .. }
            | Self::SettleForgotten { message, .. }
            | Self::Aborted { message, .. }
            | Self::Redriven { message, .. }
            | Self::Retried { message, .. } => Some(message),
            Self::Faulted { message, .. } => message,
            _ => None,
        }
    }

    /// The subscription that the event concerns; none if it concerns all of them or only a process.
    pub const fn subscription(&self) -> Option<SubscriptionId> {
        match *self {
            Self::Stored { subscription, .. } | Self::Removed { subscription, .. } => subscription,
            Self::Delivered { subscription, .. }
            | Self::ProcessingStarted { subscription, .. }
            | Self::ProcessingEnded { subscription, .. }
            | Self::Effect { subscription, .. }
            | Self::EffectInvoked { subscription, .. }
            | Self::SettleInvoked { subscription, .. }
            | Self::SettleEnded { subscription, .. }
            | Self::DeadLettered { subscription, .. }
            | Self::Settled { subscription, .. }
            | Self::Committed { subscription, .. }
            | Self::LeaseExpired { subscription, .. }
            | Self::Requeued { subscription, .. }
            | Self::SessionExpired { subscription, .. }
            | Self::OffsetReset { subscription, .. }
            | Self::Assigned { subscription, .. }
            | Self::Revoked { subscription, .. }
            | Self::Lost { subscription, .. }
            | Self::Retrievable { subscription, .. }
            | Self::Sought { subscription, .. }
            | Self::MaxPollExceeded { subscription, .. }
            | Self::Kept { subscription, .. }
            | Self::SettleForgotten { subscription, .. }
            | Self::Aborted { subscription, .. }
            | Self::Redriven { subscription, .. }
            | Self::Retried { subscription, .. } => Some(subscription),
            _ => None,
        }
    }

    /// Whether only a log does this: it has to do with its groups or with an offset.
    pub const fn is_of_a_log(&self) -> bool {
        matches!(
            self,
            Self::Committed { .. }
                | Self::SessionExpired { .. }
                | Self::OffsetReset { .. }
                | Self::Assigned { .. }
                | Self::Revoked { .. }
                | Self::Lost { .. }
                | Self::Sought { .. }
                | Self::MaxPollExceeded { .. }
                | Self::Aborted { .. }
        )
    }

    /// The process that did it or that it happened to.
    pub const fn process(&self) -> Option<ProcessId> {
        match *self {
            Self::SendInvoked { producer: process, .. }
            | Self::SendEnded { producer: process, .. }
            | Self::Delivered { consumer: process, .. }
            | Self::ProcessingStarted { consumer: process, .. }
            | Self::ProcessingEnded { consumer: process, .. }
            | Self::Effect { consumer: process, .. }
            | Self::EffectInvoked { consumer: process, .. }
            | Self::Aborted { consumer: process, .. }
            | Self::SettleInvoked { consumer: process, .. }
            | Self::SettleEnded { consumer: process, .. }
            | Self::Settled { consumer: process, .. }
            | Self::Committed { consumer: process, .. }
            | Self::LeaseExpired { consumer: process, .. }
            | Self::Requeued { consumer: process, .. }
            | Self::Retried { consumer: process, .. }
            | Self::SessionExpired { consumer: process, .. }
            | Self::OffsetReset { consumer: process, .. }
            | Self::Assigned { consumer: process, .. }
            | Self::Revoked { consumer: process, .. }
            | Self::Sought { consumer: process, .. }
            | Self::MaxPollExceeded { consumer: process, .. }
            | Self::Lost { consumer: process, .. }
            | Self::Crashed { process, .. }
            | Self::Exited { process, .. }
            | Self::Started { process, .. }
            | Self::Stalled { process }
            | Self::Resumed { process }
            | Self::Faulted { process, .. } => Some(process),
            Self::Stored { .. }
            | Self::Removed { .. }
            | Self::DeadLettered { .. }
            | Self::BrokerRestarted
            | Self::Entered { .. }
            | Self::Retrievable { .. }
            | Self::Kept { .. }
            | Self::SettleForgotten { .. }
            | Self::Redriven { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_about_a_process_and_a_dead_letter_about_a_message() {
        let crash = Kind::Crashed { process: ProcessId(3), incarnation: crate::Incarnation(0) };
        assert_eq!((crash.process(), crash.message()), (Some(ProcessId(3)), None));
        let (message, subscription) = (MessageId(7), SubscriptionId(1));
        let reason = crate::event::DeadLetterReason::Client;
        let letter = Kind::DeadLettered { message, subscription, reason };
        assert_eq!((letter.message(), letter.process()), (Some(message), None));
        assert_eq!((letter.subscription(), crash.subscription()), (Some(subscription), None));
    }
}
