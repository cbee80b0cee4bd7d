//! A share of messages with its 95 % interval over runs.
//!
//! > **The rule.** One crash duplicates up to N neighbours, so messages are not independent; runs
//! > are. With yᵢ events among xᵢ messages in run i, the estimate is R = Σy/Σx, and the variance of
//! > its numerator is n/(n−1) · Σ(yᵢ−R·xᵢ)². From these two the gamma interval of [`interval`] is
//! > made, cut to [0, 1]. Where more than half of the messages have the anomaly, it is the
//! > interval of those that do not have it, turned round.
//!
//! The estimate and its variance: W. G. Cochran, *Sampling Techniques*, chapter 6. Sums stay
//! integers: with X = Σx, Y = Σy the sum of squares is
//! (X·(X·Σy² − Y·Σxy) − Y·(X·Σxy − Y·Σx²)) / X², and only that fraction becomes a floating-point
//! number, so that the order of the runs does not matter and the bytes are the same everywhere.
//!
//! **When to trust it.** In `coverage.rs`, for 30 runs with 2 to 90 expected incidents of one
//! message or of one to ten, it contains the expectation in 94.8 to 99.0 % of all cases, misses it
//! on neither side in more than 3.8 %, and is 1.35 times as wide as ±1.96 true standard errors at
//! most.
//! From two to ten runs it is wider, and contains it in 95 % or more. No interval knows what it
//! has not seen: where one incident in ten is fifty times as large as the others, it contains the
//! expectation in 31 to 45 % with 2 to 6 expected incidents, in 58 % with 9, 94 % with 30 and
//! 96 % with 90, and is too low otherwise. Only more runs help.

use serde::{Serialize, Serializer};

use super::interval::{self, Counted};

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod tests;

/// A share of messages in many runs, and what is known about its expectation.
///
/// The interval is a gamma interval over runs; `docs/semantics.md`, 5.6, point 11, says how it is
/// made, how often it contains the expectation, and where it does not: incidents much larger than
/// all that were seen.
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
    /// Without any event in n runs nothing is known of how many messages an incident would hit; at
    /// worst it is all messages of a run. The bound is then that on the *probability that a run
    /// shows any event at all*, 1 − 0.025^(1/n), about 3.7/n: were it larger, n clean runs in a row
    /// would have a chance below 2.5 %. (With runs of different size it is that much larger as the
    /// largest is larger than the mean.) The first event says how large an incident is, and the
    /// bound falls. With fewer than two runs nothing is known of the variance: `[0, 1]`.
    pub high: f64,
}

/// The sums from which a rate is computed; prints as the [`Rate`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ratio {
    runs: u64,
    events: u64,
    of: u64,
    /// The messages of the largest run.
    largest: u64,
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
        self.largest = self.largest.max(of);
        self.events_squared = self.events_squared.saturating_add(y * y);
        self.of_squared = self.of_squared.saturating_add(x * x);
        self.products = self.products.saturating_add(x * y);
    }

    /// Estimate and interval.
    pub(super) fn rate(&self) -> Rate {
        let Self { runs, events, of, .. } = *self;
        let estimate = if of == 0 { 0.0 } else { (events as f64 / of as f64).min(1.0) };
        let (low, high) = self.interval();
        Rate { events, of, runs, estimate, low: low.min(estimate), high: high.max(estimate) }
    }

    fn interval(&self) -> (f64, f64) {
        let others = self.of.saturating_sub(self.events);
        if self.runs < 2 || self.of == 0 {
            (0.0, 1.0)
        } else if self.events <= others {
            self.interval_of(self.events)
        } else {
            let (low, high) = self.interval_of(others);
            (1.0 - high, 1.0 - low)
        }
    }

    /// The interval of the share of `counted` messages: those with the anomaly, or all others,
    /// whose variance is the same.
    fn interval_of(&self, counted: u64) -> (f64, f64) {
        let of = self.of as f64;
        if counted == 0 {
            let size = self.runs as f64 * self.largest as f64 / of;
            return (0.0, (interval::without_any(self.runs) * size).min(1.0));
        }
        let counted = Counted { events: counted as f64, of, variance: self.variance() };
        let (low, high) = counted.interval(self.runs);
        (low / of, (high / of).min(1.0))
    }

    /// The variance of the number of events; there are two runs at least and a message.
    fn variance(&self) -> f64 {
        let (runs, of) = (self.runs as f64, self.of as f64);
        let squares = self.exact_squares().unwrap_or_else(|| self.rough_squares()).max(0.0);
        runs / (runs - 1.0) * (squares / of / of)
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
