//! What a timeline shows of a small run.

use std::collections::BTreeSet;

use entrega_choice::{Choices, parse_choices};
use entrega_clients::Strategy;
use entrega_explain::Timeline;
use entrega_model::{Event, MessageId, Model};
use entrega_scenario::Cast;
use entrega_scenario::Scenario;
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;

fn recorded(messages: u32, choices: &str) -> (Vec<Event>, Cast) {
    let text = format!(
        "[workload]\nmessages = {messages}\n\
         arrivals = {{ distribution = \"constant\", rate_per_second = 10 }}\n\
         [[subscriptions]]\nname = \"mailer\"\n\
         service_time = {{ distribution = \"constant\", value = \"10ms\" }}\n"
    );
    let loaded = Scenario::parse("timeline.toml", &text, &[], &|_| Err(String::new()));
    let scenario = loaded.expect("a valid scenario").scenario;
    let workload = Workload::generate(&scenario, None, 1);
    let (model, strategy) = (Model::Queue, Strategy::ProcessThenSettle);
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: 1 };
    let table = points::table(&scenario.subscription_names());
    let choices = parse_choices(&table, choices).expect("choices of this scenario");
    let mut events = Vec::new();
    experiment.run(Choices::explicit(table, choices), &mut events);
    (events, Cast::of(&scenario))
}

fn rendered(messages: u32, choices: &str, all: bool, colourful: bool) -> String {
    let (events, cast) = recorded(messages, choices);
    let focus = BTreeSet::from([MessageId(1)]);
    let only = BTreeSet::new();
    let columns = None;
    Timeline { events: &events, cast: &cast, focus, only, all, colourful, columns }.render()
}

#[test]
fn a_crash_is_told_line_by_line() {
    insta::assert_snapshot!(rendered(2, "mailer.effect.after#2=crash", false, false));
}

#[test]
fn a_long_run_is_shown_around_faults_and_anomalies() {
    let choices = "mailer.effect.after#2=crash";
    let (short, long) = (rendered(60, choices, false, false), rendered(60, choices, true, false));
    assert!(short.lines().count() < 60, "{short}");
    assert!(long.lines().count() > 400, "{}", long.lines().count());
    for shown in ["✗ mailer 1 crashes", "★ m1 AGAIN by mailer 1", "more\n"] {
        assert!(short.contains(shown), "{shown} is missing in\n{short}");
    }
    assert!(!short.contains("m40"), "{short}");
    assert!(long.contains("m40"));
}

#[test]
fn faults_stand_out_on_a_terminal_only() {
    let choices = "mailer.effect.after#2=crash";
    assert!(rendered(2, choices, true, true).contains("\u{1b}[1;31m✗ mailer 1 crashes\u{1b}[0m"));
    assert!(!rendered(2, choices, true, false).contains('\u{1b}'));
}
