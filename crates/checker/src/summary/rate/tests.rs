//! Intervals worked out by hand, and what may not depend on the order of the runs.

use proptest::prelude::*;

use super::*;

fn of(runs: &[(u64, u64)]) -> Ratio {
    let mut ratio = Ratio::default();
    runs.iter().for_each(|&(events, of)| ratio.add(events, of));
    ratio
}

fn width(runs: &[(u64, u64)]) -> f64 {
    let rate = of(runs).rate();
    rate.high - rate.low
}

#[test]
fn intervals_are_those_computed_by_hand() {
    let check = |runs: &[(u64, u64)], expect: [f64; 3]| {
        let rate = of(runs).rate();
        let found = [rate.estimate, rate.low, rate.high];
        let close = found.iter().zip(expect).all(|(found, expect)| (found - expect).abs() < 1e-6);
        assert!(close, "{runs:?}: {found:?}, not {expect:?}");
    };
    check(&[], [0.0, 0.0, 1.0]);
    check(&[(0, 0), (0, 0)], [0.0, 0.0, 1.0]);
    check(&[(0, 10)], [0.0, 0.0, 1.0]);
    check(&[(1, 10)], [0.1, 0.0, 1.0]);
    check(&[(0, 10); 30], [0.0, 0.0, 0.115_703]);
    check(&[(0, 5), (0, 15), (0, 10), (0, 10)], [0.0, 0.0, 0.903_547]);
    check(&[(10, 10); 30], [1.0, 0.884_297, 1.0]);
}

/// One event in thirty runs of a thousand messages: y = v = w = 1, and v grows by (2.045/1.96)².
/// The bound is then the 97.5 % quantile of the gamma distribution with mean 2 and variance 2.089,
/// 5.65 events. One event in as many runs of one message each is nearly that.
#[test]
fn the_first_event_says_how_large_an_incident_is() {
    let once = |of| {
        let mut runs = [(0, of); 30];
        runs[7].0 = 1;
        runs
    };
    let bound = |runs: &[(u64, u64)], messages: f64| of(runs).rate().high * messages;
    assert!((bound(&once(1_000), 30_000.0) - 5.65).abs() < 0.02);
    let (none, one) = (bound(&[(0, 1); 30], 30.0), bound(&once(1), 30.0));
    assert!(none > 3.4 && none < one && one < 5.7, "{none} {one}");
}

/// One crash that duplicates ten neighbours is one observation, not ten: runs with clustered
/// events have a wider interval than runs with as many spread evenly.
#[test]
fn clustered_events_widen_the_interval() {
    let mut clustered = [(0, 100); 20];
    (clustered[3].0, clustered[11].0) = (10, 10);
    let spread = [(1, 100); 20];
    assert_eq!(of(&clustered).rate().estimate, of(&spread).rate().estimate);
    assert!(width(&clustered) > 2.0 * width(&spread));
}

/// Equal shares in a few runs do not show that all runs have them.
#[test]
fn equal_runs_are_not_certain() {
    assert!(width(&[(1, 10), (1, 10)]) > 0.2);
    assert!(width(&[(500, 1_000); 30]) > 0.01);
    assert!(width(&[(500, 1_000); 30]) < 0.012);
}

/// The interval of the others, turned round.
#[test]
fn an_anomaly_of_nearly_all_has_the_interval_of_those_without_it() {
    let few = [(0, 100), (3, 90), (1, 110), (0, 100), (2, 95)];
    let most = few.map(|(events, of)| (of - events, of));
    let (few, most) = (of(&few).rate(), of(&most).rate());
    assert!((few.low - (1.0 - most.high)).abs() < 1e-12, "{few:?} {most:?}");
    assert!((few.high - (1.0 - most.low)).abs() < 1e-12, "{few:?} {most:?}");
    assert!(few.high - few.estimate > few.estimate - few.low, "skewed away from zero");
}

#[test]
fn runs_without_messages_say_nothing() {
    assert_eq!(of(&[(0, 0), (0, 10), (0, 0), (0, 10)]), of(&[(0, 10), (0, 10)]));
}

fn some_runs(largest: u64) -> impl Strategy<Value = Vec<(u64, u64)>> {
    let run = (0..=largest).prop_flat_map(|of| (0..=of, Just(of)));
    prop::collection::vec(run, 0..40)
}

proptest! {
    #[test]
    fn the_estimate_is_in_the_interval(runs in some_runs(1_000), huge in some_runs(1 << 50)) {
        for rate in [of(&runs).rate(), of(&huge).rate()] {
            prop_assert!(0.0 <= rate.low && rate.low <= rate.estimate, "{rate:?}");
            prop_assert!(rate.estimate <= rate.high && rate.high <= 1.0, "{rate:?}");
        }
    }

    /// The estimate lies inside by itself, not because it is put there at the end.
    #[test]
    fn the_interval_surrounds_the_estimate(runs in some_runs(3)) {
        let ratio = of(&runs);
        let (low, high) = ratio.interval();
        let estimate = ratio.rate().estimate;
        prop_assert!(low <= estimate && estimate <= high, "{low} {estimate} {high}");
    }

    #[test]
    fn the_order_of_runs_does_not_matter(mut runs in some_runs(1_000)) {
        let forwards = of(&runs);
        runs.reverse();
        prop_assert_eq!(forwards, of(&runs));
        prop_assert_eq!(forwards.rate(), of(&runs).rate());
    }

    #[test]
    fn runs_without_events_never_raise_the_estimate(
        runs in some_runs(1_000),
        more in some_runs(1_000),
    ) {
        let mut ratio = of(&runs);
        let before = ratio.rate().estimate;
        for (_, of) in more {
            ratio.add(0, of);
            prop_assert!(ratio.rate().estimate <= before);
        }
    }

    #[test]
    fn rounding_agrees_with_integers(runs in some_runs(1_000)) {
        let ratio = of(&runs);
        let (exact, rough) = (ratio.exact_squares().unwrap(), ratio.rough_squares());
        let scale = ratio.of_squared as f64 * ratio.of as f64 * ratio.of as f64;
        prop_assert!((exact - rough).abs() <= scale * 1e-12, "{exact} {rough}");
    }

    /// The sum of squares from its definition, run by run.
    #[test]
    fn sums_of_squares_are_those_of_the_definition(runs in some_runs(1_000)) {
        let ratio = of(&runs);
        let (x, y) = (i128::from(ratio.of), i128::from(ratio.events));
        let square = |&(events, of): &(u64, u64)| {
            let residual = x * i128::from(events) - y * i128::from(of);
            residual * residual
        };
        let expect: i128 = runs.iter().map(square).sum();
        prop_assert_eq!(ratio.exact_squares(), Some(expect as f64));
    }
}
