//! The words for every kind of event, in English.
//!
//! * `broker`: what a broker does; here: what clients and the world do.
//! * `faults`: what was injected; `kinds`: what could be; `findings`: what a run shows.

mod broker;
pub(super) mod faults;
pub(super) mod findings;
pub(super) mod kinds;

use entrega_model::event::{
    EffectVerdict, Phase, ProcessingResult, SendOutcome, SettleAct, SettleOutcome, SettleTrigger,
};
use entrega_model::{Kind, ProcessId, SubscriptionId};

use super::{Scene, Words, name};

/// The words for an event.
pub(super) fn words(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::SendInvoked { .. } | Kind::SendEnded { .. } => sending(scene),
        Kind::Stored { .. } | Kind::Removed { .. } | Kind::Retrievable { .. } => {
            broker::storage(scene)
        }
        Kind::Delivered { .. } | Kind::ProcessingStarted { .. } | Kind::ProcessingEnded { .. } => {
            processing(scene)
        }
        Kind::SettleInvoked { .. }
        | Kind::SettleEnded { .. }
        | Kind::Settled { .. }
        | Kind::Committed { .. } => settling(scene),
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
            let prose = "the broker restarts".to_owned();
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
        Kind::ProcessingEnded { message, consumer, result, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            let fails = format!("the handler of {m} fails: {result:?}");
            match result {
                ProcessingResult::Ok => Words::alike(format!("{who} is done with {m}")),
                ProcessingResult::Transient => Words::new(fails, format!("! {who} fails on {m}"))
                    .in_a_story(format!("the handler of {who} fails on {m}")),
                ProcessingResult::Poison => {
                    Words::new(fails, format!("! {who} fails on {m}, as ever"))
                        .in_a_story(format!("the handler of {who} fails on {m}, which is poison"))
                }
                ProcessingResult::Unknown => {
                    let clause = format!("{who} has no answer about {m}");
                    Words::new(fails, format!("! {clause}")).in_a_story(clause)
                }
            }
        }
        _ => Words::default(),
    }
}

fn settling(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::SettleInvoked { message, consumer, act, trigger, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            let short = format!("{who} → {}{} {m}", by(trigger), verb(act));
            Words::new(format!("{who} asks to settle {m}"), short)
        }
        Kind::SettleEnded { message, consumer, act, outcome, .. } => {
            let (who, m, act) = (scene.who(consumer), name(message), verb(act));
            let learns = format!("{who} learns of the settle of {m}: {outcome:?}");
            match outcome {
                SettleOutcome::Ok => Words::new(
                    format!("{who} learns that {m} is settled"),
                    format!("{who} ✓ {act} {m}"),
                ),
                SettleOutcome::Fail => Words::new(learns, format!("! {who}: {act} {m} refused")),
                SettleOutcome::Info => Words::new(learns, format!("! {who}: {act} {m} unanswered")),
            }
        }
        Kind::Settled { message, consumer, act, trigger, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            let sign = if act == SettleAct::Requeue { "↻" } else { "✓" };
            let short = format!("{sign} {}{} {m} of {who}", by(trigger), verb(act));
            let words = Words::new(format!("{m} is settled"), short);
            if act == SettleAct::Requeue {
                words.in_a_story(format!("{who} gives {m} back"))
            } else {
                words
            }
        }
        Kind::Committed { consumer, partition, upto, previous, trigger, .. } => {
            let who = scene.who(consumer);
            let prose =
                format!("everything before offset {upto} of partition {partition} is settled");
            let commit = format!("{}commit {partition}/{upto} of {who}", by(trigger));
            let short = if upto < previous {
                format!("! {commit}, back from {previous}")
            } else {
                format!("✓ {commit}")
            };
            Words::new(prose, short)
        }
        _ => Words::default(),
    }
}

fn sink(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::Effect { message, consumer, verdict, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            let not_applied = format!("the effect of {m} is not applied: {verdict:?}");
            match verdict {
                EffectVerdict::Applied => {
                    let again = if scene.again { " AGAIN" } else { "" };
                    Words::new(format!("{m} takes effect"), format!("★ {m}{again} by {who}"))
                }
                EffectVerdict::Suppressed => {
                    Words::new(not_applied, format!("{m} by {who} suppressed"))
                }
                EffectVerdict::Rejected => {
                    Words::new(not_applied, format!("{m} by {who} rejected"))
                }
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
    Words::new(prose.to_owned(), format!("{phase:?}").to_lowercase())
}

/// Who asks for a settle, unless it is the application.
fn by(trigger: SettleTrigger) -> &'static str {
    match trigger {
        SettleTrigger::Application => "",
        SettleTrigger::Timer => "timer: ",
        SettleTrigger::Delivery => "hand-over: ",
        SettleTrigger::NextReceive => "next receive: ",
        SettleTrigger::Close => "close: ",
        SettleTrigger::Revoke => "revoke: ",
    }
}

fn verb(act: SettleAct) -> &'static str {
    match act {
        SettleAct::Ack => "ack",
        SettleAct::Requeue => "give back",
        SettleAct::Reject => "reject",
        SettleAct::Extend => "extend",
        SettleAct::Commit => "commit",
    }
}
