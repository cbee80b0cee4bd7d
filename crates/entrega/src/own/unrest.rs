//! What can be said of a run that never comes to rest.
//!
//! > **The rule.** In such a run a message is lost if the broker cannot deliver it, nobody alive
//! > holds it, and it has no effect. The others without an effect are open: they may be processed
//! > later, or never.
//!
//! Who holds a message is not recorded, but what processes did with it is. A process that lives
//! holds what it received until its handler has failed and it has turned to another message, unless
//! it was about to try once more: the time since is then no longer than it paused before.

use std::collections::BTreeMap;

use entrega_checker::{Checker, End, Finding, Report};
use entrega_explain::possessions::{Ending, Possession, Possessions};
use entrega_model::event::ProcessingResult;
use entrega_model::{DeliveryId, Duration, Event, Instant, Kind, Observer, ProcessId};
use entrega_sim::RunEnd;

use crate::judge::shown as shown_of;

/// Judges a run that never comes to rest: `events` are all that the checker has seen.
pub(crate) fn judge(checker: &mut Checker, events: &[Event]) -> Report {
    checker.observe(&held(events));
    checker.finish(End::Quiescent)
}

/// What a run shows that was ended by a limit: that it stalls, unless the broker was down then, and
/// whatever else.
pub(super) fn shown(report: &Report, end: RunEnd) -> Vec<Finding> {
    report.subscriptions.iter().flat_map(|of| shown_of(of, end)).collect()
}

/// For each message that somebody alive holds, the event that says that it can be retrieved: held
/// is as good as stored.
fn held(events: &[Event]) -> Vec<Event> {
    let Some(&Event { at, .. }) = events.last() else { return Vec::new() };
    let attempts = Attempts::of(events);
    let possessions = Possessions::of_run(events);
    let held = possessions.all().iter().filter(|one| is_alive(one) && attempts.hold(one, at));
    held.map(|&Possession { message, subscription, .. }| Event {
        at,
        kind: Kind::Retrievable { message, subscription },
    })
    .collect()
}

/// Whether the life that holds a message goes on.
fn is_alive(possession: &Possession) -> bool {
    !possession.ends.iter().any(|end| matches!(end.how, Ending::Crashed | Ending::Exited))
}

/// The attempts of a run at processing its messages.
#[derive(Default)]
struct Attempts {
    failed: BTreeMap<DeliveryId, Failed>,
    /// The delivery that each process has begun last, and where.
    turned_to: BTreeMap<ProcessId, (usize, DeliveryId)>,
}

/// A delivery whose last attempt has failed.
struct Failed {
    event: usize,
    at: Instant,
    under_way: bool,
    /// The longest pause between two attempts.
    pause: Option<Duration>,
}

impl Attempts {
    fn of(events: &[Event]) -> Self {
        let mut attempts = Self::default();
        for (event, &Event { at, kind }) in events.iter().enumerate() {
            attempts.note(event, at, kind);
        }
        attempts
    }

    fn note(&mut self, event: usize, at: Instant, kind: Kind) {
        match kind {
            Kind::Delivered { delivery, consumer, .. } => {
                self.turned_to.insert(consumer, (event, delivery));
            }
            Kind::ProcessingStarted { delivery, consumer, .. } => {
                self.turned_to.insert(consumer, (event, delivery));
                if let Some(failed) = self.failed.get_mut(&delivery) {
                    failed.under_way = true;
                    failed.pause = failed.pause.max(Some(at.since(failed.at)));
                }
            }
            Kind::ProcessingEnded { delivery, result, .. } if result != ProcessingResult::Ok => {
                let pause = self.failed.get(&delivery).and_then(|failed| failed.pause);
                self.failed.insert(delivery, Failed { event, at, under_way: false, pause });
            }
            _ => {}
        }
    }

    /// Whether a process that is alive holds on to a message, at the end of the run.
    fn hold(&self, possession: &Possession, end: Instant) -> bool {
        let Some(delivery) = possession.delivery.map(|delivery| delivery.id) else { return true };
        let Some(failed) = self.failed.get(&delivery) else { return true };
        let tries_again = failed.pause.is_some_and(|pause| end.since(failed.at) <= pause);
        let turned = self.turned_to.get(&possession.process);
        let turned_away = turned.is_some_and(|&(event, to)| event > failed.event && to != delivery);
        failed.under_way || tries_again || !turned_away
    }
}
