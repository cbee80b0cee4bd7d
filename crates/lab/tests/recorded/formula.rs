//! The causes of semantics.md 5.4 that have to do with a settle, once more and as plainly as they
//! can be written down, for a queue.
//!
//! > **The formula.** A message was delivered twice, came back once in between, and both
//! > deliveries had one effect. Its first consumer lived on, and no broker restarted. Then what
//! > took the message from it is a nack that was recorded; or the end of its connection before it
//! > asked for a settle; or the end of its lease before that, or before the settle came: its
//! > consumer has learnt later what became of it. Else the settle was lost.

use entrega_checker::Cause;
use entrega_model::event::{EffectVerdict, SettleAct, SettleOutcome};
use entrega_model::{Event, Kind, MessageId, ProcessId};

/// The cause of a duplicate, if the formula is about it.
pub(crate) fn cause(events: &[Event], id: MessageId) -> Option<Cause> {
    let places = |is_it: &dyn Fn(&Kind) -> bool| {
        let all = events.iter().enumerate().filter(|(_, event)| is_it(&event.kind));
        all.map(|(place, _)| place).collect::<Vec<usize>>()
    };
    let about =
        |is_it: &dyn Fn(&Kind) -> bool| places(&|kind| kind.message() == Some(id) && is_it(kind));
    let given = about(&|kind| matches!(kind, Kind::Delivered { .. }));
    let [first, second] = given[..] else { return None };
    let (own, own_effects) = effects_of(events, first)?;
    let (_, other_effects) = effects_of(events, second)?;
    let stored = about(&|kind| matches!(kind, Kind::Stored { .. } | Kind::Retried { .. }));
    let numbers = [first, second].map(|place| number(&events[place].kind));
    let returns = about(&|kind| {
        matches!(kind, Kind::LeaseExpired { .. } | Kind::Requeued { .. })
            || matches!(kind, Kind::Settled { act: SettleAct::Requeue, .. })
    });
    let is_once = stored.len() == 1 && returns.len() == 1 && numbers == [1, 2];
    let is_short = own_effects == 1 && other_effects == 1 && is_once;
    let ends = places(&|kind| {
        let is_own = kind.process() == Some(own);
        let ends_life = matches!(kind, Kind::Crashed { .. } | Kind::Exited { .. });
        matches!(kind, Kind::BrokerRestarted) || (is_own && ends_life)
    });
    if !is_short || ends.iter().any(|end| *end < second) {
        return None;
    }
    let within = |all: Vec<usize>| all.into_iter().find(|place| (first..second).contains(place));
    let of_own = |kind: &Kind| kind.process() == Some(own);
    let nacked = |kind: &Kind| matches!(kind, Kind::Settled { act: SettleAct::Requeue, .. });
    let lease = within(about(&|kind| of_own(kind) && matches!(kind, Kind::LeaseExpired { .. })));
    let parted = within(about(&|kind| of_own(kind) && matches!(kind, Kind::Requeued { .. })));
    let asked = about(&|kind| of_own(kind) && is_asked(kind)).into_iter().find(|at| *at > first);
    let answer = about(&|kind| of_own(kind) && is_answer(kind));
    let answer = asked.and_then(|asked| answer.into_iter().find(|at| *at > asked));
    let answer = answer.filter(|at| is_definite(&events[*at].kind));
    let before_settle = |end: Option<usize>| end.is_some_and(|end| asked.is_none_or(|at| end < at));
    let heard = lease.is_some_and(|end| answer.is_some_and(|at| at > end));
    Some(match (lease, parted) {
        _ if within(about(&nacked)).is_some() => Cause::NackedAfterEffect,
        (Some(_), None) if before_settle(lease) || heard => Cause::LeaseExpired,
        (None, Some(_)) if before_settle(parted) => Cause::ClosedWithoutSettle,
        (Some(_), None) => Cause::SettleLost,
        _ => return None,
    })
}

/// Whose delivery stands there, and how many effects it had.
fn effects_of(events: &[Event], place: usize) -> Option<(ProcessId, usize)> {
    let Kind::Delivered { delivery, consumer, .. } = events[place].kind else { return None };
    let is_its = |event: &&Event| {
        matches!(event.kind, Kind::Effect { delivery: of, verdict: EffectVerdict::Applied, .. }
            if of == delivery)
    };
    Some((consumer, events.iter().filter(is_its).count()))
}

fn number(kind: &Kind) -> u16 {
    if let Kind::Delivered { attempt, .. } = kind { *attempt } else { 0 }
}

fn is_asked(kind: &Kind) -> bool {
    matches!(kind, Kind::SettleInvoked { act, .. } if act.is_final())
}

fn is_answer(kind: &Kind) -> bool {
    matches!(kind, Kind::SettleEnded { act, .. } if act.is_final())
}

fn is_definite(kind: &Kind) -> bool {
    !matches!(kind, Kind::SettleEnded { outcome: SettleOutcome::Info, .. })
}
