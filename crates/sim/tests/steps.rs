//! Cutting a run's choices after a step: a prefix in time, which makes the same run up to there.

use entrega_choice::{Choice, Choices, parse_choices};
use entrega_clients::Strategy;
use entrega_model::{Event, Model};
use entrega_scenario::workload::Workload;
use entrega_scenario::{Scenario, points};
use entrega_sim::{Experiment, Outcome, Steps};

const MODELS: [Model; 2] = [Model::Log, Model::Queue];

/// Five messages that are all there at the start, so that the first fault strikes in step 1.
const SCENARIO: &str = r#"
[workload]
messages = 5
keys = 1
arrivals = { distribution = "burst", burst_size = 5, every = "1s" }
[[subscriptions]]
name = "mailer"
consumers = 2
[log]
auto_offset_reset = "earliest"
"#;

/// One in step 1, some in the midst of the run, one that strikes later than it is chosen.
const FAULTS: &str = "mailer.settle.request#2=lost+mailer.effect.after#1=crash\
    +mailer.process.stall#4=after+mailer.effect.before#6=crash+send.response#2=lost\
    +send.request#1=late";

struct Case {
    scenario: Scenario,
    workload: Workload,
    model: Model,
}

impl Case {
    fn new(model: Model) -> Self {
        let scenario = Scenario::parse("steps.toml", SCENARIO, &[], &|_| Err("none".to_owned()));
        let scenario = scenario.unwrap_or_else(|problem| panic!("{problem}")).scenario;
        let workload = Workload::generate(&scenario, None, 1);
        Self { scenario, workload, model }
    }

    fn experiment(&self) -> Experiment<'_> {
        let Self { scenario, workload, model, .. } = self;
        let strategy = Strategy::ProcessThenSettle;
        Experiment { scenario, workload, model: *model, strategy, seed: 1 }
    }

    fn faults(&self) -> Vec<Choice> {
        let table = points::table(&self.scenario.subscription_names());
        parse_choices(&table, FAULTS).expect("valid choices")
    }

    fn explicit(&self, choices: &[Choice]) -> Choices {
        let table = points::table(&self.scenario.subscription_names());
        Choices::explicit(table, choices.to_vec())
    }

    fn run(&self, choices: &[Choice]) -> (Outcome, Vec<Event>) {
        let mut events = Vec::new();
        let outcome = self.experiment().run(self.explicit(choices), &mut events);
        (outcome, events)
    }

    fn run_by_steps(&self, choices: &[Choice]) -> (Outcome, Vec<Event>, Steps) {
        let mut events = Vec::new();
        let (outcome, steps) = self.experiment().run_by_steps(self.explicit(choices), &mut events);
        (outcome, events, steps)
    }
}

/// Whether a cut after each step makes the same run up to there, with `cut` as the way to cut.
fn replays<'c>(
    case: &Case,
    made: &'c [Choice],
    cut: impl Fn(&Steps, usize) -> &'c [Choice],
) -> bool {
    let (_, events, steps) = case.run_by_steps(made);
    (0..=steps.count()).all(|step| {
        let shared = steps.events_until(step);
        case.run(cut(&steps, step)).1[..].get(..shared) == Some(&events[..shared])
    })
}

#[test]
fn counting_steps_changes_nothing() {
    for model in MODELS {
        let case = Case::new(model);
        let (outcome, events) = case.run(&case.faults());
        assert_eq!(outcome.choices.unused(), [], "{model}: every fault is reached");
        let (counted, counted_events, steps) = case.run_by_steps(&case.faults());
        assert_eq!(counted_events, events, "{model}");
        assert_eq!(counted.choices.made(), outcome.choices.made(), "{model}");
        assert_eq!((counted.steps, counted.end), (outcome.steps, outcome.end), "{model}");
        assert_eq!(steps.count() as u64, outcome.steps + 1, "{model}");
    }
}

#[test]
fn a_cut_is_what_was_chosen_by_then() {
    for model in MODELS {
        let case = Case::new(model);
        let (outcome, _, steps) = case.run_by_steps(&case.faults());
        let made = outcome.choices.made();
        assert_ne!(made, case.faults(), "{model}: the list is in another order than time");
        assert_eq!(steps.cut_after(made, 0), []);
        assert_eq!(steps.cut_after(made, steps.count()), made);
        assert_eq!(steps.cut_after(made, usize::MAX), made);
        let lengths: Vec<_> =
            (0..=steps.count()).map(|step| steps.cut_after(made, step).len()).collect();
        assert!(lengths.is_sorted(), "{model}: {lengths:?}");
        assert_eq!(lengths[1], 1, "{model}: the first request is late in step 1");
        for length in 0..=made.len() {
            assert!(lengths.contains(&length), "{model}: {length} of {lengths:?}");
        }
    }
}

#[test]
fn a_cut_makes_the_same_run_up_to_there() {
    for model in MODELS {
        let case = Case::new(model);
        let (outcome, events, steps) = case.run_by_steps(&case.faults());
        let made = outcome.choices.made();
        assert!(replays(&case, made, |steps, step| steps.cut_after(made, step)), "{model}");
        let cut = steps.cut_after(made, 1);
        assert_ne!(case.run(cut).1, events, "{model}: and another one after that");
    }
}

/// What would be wrong: to leave out one choice too many, or to cut the list as it is written.
#[test]
fn a_cut_in_another_place_is_caught() {
    for model in MODELS {
        let case = Case::new(model);
        let (outcome, ..) = case.run_by_steps(&case.faults());
        let made = outcome.choices.made();
        assert!(!replays(&case, made, |steps, step| {
            let cut = steps.cut_after(made, step);
            &cut[..cut.len().saturating_sub(1)]
        }));
        let mut written = made.to_vec();
        written.reverse();
        let written = written.leak();
        assert!(!replays(&case, written, |steps, step| steps.cut_after(written, step)));
    }
}

#[test]
fn events_belong_to_steps() {
    for model in MODELS {
        let case = Case::new(model);
        let (_, events, steps) = case.run_by_steps(&case.faults());
        for event in 0..events.len() {
            let step = steps.of_event(event);
            assert!(steps.events_until(step) > event, "{model}: {event} in {step}");
            assert!(steps.events_until(step - 1) <= event, "{model}: {event} in {step}");
        }
        assert_eq!(steps.events_until(0), 0);
        assert_eq!(steps.events_until(steps.count()), events.len());
        assert_eq!(steps.of_event(events.len()), steps.count());
    }
}
