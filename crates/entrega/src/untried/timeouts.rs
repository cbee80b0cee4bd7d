//! Timers of a consumer that meet its work: those that settle, and those that give up a request.

use entrega_model::{Duration, Model};
use entrega_scenario::ProducerStrategy;
use entrega_scenario::points::{self, Act, FaultKind};

use super::Reader;
use super::numbers::{Numbers, shown};

/// Timers that settle against the usual service time: one that is shorter fires while a message is
/// in work. One that does so now and then only changes which messages a settle covers, and any of
/// them is covered in some run.
pub(super) fn settle_timers(of: &Numbers<'_>) -> Option<String> {
    let commits = of.plan.scenario.consumer.auto_commit_interval.duration();
    let commits = of.commits_by_itself().then_some(("auto_commit_interval", commits));
    let (timer, span) = of.collecting().filter(|_| of.reads("settle_interval")).or(commits)?;
    let usually = of.usually();
    (span <= usually).then(|| {
        format!(
            "settles by a timer between two messages: {timer} ({}) is no longer than a message \
             usually takes ({})",
            shown(span),
            shown(usually)
        )
    })
}

/// A round trip against the request timeouts.
pub(super) fn round_trip(of: &Numbers<'_>) -> Option<String> {
    let scenario = of.plan.scenario;
    let [broker, sink] = of.legs();
    let consumer = (
        "consumer.request_timeout",
        scenario.consumer.request_timeout.duration(),
        broker.max(sink).saturating_mul(2),
    );
    let producer = (
        "producer.request_timeout",
        scenario.producer.request_timeout.duration(),
        broker.saturating_mul(2),
    );
    let waits = scenario.producer.strategy == ProducerStrategy::Confirmed;
    let mut timeouts = [Some(consumer), waits.then_some(producer)].into_iter().flatten();
    let (name, timeout, trip) = timeouts.find(|&(_, timeout, trip)| trip >= timeout)?;
    Some(format!(
        "requests that are given up although nothing goes wrong: a round trip takes up to {}, and \
         {name} is {}",
        shown(trip),
        shown(timeout)
    ))
}

/// A request for messages that is late.
const LATE_RECEIVE: FaultKind = points::kind("receive.request", "late");

/// The delay of a request for messages against the time that its client waits: a queue answers it
/// with what is stored by then, and nobody takes the answer. In what is tried all is stored before.
/// One's own consumer is tried without it: only what a strategy settles unseen makes a difference.
pub(super) fn late_receives(of: &Numbers<'_>) -> Option<String> {
    let scenario = of.plan.scenario;
    let (late, timeout) =
        (scenario.times.late.duration(), scenario.consumer.request_timeout.duration());
    let is_given_up = of.plan.model == Model::Queue && late >= timeout && of.sends_over_time();
    let happens = of.plan.faults > 0 && of.plan.kinds.contains(&LATE_RECEIVE);
    let is_of_the_catalogue = matches!(of.plan.reader, Reader::Catalogued(_));
    (is_given_up && happens && is_of_the_catalogue).then(|| {
        format!(
            "requests for messages that arrive after they were given up (times.late of {}, \
             consumer.request_timeout of {}), and are answered with messages stored by then",
            shown(late),
            shown(timeout)
        )
    })
}

/// The request timeout against the lease, if a request can stay without an answer: in the small
/// version nothing has passed of the lease when a request begins. Any of its tries may be the last:
/// the others are for settles alone, and a later one may succeed.
pub(super) fn request_against_lease(of: &Numbers<'_>) -> Option<String> {
    let lease = of.lease()?;
    let consumer = &of.plan.scenario.consumer;
    let tries = u64::from(consumer.settle_retries).saturating_add(1);
    let timeout = consumer.request_timeout.duration();
    let before = of.handling().saturating_mul(of.turns());
    let differs = |given_up: Duration| {
        let tie = given_up == lease && of.plan.preemptions == 0;
        tie || (given_up < lease && given_up + before >= lease)
    };
    let of_tries = |tries: u64| timeout.saturating_mul(tries);
    let given_up = (1..=tries).map(of_tries).take_while(|&up| up <= lease).find(|&up| differs(up));
    let unanswered =
        of.can_happen(|act| act.on_leg().is_some() || act == Act::Restart || act.is_outage());
    given_up.filter(|_| unanswered).map(|given_up| {
        format!(
            "a lease that ends while a request waits for its answer: {} of work and {} until the \
             request is given up (consumer.request_timeout) reach {} ({})",
            shown(before),
            shown(given_up),
            of.lease_name(),
            shown(lease)
        )
    })
}
