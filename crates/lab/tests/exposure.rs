//! Crashes by time hit each window as often as their process is in it.
//!
//! Instants are drawn from an exponential distribution without a look at what anybody does, so of n
//! crashes a window with the share p of the time is hit about n·p times. The hits of many runs lie
//! within four standard deviations of that. Crashes at a point are no such crashes: they hit one
//! window alone, and are caught by the same question.

use entrega_checker::{Exposure, Window};
use entrega_lab::{LoadedScenario, Strategy, Sweep};

const SCENARIO: &str = "\
seeds = 40
models = ['queue']
workload = { messages = 200, keys = 4, arrivals = { distribution = 'poisson', rate_per_second = 40 } }
times = { restart = '100ms' }
network = { sink_latency = '5ms' }

[[subscriptions]]
name = 'mailer'
consumers = 2
mtbf = '2s'
service_time = { distribution = 'constant', value = '20ms' }
";

fn exposure(strategy: Strategy) -> Exposure {
    let loaded = LoadedScenario::parse("exposure.toml", SCENARIO).expect("a scenario");
    let sweep = Sweep::of(&loaded, &[strategy]).expect("a sweep");
    let mut sum = Exposure::default();
    sweep.run_with(|runs| {
        let mut worker = runs.worker();
        for number in runs.numbers() {
            let report = worker.run(number);
            sum.merge(
                report.subscriptions[0].exposure.as_ref().expect("consumers that die by time"),
            );
        }
        Vec::new()
    });
    sum
}

/// By how many standard deviations the hits of a window differ from its share of the time.
fn deviation(of: &Exposure, window: Window) -> f64 {
    let exposed = of.windows[&window];
    let (n, share) = (of.crashes as f64, exposed.time_ns as f64 / of.lived_ns as f64);
    (exposed.hits as f64 - n * share) / (n * share * (1.0 - share)).sqrt()
}

#[test]
fn hits_follow_the_share_of_time() {
    for name in ["process-then-settle", "settle-then-process"] {
        let of = exposure(name.parse::<Strategy>().expect("a strategy"));
        assert!(of.crashes > 200, "{of:?}");
        for window in [Window::Idle, Window::BeforeEffect, Window::EffectAsked] {
            assert!(deviation(&of, window).abs() < 4.0, "{name}, {window:?}: {of:?}");
        }
        let mut biased = of.clone();
        let one = biased.windows.get_mut(&Window::BeforeEffect).expect("a window");
        one.hits = of.crashes;
        assert!(deviation(&biased, Window::BeforeEffect) > 4.0, "{biased:?}");
    }
}
