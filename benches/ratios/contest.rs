//! A contest: one entry of ours and its peers, run in turn, round by round, and compared by ratios.
//!
//! Times of one machine say nothing about another, and on a shared machine nothing about the next
//! minute. So each round runs everybody once, and what is kept is the ratio within the round; the
//! median of the rounds is the figure, and their spread says how far to trust it.

use std::fmt;
use std::time::{Duration, Instant};

/// Somebody who does the work of a contest once.
pub(crate) struct Contestant {
    name: String,
    run: Box<dyn FnMut() -> Duration>,
}

/// What a ratio should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// It is shown, and nothing is asked of it.
    None,
    /// The peer takes at least this many times as long.
    AtLeast(f64),
    /// It takes at most this many times as long.
    AtMost(f64),
}

/// One entry and its peers, on one piece of work.
pub(crate) struct Contest {
    pub(crate) group: &'static str,
    /// What contests have in common that stand in one table, and what tells this one apart.
    series: String,
    column: String,
    rounds: usize,
    items: u64,
    contestants: Vec<Contestant>,
    targets: Vec<Target>,
}

/// How a contest ended.
pub(crate) struct Standing {
    pub(crate) group: &'static str,
    pub(crate) series: String,
    pub(crate) column: String,
    pub(crate) rounds: usize,
    pub(crate) entry: String,
    /// The entry's own time for one item, the median, in nanoseconds.
    pub(crate) nanos: f64,
    pub(crate) peers: Vec<Peer>,
}

/// A peer's time as a multiple of the entry's.
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) target: Target,
    pub(crate) ratio: Spread,
}

/// Median, and the middle half of the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Contestant {
    /// Whoever is timed from outside.
    pub(crate) fn new(name: impl Into<String>, mut run: impl FnMut() + 'static) -> Self {
        Self::timing_itself(name, move || {
            let start = Instant::now();
            run();
            start.elapsed()
        })
    }

    /// Whoever sets something up first and says what the work itself took.
    pub(crate) fn timing_itself(
        name: impl Into<String>,
        run: impl FnMut() -> Duration + 'static,
    ) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

impl Contest {
    /// A contest that is run `rounds` times, with so many items in each run.
    pub(crate) fn new(
        group: &'static str,
        series: String,
        column: String,
        (rounds, items): (usize, u64),
    ) -> Self {
        let (contestants, targets) = (Vec::new(), Vec::new());
        Self { group, series, column, rounds, items, contestants, targets }
    }

    pub(crate) fn title(&self) -> String {
        format!("{}, {}", self.series, self.column)
    }

    /// Ours; it comes first.
    pub(crate) fn entry(mut self, entry: Contestant) -> Self {
        assert!(self.contestants.is_empty(), "one entry, and before its peers");
        self.contestants.push(entry);
        self
    }

    pub(crate) fn peer(mut self, peer: Contestant, target: Target) -> Self {
        self.contestants.push(peer);
        self.targets.push(target);
        self
    }

    /// Runs everybody once without counting, then round by round.
    pub(crate) fn run(mut self, rounds: Option<usize>) -> Standing {
        let rounds = rounds.unwrap_or(self.rounds).max(1);
        if rounds > 1 {
            self.contestants.iter_mut().for_each(|one| {
                (one.run)();
            });
        }
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); self.contestants.len()];
        for round in 0..rounds {
            for turn in 0..self.contestants.len() {
                let who = (turn + round) % self.contestants.len();
                times[who].push((self.contestants[who].run)().as_secs_f64());
            }
        }
        let names = self.contestants.iter().map(|one| one.name.clone());
        let peers = names.zip(&times).skip(1).zip(&self.targets).map(|((name, theirs), target)| {
            let ratios = theirs.iter().zip(&times[0]).map(|(theirs, ours)| theirs / ours);
            Peer { name, target: *target, ratio: Spread::of(ratios.collect()) }
        });
        let peers = peers.collect();
        let entry = self.contestants[0].name.clone();
        let nanos = Spread::of(times[0].clone()).median * 1e9 / self.items as f64;
        let Self { group, series, column, .. } = self;
        Standing { group, series, column, rounds, entry, nanos, peers }
    }
}

impl Standing {
    /// Whether it is shown in pictures and in the book: small bodies from one thread to another.
    pub(crate) fn is_shown(&self) -> bool {
        !["1024 B", "one thread"].iter().any(|other| self.series.contains(other))
    }

    pub(crate) fn title(&self) -> String {
        format!("{}, {}", self.series, self.column)
    }
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        Self { median: at(0.5), low: at(0.25), high: at(0.75) }
    }
}

impl Peer {
    /// Whether the ratio is what it should be; nothing if nothing is asked.
    pub(crate) fn is_met(&self) -> Option<bool> {
        match self.target {
            Target::None => None,
            Target::AtLeast(least) => Some(self.ratio.median >= least),
            Target::AtMost(most) => Some(self.ratio.median <= most),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("–"),
            Self::AtLeast(least) => write!(f, "≥ {least} ×"),
            Self::AtMost(most) => write!(f, "≤ {most} ×"),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, low, high } = *self;
        let digits = if median < 10.0 { 2 } else { usize::from(median < 100.0) };
        write!(f, "{median:.digits$} × ({low:.digits$} – {high:.digits$})")
    }
}
