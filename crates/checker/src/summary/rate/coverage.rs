//! How often the interval contains the expectation, where the expectation is known.
//!
//! Method: a block is some runs of a thousand messages. Incidents strike as a Poisson process, and
//! each hits messages by a law of sizes, so that the expected share is known exactly. Over ten
//! thousand blocks, the interval should miss it as often as it says, on neither side much more,
//! and be no wider than that takes. The intervals that it replaces are caught by the same
//! criteria: Student's, which is symmetric, and Wilson's, for which messages are independent.
//!
//! A block in which nothing happened counts for coverage and not for the width: there the bound is
//! one on the share of runs, and as wide as a run is large.
//!
//! `cargo test -p entrega-checker coverage -- --nocapture` prints the figures.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::Ratio;
use crate::summary::student;

const MESSAGES: u64 = 1_000;
const BLOCKS: u32 = 10_000;

/// How many messages an incident hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sizes {
    /// Always one.
    One,
    /// One to ten, equally likely.
    OneToTen,
    /// One in ten incidents hits fifty messages, the others one.
    RarelyFifty,
}

impl Sizes {
    const ALL: [Self; 2] = [Self::One, Self::OneToTen];

    fn draw(self, random: &mut Random) -> u64 {
        match self {
            Self::One => 1,
            Self::OneToTen => 1 + random.below(10),
            Self::RarelyFifty => {
                if random.below(10) == 0 {
                    50
                } else {
                    1
                }
            }
        }
    }

    /// The mean of the size and of its square.
    fn moments(self) -> (f64, f64) {
        match self {
            Self::One => (1.0, 1.0),
            Self::OneToTen => (5.5, 38.5),
            Self::RarelyFifty => (5.9, 250.9),
        }
    }
}

struct Random(Xoshiro256PlusPlus);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// By multiplying until it is too small: D. E. Knuth, *The Art of Computer Programming* 2,
    /// 3.4.1.
    fn poisson(&mut self, mean: f64) -> u32 {
        let end = libm::exp(-mean);
        let (mut count, mut product) = (0, self.unit());
        while product > end {
            count += 1;
            product *= self.unit();
        }
        count
    }
}

/// What strikes in a block.
#[derive(Clone, Copy, Debug)]
struct Case {
    runs: u32,
    /// Expected in all runs together.
    incidents: f64,
    sizes: Sizes,
}

impl Case {
    fn block(self, random: &mut Random) -> Ratio {
        let mut ratio = Ratio::default();
        for _ in 0..self.runs {
            let incidents = random.poisson(self.incidents / f64::from(self.runs));
            let events = (0..incidents).map(|_| self.sizes.draw(random)).sum();
            ratio.add(events, MESSAGES);
        }
        ratio
    }

    fn messages(self) -> f64 {
        f64::from(self.runs) * MESSAGES as f64
    }

    fn expected(self) -> f64 {
        self.incidents * self.sizes.moments().0 / self.messages()
    }

    /// ±1.96 true standard errors.
    fn ideal_width(self) -> f64 {
        2.0 * student::NORMAL * libm::sqrt(self.incidents * self.sizes.moments().1)
            / self.messages()
    }

    fn measure(self, blocks: u32, interval: Interval) -> Coverage {
        let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(1));
        let (mut above, mut below, mut widths, mut wide) = (0_u32, 0_u32, 0.0, 0_u32);
        for _ in 0..blocks {
            let ratio = self.block(&mut random);
            let (low, high) = interval(&ratio);
            above += u32::from(self.expected() > high);
            below += u32::from(self.expected() < low);
            if ratio.events > 0 {
                widths += high - low;
                wide += 1;
            }
        }
        let percent = |count| 100.0 * f64::from(count) / f64::from(blocks);
        Coverage {
            above: percent(above),
            below: percent(below),
            width: widths / f64::from(wide) / self.ideal_width(),
        }
    }
}

type Interval = fn(&Ratio) -> (f64, f64);

/// What became of the blocks of a case.
#[derive(Clone, Copy, Debug)]
struct Coverage {
    /// Percent in which the expectation is above the interval.
    above: f64,
    /// Percent in which it is below.
    below: f64,
    /// The mean width, in ±1.96 true standard errors.
    width: f64,
}

impl Coverage {
    fn covered(self) -> f64 {
        100.0 - self.above - self.below
    }

    /// What is asked of an interval for 30 runs.
    fn is_good(self) -> bool {
        (93.5..=99.2).contains(&self.covered())
            && self.above <= 5.5
            && self.below <= 5.5
            && self.width <= 1.4
    }

    fn print(self, case: Case, name: &str) {
        let Case { runs, incidents, sizes } = case;
        say(format_args!(
            "{name:<8} {runs:>2} runs, {incidents:>2} incidents, {sizes:?}: covered {:.1} %, \
             above {:.1} %, below {:.1} %, width {:.2}",
            self.covered(),
            self.above,
            self.below,
            self.width
        ));
    }
}

#[expect(clippy::print_stderr, reason = "figures that somebody asked for with --nocapture")]
fn say(line: std::fmt::Arguments<'_>) {
    eprintln!("{line}");
}

fn gamma(ratio: &Ratio) -> (f64, f64) {
    let rate = ratio.rate();
    (rate.low, rate.high)
}

/// What the checker reported before: symmetric, and the rule of three.
fn students(ratio: &Ratio) -> (f64, f64) {
    if ratio.events == 0 {
        return (0.0, 3.0 / ratio.runs as f64);
    }
    let margin = student::quantile(ratio.runs - 1) * libm::sqrt(ratio.variance());
    let (events, of) = (ratio.events as f64, ratio.of as f64);
    ((events - margin).max(0.0) / of, (events + margin) / of)
}

/// Wilson's score interval, as if messages were independent.
fn wilsons(ratio: &Ratio) -> (f64, f64) {
    let (of, z) = (ratio.of as f64, student::NORMAL);
    let share = ratio.events as f64 / of;
    let middle = share + z * z / (2.0 * of);
    let margin = z * libm::sqrt(share * (1.0 - share) / of + z * z / (4.0 * of * of));
    let shrunk = 1.0 + z * z / of;
    ((middle - margin) / shrunk, (middle + margin) / shrunk)
}

const INCIDENTS: [f64; 6] = [2.0, 3.0, 6.0, 9.0, 30.0, 90.0];

/// The cases in which the interval is not good.
fn failures(interval: Interval, name: &str) -> Vec<(Case, Coverage)> {
    let cases = Sizes::ALL.into_iter().flat_map(|sizes| {
        INCIDENTS.into_iter().map(move |incidents| Case { runs: 30, incidents, sizes })
    });
    let measured = cases.map(|case| (case, case.measure(BLOCKS, interval)));
    measured
        .inspect(|(case, coverage)| coverage.print(*case, name))
        .filter(|(_, coverage)| !coverage.is_good())
        .collect()
}

#[test]
fn the_interval_covers_what_it_says_on_both_sides() {
    let failures = failures(gamma, "gamma");
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_symmetric_interval_is_caught() {
    let failures = failures(students, "student");
    let above = |(_, coverage): &(Case, Coverage)| coverage.above > 5.5 && coverage.below < 1.0;
    assert!(failures.iter().filter(|failure| above(failure)).count() >= 4, "{failures:#?}");
}

#[test]
fn an_interval_over_messages_is_caught() {
    let failures = failures(wilsons, "wilson");
    let clustered = |(case, _): &&(Case, Coverage)| case.sizes == Sizes::OneToTen;
    assert_eq!(failures.iter().filter(clustered).count(), INCIDENTS.len(), "{failures:#?}");
}

/// From few runs the variance is known badly, which Student's t makes up for.
#[test]
fn few_runs_are_covered_too() {
    for sizes in Sizes::ALL {
        for runs in [2, 3, 5, 10] {
            for incidents in [2.0, 6.0, 30.0] {
                let case = Case { runs, incidents, sizes };
                let coverage = case.measure(2_000, gamma);
                coverage.print(case, "gamma");
                let good = coverage.covered() >= 93.5 && coverage.above.max(coverage.below) <= 5.5;
                assert!(good, "{case:?}: {coverage:?}");
            }
        }
    }
}

/// What no interval can know: the documentation of the rate gives these figures.
#[test]
fn incidents_that_were_not_seen_are_not_covered() {
    let check = |incidents, expect: f64| {
        let case = Case { runs: 30, incidents, sizes: Sizes::RarelyFifty };
        let coverage = case.measure(BLOCKS, gamma);
        coverage.print(case, "gamma");
        assert!((coverage.covered() - expect).abs() < 1.5, "{case:?}: {coverage:?}");
        assert!(coverage.below < 2.0, "it is too low, never too high: {coverage:?}");
    };
    check(2.0, 34.0);
    check(3.0, 31.0);
    check(6.0, 45.0);
    check(9.0, 58.0);
    check(30.0, 94.0);
    check(90.0, 96.0);
}
