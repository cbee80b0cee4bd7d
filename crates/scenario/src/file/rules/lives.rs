//! The rules of consumers that come and go: each change is one, of a consumer that there is.

use super::super::{Change, SubscriptionSettings};
use super::{Checked, broken, broken_with_help, not_zero, within};

/// What a subscription says of the lives of its consumers.
pub(super) fn check(path: &str, subscription: &SubscriptionSettings) -> Checked {
    for (index, change) in subscription.changes.iter().enumerate() {
        let path = format!("{path}.changes.{index}");
        within(&format!("{path}.consumer"), change.consumer)?;
        not_zero(&format!("{path}.at"), change.at)?;
        if change.consumer > subscription.consumers {
            let message = format!(
                "there is no consumer {} of `{}`; there are {}",
                change.consumer, subscription.name, subscription.consumers
            );
            let help = format!("write consumers = {}", change.consumer);
            return broken_with_help(format!("{path}.consumer"), message, help);
        }
        follows(&path, subscription, index)?;
    }
    if let Some(rolling) = subscription.rolling_restart {
        not_zero(&format!("{path}.rolling_restart.at"), rolling.at)?;
    }
    match subscription.mtbf {
        Some(mtbf) => not_zero(&format!("{path}.mtbf"), mtbf),
        None => Ok(()),
    }
}

/// A change comes after the one before of the same consumer, and is another one: who is there does
/// not join, and who is gone does not leave.
fn follows(path: &str, subscription: &SubscriptionSettings, index: usize) -> Checked {
    let change = subscription.changes[index];
    let earlier = subscription.changes[..index].iter().rev();
    let Some(before) = earlier.into_iter().find(|one| one.consumer == change.consumer) else {
        return Ok(());
    };
    if change.at <= before.at {
        let message =
            format!("the change before of consumer {} is at {}", change.consumer, before.at);
        return broken_with_help(format!("{path}.at"), message, "write changes in order of time");
    }
    let joins = |what: Change| what == Change::Joins;
    if joins(change.what) == joins(before.what) {
        let state = if joins(before.what) { "there" } else { "gone" };
        let message = format!("consumer {} is {state} already", change.consumer);
        return broken(format!("{path}.what"), message);
    }
    Ok(())
}
