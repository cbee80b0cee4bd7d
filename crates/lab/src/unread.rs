//! Settings that a scenario writes and that none of its strategies reads, or nothing else
//! (`idle`); and scripted faults that never struck.
//!
//! They change nothing, although their author expected them to, so the command line warns of each
//! of them once. It is no mistake: the scenario may be about to be run with another strategy. A
//! setting in a file counts as read if a strategy reads it that the file names or that was asked
//! for; a `--set` only if a strategy that is run reads it.

mod idle;

use entrega_clients::Strategy as S;
use entrega_scenario::ErrorPolicy;

use crate::configuration::Configuration;
use crate::loaded::LoadedScenario;
use crate::run::Run;

/// A warning for every setting that none of the strategies reads, in the order of the file.
pub fn warnings(
    loaded: &LoadedScenario,
    chosen: impl IntoIterator<Item = Configuration>,
) -> Vec<String> {
    let run: Vec<Configuration> = chosen.into_iter().collect();
    let chosen: Vec<S> = run.iter().map(|one| one.strategy).collect();
    let named = loaded.scenario.strategies.iter().chain(&chosen).copied();
    let named: Vec<S> = named.collect();
    let mut unread: Vec<(u32, String)> = Vec::new();
    for written in &loaded.written {
        if let Some((message, help)) = idle::why(loaded, written, &run) {
            let problem = written.problem(message).with_help(help);
            unread.push((problem.line, problem.to_string()));
        }
        let Some(setting) = written.path.strip_prefix("consumer.") else { continue };
        let Some(readers) = readers(setting, loaded.scenario.consumer.on_error) else { continue };
        let asked = if written.is_override { &chosen } else { &named };
        if asked.iter().any(|strategy| readers.contains(strategy)) {
            continue;
        }
        let names: Vec<&str> = readers.iter().map(|one| one.name()).collect();
        let problem = written
            .problem(format!("none of the chosen strategies reads `{}`", written.path))
            .with_help(format!("{} would", names.join(", ")));
        unread.push((problem.line, problem.to_string()));
    }
    unread.sort();
    unread.into_iter().map(|(_, said)| said).collect()
}

/// A warning for every scripted fault that never struck in a run, in the order of the file. Of two
/// that say the same, the later one is it.
pub fn never_struck(run: &Run<'_>) -> Vec<String> {
    let loaded = run.loaded;
    let choices = &run.judged.outcome.choices;
    let mut unused = choices.unused_script();
    let mut said = Vec::new();
    for (index, scripted) in loaded.scenario.scripted().iter().enumerate().rev() {
        let Some(at) = unused.iter().position(|one| one == scripted) else { continue };
        unused.swap_remove(at);
        let place = format!("script.{index}.point");
        let Some(written) = loaded.written.iter().find(|one| one.path == place) else { continue };
        let point = &choices.table()[scripted.point.index()].name;
        let met = choices.occurrences(scripted.point);
        let times = if met == 1 { "once".to_owned() } else { format!("{met} times") };
        let message = format!(
            "this scripted fault never struck: on the {} with {} the run came to `{point}` {times}",
            run.configuration.model, run.configuration.strategy
        );
        said.push(written.problem(message).to_string());
    }
    said.reverse();
    said
}

/// The strategies that read a setting of `[consumer]`; none for one that every strategy reads, on
/// one model at least. `max_attempts` has more readers if errors lead to the dead letters: every
/// strategy that makes another attempt, or has another delivery made, counts them then.
fn readers(setting: &str, on_error: ErrorPolicy) -> Option<Vec<S>> {
    let counted = setting == "max_attempts" && on_error.may_dead_letter();
    let asked = if counted { "retry_backoff" } else { setting };
    let readers: Vec<S> = S::ALL.into_iter().filter(|one| one.reads(asked)).collect();
    (!readers.is_empty()).then_some(readers)
}

#[cfg(test)]
mod tests {
    use entrega::judge;
    use entrega_choice::{Choices, parse_choices};
    use entrega_model::Model;
    use entrega_scenario::points;
    use entrega_sim::Experiment;
    use entrega_sim::digest::Digest;

    use super::*;

    const WORLD: &str = r#"
[workload]
messages = 40
keys = 4
arrivals = { distribution = "constant", rate_per_second = 200 }
[[subscriptions]]
name = "mailer"
consumers = 2
service_time = { distribution = "constant", value = "40ms" }
[log]
partitions = 2
auto_offset_reset = "earliest"
[limits]
steps = 20_000
"#;

    type Set = &'static [(&'static str, &'static str)];

    /// Values other than the defaults, for every setting that some strategy does not read, with the
    /// settings under which they make a difference.
    const SETTINGS: [(&str, &str, Set); 19] = [
        ("settle_every", "3", &[("settle_interval", "1h")]),
        ("settle_interval", "10ms", &[]),
        ("batch_size", "3", &[]),
        ("batch_interval", "10ms", &[]),
        ("batch_sink", "item-by-item", &[]),
        ("batch_on_failure", "dead-letter-item", &[]),
        ("workers", "2", &[]),
        ("key_ordered", "true", &[]),
        ("client", "java", &[]),
        ("enable_auto_commit", "false", &[("auto_commit_interval", "50ms")]),
        ("auto_commit_interval", "50ms", &[]),
        ("on_error", "crash", &[("batch_on_failure", "bisect")]),
        ("retry_backoff", "300ms", &[]),
        ("max_attempts", "1", &[("batch_on_failure", "dead-letter-item")]),
        ("isolation_level", "read-uncommitted", &[]),
        ("transaction_timeout", "10ms", &[]),
        ("transaction_offsets", "after-commit", &[]),
        ("output", "outside", &[]),
        ("worker_lost", "requeue", &[("models", "['queue']")]),
    ];
    /// What only a zombie shows (`crates/sim/tests/transactional.rs`).
    const SHOWN_BY_ZOMBIES: &str = "group_metadata";

    fn digest(model: Model, strategy: S, set: &[(&str, &str)]) -> String {
        let set: Vec<(String, String)> = set
            .iter()
            .map(|&(name, value)| {
                let path = if name == "models" { "" } else { "consumer." };
                (format!("{path}{name}"), value.to_owned())
            })
            .collect();
        let alone = |_: &str| Err(String::new());
        let loaded = LoadedScenario::load("world.toml", WORLD, &set, &alone).expect("a scenario");
        let full = loaded.full();
        let (scenario, workload) = (&full.scenario, full.workload(1));
        let experiment = Experiment { scenario, workload: &workload, model, strategy, seed: 1 };
        let table = points::table(&scenario.subscription_names());
        let faults = "mailer.effect.before#3=crash+mailer.handler.error#5=transient\
                      +mailer.message.poison#9=poison";
        let choices = parse_choices(&table, faults).expect("choices");
        let mut digest = Digest::default();
        judge(&experiment, Choices::explicit(table, choices), &mut digest);
        digest.to_string()
    }

    /// Whether another value of a setting changes a run of a strategy.
    fn matters(strategy: S, setting: &str, value: &str, with: &[(&str, &str)]) -> bool {
        let models = [Model::Log, Model::Queue].into_iter();
        models.filter(|&model| strategy.supports(model)).any(|model| {
            let changed = [with, &[(setting, value)]].concat();
            digest(model, strategy, with) != digest(model, strategy, &changed)
        })
    }

    /// A misspelt setting in a strategy's row would warn of nothing.
    #[test]
    fn every_setting_in_a_row_is_tried_below() {
        for strategy in S::ALL {
            for setting in strategy.spec().reads {
                let tried = SETTINGS.iter().any(|(name, ..)| name == setting);
                assert!(tried || *setting == SHOWN_BY_ZOMBIES, "{strategy} reads `{setting}`");
            }
        }
    }

    #[test]
    fn exactly_the_strategies_that_are_said_to_read_a_setting_do() {
        let mut wrong = Vec::new();
        for (setting, value, with) in SETTINGS {
            let readers = readers(setting, ErrorPolicy::Retry).expect(setting);
            for strategy in S::ALL {
                let expected = readers.contains(&strategy);
                if matters(strategy, setting, value, with) != expected {
                    wrong.push(format!("{strategy} and {setting} = {value}, said: {expected}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
