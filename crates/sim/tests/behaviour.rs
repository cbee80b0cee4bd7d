//! What the world does, seen from the sinks: one fault at a time, by name, in a run of five
//! messages.
//!
//! Goal: each fault point does what its documentation says, on both models, and nothing else
//! happens. Method: an explicit choice, a run to the end, and the number of effects of each
//! message.

use entrega_choice::{Choices, parse_choices};
use entrega_clients::Strategy;
use entrega_model::event::{EffectVerdict, SendOutcome, SettleOutcome};
use entrega_model::{Event, Kind, Model};
use entrega_scenario::Scenario;
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_sim::{Experiment, Outcome, RunEnd};

const SCENARIO: &str = r#"
[workload]
messages = 5
keys = 5
arrivals = { distribution = "constant", rate_per_second = 10 }
[producer]
request_timeout = "1s"
[[subscriptions]]
name = "mailer"
consumers = 2
service_time = { distribution = "constant", value = "20ms" }
[consumer]
prefetch = 1
request_timeout = "1s"
settle_every = 2
settle_interval = "300ms"
auto_commit_interval = "50ms"
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "6s"
[times]
stall = "10s"
slow = "8s"
late = "3s"
broker_restart = "2s"
"#;

/// The strategies that `model` has.
fn strategies(model: Model) -> impl Iterator<Item = Strategy> {
    Strategy::ALL.into_iter().filter(move |strategy| strategy.supports(model))
}

const MODELS: [Model; 2] = [Model::Log, Model::Queue];

struct Run {
    outcome: Outcome,
    events: Vec<Event>,
    effects: Vec<u32>,
}

impl Run {
    fn count(&self, wanted: impl Fn(&Kind) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(&event.kind)).count()
    }

    /// How many sends ended so.
    fn ended(&self, wanted: SendOutcome) -> usize {
        self.count(|kind| matches!(kind, Kind::SendEnded { outcome, .. } if *outcome == wanted))
    }

    fn fired(&self) -> bool {
        self.count(|kind| matches!(kind, Kind::Faulted { .. })) > 0
    }
}

fn run_with(overrides: &[(&str, &str)], model: Model, strategy: Strategy, faults: &str) -> Run {
    let overrides: Vec<_> =
        overrides.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let loaded = Scenario::parse("test.toml", SCENARIO, &overrides, &|_| Err("none".to_owned()));
    let scenario = loaded.expect("a valid scenario").scenario;
    let workload = Workload::generate(&scenario, None, 1);
    let table = points::table(&scenario.subscription_names());
    let choices = parse_choices(&table, faults).expect("valid choices");
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: 1 };
    let mut events = Vec::new();
    let outcome = experiment.run(Choices::explicit(table, choices), &mut events);
    assert_eq!(outcome.choices.unused(), [], "{model} {strategy}: {faults} must be reached");
    let mut effects = vec![0; workload.planned.len()];
    for event in &events {
        if let Kind::Effect { message, verdict: EffectVerdict::Applied, .. } = event.kind {
            effects[message.index()] += 1;
        }
    }
    Run { outcome, events, effects }
}

fn run(model: Model, strategy: Strategy, faults: &str) -> Run {
    run_with(&[], model, strategy, faults)
}

/// Asserts the effects of the five messages, and that the run came to rest.
fn check(model: Model, strategy: Strategy, faults: &str, expect: [u32; 5]) -> Run {
    let run = run(model, strategy, faults);
    assert_eq!(run.effects, expect, "{model} {strategy} with {faults:?}");
    assert_eq!(run.outcome.end, RunEnd::Quiescent, "{model} {strategy} with {faults:?}");
    run
}

#[test]
fn without_faults_every_message_has_one_effect() {
    for model in MODELS {
        for strategy in strategies(model) {
            check(model, strategy, "", [1; 5]);
        }
    }
}

/// A backlog waits for its consumers, who have all of it to do; with other arrivals they wait.
#[test]
fn no_consumer_of_a_backlog_starts_before_everything_is_sent() {
    let first = |run: &Run, wanted: fn(&Kind) -> bool| {
        run.events.iter().position(|event| wanted(&event.kind)).expect("such an event")
    };
    let sent_before_start = |arrivals: &str, model, strategy| {
        let run = run_with(&[("workload.arrivals", arrivals)], model, strategy, "");
        assert_eq!((run.outcome.end, &run.effects), (RunEnd::Quiescent, &vec![1; 5]));
        let sent = |kind: &Kind| matches!(kind, Kind::Exited { process, .. } if process.0 == 0);
        let start = |kind: &Kind| matches!(kind, Kind::Started { process, .. } if process.0 > 0);
        first(&run, sent) < first(&run, start)
    };
    for model in MODELS {
        for strategy in strategies(model) {
            assert!(sent_before_start("{ distribution = 'backlog' }", model, strategy));
            let burst = "{ distribution = 'burst', burst_size = 5, every = '1s' }";
            assert!(!sent_before_start(burst, model, strategy));
        }
    }
}

#[test]
fn a_crash_after_the_effect_duplicates_unless_the_sink_knows() {
    for model in MODELS {
        let fault = "mailer.effect.after#2=crash";
        check(model, Strategy::ProcessThenSettle, fault, [1, 2, 1, 1, 1]);
        check(model, Strategy::DeadLetter, fault, [1, 2, 1, 1, 1]);
        let run = check(model, Strategy::DeduplicatingSink, fault, [1; 5]);
        let suppressed = run
            .count(|kind| matches!(kind, Kind::Effect { verdict: EffectVerdict::Suppressed, .. }));
        assert_eq!(suppressed, 1);
    }
}

#[test]
fn a_crash_between_settle_and_effect_loses() {
    for model in MODELS {
        let strategy = Strategy::SettleThenProcess;
        check(model, strategy, "mailer.settle.after#2=crash", [1, 0, 1, 1, 1]);
        check(model, strategy, "mailer.effect.before#2=crash", [1, 0, 1, 1, 1]);
    }
}

#[test]
fn a_crash_before_the_effect_is_harmless_if_settled_afterwards() {
    for model in MODELS {
        check(model, Strategy::ProcessThenSettle, "mailer.effect.before#2=crash", [1; 5]);
    }
}

#[test]
fn automatic_ack_loses_what_was_handed_over() {
    let strategy = Strategy::AutoSettleAtDelivery;
    check(Model::Queue, strategy, "mailer.effect.before#2=crash", [1, 0, 1, 1, 1]);
}

/// The timer (50 ms) commits the offset of the last message while its handler is slow, and then the
/// process crashes.
#[test]
fn the_auto_commit_timer_loses_what_is_in_hand() {
    let fault = "mailer.handler.slow#5=slow+mailer.effect.before#5=crash";
    check(Model::Log, Strategy::AutoSettleAtDelivery, fault, [1, 1, 1, 1, 0]);
    let run = check(Model::Log, Strategy::AutoSettleAtNextReceive, fault, [1; 5]);
    assert!(run.fired());
}

/// Cumulative commits repair a lost one; individual acks do not.
#[test]
fn a_lost_settle_is_repaired_on_the_log_only() {
    for fault in ["mailer.settle.request#2=lost", "mailer.settle.request#2=late"] {
        let strategy = Strategy::ProcessThenSettle;
        let log = check(Model::Log, strategy, fault, [1; 5]);
        let info =
            |kind: &Kind| matches!(kind, Kind::SettleEnded { outcome: SettleOutcome::Info, .. });
        assert_eq!(log.count(info), 1);
    }
    let fault = "mailer.settle.request#2=lost";
    check(Model::Queue, Strategy::ProcessThenSettle, fault, [1, 2, 1, 1, 1]);
    check(Model::Queue, Strategy::ProcessThenSettle, "mailer.settle.response#2=lost", [1; 5]);
}

/// Fencing the settle does not stop the effect of a zombie.
#[test]
fn a_zombie_duplicates_although_its_settle_is_refused() {
    for model in MODELS {
        for (fault, expired) in [
            ("mailer.process.stall#2=before", [1, 2, 1, 1, 1]),
            ("mailer.process.stall#2=after", [1, 2, 1, 1, 1]),
        ] {
            let run = check(model, Strategy::ProcessThenSettle, fault, expired);
            let refused = |kind: &Kind| {
                matches!(kind, Kind::SettleEnded { outcome: SettleOutcome::Fail, .. })
            };
            assert_eq!(run.count(refused), 1, "{model} {fault}");
        }
        check(model, Strategy::DeduplicatingSink, "mailer.process.stall#2=before", [1; 5]);
    }
}

#[test]
fn a_slow_handler_outlives_its_lease_but_not_its_session() {
    let fault = "mailer.handler.slow#2=slow";
    check(Model::Queue, Strategy::ProcessThenSettle, fault, [1, 2, 1, 1, 1]);
    check(Model::Log, Strategy::ProcessThenSettle, fault, [1; 5]);
}

#[test]
fn a_slow_handler_outlives_the_poll_interval() {
    let overrides = [("consumer.max_poll_interval", "5s")];
    let fault = "mailer.handler.slow#2=slow";
    let run = run_with(&overrides, Model::Log, Strategy::ProcessThenSettle, fault);
    assert_eq!(run.effects[1], 2, "{:?}", run.effects);
}

#[test]
fn a_transient_error_is_tried_again_in_place() {
    for model in MODELS {
        let fault = "mailer.handler.error#2=transient";
        let run = check(model, Strategy::ProcessThenSettle, fault, [1; 5]);
        assert_eq!(run.count(|kind| matches!(kind, Kind::ProcessingStarted { .. })), 6);
    }
}

#[test]
fn a_poison_message_blocks_or_becomes_a_dead_letter() {
    for model in MODELS {
        let fault = "mailer.message.poison#2=poison";
        let blocked = run(model, Strategy::ProcessThenSettle, fault);
        assert_eq!(blocked.outcome.end, RunEnd::Unfinished, "{model}");
        let run = check(model, Strategy::DeadLetter, fault, [1, 0, 1, 1, 1]);
        assert_eq!(run.count(|kind| matches!(kind, Kind::DeadLettered { .. })), 1);
    }
}

#[test]
fn skipping_loses_on_the_log_and_comes_back_on_the_queue() {
    let fault = "mailer.handler.error#2=transient";
    for (model, expect) in [(Model::Log, [1, 0, 1, 1, 1]), (Model::Queue, [1, 1, 1, 1, 1])] {
        let overrides = [("consumer.on_error", "skip")];
        let run = run_with(&overrides, model, Strategy::ProcessThenSettle, fault);
        assert_eq!(run.effects, expect, "{model}");
    }
}

/// An exception leaves through `close()`, which commits the offset of the message that failed.
#[test]
fn an_exception_with_auto_commit_loses_through_close() {
    let overrides = [("consumer.on_error", "crash"), ("consumer.auto_commit_interval", "60s")];
    let fault = "mailer.handler.error#2=transient";
    let lost = run_with(&overrides, Model::Log, Strategy::AutoSettleAtDelivery, fault);
    assert_eq!(lost.effects, [1, 0, 1, 1, 1]);
    let kept = run_with(&overrides, Model::Log, Strategy::ProcessThenSettle, fault);
    assert_eq!(kept.effects, [1; 5]);
}

/// A lost request is sent again; a lost answer stores the message twice.
#[test]
fn a_retried_send_may_store_twice() {
    for model in MODELS {
        let stored = |kind: &Kind| matches!(kind, Kind::Stored { .. });
        let strategy = Strategy::ProcessThenSettle;
        let run = check(model, strategy, "send.request#2=lost", [1; 5]);
        assert_eq!(run.count(stored), 5);
        for fault in ["send.response#2=lost", "send.request#2=duplicated", "send.request#2=late"] {
            let run = check(model, strategy, fault, [1, 2, 1, 1, 1]);
            assert_eq!(run.count(stored), 6, "{model} {fault}");
            check(model, Strategy::DeduplicatingSink, fault, [1; 5]);
        }
    }
}

/// A producer that is without an answer and does not try again does not know. What was stored all
/// the same has its effect: called refused, it would be a phantom.
#[test]
fn a_send_without_an_answer_is_unknown() {
    for model in MODELS {
        for (fault, effects) in [
            ("send.request#2=lost", [1, 0, 1, 1, 1]),
            ("send.response#2=lost", [1; 5]),
            ("send.request#2=late", [1; 5]),
        ] {
            let overrides = [("producer.retries", "0")];
            let run = run_with(&overrides, model, Strategy::ProcessThenSettle, fault);
            assert_eq!(run.effects, effects, "{model} {fault}");
            assert_eq!(run.ended(SendOutcome::Info), 1, "{model} {fault}");
            assert_eq!(run.ended(SendOutcome::Ok), 4, "{model} {fault}");
        }
    }
}

/// And the opposite: what a full queue refuses is certain not to be stored.
#[test]
fn a_refused_send_is_certain() {
    let overrides = [
        ("producer.retries", "0"),
        ("queue.max_length", "1"),
        ("queue.overflow", "reject-publish"),
        ("subscriptions.0.service_time.value", "1s"),
    ];
    let run = run_with(&overrides, Model::Queue, Strategy::ProcessThenSettle, "");
    let refused = |kind: &Kind| match kind {
        Kind::SendEnded { message, outcome: SendOutcome::Fail, .. } => Some(message.index()),
        _ => None,
    };
    let refused: Vec<usize> = run.events.iter().filter_map(|event| refused(&event.kind)).collect();
    assert!(!refused.is_empty());
    for message in 0..run.effects.len() {
        assert_eq!(run.effects[message] == 0, refused.contains(&message), "{message}");
    }
}

#[test]
fn fire_and_forget_loses_what_it_calls_ok() {
    for model in MODELS {
        let overrides = [("producer.strategy", "fire-and-forget")];
        let fault = "send.request#2=lost";
        let run = run_with(&overrides, model, Strategy::ProcessThenSettle, fault);
        assert_eq!(run.effects, [1, 0, 1, 1, 1], "{model}");
        assert_eq!(run.ended(SendOutcome::Ok), 5);
    }
}

#[test]
fn a_lost_receive_answer_costs_a_lease_or_nothing() {
    for model in MODELS {
        let fault = "mailer.receive.response#2=lost";
        check(model, Strategy::ProcessThenSettle, fault, [1; 5]);
        check(model, Strategy::ProcessThenSettle, "mailer.receive.request#2=lost", [1; 5]);
    }
}

/// Every delivery of a broker that restarts is in doubt: what was in flight comes again.
#[test]
fn a_broker_restart_forgets_what_is_in_flight() {
    for model in MODELS {
        for occurrence in 1..=12 {
            let fault = format!("broker.restart#{occurrence}=restart");
            let run = run(model, Strategy::DeduplicatingSink, &fault);
            assert_eq!(run.effects, [1; 5], "{model} {fault}");
            assert_eq!(run.outcome.end, RunEnd::Quiescent, "{model} {fault}");
        }
    }
}

/// A consumer whose background commit was refused while it waited for messages once waited for
/// ever.
#[test]
fn no_random_run_leaves_anything_behind() {
    let faults = [
        ("faults.process", "{ stall = { before = \"1/5\", after = \"1/5\" } }"),
        ("faults.settle", "{ request = { lost = \"1/5\" }, after = { crash = \"1/10\" } }"),
        ("faults.effect", "{ before = { crash = \"1/10\" }, after = { crash = \"1/10\" } }"),
    ];
    let overrides: Vec<_> =
        faults.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let parsed = Scenario::parse("test.toml", SCENARIO, &overrides, &|_| Err("none".to_owned()));
    let mut scenario = parsed.expect("a valid scenario").scenario;
    scenario.workload.messages = Some(40);
    for seed in 0..40 {
        let workload = Workload::generate(&scenario, None, seed);
        for model in MODELS {
            for strategy in strategies(model) {
                let experiment =
                    Experiment { scenario: &scenario, workload: &workload, model, strategy, seed };
                let mut events: Vec<Event> = Vec::new();
                let outcome = experiment.run(experiment.random_choices(), &mut events);
                assert_eq!(outcome.end, RunEnd::Quiescent, "{model} {strategy} seed {seed}");
                let mut effects = [0; 40];
                for event in &events {
                    match event.kind {
                        Kind::Effect { message, .. } => effects[message.index()] += 1,
                        Kind::Retrievable { message, .. } => {
                            assert!(
                                effects[message.index()] > 0,
                                "{model} {strategy} seed {seed}: {message} is left behind"
                            );
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

/// Two consumers that crash in turn for ever are never up together; the run ends all the same.
#[test]
fn a_crash_loop_ends_with_the_limits() {
    let overrides = [("consumer.on_error", "crash"), ("limits.drain", "20s")];
    let fault = "mailer.message.poison#1=poison+mailer.message.poison#2=poison";
    let run = run_with(&overrides, Model::Queue, Strategy::ProcessThenSettle, fault);
    assert_eq!(run.outcome.end, RunEnd::Unfinished);
}

/// Nobody waits for an answer to an unconfirmed settle, the automatic commit of an idle poll
/// included.
#[test]
fn unconfirmed_settles_come_to_rest() {
    for model in MODELS {
        for strategy in strategies(model) {
            let run = run_with(&[("consumer.settle_confirmed", "false")], model, strategy, "");
            assert_eq!(run.outcome.end, RunEnd::Quiescent, "{model} {strategy}");
            assert_eq!(run.effects, [1; 5], "{model} {strategy}");
        }
    }
}

/// A consumer that has left its group for taking too long hands out nothing of what it had fetched,
/// until it is a member again.
#[test]
fn who_left_its_group_hands_out_nothing() {
    let fault = "mailer.handler.slow#2=slow";
    let overrides = [
        ("consumer.max_poll_interval", "1s"),
        ("consumer.prefetch", "5"),
        ("consumer.on_error", "retry"),
        ("log.partitions", "1"),
        ("subscriptions.0.consumers", "1"),
        ("subscriptions.0.service_time.value", "300ms"),
    ];
    let mut who_left = 0;
    for strategy in strategies(Model::Log) {
        let run = run_with(&overrides, Model::Log, strategy, fault);
        who_left += run.count(|kind| matches!(kind, Kind::MaxPollExceeded { .. }));
        assert_eq!(handed_out_by_strangers(&run.events), 0, "{strategy}");
    }
    assert!(who_left >= 5, "only {who_left} have left");
    let run = |overrides| run_with(overrides, Model::Log, Strategy::AutoSettleAtNextReceive, fault);
    let (left, stayed) = (run(&overrides), run(&overrides[1..]));
    assert_eq!(stayed.effects, [1; 5], "without the limit nothing is repeated");
    assert!(left.effects.iter().all(|&effects| effects <= 2), "{:?}", left.effects);
    assert!(left.effects.contains(&2), "the slow one is repeated");
}

/// How many deliveries a consumer handed out between leaving its group and its next assignment.
fn handed_out_by_strangers(events: &[Event]) -> usize {
    let (mut strangers, mut count) = (Vec::new(), 0);
    for event in events {
        match event.kind {
            Kind::MaxPollExceeded { consumer, .. } => strangers.push(consumer),
            Kind::Assigned { consumer, .. } => strangers.retain(|one| *one != consumer),
            Kind::Delivered { consumer, .. } if strangers.contains(&consumer) => count += 1,
            _ => {}
        }
    }
    count
}

/// With jitter every strategy still meets the same producer: what is stored is stored at the same
/// time.
#[test]
fn jitter_is_the_same_for_every_strategy() {
    let stored = |strategy| -> Vec<u64> {
        let run = run_with(&[("network.jitter", "5ms")], Model::Queue, strategy, "");
        let stored = |event: &&Event| matches!(event.kind, Kind::Stored { .. });
        run.events.iter().filter(stored).map(|event| event.at.as_nanos()).collect()
    };
    let expect = stored(Strategy::ProcessThenSettle);
    for strategy in strategies(Model::Queue) {
        assert_eq!(stored(strategy), expect, "{strategy}");
    }
}
