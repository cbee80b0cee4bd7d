//! The 95 % interval of a count of events that come in clusters.
//!
//! > **The rule.** Let y be the events, v their variance and w how many events one more incident
//! > would add. The lower end is the 2.5 % quantile of the gamma distribution with mean y and
//! > variance v; the upper end is the 97.5 % quantile of the one with mean y+w and variance v+w².
//! > If every incident is one event, v = y and w = 1, and this is the exact interval of a Poisson
//! > count (Garwood's).
//!
//! Source: M. P. Fay and E. J. Feuer, "Confidence intervals for directly standardized rates: a
//! method based on the gamma distribution", *Statistics in Medicine* 16 (1997) 791–801, where y is
//! a weighted sum of Poisson counts and w the largest weight. Events of a run come in incidents
//! whose sizes are not reported, so v and w are estimated:
//!
//! * **w = v/y**, at least 1. For incidents that strike independently it is E\[s²\]/E\[s\], the
//!   size of the incident to which an average event belongs. The largest number of events in a run
//!   is no better for few incidents, and too wide for many, when a run has several.
//! * **v grows by (t/1.96)²** with [Student's t](super::student): it is itself an estimate, from n
//!   runs. For large counts the interval becomes y ± t·√v, the usual one.
//! * **v is at least y·(1−y/x)**, the variance of messages that are independent of each other:
//!   that a few runs happen to have equal shares does not show that all have.

use super::gamma::{self, End};
use super::student;

/// Events that come in clusters, among `of` messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    /// How many, more than none.
    pub events: f64,
    /// Among so many.
    pub of: f64,
    /// Of the events, as estimated between runs.
    pub variance: f64,
}

impl Counted {
    /// Lower and upper end for the expected number of events; the variance is from `runs` runs.
    pub(super) fn interval(&self, runs: u64) -> (f64, f64) {
        let Self { events, of, variance } = *self;
        let incident = (variance / events).max(1.0);
        let wider = student::quantile(runs - 1) / student::NORMAL;
        let independent = events * (1.0 - events / of);
        let variance = (variance * wider * wider).max(independent);
        let low = quantile(End::Low, events, variance);
        let high = quantile(End::High, events + incident, variance + incident * incident);
        (low, high)
    }
}

/// Without an event in `runs` runs: the probability that a run has any is at most this.
pub(super) fn without_any(runs: u64) -> f64 {
    1.0 - libm::pow(0.025, 1.0 / runs as f64)
}

/// Of the gamma distribution with this mean and variance.
fn quantile(end: End, mean: f64, variance: f64) -> f64 {
    variance / mean * gamma::quantile(end, mean / variance * mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: (f64, f64), expect: (f64, f64)) -> bool {
        (found.0 - expect.0).abs() < 0.001 && (found.1 - expect.1).abs() < 0.001
    }

    /// The exact limits of a Poisson count: F. Garwood, "Fiducial limits for the Poisson
    /// distribution", *Biometrika* 28 (1936) 437–442.
    #[test]
    fn single_events_have_the_exact_interval_of_a_poisson_count() {
        let check = |events: f64, expect| {
            let many = Counted { events, of: 1e15, variance: events }.interval(u64::MAX);
            assert!(close(many, expect), "{events}: {many:?}");
        };
        check(1.0, (0.025, 5.572));
        check(2.0, (0.242, 7.225));
        check(3.0, (0.619, 8.767));
        check(5.0, (1.623, 11.668));
        check(10.0, (4.795, 18.390));
        check(20.0, (12.217, 30.888));
    }

    /// Ten incidents of five events each are ten incidents, with five times their interval.
    #[test]
    fn incidents_scale_their_interval() {
        let single = Counted { events: 10.0, of: 1e15, variance: 10.0 }.interval(u64::MAX);
        let fives = Counted { events: 50.0, of: 1e15, variance: 250.0 }.interval(u64::MAX);
        assert!(close(fives, (5.0 * single.0, 5.0 * single.1)), "{fives:?}");
    }

    /// What the interval becomes for many incidents.
    #[test]
    fn many_incidents_have_the_interval_of_a_normal_estimate() {
        let (low, high) = Counted { events: 1e9, of: 1e15, variance: 4e9 }.interval(11);
        let margin = 2.228_139 * libm::sqrt(4e9);
        assert!(((1e9 - low) / margin - 1.0).abs() < 1e-3, "{low}");
        assert!(((high - 1e9) / margin - 1.0).abs() < 1e-3, "{high}");
    }

    #[test]
    fn clean_runs_bound_the_share_of_runs() {
        let check = |runs, expect: f64| assert!((without_any(runs) - expect).abs() < 5e-4);
        check(2, 0.842);
        check(4, 0.602);
        check(10, 0.308);
        check(30, 0.116);
        check(1_000, 0.0037);
    }
}
