//! Whole scenarios: read, printed and read again, changed by overrides, named by their digest.

use std::collections::BTreeSet;

use entrega_clients::Strategy;
use proptest::prelude::*;

use super::*;

mod groups;
mod mistakes;
mod replicas;
mod settings;
mod times;
mod unfit;

/// The workload files that exist in these tests.
fn read(name: &str) -> Result<String, String> {
    match name {
        "orders.csv" => Ok("at,key\n0,anna\n1.5,otto\n2,anna\n".to_owned()),
        "orders.xml" => Ok("<orders/>".to_owned()),
        "broken.csv" => Ok("at,key\n0,anna\nsoon,otto\n".to_owned()),
        _ => Err("there is no such file".to_owned()),
    }
}

fn parse(text: &str, overrides: &[(&str, &str)]) -> Result<Loaded, Problem> {
    let owned = |(path, value): &(&str, &str)| ((*path).to_owned(), (*value).to_owned());
    let overrides: Vec<_> = overrides.iter().map(owned).collect();
    Scenario::parse("dir/x.toml", text, &overrides, &read)
}

fn loaded(text: &str, overrides: &[(&str, &str)]) -> Loaded {
    parse(text, overrides).unwrap_or_else(|problem| panic!("{problem}"))
}

#[test]
fn an_empty_file_is_the_default_scenario() {
    assert_eq!(loaded("", &[]).scenario, Scenario::default());
}

#[test]
fn what_was_written_is_known_with_its_place() {
    let text = "title = 'x'\n\n[consumer]\nworkers = 2\n";
    let written = loaded(text, &[("consumer.workers", "3"), ("log.partitions", "4")]).written;
    let find = |path: &str| written.iter().find(|one| one.path == path).expect(path);
    let said = |path: &str| find(path).problem("is there").to_string();
    assert_eq!(said("title"), "dir/x.toml:1:1: is there");
    assert_eq!(said("consumer.workers"), "--set consumer.workers=3: is there");
    assert!(find("log.partitions").is_override && !find("title").is_override);
    assert!(written.iter().all(|one| one.path != "consumer.prefetch"));
}

/// The defaults that the documentation of the real systems gives.
#[test]
fn defaults_are_the_documented_ones() {
    let scenario = Scenario::default();
    let check = |span: Span, expect: &str| assert_eq!(span.to_string(), expect);
    check(scenario.producer.request_timeout, "30s");
    check(scenario.consumer.auto_commit_interval, "5s");
    check(scenario.log.session_timeout, "45s");
    check(scenario.log.rebalance_timeout, "5min");
    check(scenario.log.retention_time, "7d");
    check(scenario.log.segment_time, "7d");
    check(scenario.log.offsets_retention, "7d");
    check(scenario.producer.metadata_refresh, "5min");
    check(scenario.consumer.metadata_refresh, "5min");
    check(scenario.queue.visibility_timeout, "30s");
    assert_eq!(scenario.log.auto_offset_reset, AutoOffsetReset::Latest);
    assert_eq!(scenario.log.segment_bytes, 1_073_741_824);
    assert_eq!(scenario.queue.overflow, Overflow::DropHead);
    assert_eq!(scenario.consumer.settle_retries, 0);
}

/// Each default duration of a fault is beyond the timeout that notices it.
#[test]
fn default_faults_are_long_enough_to_be_noticed() {
    let Scenario { times, log, queue, consumer, producer, .. } = Scenario::default();
    assert!(times.stall > log.session_timeout && times.stall > queue.visibility_timeout);
    assert!(times.slow > queue.visibility_timeout);
    assert!(times.late > consumer.request_timeout && times.late > producer.request_timeout);
}

#[test]
fn the_template_is_a_scenario() {
    let scenario = loaded(template(), &[]).scenario;
    assert_eq!(scenario.subscription_names(), ["mailer"]);
    assert_eq!(scenario.odds().len(), 3);
    assert_eq!(scenario.scripted().len(), 1);
    assert_eq!(scenario.expect.len(), 2);
}

#[test]
fn what_is_printed_is_read_back() {
    for text in ["", template(), FULL] {
        let scenario = loaded(text, &[]).scenario;
        let printed = toml::to_string(&scenario).expect("a scenario can be printed");
        assert_eq!(loaded(&printed, &[]).scenario, scenario, "{printed}");
    }
}

/// Names every table.
const FULL: &str = "
models = ['queue']
[workload]
messages = 7
body = 'opaque'
bytes = 12
arrivals = { distribution = 'burst', burst_size = 3, every = '1.5s' }
[[subscriptions]]
name = 'mailer'
service_time = { distribution = 'uniform', min = '1ms', max = '3ms' }
changes = [{ consumer = 1, at = '1s', what = 'leaves' }]
faults.settle.request = { duplicated = '1/3' }
[[subscriptions]]
name = 'analytics'
service_time = { distribution = 'exponential', mean = '250us' }
[consumer]
on_error = 'requeue'
max_poll_interval = '5min'
lease_renewal = '10s'
worker_lost = 'requeue'
[sink]
dedup = 'atomic'
dedup_window = '1h'
dedup_entries = 256
dedup_key = 'broker'
[log]
auto_offset_reset = 'by-duration'
auto_offset_reset_duration = '1h'
offsets_retention = '1d'
partitions_added = { at = '10min', to = 3 }
commit_checks = ['ownership', 'forward']
[queue]
broker_restart = { forgets = ['messages'], of_the_last = '2min' }
delivery_limit = 20
dead_letter = true
redrive = { after = '1h', ids = 'same', times = 2 }
max_length = 1000
[faults]
settle.request = { lost = 0.5 }
process.stall = { before = '1%', after = '2%' }
[[script]]
point = 'analytics.process.stall'
alternative = 'after'
at = '1.5s'
[[expect]]
subscription = 'mailer'
lost = '<=5'
verdict = 'unknown'
";

#[test]
fn points_are_found_by_subscription() {
    let scenario = loaded(FULL, &[]).scenario;
    let table = points::table(&scenario.subscription_names());
    let name = |point: Point| table[usize::from(point.0)].name.as_str();
    let odds: Vec<String> = scenario
        .odds()
        .iter()
        .map(|odds| format!("{} {} {}", name(odds.point), odds.value, odds.ratio))
        .collect();
    let expect = [
        "mailer.process.stall 1 1/100",
        "mailer.process.stall 2 1/50",
        "mailer.settle.request 3 1/3",
        "analytics.process.stall 1 1/100",
        "analytics.process.stall 2 1/50",
        "analytics.settle.request 1 1/2",
    ];
    assert_eq!(odds, expect);
    let scripted = scenario.scripted();
    assert_eq!(name(scripted[0].point), "analytics.process.stall");
    assert_eq!((scripted[0].value, scripted[0].when), (2, When::At(1_500_000_000)));
}

#[test]
fn overrides_change_values() {
    let set = |path, value| loaded(FULL, &[(path, value)]).scenario;
    assert_eq!(set("workload.messages", "9").workload.messages, Some(9));
    assert_eq!(set("log.session_timeout", "10s").log.session_timeout, Span::from_secs(10));
    assert_eq!(set("subscriptions.analytics.consumers", "4").subscriptions[1].consumers, 4);
    assert_eq!(set("subscriptions.0.consumers", "4").subscriptions[0].consumers, 4);
    assert_eq!(set("title", "a = b").title, "a = b");
    let two = [Strategy::DeadLetter, Strategy::SettleEveryN];
    assert_eq!(set("strategies", "dead-letter, settle-every-n").strategies, two);
    assert_eq!(set("strategies", "['dead-letter']").strategies, two[..1]);
    let faults = set("faults.effect.after.crash", "1/100").faults;
    let crash = faults.point(points::Fault::EffectAfter).and_then(|odds| odds.get(&1)).copied();
    assert_eq!(crash, "1/100".parse().map(Probability).ok());
    let checks = |value| set("log.commit_checks", value).log.commit_checks;
    assert_eq!(checks("forward"), [CommitCheck::Forward]);
    assert_eq!(checks("ownership, forward"), [CommitCheck::Ownership, CommitCheck::Forward]);
    assert_eq!(checks("[]"), []);
    let made = loaded("", &[("subscriptions.reader.consumers", "3")]).scenario;
    assert_eq!(made.subscriptions[0].consumers, 3);
}

/// A file that is valid only with its override is valid.
#[test]
fn overrides_come_before_the_rules() {
    let text = "[consumer]\non_error = 'requeue'";
    assert!(parse(text, &[]).is_err());
    assert!(parse(text, &[("models", "queue")]).is_ok());
}

#[test]
fn the_digest_is_about_content() {
    let digest = |text| loaded(text, &[]).digest.to_string();
    let plain = digest("seeds = 3\n[log]\npartitions = 2");
    assert_eq!(plain, "a03f3b1f");
    assert_eq!(
        digest("# note\nnarration = 'n'\ntitle='t'\nlog = {partitions=0x2}\nseeds=3"),
        plain
    );
    assert_eq!(
        loaded("seeds = 3\nlog.partitions = 2", &[("seeds", "4")]).digest.to_string(),
        plain
    );
    assert_ne!(digest("seeds = 3\n[log]\npartitions = 3"), plain);
}

#[test]
fn the_digest_is_about_the_workload_file_too() {
    let digest = |content: &str| {
        let read = |_: &str| Ok(content.to_owned());
        let text = "workload.from = 'a.csv'";
        Scenario::parse("x.toml", text, &[], &read).expect("a scenario").digest
    };
    assert_eq!(digest("at,key\n0,a\n"), digest("at,key\r\n0,a\r\n"));
    assert_ne!(digest("at,key\n0,a\n"), digest("at,key\n0,b\n"));
}

#[test]
fn the_small_version_has_five_messages() {
    assert_eq!(Scenario::default().small().workload.messages, Some(5));
    assert_eq!(loaded("workload.messages = 3", &[]).scenario.small().workload.messages, Some(3));
    let recorded = loaded("workload.from = 'orders.csv'", &[]);
    assert_eq!(recorded.scenario.small().workload.messages, Some(5));
    assert_eq!(recorded.rows.map(|rows| rows.rows.len()), Some(3));
}

/// Every field of every table says what it is.
#[test]
fn the_schema_documents_every_field() {
    let schema = schema();
    assert_eq!(schema["additionalProperties"], false);
    let mut undocumented = BTreeSet::new();
    walk(&schema, "", &mut undocumented);
    assert_eq!(undocumented, BTreeSet::new());
    let text = schema.to_string();
    for name in ["auto.commit.interval.ms", "duplicated", "settle-every-n", "rate_per_second"] {
        assert!(text.contains(name), "{name}");
    }
}

/// What a schema says about settings that it has documented elsewhere.
const CONDITIONS: [&str; 6] = ["allOf", "anyOf", "dependentSchemas", "if", "not", "then"];

fn walk(schema: &serde_json::Value, path: &str, undocumented: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            let tag = property.get("const").is_some();
            if !tag && property.get("description").is_none() {
                undocumented.insert(format!("{path}.{name}"));
            }
        }
    }
    match schema {
        serde_json::Value::Object(map) => {
            let settings = map.iter().filter(|(name, _)| !CONDITIONS.contains(&name.as_str()));
            settings.for_each(|(name, inner)| walk(inner, &format!("{path}.{name}"), undocumented));
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|inner| walk(inner, path, undocumented));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = parse(&text, &[]);
    }

    #[test]
    fn no_toml_like_text_panics(
        text in "([a-z]{1,9}(\\.[a-z]{1,9})? ?= ?[-0-9a-z'\\[\\]{}=., \"]{0,20}\n){0,8}",
    ) {
        let _ = parse(&text, &[]);
    }

    #[test]
    fn no_mutation_panics(
        at in any::<prop::sample::Index>(),
        removed in 0..12_usize,
        inserted in "[-0-9a-z'\\[\\]{}=., \"\n]{0,6}",
        full: bool,
    ) {
        let text = if full { FULL } else { template() };
        let mut characters: Vec<char> = text.chars().collect();
        let start = at.index(characters.len());
        let end = (start + removed).min(characters.len());
        characters.splice(start..end, inserted.chars());
        let mutated: String = characters.into_iter().collect();
        if let Err(problem) = parse(&mutated, &[]) {
            prop_assert!(problem.file != "dir/x.toml" || problem.line > 0, "{problem}");
        }
    }

    #[test]
    fn no_override_panics(path in "[a-z.0-9_]{0,30}", value in "\\PC{0,20}", full: bool) {
        let text = if full { FULL } else { "" };
        let _ = parse(text, &[(&path, &value)]);
    }

    #[test]
    fn no_override_of_a_setting_panics(
        path in prop::sample::select(vec![
            "workload.messages", "workload.keys", "workload.arrivals", "seeds", "models",
            "subscriptions.mailer.service_time", "subscriptions", "faults.settle.request.lost",
            "consumer.prefetch", "log.partitions", "script", "expect.0.lost", "limits.steps",
        ]),
        value in "[-0-9a-z'\\[\\]{}=., \"%/]{0,12}",
    ) {
        let _ = parse(FULL, &[(path, &value)]);
    }
}
