//! The words for what clients ask a broker to do with a message, and what it records, in English.
//!
//! > **The rule.** Each act is told as what it is: an ack, a commit, a reject and a requeue end a
//! > delivery in four ways, and an extension does not end it.

use entrega_model::event::{SettleAct, SettleOutcome, SettleTrigger};
use entrega_model::{Kind, MessageId};

use crate::words::{Scene, Words, name};

pub(super) fn words(scene: &Scene<'_>) -> Words {
    match scene.kind {
        Kind::SettleInvoked { message, consumer, act, trigger, .. } => {
            let who = scene.who(consumer);
            let prose = asks(&who, message, act, trigger);
            Words::new(prose, format!("{who} → {}{} {}", by(trigger), verb(act), name(message)))
        }
        Kind::SettleEnded { message, consumer, act, outcome, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            let (verb, what) = (verb(act), noun(act));
            match outcome {
                SettleOutcome::Ok => Words::new(
                    format!("{who} learns that {}", done(&m, act)),
                    format!("{who} ✓ {verb} {m}"),
                ),
                SettleOutcome::Fail => Words::new(
                    format!("{who} learns that its {what} of {m} is refused"),
                    format!("! {who}: {verb} {m} refused"),
                ),
                SettleOutcome::Info => Words::new(
                    format!("{who} has no answer to its {what} of {m}"),
                    format!("! {who}: {verb} {m} unanswered"),
                ),
            }
        }
        Kind::Settled { message, consumer, act, trigger, .. } => {
            let (who, m) = (scene.who(consumer), name(message));
            let sign = if act == SettleAct::Requeue { "↻" } else { "✓" };
            let short = format!("{sign} {}{} {m} of {who}", by(trigger), verb(act));
            let words = Words::new(done(&m, act), short);
            if act == SettleAct::Requeue {
                words.in_a_story(gives_back(&who, &m, trigger))
            } else {
                words
            }
        }
        Kind::Committed { .. } => committed(scene),
        _ => Words::default(),
    }
}

/// Who gives a message back, in a story: a supervisor says why.
fn gives_back(who: &str, m: &str, trigger: SettleTrigger) -> String {
    match trigger {
        SettleTrigger::WorkerLost => format!("{who}, which lives on, gives {m} back"),
        _ => format!("{who} gives {m} back"),
    }
}

fn committed(scene: &Scene<'_>) -> Words {
    let Kind::Committed { consumer, partition, upto, previous, trigger, .. } = scene.kind else {
        return Words::default();
    };
    let commit = format!("{}commit {partition}/{upto} of {}", by(trigger), scene.who(consumer));
    if upto < previous {
        let prose = format!(
            "the committed offset of partition {partition} goes back from {previous} to {upto}"
        );
        return Words::new(prose, format!("! {commit}, back from {previous}"));
    }
    let prose = format!(
        "offset {upto} of partition {partition} is committed: everything before it is settled"
    );
    Words::new(prose, format!("✓ {commit}"))
}

/// What a client asks for.
fn asks(who: &str, message: MessageId, act: SettleAct, trigger: SettleTrigger) -> String {
    let m = name(message);
    let what = match act {
        SettleAct::Ack => format!("acks {m}"),
        SettleAct::Requeue => format!("gives {m} back"),
        SettleAct::Reject => format!("rejects {m}"),
        SettleAct::Extend => format!("asks for more time for {m}"),
        SettleAct::Commit => format!("commits the offset behind {m}"),
    };
    match trigger {
        SettleTrigger::Application => format!("{who} {what}"),
        SettleTrigger::Timer if act == SettleAct::Extend => {
            format!("the lease renewal of {who} {what}")
        }
        SettleTrigger::Timer => format!("the auto-commit timer of {who} {what}"),
        SettleTrigger::Delivery => format!("handing {m} over to {who} {what}"),
        SettleTrigger::NextReceive => format!("{who} {what} by asking for the next message"),
        SettleTrigger::Close => format!("{who} {what} while it closes"),
        SettleTrigger::Revoke => format!("{who} {what} while it gives its partition up"),
        SettleTrigger::WorkerLost => format!("{who} {what} for the worker that it has lost"),
    }
}

/// What the broker has done.
fn done(m: &str, act: SettleAct) -> String {
    match act {
        SettleAct::Ack => format!("{m} is settled by its ack"),
        SettleAct::Requeue => format!("{m} is requeued"),
        SettleAct::Reject => format!("{m} is rejected"),
        SettleAct::Extend => format!("the lease of {m} is extended"),
        SettleAct::Commit => format!("the offset behind {m} is committed"),
    }
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
        SettleTrigger::WorkerLost => "worker lost: ",
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

fn noun(act: SettleAct) -> &'static str {
    match act {
        SettleAct::Ack => "ack",
        SettleAct::Requeue => "requeue",
        SettleAct::Reject => "reject",
        SettleAct::Extend => "extension",
        SettleAct::Commit => "commit",
    }
}
