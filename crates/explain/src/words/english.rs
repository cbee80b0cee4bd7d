//! The words for every kind of event, in English.
//!
//! * `broker`: what a broker does; `settles`: what clients ask of it for a message, and what it
//!   records of that; here: what else clients and the world do.
//! * `faults`: what was injected; `kinds`: what could be; `findings`: what a run shows.

mod broker;
pub(super) mod faults;
pub(super) mod findings;
pub(super) mod kinds;
mod settles;

use entrega_model::event::{EffectVerdict, Phase, ProcessingResult, SendOutcome};
use entrega_model::{Kind, ProcessId, SubscriptionId};
use entrega_scenario::points::Site;

use super::{Scene, Words, name};

/// The words for an event.
pub(super) fn words(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::SendInvoked { .. } | Kind::SendEnded { .. } => sending(scene),
        Kind::Stored { .. }
        | Kind::Removed { .. }
        | Kind::Kept { .. }
        | Kind::SettleForgotten { .. }
        | Kind::Redriven { .. }
        | Kind::Retried { .. }
        | Kind::Retrievable { .. } => broker::storage(scene),
        Kind::Aborted { .. } => broker::aborted(scene),
        Kind::Delivered { .. }
        | Kind::ProcessingStarted { .. }
        | Kind::EffectInvoked { .. }
        | Kind::ProcessingEnded { .. } => processing(scene),
        Kind::SettleInvoked { .. }
        | Kind::SettleEnded { .. }
        | Kind::Settled { .. }
        | Kind::Committed { .. } => settles::words(scene),
        Kind::Effect { .. } | Kind::DeadLettered { .. } => sink(scene),
        Kind::LeaseExpired { .. } | Kind::Requeued { .. } => broker::lease(scene),
        Kind::SessionExpired { .. }
        | Kind::OffsetReset { .. }
        | Kind::Assigned { .. }
        | Kind::Revoked { .. }
        | Kind::Lost { .. }
        | Kind::Sought { .. }
        | Kind::MaxPollExceeded { .. } => broker::partitions(scene),
        Kind::Crashed { .. }
        | Kind::Exited { .. }
        | Kind::Started { .. }
        | Kind::Stalled { .. }
        | Kind::Resumed { .. } => lives(scene),
        Kind::BrokerRestarted => {
            let fails = scene.fault.as_ref().filter(|fault| fault.point.site == Site::Leader);
            let prose = fails.map_or_else(
                || "the broker restarts".to_owned(),
                |fault| faults::clause(scene, fault, None),
            );
            let short = format!("✗ {prose}");
            Words::new(prose, short)
        }
        Kind::Entered { phase } => entered(phase),
        Kind::Faulted { .. } => faults::words(scene),
    }
}

impl Scene<'_> {
    fn who(&self, process: ProcessId) -> String {
        self.cast.name(process)
    }

    /// A process as the subject of a sentence: `the producer`, `mailer 1`.
    fn subject(&self, process: ProcessId) -> String {
        let is_sole = self.cast.sole_producer() == Some(process);
        if is_sole { format!("the {}", self.who(process)) } else { self.who(process) }
    }

    fn whose(&self, subscription: Option<SubscriptionId>) -> &str {
        let subscription = subscription.or(self.subscription);
        let name = subscription.and_then(|of| self.cast.subscriptions().get(of.index()));
        name.map_or("the subscription", String::as_str)
    }
}

fn sending(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::SendInvoked { message, key, producer, attempt: 1 } => {
            let (who, m) = (scene.subject(producer), name(message));
            Words::new(format!("{who} sends {m}"), format!("→ {m} key {key}"))
        }
        Kind::SendInvoked { message, producer, attempt, .. } => {
            let (who, m) = (scene.subject(producer), name(message));
            Words::new(format!("{who} sends {m} again"), format!("→ {m} attempt {attempt}"))
        }
        Kind::SendEnded { message, producer, outcome } => {
            let (who, m) = (scene.subject(producer), name(message));
            match outcome {
                SendOutcome::Ok => {
                    Words::new(format!("{who} learns that {m} is stored"), format!("✓ {m}"))
                }
                SendOutcome::Fail => Words::new(
                    format!("{who} learns that {m} is refused"),
                    format!("! {m} refused"),
                ),
                SendOutcome::Info => Words::new(
                    format!("{who} does not learn whether {m} is stored"),
                    format!("! {m} indeterminate"),
                ),
            }
        }
        _ => Words::default(),
    }
}

fn processing(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::Delivered { message, consumer, redelivered, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            let sign = if scene.again || redelivered { "↻ " } else { "" };
            let again = if redelivered { " again" } else { "" };
            Words::new(format!("{m} is delivered{again} to {who}"), format!("{sign}{who} ← {m}"))
        }
        Kind::ProcessingStarted { message, consumer, .. } => {
            Words::alike(format!("{} works on {}", scene.who(consumer), name(message)))
        }
        Kind::EffectInvoked { message, consumer, .. } => Words::alike(format!(
            "{} asks for the effect of {}",
            scene.who(consumer),
            name(message)
        )),
        Kind::ProcessingEnded { message, consumer, result, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            let fails = format!("the handler of {who} fails on {m}");
            match result {
                ProcessingResult::Ok => Words::alike(format!("{who} is done with {m}")),
                ProcessingResult::Transient => Words::new(fails, format!("! {who} fails on {m}")),
                ProcessingResult::Poison => Words::new(
                    format!("{fails}, which is poison"),
                    format!("! {who} fails on {m}, as ever"),
                ),
                ProcessingResult::WorkerLost => {
                    let dies = format!("the worker of {who} dies on {m}");
                    Words::new(dies, format!("✗ worker of {who}: {m}"))
                }
                ProcessingResult::Unknown => {
                    let prose = format!("{who} has no answer about {m}");
                    let short = format!("! {prose}");
                    Words::new(prose, short)
                }
            }
        }
        _ => Words::default(),
    }
}

fn sink(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::Effect { message, consumer, verdict, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            match verdict {
                EffectVerdict::Applied => {
                    let again = if scene.again { " AGAIN" } else { "" };
                    Words::new(format!("{m} takes effect"), format!("★ {m}{again} by {who}"))
                }
                EffectVerdict::Suppressed => Words::new(
                    format!("the sink has had {m} already and suppresses it"),
                    format!("{m} by {who} suppressed"),
                ),
                EffectVerdict::Rejected => Words::new(
                    format!("the sink refuses the effect of {m} by {who}, which is fenced"),
                    format!("{m} by {who} rejected"),
                ),
            }
        }
        Kind::DeadLettered { message, subscription, .. } => {
            let (m, of) = (name(message), scene.whose(Some(subscription)));
            Words::new(format!("{m} becomes a dead letter"), format!("☠ {m} of {of}"))
        }
        _ => Words::default(),
    }
}

fn lives(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::Crashed { process, .. } if scene.is_kill => {
            let (who, subject) = (scene.who(process), scene.subject(process));
            Words::new(format!("{subject} is killed"), format!("✗ {who} is killed"))
                .in_a_story(format!("{who} is not gone in time and is killed"))
        }
        Kind::Crashed { process, .. } => {
            let crashes = format!("{} crashes", scene.subject(process));
            Words::new(crashes, format!("✗ {} crashes", scene.who(process)))
        }
        Kind::Exited { process, failed, .. } => {
            let (who, subject) = (scene.who(process), scene.subject(process));
            let (ends, how) =
                if failed { ("fails and ends", " after an error") } else { ("ends", "") };
            Words::new(format!("{subject} {ends}"), format!("{who} leaves{how}"))
                .in_a_story(format!("{who} leaves"))
        }
        Kind::Started { process, incarnation } => {
            let again = if incarnation.0 > 0 { " again" } else { "" };
            let starts = format!("starts{again}");
            Words::new(
                format!("{} {starts}", scene.subject(process)),
                format!("{} {starts}", scene.who(process)),
            )
        }
        Kind::Stalled { process } => Words::new(
            format!("{} stands still", scene.subject(process)),
            format!("⏸ {} stalls", scene.who(process)),
        ),
        Kind::Resumed { process } => {
            let who = scene.who(process);
            Words::new(format!("{} goes on", scene.subject(process)), format!("{who} goes on"))
                .in_a_story(format!("{who} comes back"))
        }
        _ => Words::default(),
    }
}

fn entered(phase: Phase) -> Words {
    let prose = match phase {
        Phase::Workload => "sends begin, and faults may happen",
        Phase::Heal => "faults have ended, and what is down comes up again",
        Phase::Drain => "what is left is worked off",
        Phase::Quiescent => "nothing more can happen",
        Phase::Audit => "broker and sinks are read",
    };
    Words::new(prose.to_owned(), phase.name().to_owned())
}
