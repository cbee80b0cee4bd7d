//! What time does in a run in which nothing goes wrong: a warning before it, with the numbers and
//! what to change.
//!
//! > **The rule.** The longest message counts against a deadline that it must meet alone; of
//! > several that wait for each other, each takes as long as it usually does. So what is warned of
//! > happens as soon as such a message is sent, or so many wait.

use entrega_clients::Strategy;
use entrega_model::{Duration, Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::workload::Extent;
use entrega_sim::explore::Scope;

use super::numbers::{Numbers, shown};
use super::{Plan, Reader};

/// Why messages of a subscription outlast a deadline although nothing goes wrong, and what would
/// help; none if they do not.
pub fn warning(
    scenario: &Scenario,
    extent: &Extent,
    subscription: SubscriptionId,
    model: Model,
    strategy: Strategy,
) -> Option<String> {
    let scope = Scope { subscription, messages: 1, consumers: 1, partitions: 1 };
    let reader = Reader::Catalogued(strategy);
    let (kinds, faults, preemptions) = (&[][..], 0, 0);
    let plan = Plan { scenario, extent, scope, model, reader, kinds, faults, preemptions };
    let of = Numbers::of(&plan);
    let why = match (of.lease(), of.poll_limit()) {
        (Some(lease), _) => leases(&of, lease)?,
        (None, Some(limit)) => polls(&of, limit)?,
        (None, None) => return None,
    };
    Some(format!("{} has too little time on the {model}: {why}", of.settings.name))
}

fn leases(of: &Numbers<'_>, lease: Duration) -> Option<String> {
    let (name, setting) = (of.lease_name(), of.lease_setting());
    if of.handling() >= lease {
        return Some(format!(
            "{} reaches {name} ({}), so a message may be delivered again while it is in work, \
             without any fault; a `{setting}` of more than {} would help",
            of.service_in_words(),
            shown(lease),
            shown(of.handling())
        ));
    }
    if let Some((timer, span)) = of.collecting().filter(|&(_, span)| span >= lease) {
        return Some(format!(
            "{timer} ({}) reaches {name} ({}), so a message may be delivered again while it waits \
             for others to be settled with, without any fault; a shorter `consumer.{timer}` would \
             help",
            shown(span),
            shown(lease)
        ));
    }
    let takes = of.usually().saturating_mul(of.turns());
    let fitting = fitting(of, lease)?.saturating_mul(of.workers());
    (takes >= lease).then(|| {
        let help = if of.collecting().is_some() {
            format!(
                "a smaller `consumer.prefetch` or a longer `{setting}` would help; how much, \
                 depends on when it settles"
            )
        } else {
            format!(
                "`consumer.prefetch = {fitting}` or a `{setting}` of more than {} would help",
                shown(takes)
            )
        };
        format!(
            "{} messages (prefetch) in the client, {}, with {} each, take {}, and \
             {name} is {}, so when more than {fitting} are fetched at once, leases end \
             before their turn and messages are delivered again, without any fault; {help}",
            of.prefetched(),
            of.turns_in_words(),
            of.usual_in_words(),
            shown(takes),
            shown(lease),
        )
    })
}

fn polls(of: &Numbers<'_>, limit: Duration) -> Option<String> {
    if of.handling() >= limit {
        return Some(format!(
            "{} reaches max_poll_interval ({}), so its consumer may be taken for dead and the \
             message delivered again, without any fault; a `consumer.max_poll_interval` of more than {} \
             would help",
            of.service_in_words(),
            shown(limit),
            shown(of.handling())
        ));
    }
    let takes = of.usually().saturating_mul(of.batch());
    let fitting = fitting(of, limit)?;
    (takes >= limit).then(|| {
        format!(
            "a batch of {} messages, with {} each, takes {}, and max_poll_interval is {}, so its \
             consumer may be taken for dead and the batch delivered again, without any fault; \
             `consumer.batch_size = {fitting}` or a `consumer.max_poll_interval` of more than {} \
             would help",
            of.batch(),
            of.usual_in_words(),
            shown(takes),
            shown(limit),
            shown(takes)
        )
    })
}

/// How many messages fit into a span one after another; none if they take no time.
fn fitting(of: &Numbers<'_>, span: Duration) -> Option<u64> {
    let before_the_end = span.as_nanos().saturating_sub(1);
    before_the_end.checked_div(of.usually().as_nanos()).map(|many| many.max(1))
}
