//! What batches, broker dead letters and parallel workers do, one explicit story at a time.
//!
//! Goal: each strategy's crash window is where its prose says, each failure policy reaches as far
//! as it says, and the known-bad twin is caught. Method: as in `behaviour.rs`, an explicit list of
//! faults, a run of five messages to the end, and the number of effects of each.

use entrega_choice::{Choices, parse_choices};
use entrega_clients::Strategy;
use entrega_model::event::{DeadLetterReason, EffectVerdict, SettleAct};
use entrega_model::{Event, Kind, Model, ProcessId};
use entrega_scenario::Scenario;
use entrega_scenario::points;
use entrega_scenario::points::{Fault, own_point};
use entrega_scenario::workload::Workload;
use entrega_sim::{Experiment, Outcome, RunEnd};

const SCENARIO: &str = r#"
[workload]
messages = 5
keys = 5
arrivals = { distribution = "constant", rate_per_second = 10 }
[[subscriptions]]
name = "mailer"
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 10
request_timeout = "1s"
retry_backoff = "50ms"
batch_size = 3
batch_interval = "500ms"
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "20s"
[times]
slow = "8s"
[limits]
drain = "60s"
"#;

const MODELS: [Model; 2] = [Model::Log, Model::Queue];

type Overrides<'a> = &'a [(&'a str, &'a str)];

struct Run {
    outcome: Outcome,
    events: Vec<Event>,
    effects: Vec<u32>,
}

impl Run {
    fn count(&self, wanted: impl Fn(&Kind) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(&event.kind)).count()
    }

    fn dead_letters(&self) -> usize {
        self.count(|kind| matches!(kind, Kind::DeadLettered { .. }))
    }

    /// How many writes set out for the sink.
    fn writes(&self) -> u32 {
        let point = own_point(Fault::EffectRequest, entrega_model::SubscriptionId(0));
        self.outcome.choices.occurrences(point)
    }

    /// The messages in the order of their first effects.
    fn order(&self) -> Vec<u32> {
        let mut order = Vec::new();
        for event in &self.events {
            if let Kind::Effect { message, .. } = event.kind
                && !order.contains(&message.0)
            {
                order.push(message.0);
            }
        }
        order
    }
}

fn scenario(overrides: Overrides<'_>) -> Scenario {
    let overrides: Vec<_> =
        overrides.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let loaded = Scenario::parse("test.toml", SCENARIO, &overrides, &|_| Err("none".to_owned()));
    loaded.unwrap_or_else(|problem| panic!("{problem}")).scenario
}

fn run(model: Model, strategy: Strategy, overrides: Overrides<'_>, faults: &str) -> Run {
    let scenario = scenario(overrides);
    let table = points::table(&scenario.subscription_names());
    let choices = parse_choices(&table, faults).expect("valid choices");
    let run = play(&scenario, model, strategy, 1, |_| Choices::explicit(table, choices));
    assert_eq!(run.outcome.choices.unused(), [], "{model} {strategy}: {faults} must be reached");
    run
}

fn play(
    scenario: &Scenario,
    model: Model,
    strategy: Strategy,
    seed: u64,
    choices: impl FnOnce(&Experiment<'_>) -> Choices,
) -> Run {
    let workload = Workload::generate(scenario, None, seed);
    let experiment = Experiment { scenario, workload: &workload, model, strategy, seed };
    let mut events = Vec::new();
    let outcome = experiment.run(choices(&experiment), &mut events);
    let mut effects = vec![0; workload.planned.len()];
    for event in &events {
        if let Kind::Effect { message, verdict: EffectVerdict::Applied, .. } = event.kind {
            effects[message.index()] += 1;
        }
    }
    Run { outcome, events, effects }
}

/// Asserts the effects of the five messages, and that the run came to rest.
fn check(
    model: Model,
    strategy: Strategy,
    overrides: Overrides<'_>,
    faults: &str,
    expect: [u32; 5],
) -> Run {
    let run = run(model, strategy, overrides, faults);
    assert_eq!(run.effects, expect, "{model} {strategy} {overrides:?} with {faults:?}");
    assert_eq!(run.outcome.end, RunEnd::Quiescent, "{model} {strategy} with {faults:?}");
    run
}

const ITEM_BY_ITEM: (&str, &str) = ("consumer.batch_sink", "item-by-item");

#[test]
fn a_batch_ends_by_count_or_by_time() {
    for model in MODELS {
        let run = check(model, Strategy::MicroBatch, &[], "", [1; 5]);
        assert_eq!(run.writes(), 2, "three, and two that waited for half a second");
        let effects = run.events.iter().filter(|one| matches!(one.kind, Kind::Effect { .. }));
        let at: Vec<_> = effects.map(|event| event.at).collect();
        assert!(at[0] == at[1] && at[1] == at[2], "all of it in one instant");
        let items = check(model, Strategy::MicroBatch, &[ITEM_BY_ITEM], "", [1; 5]);
        assert_eq!(items.writes(), 5);
        let commits = run.count(|kind| matches!(kind, Kind::Committed { .. }));
        assert_eq!(commits, if model == Model::Log { 2 } else { 0 });
    }
}

#[test]
fn a_crash_after_an_atomic_write_duplicates_the_whole_batch() {
    for model in MODELS {
        let batch = Strategy::MicroBatch;
        check(model, batch, &[], "mailer.effect.after#1=crash", [2, 2, 2, 1, 1]);
        check(model, batch, &[], "mailer.effect.before#1=crash", [1; 5]);
        check(model, batch, &[], "mailer.effect.request#1=lost", [1; 5]);
        check(model, batch, &[], "mailer.effect.response#1=lost", [2, 2, 2, 1, 1]);
        check(model, batch, &[], "mailer.effect.request#1=duplicated", [2, 2, 2, 1, 1]);
    }
}

#[test]
fn a_crash_in_the_middle_of_a_write_by_items_duplicates_the_prefix() {
    for model in MODELS {
        let batch = Strategy::MicroBatch;
        check(model, batch, &[ITEM_BY_ITEM], "mailer.effect.after#2=crash", [2, 2, 1, 1, 1]);
        check(model, batch, &[ITEM_BY_ITEM], "mailer.effect.before#2=crash", [2, 1, 1, 1, 1]);
    }
}

/// All but the last message in one batch, and the second one is poison.
const FOUR: [(&str, &str); 2] =
    [("workload.arrivals.rate_per_second", "100"), ("consumer.batch_size", "4")];
const POISON: &str = "mailer.message.poison#2=poison";

fn with<'a>(policy: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut overrides = FOUR.to_vec();
    overrides.push(("consumer.batch_on_failure", policy));
    overrides.extend_from_slice(more);
    overrides
}

#[test]
fn retrying_the_whole_batch_stalls_and_repeats_what_stands_before_the_bad_item() {
    for model in MODELS {
        let atomic = run(model, Strategy::MicroBatch, &with("retry-whole", &[]), POISON);
        assert_eq!(atomic.outcome.end, RunEnd::Unfinished);
        assert_eq!(atomic.effects, [0; 5], "one bad item stops everybody");
        let by_items = with("retry-whole", &[ITEM_BY_ITEM]);
        let last = "mailer.message.poison#4=poison";
        let repeated = run(model, Strategy::MicroBatch, &by_items, last);
        assert_eq!(repeated.outcome.end, RunEnd::Unfinished);
        assert!(repeated.effects[..3].iter().all(|&effects| effects > 100));
        assert_eq!(repeated.effects[3..], [0, 0]);
    }
}

#[test]
fn bisecting_isolates_the_bad_item() {
    for model in MODELS {
        let batch = Strategy::MicroBatch;
        let dead = [("consumer.on_error", "dead-letter")];
        let run = check(model, batch, &with("bisect", &dead), POISON, [1, 0, 1, 1, 1]);
        assert_eq!((run.dead_letters(), run.writes()), (1, 3), "m0, then m2 and m3, then m4");
        let by_items = [dead[0], ITEM_BY_ITEM];
        let run = check(model, batch, &with("bisect", &by_items), POISON, [3, 0, 1, 1, 1]);
        assert_eq!(run.dead_letters(), 1, "two rounds have repeated what stands before it");
        let transient = "mailer.handler.error#2=transient";
        check(model, batch, &with("bisect", &[]), transient, [1; 5]);
    }
}

/// A queue keeps what nobody settled; a log has one offset, which would cover it.
#[test]
fn per_item_leaves_the_bad_one_on_the_queue_only() {
    let limited = [("queue.delivery_limit", "2"), ("queue.dead_letter", "true")];
    let (queue, batch) = (Model::Queue, Strategy::MicroBatch);
    let run = check(queue, batch, &with("per-item", &limited), POISON, [1, 0, 1, 1, 1]);
    let given_up = |kind: &Kind| {
        matches!(kind, Kind::DeadLettered { reason: DeadLetterReason::DeliveryLimit, .. })
    };
    assert_eq!((run.count(given_up), run.dead_letters()), (1, 1));
    let acks = |kind: &Kind| matches!(kind, Kind::Settled { act: SettleAct::Ack, .. });
    assert_eq!(run.count(acks), 4);
    let transient = "mailer.handler.error#2=transient";
    let later = check(queue, batch, &with("per-item", &[]), transient, [1; 5]);
    assert_eq!(later.order(), [0, 2, 3, 4, 1], "its lease brings it back");

    let dead = [("consumer.on_error", "dead-letter")];
    let aside = check(Model::Log, batch, &with("per-item", &dead), POISON, [1, 0, 1, 1, 1]);
    assert_eq!(aside.dead_letters(), 1);
    let stuck = run_log_per_item_with_retries();
    assert_eq!(stuck.outcome.end, RunEnd::Unfinished);
    assert_eq!(stuck.effects, [1, 0, 1, 1, 0], "the others are done");
    assert_eq!(stuck.count(|kind| matches!(kind, Kind::Committed { .. })), 0, "and not settled");
}

fn run_log_per_item_with_retries() -> Run {
    run(Model::Log, Strategy::MicroBatch, &with("per-item", &[]), POISON)
}

#[test]
fn dead_lettering_the_item_settles_the_batch() {
    for model in MODELS {
        let batch = Strategy::MicroBatch;
        for more in [&[][..], &[ITEM_BY_ITEM]] {
            let overrides = with("dead-letter-item", more);
            let run = check(model, batch, &overrides, POISON, [1, 0, 1, 1, 1]);
            assert_eq!(run.dead_letters(), 1);
            let transient = "mailer.handler.error#2=transient";
            let run = check(model, batch, &overrides, transient, [1; 5]);
            assert_eq!(run.dead_letters(), 0, "alone it succeeds");
        }
    }
}

#[test]
fn a_reject_is_a_dead_letter_or_a_loss_by_the_queue_s_setting() {
    let (queue, reject) = (Model::Queue, Strategy::BrokerDeadLetter);
    let with_target = [("queue.dead_letter", "true")];
    let kept = check(queue, reject, &with_target, POISON, [1, 0, 1, 1, 1]);
    let rejected =
        |kind: &Kind| matches!(kind, Kind::DeadLettered { reason: DeadLetterReason::Rejected, .. });
    assert_eq!((kept.count(rejected), kept.dead_letters()), (1, 1));
    let attempts = |kind: &Kind| matches!(kind, Kind::ProcessingStarted { .. });
    assert_eq!(kept.count(attempts), 4 + 3, "max_attempts is 3");

    let lost = check(queue, reject, &[], POISON, [1, 0, 1, 1, 1]);
    assert_eq!(lost.dead_letters(), 0);
    assert_eq!(lost.count(|kind| matches!(kind, Kind::Retrievable { .. })), 0);
    check(queue, reject, &[], "mailer.handler.error#2=transient", [1; 5]);
}

/// Whoever asks for the impossible gets an end, and no effect.
#[test]
fn a_log_rejects_nothing() {
    assert!(!Strategy::BrokerDeadLetter.supports(Model::Log));
    let run = run(Model::Log, Strategy::BrokerDeadLetter, &[], "");
    assert_eq!((run.outcome.end, run.effects), (RunEnd::Unfinished, vec![0; 5]));
}

/// The first message is slow; the others are done and settled; then the process dies with the last
/// in work.
const STRAGGLER: &str = "mailer.handler.slow#1=slow+mailer.effect.before#4=crash";

#[test]
fn settling_the_highest_loses_the_straggler() {
    for model in MODELS {
        check(model, Strategy::ParallelNaive, &[], STRAGGLER, [0, 1, 1, 1, 1]);
    }
}

#[test]
fn the_low_water_mark_loses_nothing() {
    check(Model::Log, Strategy::Parallel, &[], STRAGGLER, [1, 2, 2, 2, 1]);
    check(Model::Queue, Strategy::Parallel, &[], STRAGGLER, [1; 5]);
}

#[test]
fn a_straggler_alone_harms_nobody() {
    for model in MODELS {
        for strategy in [Strategy::ParallelNaive, Strategy::Parallel] {
            let slow = "mailer.handler.slow#1=slow";
            let run = check(model, strategy, &[], slow, [1; 5]);
            assert_eq!(run.order(), [1, 2, 3, 4, 0], "the others go on");
        }
    }
}

#[test]
fn ordered_keys_are_not_reordered() {
    let one_key = ("workload.keys", "1");
    let slow = "mailer.handler.slow#2=slow";
    for model in MODELS {
        let workers = Strategy::Parallel;
        let loose = check(model, workers, &[one_key], slow, [1; 5]);
        assert_eq!(loose.order(), [0, 2, 3, 4, 1]);
        let ordered = [one_key, ("consumer.key_ordered", "true")];
        let kept = check(model, workers, &ordered, slow, [1; 5]);
        assert_eq!(kept.order(), [0, 1, 2, 3, 4]);
    }
}

/// Many keys, stragglers and crashes: within a key nothing overtakes, and without the setting
/// something does.
#[test]
fn ordered_keys_are_not_reordered_by_chance() {
    let overtaken = |ordered: &str| -> usize {
        let scenario = scenario(&[
            ("workload.messages", "60"),
            ("workload.keys", "4"),
            ("workload.arrivals.rate_per_second", "200"),
            ("log.partitions", "2"),
            ("faults.handler.slow.slow", "1/20"),
            ("times.slow", "300ms"),
            ("consumer.key_ordered", ordered),
        ]);
        let keys: Vec<u32> =
            Workload::generate(&scenario, None, 3).planned.iter().map(|one| one.key.0).collect();
        let in_model = |model| {
            let run = play(&scenario, model, Strategy::Parallel, 3, |it| it.random_choices());
            assert_eq!(run.effects, [1; 60]);
            let order = run.order();
            let key = |message: u32| keys[message as usize];
            let is_late = |at: usize| {
                order[at + 1..]
                    .iter()
                    .any(|&later| later < order[at] && key(later) == key(order[at]))
            };
            (0..order.len()).filter(|&at| is_late(at)).count()
        };
        MODELS.into_iter().map(in_model).sum()
    };
    assert_eq!(overtaken("true"), 0);
    assert!(overtaken("false") > 0);
}

/// A second consumer comes back and the group rebalances while the first has a slow message in
/// work. Whoever drains settles it in time.
#[test]
fn draining_before_a_rebalance_avoids_duplicates() {
    let group = [
        ("workload.messages", "20"),
        ("workload.keys", "20"),
        ("subscriptions.0.consumers", "2"),
        ("log.partitions", "2"),
    ];
    let abandoning = [&group[..], &[("consumer.drain_on_revoke", "false")]].concat();
    let mut repeated = 0;
    for slow in 1..=5 {
        let faults = format!("mailer.handler.slow#{slow}=slow+mailer.effect.before#1=crash");
        let drained = run(Model::Log, Strategy::Parallel, &group, &faults);
        assert_eq!(drained.effects, [1; 20], "{faults}");
        let abandoned = run(Model::Log, Strategy::Parallel, &abandoning, &faults);
        assert!(abandoned.effects.iter().all(|&effects| effects > 0), "{faults}");
        repeated += abandoned.effects.iter().filter(|&&effects| effects > 1).count();
    }
    assert!(repeated > 0);
}

const CHAOS: [(&str, &str); 11] = [
    ("workload.messages", "40"),
    ("workload.arrivals.rate_per_second", "100"),
    ("subscriptions.0.consumers", "2"),
    ("log.partitions", "3"),
    ("limits.drain", "1h"),
    ("faults.effect.before.crash", "1/20"),
    ("faults.effect.after.crash", "1/20"),
    ("faults.settle.request.lost", "1/20"),
    ("faults.handler.error.transient", "1/10"),
    ("faults.handler.slow.slow", "1/40"),
    ("faults.process.stall", "{ before = \"1/40\", after = \"1/40\" }"),
];

#[test]
fn no_batch_policy_loses() {
    for sink in ["atomic", "item-by-item"] {
        for policy in ["retry-whole", "bisect", "per-item", "dead-letter-item"] {
            let mut overrides = CHAOS.to_vec();
            overrides.push(("consumer.batch_sink", sink));
            overrides.push(("consumer.batch_on_failure", policy));
            overrides.push(("consumer.max_attempts", "50"));
            let scenario = scenario(&overrides);
            for (model, seed) in (0..15).flat_map(|seed| MODELS.map(|model| (model, seed))) {
                let batch = Strategy::MicroBatch;
                let run = play(&scenario, model, batch, seed, |it| it.random_choices());
                assert_eq!(run.outcome.end, RunEnd::Quiescent, "{model} {sink} {policy} {seed}");
                let lost = run.effects.iter().filter(|&&effects| effects == 0).count();
                assert_eq!(lost, 0, "{model} {sink} {policy} {seed}");
            }
        }
    }
}

/// Several futures of one process are polled in turn. When one of them meets its crash or stall,
/// the others must not go on in the same turn.
#[test]
fn who_is_down_does_nothing() {
    let at_once = [
        ("subscriptions.0.service_time.value", "0s"),
        ("workload.arrivals.rate_per_second", "100000"),
        ("workload.keys", "3"),
        ("consumer.key_ordered", "true"),
        ("faults.process.stall", "{ before = \"1/10\", after = \"1/10\" }"),
    ];
    let scenario = scenario(&[&CHAOS[..8], &at_once].concat());
    let mut downs = 0;
    for strategy in [Strategy::ParallelNaive, Strategy::Parallel] {
        for (model, seed) in (0..30).flat_map(|seed| MODELS.map(|model| (model, seed))) {
            let run = play(&scenario, model, strategy, seed, |it| it.random_choices());
            let mut down = [false; 3];
            for event in &run.events {
                match event.kind {
                    Kind::Crashed { process, .. } | Kind::Stalled { process } => {
                        down[process.index()] = true;
                        downs += 1;
                    }
                    Kind::Started { process, .. } | Kind::Resumed { process } => {
                        down[process.index()] = false;
                    }
                    kind => {
                        let acts = doer(kind).is_some_and(|process| down[process.index()]);
                        assert!(!acts, "{model} {strategy} {seed}: {event:?}");
                    }
                }
            }
        }
    }
    assert!(downs > 100, "{downs}");
}

/// The consumer that does something here, as opposed to something that is done for it elsewhere.
fn doer(kind: Kind) -> Option<ProcessId> {
    match kind {
        Kind::Delivered { consumer, .. }
        | Kind::ProcessingStarted { consumer, .. }
        | Kind::ProcessingEnded { consumer, .. }
        | Kind::SettleInvoked { consumer, .. }
        | Kind::SettleEnded { consumer, .. } => Some(consumer),
        _ => None,
    }
}
