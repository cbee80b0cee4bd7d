//! Profiles as scenarios use them, and what is said about mistakes in them.

use super::*;
use crate::{IsolationLevel, Loaded, Scenario};

const OWN: &str = "title = 'Mine'\nmodel = 'queue'\nversions = 'mine'\ninherits = 'jetstream'\n\
    [queue.visibility_timeout]\nvalue = '5s'\nsource = 'my own'\n";

fn load(text: &str, set: &[(&str, &str)]) -> Result<Loaded, Problem> {
    let set: Vec<(String, String)> =
        set.iter().map(|&(path, value)| (path.to_owned(), value.to_owned())).collect();
    let read = |name: &str| match name {
        "./mine.toml" => Ok(OWN.to_owned()),
        "./loop.toml" => Ok(OWN.replace("jetstream", "./loop.toml")),
        "./typo.toml" => Ok(OWN.replace("visibility_timeout", "visiblity_timeout")),
        "./bare.toml" => Ok(OWN.replace("source = 'my own'\n", "")),
        _ => Err("no such file".to_owned()),
    };
    Scenario::parse("of.toml", text, &set, &read)
}

/// Every one that comes with the program is valid, has a source for each setting, and makes a
/// scenario of its model.
#[test]
fn each_profile_makes_a_scenario() {
    for name in NAMES {
        let profile = Profile::builtin(name).unwrap_or_else(|| panic!("{name}"));
        assert!(profile.settings.len() > 3, "{name}");
        let facts = profile.settings.values().chain(profile.not_modelled.values());
        assert!(facts.into_iter().all(|fact| fact.source.len() > 3), "{name}");
        let loaded = load(&format!("profile = '{name}'\n"), &[]);
        let loaded = loaded.unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(loaded.scenario.models, [profile.model], "{name}");
        assert!(loaded.written.iter().all(|one| one.path == "profile"), "{:?}", loaded.written);
    }
}

#[test]
fn a_scenario_overrides_its_profile() {
    let lease = |text: &str, set: &[(&str, &str)]| {
        let loaded = load(text, set).unwrap_or_else(|problem| panic!("{problem}"));
        loaded.scenario.queue.visibility_timeout.to_string()
    };
    let own = "profile = 'jetstream'\n[queue]\nvisibility_timeout = '7s'\n";
    assert_eq!(lease("profile = 'jetstream'\n", &[]), "30s");
    assert_eq!(lease(own, &[]), "7s");
    assert_eq!(lease(own, &[("queue.visibility_timeout", "9s")]), "9s");
    assert_eq!(lease("", &[("profile", "./mine.toml")]), "5s");
    let both = "profile = 'rabbitmq-quorum'\n[queue]\nvisibility_timeout = '7s'\n";
    let leased = load(both, &[]).expect("a lease in place of a consumer timeout").scenario;
    assert_eq!(
        (leased.queue.lease().to_string().as_str(), leased.queue.consumer_timeout),
        ("7s", None)
    );
    let expects = "profile = 'kafka'\n[[expect]]\nmodel = 'queue'\nlost = 0\n";
    assert!(load(expects, &[]).expect("a scenario").scenario.expect.is_empty());
    let other = load(own, &[("profile", "redis-streams")]).expect("a scenario").scenario;
    assert!(!other.queue.requeue_on_disconnect);
}

#[test]
fn what_is_inherited_can_be_changed() {
    let classic = Profile::builtin("rabbitmq-classic").expect("a profile");
    let quorum = Profile::builtin("rabbitmq-quorum@4.2").expect("a profile");
    let value = |of: &Profile, path: &str| of.settings.get(path).map(|one| one.value.to_string());
    for path in ["queue.repeated_settle", "queue.visibility_timeout"] {
        assert_eq!(value(&classic, path), value(&quorum, path));
    }
    let position = "queue.requeue_position";
    assert_ne!(value(&classic, position), value(&quorum, position));
    assert_eq!(value(&quorum, "queue.limit_counts").as_deref(), Some("[\"delivery\"]"));
    let newer = Profile::builtin("rabbitmq-quorum").expect("a profile");
    let counted = value(&newer, "queue.limit_counts");
    assert_eq!(counted.as_deref(), Some("[\"reject\", \"disconnect\"]"));
}

#[test]
fn mistakes_say_what_would_be_valid() {
    let check = |text: &str, parts: &[&str]| {
        let said = load(text, &[]).map(|_| ()).expect_err(text).to_string();
        for part in parts {
            assert!(said.contains(part), "{part}\n{said}");
        }
    };
    check("profile = 'rabbit'", &["of.toml:1:1", "`rabbit`", "rabbitmq-quorum", "./mine.toml"]);
    check("profile = './none.toml'", &["of.toml:1:1", "./none.toml", "no such file"]);
    check("profile = './loop.toml'", &["more than 8"]);
    check("profile = './typo.toml'", &["./typo.toml", "visiblity_timeout"]);
    check("profile = './bare.toml'", &["./bare.toml", "source"]);
    check("profile = 'kafka'\nmodels = ['queue']", &["of.toml:2:1", "kafka", "log"]);
}

/// A client's settings stand below the scenario's and above those of the system.
#[test]
fn a_client_stands_between_scenario_and_profile() {
    let of = |text: &str| load(text, &[]).unwrap_or_else(|problem| panic!("{problem}")).scenario;
    let isolation = |text: &str| of(text).consumer.isolation_level;
    assert_eq!(isolation("client = 'java'"), IsolationLevel::ReadUncommitted);
    assert_eq!(isolation("client = 'librdkafka'"), IsolationLevel::ReadCommitted);
    assert_eq!(isolation("profile = 'kafka'"), IsolationLevel::ReadUncommitted);
    let both = "profile = 'kafka'\nclient = 'librdkafka'\n";
    assert_eq!(isolation(both), IsolationLevel::ReadCommitted);
    assert!(!of(both).producer.enable_idempotence);
    let own = format!("{both}[consumer]\nisolation_level = 'read-uncommitted'");
    assert_eq!(isolation(&own), IsolationLevel::ReadUncommitted);
    assert_eq!(of("client = 'java'").models, [Model::Log]);
    for name in CLIENTS {
        let profile = Profile::builtin(name).expect("a client");
        let facts = profile.settings.values().chain(profile.not_modelled.values());
        assert!(facts.into_iter().all(|fact| fact.source.len() > 3), "{name}");
    }
}

/// Java's producer is idempotent unless it is told what it cannot be combined with.
#[test]
fn idempotence_gives_way_to_what_rules_it_out() {
    let is_idempotent = |producer: &str| {
        let text = format!("client = 'java'\n[producer]\n{producer}");
        let loaded = load(&text, &[]).unwrap_or_else(|problem| panic!("{problem}"));
        loaded.scenario.producer.enable_idempotence
    };
    assert!(is_idempotent(""));
    assert!(is_idempotent("max_in_flight = 5\nretries = 1"));
    for ruled_out in ["strategy = 'fire-and-forget'", "retries = 0", "max_in_flight = 6"] {
        assert!(!is_idempotent(ruled_out), "{ruled_out}");
    }
}

#[test]
fn a_system_is_no_client() {
    let said = |text: &str| load(text, &[]).map(|_| ()).expect_err(text).to_string();
    assert!(said("client = 'kafka'").contains("java, librdkafka"));
    assert!(said("client = 'java'\nmodels = ['queue']").contains("log"));
}

/// What a profile sets, a scenario may leave out; without a profile the word says nothing.
#[test]
fn none_leaves_out_what_a_profile_sets() {
    let of = |text: &str| load(text, &[]).unwrap_or_else(|problem| panic!("{problem}")).scenario;
    let limit = |text: &str| of(text).queue.delivery_limit;
    assert_eq!(limit("profile = 'rabbitmq-quorum'"), Some(21));
    let none = "[queue]\ndelivery_limit = 'none'";
    assert_eq!(limit(&format!("profile = 'rabbitmq-quorum'\n{none}")), None);
    assert_eq!(limit(none), None);
    let timeout = |set: &str| {
        let text = format!("profile = 'rabbitmq-quorum'\n[queue]\n{set}");
        of(&text).queue.consumer_timeout
    };
    assert!(timeout("").is_some() && timeout("consumer_timeout = 'none'").is_none());
    let window =
        |set: &str| of(&format!("profile = 'jetstream'\n[queue]\n{set}")).queue.dedup_window;
    assert!(window("").is_some() && window("dedup_window = 'none'").is_none());
    let by_override = [("queue.delivery_limit", "none")];
    let loaded = load("profile = 'rabbitmq-quorum'", &by_override).expect("a scenario");
    assert_eq!(loaded.scenario.queue.delivery_limit, None);
    let refused = load("[queue]\ndelivery_limit = 'never'", &[]).map(|_| ());
    let said = refused.expect_err("no number").to_string();
    assert!(said.contains("a whole number from 1 to 60000, or \"none\""), "{said}");
}
