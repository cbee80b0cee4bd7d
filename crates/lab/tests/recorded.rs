//! What is said of a run, and what is said of its history.
//!
//! Goal: `entrega run` and `entrega check` say the same of one run: causes, and how often the
//! windows were hit. Both are judged by one checker, and a history leaves out nothing; but of a
//! history no line is trusted more than it has to be.
//! Method: a few messages and many faults, at random from every place where a broker, a consumer or
//! a process may lose what it has, on both models and with every strategy. `formula` is a second
//! opinion on the cause of a duplicate.
//!
//! `ENTREGA_RECORDED` says how many seeds are run.

use std::collections::{BTreeMap, BTreeSet};

use entrega_checker::{Cause, Class, Counter, Listable, SubscriptionReport};
use entrega_clients::Strategy;
use entrega_lab::history::{self, JudgedHistory};
use entrega_lab::{Configuration, LoadedScenario, run};
use entrega_model::history::{End, Reading};
use entrega_model::{Event, MessageId, Model};

#[path = "recorded/formula.rs"]
mod formula;

const WORLD: &str = r#"
[workload]
messages = 12
keys = 3
arrivals = { distribution = "poisson", rate_per_second = 5 }
[[subscriptions]]
name = "mailer"
consumers = 2
service_time = { distribution = "uniform", min = "1ms", max = "3s" }
[consumer]
request_timeout = "3s"
prefetch = 3
max_attempts = 2
[log]
partitions = 2
auto_offset_reset = "earliest"
session_timeout = "6s"
[queue]
visibility_timeout = "4s"
[limits]
drain = "2min"
steps = 20_000
"#;

/// What may go wrong, or is set otherwise.
const HARM: [(&str, &str); 44] = [
    ("faults.effect.before.crash", "1/8"),
    ("faults.effect.after.crash", "1/8"),
    ("faults.settle.after.crash", "1/8"),
    ("faults.settle.request.lost", "1/8"),
    ("faults.settle.request.late", "1/4"),
    ("faults.settle.response.lost", "1/8"),
    ("faults.settle.response.late", "1/4"),
    ("faults.handler.error.transient", "1/4"),
    ("faults.message.poison.poison", "1/6"),
    ("faults.message.poison.kills", "1/8"),
    ("faults.process.stall.before", "1/8"),
    ("faults.process.stall.after", "1/8"),
    ("faults.process.shutdown.drain", "1/8"),
    ("faults.broker.restart.restart", "1/40"),
    ("faults.connection.lost.after", "1/8"),
    ("faults.send.response.lost", "1/10"),
    ("consumer.on_error", "crash"),
    ("consumer.on_error", "skip"),
    ("consumer.on_error", "requeue"),
    ("consumer.on_error", "reject"),
    ("consumer.on_error", "dead-letter"),
    ("consumer.worker_lost", "requeue"),
    ("consumer.settle_confirmed", "false"),
    ("consumer.settle_retries", "2"),
    ("consumer.receive_ahead", "true"),
    ("consumer.lease_renewal", "1s"),
    ("consumer.max_poll_interval", "2s"),
    ("queue.delivery_limit", "2"),
    ("queue.delivery_limit", "3"),
    ("queue.dead_letter", "true"),
    ("queue.requeue_on_disconnect", "false"),
    ("queue.late_settle", "ignored"),
    ("queue.late_settle", "honoured"),
    ("queue.repeated_settle", "refused"),
    ("queue.repeated_settle", "closes-channel"),
    ("queue.requeue_position", "front"),
    ("queue.max_length", "3"),
    ("queue.message_ttl", "5s"),
    ("queue.limit_checked", "at-delivery"),
    ("queue.in_flight_after_restart", "kept"),
    ("log.auto_offset_reset", "latest"),
    ("log.partitions", "1"),
    ("log.offsets_retention", "1s"),
    ("subscriptions.0.consumers", "1"),
];

/// Numbers that follow from one.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % bound
    }
}

/// A few of them.
fn harm(seed: u64, model: Model) -> Vec<(String, String)> {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut chosen = BTreeMap::from([("models".to_owned(), format!("['{model}']"))]);
    for _ in 0..2 + dice.below(5) {
        let (path, value) = HARM[dice.below(HARM.len() as u64) as usize];
        chosen.insert(path.to_owned(), value.to_owned());
    }
    chosen.into_iter().collect()
}

/// A run, its history, and what is said of both.
struct Recorded {
    what: String,
    model: Model,
    end: End,
    events: Vec<Event>,
    history: String,
    of_run: SubscriptionReport,
    checked: JudgedHistory,
}

fn check(history: &str) -> JudgedHistory {
    let list = BTreeSet::from([Listable::Class(Class::Duplicated)]);
    let reading = Reading::default();
    history::check_and_list(history.as_bytes(), "history", reading, &list).expect("a history")
}

/// A run with this number, if there can be one.
fn recorded(seed: u64, model: Model) -> Option<Recorded> {
    let alone = |_: &str| Err(String::new());
    let set = harm(seed, model);
    let loaded = LoadedScenario::load("world.toml", WORLD, &set, &alone).ok()?;
    let strategy = Strategy::ALL[(seed as usize * 7) % Strategy::ALL.len()];
    let configuration = Configuration { model, strategy };
    if !configuration.is_supported() || loaded.allows(configuration).is_err() {
        return None;
    }
    let (mut events, mut text) = (Vec::<Event>::new(), Vec::new());
    let run = run::watch_and_record(&loaded, configuration, seed, &mut events, &mut text);
    let mut report = run.expect("memory").judged.report;
    let history = String::from_utf8(text).expect("a history is text");
    Some(Recorded {
        what: format!("{seed}: {configuration} {set:?}"),
        model,
        end: report.end,
        events,
        checked: check(&history),
        history,
        of_run: report.subscriptions.remove(0),
    })
}

/// Those that are compared. Of a log that was not drained a history is judged by how far its
/// readers have come, and a run is not (semantics.md 5.3).
fn all() -> impl Iterator<Item = Recorded> {
    let asked = std::env::var("ENTREGA_RECORDED").ok();
    let count: u64 = asked.map_or(500, |count| count.parse().expect("a number"));
    let each = |seed| [Model::Log, Model::Queue].into_iter().filter_map(move |m| recorded(seed, m));
    let all = (0..count).flat_map(each);
    all.filter(|one| one.model == Model::Queue || one.end == End::Quiescent)
}

/// The causes, and the windows that were hit.
fn said(report: &SubscriptionReport) -> BTreeMap<&'static str, u64> {
    let causes = report.causes.iter().map(|(cause, count)| (cause.name(), *count));
    let counters = Counter::ALL.iter().map(|one| (one.name(), report.counters.get(*one)));
    causes.chain(counters).filter(|(_, count)| *count > 0).collect()
}

#[test]
fn a_history_is_judged_as_its_run() {
    let mut seen = BTreeMap::<&str, u64>::new();
    for one in all() {
        let of_run = said(&one.of_run);
        let of_check = &one.checked.report.subscriptions[0];
        let examples = [&one.of_run.examples, &of_check.examples];
        assert_eq!(of_run, said(of_check), "{} {examples:?}", one.what);
        of_run.into_iter().for_each(|(what, count)| *seen.entry(what).or_default() += count);
    }
    assert_eq!((seen.get("unexplained"), seen.get("unknown")), (None, None), "{seen:?}");
    for what in [
        "redelivered_after_crash",
        "lease_expired",
        "settle_lost",
        "closed_without_settle",
        "broker_forgot",
        "session_expired",
        "crashes_after_settle",
        "crashes_between_effect_and_settle",
    ] {
        assert!(seen.contains_key(what), "{what}: {seen:?}");
    }
}

/// What a group without a committed offset has not read when its only consumer leaves is skipped
/// by the reset of whoever comes next, in the run and in its history.
#[test]
fn what_the_next_reset_skips_is_known_of_a_history_too() {
    let text = r#"
models = ["log"]
workload = { messages = 3, arrivals = { distribution = "constant", rate_per_second = 1 } }
[[subscriptions]]
name = "mailer"
changes = [{ consumer = 1, at = "100ms", what = "leaves" }]
"#;
    let alone = |_: &str| Err(String::new());
    let loaded = LoadedScenario::load("leaves.toml", text, &[], &alone).expect("a scenario");
    let configuration = Configuration { model: Model::Log, strategy: Strategy::ProcessThenSettle };
    let mut history = Vec::new();
    let run = run::record(&loaded, configuration, 1, &mut history).expect("memory");
    let of_run = said(&run.judged.report.subscriptions[0]);
    assert_eq!(of_run, BTreeMap::from([("skipped_by_reset", 3)]));
    let history = String::from_utf8(history).expect("a history is text");
    assert_eq!(said(&check(&history).report.subscriptions[0]), of_run);
    let thinned = history.replace(",\"complete\":true", "");
    let unknown = BTreeMap::from([("skipped_by_reset", 1), ("unknown", 2)]);
    assert_eq!(said(&check(&thinned).report.subscriptions[0]), unknown);
}

/// The opposite: where lines are left out, something else is said of some history.
#[test]
fn a_history_without_some_lines_is_judged_otherwise() {
    for event in ["lease_expired", "broker_restart", "settle.fail", "crash"] {
        let is_it = |line: &&str| line.contains(&format!("\"event\":\"{event}\""));
        let mut thinned = all().filter(|one| one.history.lines().any(|line| is_it(&line)));
        let differs = |one: Recorded| {
            let lines: Vec<&str> = one.history.lines().filter(|line| !is_it(line)).collect();
            let checked = check(&(lines.join("\n") + "\n"));
            said(&checked.report.subscriptions[0]) != said(&one.of_run)
        };
        assert!(thinned.any(differs), "{event}");
    }
}

/// What the checker says of a duplicate is what follows from the formula, where that is short.
#[test]
fn the_cause_of_a_duplicate_follows_from_the_formula() {
    let mut seen = BTreeMap::<Cause, u64>::new();
    for one in all().filter(|one| one.model == Model::Queue) {
        for listed in &one.checked.listed {
            let Some(cause) = listed.cause else { continue };
            let message = one.checked.message(listed.message).parse().expect("a number");
            let Some(formula) = formula::cause(&one.events, MessageId(message)) else { continue };
            assert_eq!(cause, formula, "message {message} of {}", one.what);
            *seen.entry(cause).or_default() += 1;
        }
    }
    for cause in [Cause::LeaseExpired, Cause::SettleLost, Cause::ClosedWithoutSettle] {
        assert!(seen.contains_key(&cause), "{cause:?}: {seen:?}");
    }
}
