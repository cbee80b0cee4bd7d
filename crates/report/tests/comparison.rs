//! A comparison as people read it: the finding first, each story once, and all of it within the
//! width.

use entrega_checker::Cause;
use entrega_lab::comparison::{Comparison, ToldExample};
use entrega_lab::{LoadedScenario, Sweep, run};
use entrega_report::comparison::{Shown, text};
use entrega_report::fitted;

/// Crashes and lost settles, under every strategy that runs on both models.
const SCENARIO: &str = "title = 'Crashes'\nseeds = 3\n[workload]\nmessages = 200\n\
    [[subscriptions]]\nname = 'mailer'\nconsumers = 2\n[[subscriptions]]\nname = 'analytics'\n\
    [log]\nauto_offset_reset = 'earliest'\n[faults]\neffect.before.crash = '1/20'\n\
    effect.after.crash = '1/20'\nsettle.request.lost = '1/20'\n";

fn shown(scenario: &str, shown: Shown) -> String {
    let loaded = LoadedScenario::parse("crashes.toml", scenario).expect("a scenario");
    text(&Sweep::of(&loaded, &[]).expect("a sweep").compare(), shown)
}

/// The lines between the heading and the first table.
fn finding(text: &str) -> Vec<&str> {
    let lines = text.lines().skip(3);
    lines.take_while(|line| !line.is_empty()).collect()
}

#[test]
fn the_finding_comes_first_in_a_few_lines() {
    let expect = [
        "Promises kept: all, in every run.",
        "Lost: settle-then-process; auto-settle-at-delivery on the queue.",
        "Duplicated: process-then-settle, settle-every-n, auto-settle-at-next-receive, dead-letter; \
         auto-settle-at-delivery on the log.",
        "Neither lost nor duplicated: deduplicating-sink.",
        "Unknown: what happened in none of 3 runs may still happen in up to 71% of runs.",
    ];
    assert_eq!(finding(&shown(SCENARIO, Shown::default())), expect);
    for columns in [80, 100] {
        let narrow = shown(SCENARIO, Shown { columns: Some(columns), ..Shown::default() });
        let finding = finding(&narrow);
        assert!(finding.len() <= 6 && finding[2].contains("process-then-settle"), "{finding:?}");
    }
}

#[test]
fn broken_promises_and_what_is_unknown_are_named() {
    let check = |more: &str, expect: &[&str]| {
        let text = shown(&format!("{SCENARIO}{more}"), Shown::default());
        let finding = finding(&text);
        assert!(finding.len() <= 6, "{finding:?}");
        for line in expect {
            assert!(finding.iter().any(|found| found.starts_with(line)), "{line}\n{finding:?}");
        }
    };
    let late = ["Promises broken: ", "Promises kept: ", "Lost: "];
    check(
        "[consumer]\non_error = 'skip-and-settle'\n[faults.handler]\nerror.transient = 0.1",
        &late,
    );
    let endless =
        ["Promises kept: dead-letter.", "Unknown: settle-then-process, process-then-settle, "];
    check("[faults.message]\npoison.poison = 0.1\n[limits]\nsteps = 50_000", &endless);
}

/// What waits when a run ends is neither lost nor duplicated yet, and is no achievement.
#[test]
fn what_still_waits_is_not_clean() {
    let scenario = "title = 'Stuck'\nmodels = ['log']\nseeds = 2\nstrategies = \
                    ['process-then-settle', 'dead-letter', 'deduplicating-sink']\n[workload]\n\
                    messages = 200\n[[subscriptions]]\nname = 'mailer'\n[log]\n\
                    auto_offset_reset = 'earliest'\n[limits]\nsteps = 20_000\n[faults]\n";
    let line = |faults: &str, label: &str| {
        let text = shown(&format!("{scenario}{faults}"), Shown::default());
        let found = finding(&text).into_iter().find(|line| line.starts_with(label));
        found.unwrap_or_else(|| panic!("{label}: {text}")).to_owned()
    };
    let (poison, crash) = ("message.poison.poison = '1/50'\n", "effect.after.crash = '1/20'\n");
    let neither = |faults: &str| line(faults, "Neither");
    let stuck = "Neither lost nor duplicated: no row; 238 messages still wait at the end.";
    assert_eq!(neither(&format!("{poison}{crash}")), stuck);
    assert_eq!(neither(crash), "Neither lost nor duplicated: deduplicating-sink.");
    let none = |faults: &str| line(faults, "Lost or duplicated");
    let but = "Lost or duplicated: no message, but 476 messages still wait at the end.";
    assert_eq!(none(poison), but);
    assert_eq!(none("message.poison.poison = '1/1000000'\n"), "Lost or duplicated: no message.");
}

#[test]
fn every_line_but_a_command_fits() {
    let whole = shown(SCENARIO, Shown::default());
    assert!(whole.lines().any(|line| line.chars().count() > 130));
    for columns in [80, 100] {
        for all_stories in [false, true] {
            let text = shown(SCENARIO, Shown { columns: Some(columns), all_stories });
            let prose = text.lines().filter(|line| !line.contains(" replay "));
            let long = prose.filter(|line| line.chars().count() > columns);
            assert_eq!(long.collect::<Vec<_>>(), [""; 0]);
            assert!(text.contains("\nmailer, log\nstrategy "), "{text}");
        }
    }
}

/// How the first line of a story begins.
const ANOMALIES: [&str; 3] = ["lost, ", "duplicated, ", "reordered: "];

#[test]
fn each_story_is_told_once_and_all_on_request() {
    let kinds = |text: &str| -> Vec<String> {
        let (_, stories) = text.split_once("How it happens").expect("stories");
        let told = stories.lines().filter(|line| ANOMALIES.iter().any(|one| line.starts_with(one)));
        told.map(|line| line.split(':').next().unwrap_or(line).to_owned()).collect()
    };
    let once = shown(SCENARIO, Shown::default());
    let mut unique = kinds(&once);
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), kinds(&once).len());
    assert!(unique.contains(&"duplicated, redelivered after crash".to_owned()), "{unique:?}");
    assert!(once.contains("\n  shared by: settle-every-n") || once.contains("shared by: process"));
    let all = shown(SCENARIO, Shown { all_stories: true, ..Shown::default() });
    let commands = |text: &str| text.matches("  entrega replay crashes.toml '1:").count();
    assert_eq!(commands(&once), unique.len());
    assert!(commands(&all) > 3 * commands(&once), "{all}");
    assert!(all.contains("\nqueue, dead-letter, analytics; duplicated, redelivered after crash: "));
}

/// A comparison lists choices, and a run repeats by chance.
#[test]
fn commands_of_both_versions_stay_whole() {
    let loaded = LoadedScenario::parse("my crashes.toml", SCENARIO).expect("a scenario");
    let sweep = Sweep::of(&loaded, &[]).expect("a sweep");
    let by_list = text(&sweep.compare(), Shown::default());
    let by_chance = entrega_report::run::text(&run::run(&loaded, sweep.configurations[0], 1));
    for (whole, begins) in [(by_list, "'my crashes.toml' '1:"), (by_chance, " '2:")] {
        let commands: Vec<&str> = whole.lines().filter(|line| line.contains(begins)).collect();
        assert!(!commands.is_empty(), "{whole}");
        let narrow = fitted(&whole, 60);
        for command in commands {
            assert!(command.len() > 60, "{command}");
            assert!(narrow.lines().any(|line| line == command), "{command}\n{narrow}");
        }
    }
}

/// Where nobody knows, no promise is said to be broken: the reason stands there.
#[test]
fn promises_that_nobody_can_judge_are_unknown() {
    let scenario = "title = 'Nothing strikes'\nmodels = ['queue']\nstrategies = ['process-then-settle']\nseeds = 2\n\
                    [workload]\nmessages = 5\n[[subscriptions]]\nname = 'mailer'\n\
                    [faults]\neffect.after.crash = '1/1000000'\n";
    let known = scenario.replace("'1/1000000'", "'1/2'");
    let line = |scenario: &str| {
        let text = shown(scenario, Shown::default());
        let line = finding(&text).into_iter().find(|line| line.starts_with("Promises kept"));
        line.expect("a line").to_owned()
    };
    let unknown = line(scenario);
    assert!(unknown.starts_with("Promises kept: none that is known; "), "{unknown}");
    assert_eq!(line(&known), "Promises kept: all, in every run.");
}

/// Who shares anomaly and cause but comes to it in another way is named apart.
#[test]
fn who_comes_to_it_in_another_way_does_not_share_a_story() {
    let strategies = "strategies = ['settle-then-process', 'process-then-settle', 'dead-letter']";
    let text = |more: &str| {
        let head = format!("title = 'Two ways'\nmodels = ['queue']\nseeds = 10\n{strategies}");
        let rest = "[workload]\nmessages = 40\n[[subscriptions]]\nname = 'mailer'";
        shown(&format!("{head}\n{rest}\n{more}"), Shown::default())
    };
    let skips = text(
        "[consumer]\non_error = 'skip-and-settle'\n[faults]\n\
                      handler.error.transient = '1/20'\n",
    );
    assert!(skips.contains("\n  in another way: process-then-settle\n"), "{skips}");
    let crash = text("[faults]\neffect.after.crash = '1/20'\n");
    assert!(crash.contains("\n  shared by: process-then-settle, dead-letter\n"), "{crash}");
    assert!(!crash.contains("in another way"), "{crash}");
    let two = "[[subscriptions]]\nname = 'analytics'\n[faults]\neffect.after.crash = '1/20'\n";
    let two = text(two);
    assert!(two.contains("process-then-settle (analytics)") || two.contains("shared by"), "{two}");
    assert!(!two.contains("in another way"), "whose it is makes no other way: {two}");
}

/// Also a cause that nobody found an example of is named, with what there is of it.
#[test]
fn a_cause_without_a_story_says_so() {
    let loaded = LoadedScenario::parse("crashes.toml", SCENARIO).expect("a scenario");
    let sweep = Sweep::of(&loaded, &[]).expect("a sweep");
    let mut comparison = sweep.compare();
    let says = |comparison: &Comparison<'_>, all_stories: bool| {
        let text = text(comparison, Shown { all_stories, ..Shown::default() });
        text.contains("redelivered after crash: no example was found of ")
    };
    let both = |comparison: &Comparison<'_>| [says(comparison, false), says(comparison, true)];
    assert_eq!(both(&comparison), [false; 2]);
    let cause = |told: &ToldExample| told.example.finding.cause();
    let mut left_out = 0;
    comparison.examples.retain(|told| {
        let is_it = cause(told) == Some(Cause::RedeliveredAfterCrash);
        left_out += u32::from(is_it);
        !is_it || left_out > 1
    });
    assert_eq!(both(&comparison), [false, true], "of one row, while others have theirs");
    comparison.examples.clear();
    assert_eq!(both(&comparison), [true; 2]);
}
