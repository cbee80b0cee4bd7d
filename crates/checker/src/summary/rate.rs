//! A share of messages with its 95 % interval over runs.
//!
//! > **The rule.** One crash duplicates up to N neighbours, so messages are not independent; runs
//! > are. With yᵢ events among xᵢ messages in run i, the ratio estimator is R = Σy/Σx, its standard
//! > error √(n/(n−1) · Σ(yᵢ−R·xᵢ)²) / Σx, and the interval R ± t·error with Student's t for n−1
//! > degrees of freedom, cut to [0, 1].
//!
//! The estimator: W. G. Cochran, *Sampling Techniques*, chapter 6. Sums stay integers: with
//! X = Σx, Y = Σy the sum of squares is (X·(X·Σy² − Y·Σxy) − Y·(X·Σxy − Y·Σx²)) / X², and only that
//! fraction becomes a floating-point number, so that runs whose shares are equal have an error of
//! exactly zero and the bytes are the same everywhere.

use serde::{Serialize, Serializer};

use super::student;

/// A share of messages in many runs, and what is known about its expectation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Messages with the anomaly, in all runs.
    pub events: u64,
    /// Messages that could have had it, in all runs.
    pub of: u64,
    /// Runs with at least one such message; the others say nothing.
    pub runs: u64,
    /// `events / of`; 0 if there was no message.
    pub estimate: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    ///
    /// Without any event in n runs it is 3/n (at most 1), the rule of three. That bounds the
    /// *probability that a run shows any event at all*: were it larger, n clean runs in a row would
    /// have a chance below 5 %. No run's share exceeds 1, so that the mean share of a run is below
    /// this bound too. With fewer than two runs nothing is known of the variance: `[0, 1]`.
    pub high: f64,
}

/// The sums from which a rate is computed; prints as the [`Rate`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ratio {
    runs: u64,
    events: u64,
    of: u64,
    events_squared: u128,
    of_squared: u128,
    products: u128,
}

impl Ratio {
    /// Adds a run with `events` among `of` messages.
    pub(super) fn add(&mut self, events: u64, of: u64) {
        if of == 0 && events == 0 {
            return;
        }
        let (y, x) = (u128::from(events), u128::from(of));
        self.runs += 1;
        self.events += events;
        self.of += of;
        self.events_squared = self.events_squared.saturating_add(y * y);
        self.of_squared = self.of_squared.saturating_add(x * x);
        self.products = self.products.saturating_add(x * y);
    }

    /// Estimate and interval.
    pub(super) fn rate(&self) -> Rate {
        let Self { runs, events, of, .. } = *self;
        let known = |estimate, low, high| Rate { events, of, runs, estimate, low, high };
        if of == 0 || runs == 0 {
            return known(0.0, 0.0, 1.0);
        }
        if events == 0 {
            return known(0.0, 0.0, (3.0 / runs as f64).min(1.0));
        }
        let estimate = (events as f64 / of as f64).min(1.0);
        if runs == 1 {
            return known(estimate, 0.0, 1.0);
        }
        let margin = student::quantile(runs - 1) * self.standard_error();
        known(estimate, (estimate - margin).max(0.0), (estimate + margin).min(1.0))
    }

    /// The standard error of the estimate; there are two runs at least and a message.
    fn standard_error(&self) -> f64 {
        let (runs, of) = (self.runs as f64, self.of as f64);
        let squares = self.exact_squares().unwrap_or_else(|| self.rough_squares()).max(0.0);
        libm::sqrt(runs / (runs - 1.0) * squares) / of / of
    }

    /// X² · Σ(yᵢ−R·xᵢ)², computed in integers; `None` if they are too large for that.
    fn exact_squares(&self) -> Option<f64> {
        let (x, y) = (i128::from(self.of), i128::from(self.events));
        let events_squared = i128::try_from(self.events_squared).ok()?;
        let of_squared = i128::try_from(self.of_squared).ok()?;
        let products = i128::try_from(self.products).ok()?;
        let cross = |a: i128, b: i128| x.checked_mul(a)?.checked_sub(y.checked_mul(b)?);
        let squares = cross(cross(events_squared, products)?, cross(products, of_squared)?)?;
        Some(squares as f64)
    }

    /// The same with rounding.
    fn rough_squares(&self) -> f64 {
        let (x, y) = (self.of as f64, self.events as f64);
        let cross = |a: f64, b: f64| x * a - y * b;
        let products = self.products as f64;
        cross(cross(self.events_squared as f64, products), cross(products, self.of_squared as f64))
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rate().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(runs: &[(u64, u64)]) -> Ratio {
        let mut ratio = Ratio::default();
        runs.iter().for_each(|&(events, of)| ratio.add(events, of));
        ratio
    }

    #[test]
    fn intervals_are_those_computed_by_hand() {
        let check = |runs: &[(u64, u64)], expect: [f64; 3]| {
            let rate = of(runs).rate();
            let found = [rate.estimate, rate.low, rate.high];
            let close =
                found.iter().zip(expect).all(|(found, expect)| (found - expect).abs() < 1e-6);
            assert!(close, "{runs:?}: {found:?}, not {expect:?}");
        };
        check(&[], [0.0, 0.0, 1.0]);
        check(&[(0, 0), (0, 0)], [0.0, 0.0, 1.0]);
        check(&[(0, 10)], [0.0, 0.0, 1.0]);
        check(&[(1, 10)], [0.1, 0.0, 1.0]);
        check(&[(0, 10); 30], [0.0, 0.0, 0.1]);
        check(&[(1, 10), (0, 10), (2, 10), (1, 10)], [0.1, 0.0, 0.229_923]);
        check(&[(1, 10), (3, 20)], [0.133_333, 0.0, 0.415_693]);
        check(&[(50, 100), (52, 100), (48, 100), (50, 100)], [0.5, 0.474_015, 0.525_985]);
        check(&[(1, 3), (2, 6), (5, 15)], [0.333_333, 0.333_333, 0.333_333]);
    }

    /// One crash that duplicates ten neighbours is one observation, not ten: runs with clustered
    /// events have a wider interval than runs with as many spread evenly.
    #[test]
    fn clustered_events_widen_the_interval() {
        let width = |ratio: Ratio| ratio.rate().high - ratio.rate().low;
        let mut clustered = [(0, 100); 20];
        (clustered[3].0, clustered[11].0) = (10, 10);
        let spread = [(1, 100); 20];
        assert_eq!(of(&clustered).rate().estimate, of(&spread).rate().estimate);
        assert_eq!(width(of(&spread)), 0.0);
        assert!(width(of(&clustered)) > 0.01);
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

        #[test]
        fn the_order_of_runs_does_not_matter(mut runs in some_runs(1_000)) {
            let forwards = of(&runs);
            runs.reverse();
            prop_assert_eq!(forwards, of(&runs));
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
}
