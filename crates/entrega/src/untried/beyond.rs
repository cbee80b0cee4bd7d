//! What comes only after more than is tried: more messages, a later time, a longer wait.

use entrega_explain::digits::thousands;
use entrega_model::{Duration, Model};
use entrega_scenario::points::{Act, FaultKind, Site, info};
use entrega_scenario::{DEAD_LETTER_RETRY, RedeliveryDelay, Scenario, Span};

use super::FIRST_MESSAGES;
use super::numbers::{Numbers, shown};

/// Settles that come after so many messages that what is run may end with the first of them: each
/// of several consumers counts its own.
pub(super) fn settles(of: &Numbers<'_>) -> Option<String> {
    let every = u64::from(of.plan.scenario.consumer.settle_every);
    let consumers = match of.plan.model {
        Model::Log => of.settings.consumers.min(of.plan.scenario.log.partitions.into()),
        Model::Queue => of.settings.consumers,
    };
    let first = u64::from(FIRST_MESSAGES);
    let comes_late = every.saturating_mul(consumers.into()) >= first;
    (of.reads("settle_every") && comes_late && of.plan.extent.messages > first)
        .then(|| format!("what follows a settle, which comes after {} messages", thousands(every)))
}

/// A memory of so many entries against the messages that are sent: it forgets the first of them.
pub(super) fn entries(of: &Numbers<'_>) -> Option<String> {
    let scenario = of.plan.scenario;
    let queue = scenario.queue.dedup_entries.filter(|_| of.plan.model == Model::Queue);
    let memories =
        [("sink.dedup_entries", scenario.sink.dedup_entries), ("queue.dedup_entries", queue)];
    let (sent, tried) = (of.plan.extent.messages, u64::from(of.plan.scope.messages));
    let is_full = |most: u64| sent > most && tried <= most;
    let mut memories = memories.into_iter().filter_map(|(name, most)| Some((name, most?.into())));
    let (name, most) = memories.find(|&(_, most)| is_full(most))?;
    Some(format!(
        "a repetition after {} other messages, which {name} has forgotten",
        thousands(most)
    ))
}

/// A producer that throws its buffer away when it ends, where the buffer holds all that is tried.
pub(super) fn buffer(of: &Numbers<'_>) -> Option<String> {
    let producer = &of.plan.scenario.producer;
    let throws_away = producer.is_buffered() && !producer.flush_on_close && of.plan.faults > 0;
    let sends_more = of.plan.extent.messages > of.plan.scope.messages.into();
    (throws_away && sends_more).then(|| {
        format!(
            "what becomes of messages that leave the producer's buffer before it ends: the {} that              are tried may all be thrown away with it",
            of.plan.scope.messages
        )
    })
}

/// Messages of a file that are due at different times: what is made up waits equally long.
pub(super) fn due_times(of: &Numbers<'_>) -> Option<String> {
    let longest = of.plan.scenario.workload.recorded_wait?;
    Some(format!(
        "messages that are due at different times: each that is made up is due {} after it arrives",
        shown(longest.duration())
    ))
}

/// Consumers that come or go later than the first messages, which are all that is run as it is.
pub(super) fn changes(of: &Numbers<'_>) -> Option<String> {
    let (span, sent) = (of.plan.extent.span.as_nanos(), of.plan.extent.messages);
    let each = span.checked_div(sent).filter(|_| sent > FIRST_MESSAGES.into())?;
    let first = Duration::from_nanos(each.saturating_mul(FIRST_MESSAGES.into()));
    let at =
        of.settings.changes.iter().map(|change| change.at.duration()).find(|&at| at >= first)?;
    Some(format!(
        "consumers that come or go at {}, when more than the first {FIRST_MESSAGES} messages have \
         been sent",
        shown(at)
    ))
}

/// Whatever keeps a message waiting against `limits.drain`, after which a run ends.
pub(super) fn drain(of: &Numbers<'_>) -> Option<String> {
    let limit = of.plan.scenario.limits.drain.duration();
    let session = of.plan.scenario.log.session_timeout.duration();
    let session = (of.plan.model == Model::Log).then_some(session);
    let lease = of.lease().filter(|lease| *lease < Span::MAX.duration());
    let ends = lease.into_iter().chain(session).filter(|_| of.plan.faults > 0);
    let longest = delays(of).map(Span::duration).chain(ends).max()?;
    (longest >= limit).then(|| {
        format!(
            "what waits for longer than limits.drain ({}), where a run ends: up to {}",
            shown(limit),
            shown(longest)
        )
    })
}

/// For how long the faults that are tried keep a message waiting.
fn delays(of: &Numbers<'_>) -> impl Iterator<Item = Span> {
    let Scenario { consumer, queue, times, workload, .. } = of.plan.scenario;
    let longest = |delay: &RedeliveryDelay| delay.most.unwrap_or(delay.after);
    let again = queue.redelivery_delay.as_ref().map_or(Span::default(), longest);
    let redrive = queue.redrive.as_ref().map_or(Span::default(), |redrive| redrive.after);
    let on_queue = of.plan.model == Model::Queue;
    let is_lost =
        |&(fault, act): &FaultKind| info(fault).site == Site::Transfer && act == Act::Lost;
    let loses = of.plan.faults > 0 && of.plan.kinds.iter().any(is_lost);
    let is_unconfirmed = loses && queue.confirms_dead_letters();
    let dies = |act: Act| matches!(act, Act::Crash | Act::Kills) || act.is_shutdown();
    let restarts = |act| matches!(act, Act::Restart | Act::LeaderCrash | Act::LeaderPoweroff);
    let fails = |act: Act| matches!(act, Act::Transient | Act::Poison) || act.is_outage();
    let delays = [
        (of.can_happen(dies), times.restart),
        (of.can_happen(restarts), times.broker_restart),
        (of.can_happen(fails), consumer.retry_backoff),
        (of.can_happen(fails), again),
        (workload.wait().is_some(), workload.wait().unwrap_or_default()),
        (on_queue && of.plan.faults > 0, redrive),
        (on_queue && is_unconfirmed, DEAD_LETTER_RETRY),
        (of.can_happen(Act::is_stall), times.stall),
        (of.can_happen(Act::is_outage), times.outage),
        (of.can_happen(|act| act == Act::Slow), times.slow),
        (of.can_happen(|act| act == Act::Late), times.late),
        (of.can_happen(|act| act == Act::Lost), consumer.request_timeout),
    ];
    delays.into_iter().filter(|(can_be, _)| *can_be).map(|(_, span)| span)
}
