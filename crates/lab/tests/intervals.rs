//! The intervals of real runs contain what the runs show in the long run.
//!
//! Method: 300 blocks of 30 seeds each, in which crashes strike now and then. The long-run share is
//! taken to be that of all blocks together; its own error is a seventeenth of a block's. Every
//! block has an interval, and nearly all of them contain that share. Student's interval, which is
//! symmetric, is caught by the same question.
//!
//! `cargo test -p entrega-lab --test intervals -- --nocapture` prints the figures.

use entrega_checker::summary::{Rate, RowSummary};
use entrega_checker::{Report, SubscriptionReport};
use entrega_lab::{LoadedScenario, Strategy, Sweep};

const RUNS: usize = 30;
const BLOCKS: usize = 300;

/// A few crashes in a block. Those after the effect repeat one message, or with
/// `settle-every-n` as many as were not settled; those before it lose what was settled before.
const SCENARIO: &str = "\
seeds = 9000
workload = { messages = 40, keys = 4 }
consumer = { settle_every = 10, settle_interval = '10s' }
log = { auto_offset_reset = 'earliest' }
faults = { effect.before.crash = '1/300', effect.after.crash = '1/300' }
";

/// Percent of the blocks.
#[derive(Clone, Copy, Debug)]
struct Coverage {
    /// The long-run share is above the interval.
    above: f64,
    /// It is below.
    below: f64,
    /// Intervals in which it was, with Student's.
    symmetric: f64,
}

/// Which share of a run is asked for.
#[derive(Clone, Copy, Debug)]
enum Share {
    Lost,
    Duplicated,
}

impl Share {
    fn of(self, summary: &RowSummary) -> Rate {
        match self {
            Self::Lost => summary.loss(),
            Self::Duplicated => summary.duplicates(),
        }
    }

    /// Events and messages of one run.
    fn of_run(self, run: &SubscriptionReport) -> (f64, f64) {
        let (events, of) = match self {
            Self::Lost => (run.lost(), run.acknowledged),
            Self::Duplicated => (run.duplicated(), run.present),
        };
        (events as f64, of as f64)
    }

    /// The interval that the checker reported before.
    fn symmetric(self, block: &[Option<Report>]) -> (f64, f64) {
        let runs = block.iter().flatten().map(|report| self.of_run(&report.subscriptions[0]));
        let runs: Vec<(f64, f64)> = runs.collect();
        let (events, of) = runs.iter().fold((0.0, 0.0), |sum, run| (sum.0 + run.0, sum.1 + run.1));
        let (share, count) = (events / of, runs.len() as f64);
        if events == 0.0 {
            return (0.0, 3.0 / count);
        }
        let square = |&(y, x): &(f64, f64)| (y - share * x) * (y - share * x);
        let squares: f64 = runs.iter().map(square).sum();
        let margin = 2.045_229_6 * (count / (count - 1.0) * squares).sqrt() / of;
        (share - margin, share + margin)
    }

    /// The coverage of the blocks of one strategy on one model.
    fn coverage(self, sweep: &Sweep<'_>, reports: &[Option<Report>]) -> (Coverage, Rate) {
        let sum = |reports: &[Option<Report>]| self.of(&sweep.add_up(reports)[0].rows[0]);
        let all = sum(reports);
        let percent = |count: usize| 100.0 * count as f64 / BLOCKS as f64;
        let blocks = || reports.chunks(RUNS);
        let covers = |(low, high): (f64, f64)| low <= all.estimate && all.estimate <= high;
        let coverage = Coverage {
            above: percent(blocks().filter(|block| all.estimate > sum(block).high).count()),
            below: percent(blocks().filter(|block| all.estimate < sum(block).low).count()),
            symmetric: percent(blocks().filter(|block| covers(self.symmetric(block))).count()),
        };
        (coverage, all)
    }
}

fn check(strategy: Strategy, share: Share) -> Vec<Coverage> {
    let loaded = LoadedScenario::parse("intervals.toml", SCENARIO).expect("a scenario");
    let both = Sweep::of(&loaded, &[strategy]).expect("a sweep");
    let measure = |&configuration| {
        let sweep = Sweep { configurations: vec![configuration], loaded: &loaded, ..both };
        let mut reports = Vec::new();
        sweep.run_with(|runs| {
            let mut worker = runs.worker();
            reports = runs.numbers().map(|number| Some(worker.run(number))).collect();
            Vec::new()
        });
        assert_eq!(reports.len(), RUNS * BLOCKS);
        let (coverage, all) = share.coverage(&sweep, &reports);
        let events = all.events as f64 / BLOCKS as f64;
        say(format_args!("{configuration}, {share:?}: {events:.1} a block, {coverage:.1?}"));
        coverage
    };
    both.configurations.iter().map(measure).collect()
}

#[expect(clippy::print_stderr, reason = "figures that somebody asked for with --nocapture")]
fn say(line: std::fmt::Arguments<'_>) {
    eprintln!("{line}");
}

/// With 300 blocks, the figures have a standard error of 1.3 percentage points.
fn assert_covered(found: &[Coverage]) {
    for coverage in found {
        let Coverage { above, below, .. } = *coverage;
        assert!(100.0 - above - below >= 93.5, "{coverage:?}");
        assert!(above <= 5.5 && below <= 5.5, "{coverage:?}");
    }
}

#[test]
fn intervals_of_single_messages_cover_the_long_run() {
    assert_covered(&check(Strategy::SettleThenProcess, Share::Lost));
    assert_covered(&check(Strategy::ProcessThenSettle, Share::Duplicated));
}

#[test]
fn intervals_of_clusters_cover_the_long_run() {
    let found = check(Strategy::SettleEveryN, Share::Duplicated);
    assert_covered(&found);
    let symmetric = |coverage: &Coverage| coverage.symmetric < 93.5;
    assert!(found.iter().any(symmetric), "Student's interval is caught: {found:?}");
}
