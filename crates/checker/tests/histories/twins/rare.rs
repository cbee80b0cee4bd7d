//! Steps that only some histories have.

use super::*;

/// What a broker loses, and what it forgets.
pub(super) fn losses() -> Vec<Step> {
    let subscription = SubscriptionId(0);
    let of = |message| {
        let (message, reason) = (MessageId(message), RemoveReason::Truncation);
        let cut = Kind::Removed { message, subscription: None, reason };
        [cut, Kind::SettleForgotten { message, subscription }].map(Step::Else)
    };
    (0..MESSAGES).flat_map(of).collect()
}

/// Dead letters that are moved back; after one of three, later deliveries were handed out before.
pub(super) fn redrives() -> Vec<Step> {
    let subscription = SUBSCRIPTION;
    let of = |message, tag| Kind::Redriven { message, subscription, position: 0, tag };
    let tags = |id| [0, 0, u64::from(id) + 1].map(|tag| Step::Else(of(MessageId(id), tag)));
    (0..MESSAGES).flat_map(tags).collect()
}

/// Copies that consumers publish to be tried later.
pub(super) fn copies() -> Vec<Step> {
    let (subscription, position) = (SUBSCRIPTION, 0);
    let of = |message, consumer| {
        let (message, consumer) = (MessageId(message), ProcessId(consumer));
        Step::Else(Kind::Retried { message, subscription, consumer, position })
    };
    (0..MESSAGES).flat_map(|message| CONSUMERS.map(|consumer| of(message, consumer))).collect()
}
