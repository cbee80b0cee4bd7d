//! The state of the fold, as far as it can still change a verdict.
//!
//! > **The rule.** Two checkers with the same fingerprint that watch the same continuation, up to
//! > the names of deliveries, come to the same class and cause of every message, the same reasons
//! > and the same answers to "was anything reordered" and "was anything replayed".
//!
//! Nothing is said of what is only reported: latencies, sums, counters of windows, how many
//! messages were reordered, write inversions, what consumers skipped while polling.
//!
//! # Left out, with the reason
//!
//! * Of a message: see the module `message`. Of tenures and lives: see `holds`.
//! * Deliveries beyond the copies, deliveries per tenure, positions of seats, the highest
//!   generation: they only feed sums and counters.
//! * The counts of effects, dead letters and copies beyond two. A class asks for none, one or more;
//!   so do the two causes that a copy decides. Dead letters that may be moved back are counted.
//! * Where a partition's last store was, and whether a message was counted as replayed: they decide
//!   counts. How far each chain has come matters until something was reordered *and* something was
//!   replayed; then both answers are yes for ever.
//! * How far resets have skipped: it only says where to look for messages that are marked as
//!   skipped. Whether there was an audit: nothing follows one.
//! * How often the broker has restarted, once it has.
//! * Sums of sends, and the highest message of each producer, which follow from the messages.

use entrega_model::{Fingerprint, MessageId, SubscriptionId};

use crate::Checker;
use crate::message::Message;
use crate::partitions::Partitions;
use crate::sends::SendFold;
use crate::subscription::SubscriptionFold;

use self::holds::Holds;
use self::message::{Normal, is_decided};

mod holds;
mod message;

impl Checker {
    /// Enters everything that can change the class or the cause of a message, or whether anything
    /// was reordered or replayed, whatever follows. Promises and ends of runs stay out: compare
    /// only checkers with the same configuration.
    pub fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        enter_sends(&self.sends, into);
        enter_partitions(&self.partitions, into);
        for (fold, of) in self.subscriptions.iter().zip(0..) {
            enter_subscription(fold, into);
            let redrives = fold.may_redrive;
            let message = |id: MessageId| fold.messages.get(id.0.into());
            let is_open = |id| !message(id).is_some_and(|message| is_decided(message, redrives));
            if !fold.high_numbers.is_empty() {
                fold.high_numbers.fingerprint(is_open, into);
                into.word(END);
            }
            if fold.may_redrive {
                fold.stays.fingerprint(SubscriptionId(of), is_open, into);
                into.word(END);
            }
        }
    }
}

/// Each list begins its items with a word that is not 0, and ends with one that is.
const END: u64 = 0;

fn enter_sends(sends: &SendFold, into: &mut Fingerprint<'_>) {
    for (id, send) in sends.iter() {
        into.count(send.chain() + 1);
        into.word(u64::from(id.0) << 32 | u64::from(send.mark()));
    }
    into.word(END);
    for (key, producer, chain) in sends.chains() {
        into.count(chain + 1);
        into.word(u64::from(key.0) << 16 | u64::from(producer.0));
    }
    into.word(END);
}

fn enter_partitions(partitions: &Partitions, into: &mut Fingerprint<'_>) {
    into.flag(partitions.is_log);
    for (partition, offset, message) in partitions.iter() {
        into.word(offset.wrapping_add(1));
        into.word(u64::from(partition.0) << 32 | u64::from(message.0));
    }
    into.word(END);
    for (partition, offset, message) in partitions.cuts() {
        into.word(offset.wrapping_add(1));
        into.word(u64::from(partition.0) << 32 | u64::from(message.0));
    }
    if partitions.has_cuts() {
        into.word(END);
    }
}

fn enter_subscription(fold: &SubscriptionFold, into: &mut Fingerprint<'_>) {
    let holds = Holds::of(fold);
    let untouched = Message::default();
    for (id, message) in fold.messages.iter() {
        let normal = Normal::of(message, &fold.owners, fold.may_redrive);
        if *normal != untouched {
            into.word(id + 1);
            normal.enter(&holds, into);
        }
    }
    into.word(END);
    holds.enter(into);
    enter_progress(fold, &holds, into);
    let found = fold.order.found;
    let (reordered, replayed) = (found.reordered > 0, found.replayed > 0);
    into.flags([fold.has_truth, fold.has_restarted(), reordered, replayed]);
    if !(reordered && replayed) {
        for (chain, highest) in fold.order.effect_fronts() {
            into.count(chain + 1);
            into.word(highest.into());
        }
        into.word(END);
    }
    fold.order.enter_waiting(into);
}

/// A reset concerns the tenures that began before it; if none of them is left, it is over.
fn enter_progress(fold: &SubscriptionFold, holds: &Holds<'_>, into: &mut Fingerprint<'_>) {
    for (partition, progress) in fold.progress.iter() {
        let before = holds.count_before(progress.reset_before);
        if progress.committed == 0 && before == 0 {
            continue;
        }
        into.word(partition + 1);
        into.word(progress.committed);
        into.count(before);
        if before > 0 {
            into.word(progress.reset_to);
        }
    }
    into.word(END);
}
