//! Sentences about runs in which everything goes wrong by chance: there is always a reason to tell.

use super::*;

const FAULTS: &[(&str, &str)] = &[
    ("workload.messages", "40"),
    ("faults.send.response.lost", "1/20"),
    ("faults.effect.before.crash", "1/20"),
    ("faults.effect.after.crash", "1/20"),
    ("faults.settle.after.crash", "1/20"),
    ("faults.settle.request.lost", "1/20"),
    ("faults.settle.response.lost", "1/20"),
    ("faults.effect.response.lost", "1/30"),
    ("faults.process.stall.before", "1/30"),
    ("faults.process.stall.after", "1/30"),
    ("faults.handler.slow.slow", "1/30"),
    ("faults.handler.error.transient", "1/10"),
    ("faults.message.poison.poison", "1/40"),
    ("faults.broker.restart.restart", "1/200"),
    ("consumer.on_error", "dead-letter"),
];

/// What is said when no reason is found.
const SILENCE: [&str; 3] = ["no event says", "nothing can bring it back", "in its turn"];

#[test]
fn every_anomaly_has_a_reason() {
    let mut stories = 0;
    for &strategy in Strategy::CORE {
        let runs = (1..=12).flat_map(|seed| [(Log, seed), (Queue, seed)]);
        for (model, seed) in runs.filter(|(model, _)| strategy.supports(*model)) {
            for story in random(model, strategy, seed) {
                let said = SILENCE.iter().all(|silence| !story.contains(silence));
                assert!(said, "{model} {strategy} {seed}: {story}");
                assert!(story.ends_with('.'), "{story}");
                stories += 1;
            }
        }
    }
    assert!(stories > 300, "only {stories} anomalies");
}

fn random(model: Model, strategy: Strategy, seed: u64) -> Vec<String> {
    let scenario = scenario(FAULTS);
    stories(&scenario, model, strategy, seed, |experiment| experiment.random_choices())
}
