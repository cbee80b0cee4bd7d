//! Every configuration of a scenario once, live: a few at a time, with a line on each while it
//! runs, and compared with what the simulator says of the same messages.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entrega::judge;
use entrega_checker::summary::RowSummary;
use entrega_checker::{End, Histogram, Report, Verdict};
use entrega_lab::comparison::{Comparison, ComparisonRow};
use entrega_lab::loaded::Version;
use entrega_lab::{Configuration, Sweep, expect, verdict};
use entrega_live::{Clock, Shared};
use entrega_model::{Guarantee, Observer, SubscriptionId};
use entrega_stage::{Ending, Limits, LiveRun, Meter, Reading, Setup};
use rayon::prelude::*;
use tokio::time::Instant;

use super::pool;
use crate::failure::Failure;

/// This many configurations run at once. They mostly wait.
pub(crate) const AT_ONCE: usize = 4;
/// The time that a configuration has to come to rest, beyond its arrivals and longest timeouts.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many runs the simulator makes of each configuration, to compare verdicts.
pub(crate) const SIMULATED: u64 = 10;

/// What to run.
pub(crate) struct LivePlan<'a> {
    pub(crate) sweep: Sweep<'a>,
    /// Its configurations, over one workload: [`setups`].
    pub(crate) setups: Vec<Setup>,
    /// How many times faster than the machine's clock.
    pub(crate) factor: NonZeroU32,
}

/// Where progress is shown while configurations run.
pub(crate) trait Progress: Sync {
    /// How often a configuration is shown.
    fn every(&self) -> Duration;

    /// A configuration is running.
    fn running(&self, configuration: usize, line: &str);

    /// A configuration has ended.
    fn ended(&self, configuration: usize, line: &str);
}

/// One configuration's run.
pub(crate) struct Ran {
    pub(crate) report: Report,
    pub(crate) took: Duration,
    /// How many faults were chosen, also those that cannot be done live and did not strike.
    pub(crate) chosen: usize,
    pub(crate) last: Reading,
    pub(crate) ending: Ending,
    /// The most that it could take, on the machine's clock.
    pub(crate) patience: Duration,
}

/// Everything that came out.
pub(crate) struct LiveResult<'a> {
    pub(crate) comparison: Comparison<'a>,
    pub(crate) factor: NonZeroU32,
    pub(crate) messages: usize,
    /// In the order of the sweep; none for what was interrupted or not begun.
    pub(crate) runs: Vec<(Configuration, Option<Ran>)>,
    /// What the scenario expects to happen and did not in this one run, in words.
    pub(crate) unseen: Vec<String>,
    pub(crate) agreement: Agreement,
}

/// Live verdicts beside those of the simulator.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Agreement {
    pub(crate) rows: usize,
    /// Rows that the simulator does not contradict.
    pub(crate) agreed: usize,
    /// Those of them in which one side was not tested, or not judged.
    pub(crate) untested: usize,
    /// The rows whose verdicts differ, in words.
    pub(crate) disagreed: Vec<String>,
    /// A promise was broken that was never broken in the simulator.
    pub(crate) contradicted: bool,
}

impl<'a> LivePlan<'a> {
    /// Runs everything.
    pub(crate) fn run(
        self,
        stop: &AtomicBool,
        progress: &dyn Progress,
    ) -> Result<LiveResult<'a>, Failure> {
        let setups = &self.setups;
        let indices: Vec<usize> = (0..setups.len()).collect();
        let pool = pool::new(AT_ONCE, "raise `ulimit -v`")?;
        let runs: Result<Vec<Option<Ran>>, Failure> = pool.install(|| {
            indices
                .into_par_iter()
                .with_max_len(1)
                .map(|number| self.one(&setups[number], number, stop, progress))
                .collect()
        });
        let runs = runs?;
        let partial = stop.load(Ordering::Relaxed);
        let simulated = if partial { Vec::new() } else { pool.install(|| simulate(setups)) };
        let reports: Vec<Option<Report>> =
            runs.iter().map(|ran| ran.as_ref().map(|ran| ran.report.clone())).collect();
        let swept = self.sweep.add_up(&reports);
        let mut comparison = Comparison::new(&self.sweep, swept, Vec::new(), partial);
        forget_latencies(&mut comparison, self.factor);
        let unseen = judge_expectations(&mut comparison);
        let agreement = agreement(&comparison, &simulated);
        Ok(LiveResult {
            factor: self.factor,
            messages: setups.first().map_or(0, |setup| setup.workload.planned.len()),
            runs: self.sweep.configurations.iter().copied().zip(runs).collect(),
            comparison,
            unseen,
            agreement,
        })
    }

    fn one(
        &self,
        setup: &Setup,
        number: usize,
        stop: &AtomicBool,
        progress: &dyn Progress,
    ) -> Result<Option<Ran>, Failure> {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime
            .map_err(|error| Failure::new(format!("cannot start a timer for a run: {error}")))?;
        let scenario = &setup.scenario;
        let meter = Meter::new(scenario.subscriptions.len(), setup.workload.planned.len());
        let meter = Shared::new(meter);
        let teller = Teller { setup, number, progress, meter: &meter };
        let (lived, took) = runtime.block_on(async {
            let began = Instant::now();
            let lived = tokio::select! {
                lived = self.live(setup, stop, meter.clone()) => lived,
                never = teller.tell() => match never {},
            };
            (lived, began.elapsed())
        });
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let last = meter.with(|meter| meter.read());
        let (LiveRun { report, made, ending }, patience) = (lived, self.patience(setup));
        let ran = Ran { report, took, chosen: made.len(), last, ending, patience };
        progress.ended(number, &teller.end(&ran));
        Ok(Some(ran))
    }

    async fn live(
        &self,
        setup: &Setup,
        stop: &AtomicBool,
        meter: impl Observer + Send + 'static,
    ) -> LiveRun {
        let clock = Clock::faster(self.factor);
        let limits = Limits { patience: self.patience(setup), stop };
        setup.run(setup.experiment().random_choices(), clock, limits, meter).await
    }

    /// How long a configuration may take: at its end, one process may wait for a whole timeout, and
    /// then another process for another one.
    fn patience(&self, setup: &Setup) -> Duration {
        let clock = Clock::faster(self.factor);
        let last = setup.workload.planned.last().map_or_else(Default::default, |one| one.at);
        let arrivals = clock.real(last.since(entrega_model::Instant::START));
        let timeout = clock.real(setup.scenario.longest_timeout().duration());
        (arrivals + timeout) * 2 + PATIENCE
    }
}

/// The configurations of a sweep, over one workload.
pub(crate) fn setups(sweep: &Sweep<'_>, version: &Version<'_>) -> Vec<Setup> {
    let scenario = Arc::new(version.scenario.clone());
    let (workload, seed) = (Arc::new(version.workload(sweep.seed)), sweep.seed);
    let setup = |&Configuration { model, strategy }: &Configuration| {
        let (scenario, workload) = (Arc::clone(&scenario), Arc::clone(&workload));
        Setup { scenario, workload, model, strategy, seed }
    };
    sweep.configurations.iter().map(setup).collect()
}

/// Says how a configuration is doing.
struct Teller<'a> {
    setup: &'a Setup,
    /// The index of the configuration.
    number: usize,
    progress: &'a dyn Progress,
    meter: &'a Shared<Meter>,
}

/// The teller never returns: it is dropped when the run ends.
enum Never {}

impl Teller<'_> {
    async fn tell(&self) -> Never {
        let (mut before, every) = (0, self.progress.every());
        loop {
            tokio::time::sleep(every).await;
            let reading = self.meter.with(|meter| meter.read());
            let rate = (reading.effects - before) as f64 / every.as_secs_f64();
            before = reading.effects;
            self.progress.running(self.number, &self.line(&reading, rate));
        }
    }

    fn line(&self, reading: &Reading, rate: f64) -> String {
        let Setup { model, strategy, workload, .. } = self.setup;
        let promise = strategy.guarantee(*model);
        let once = matches!(promise, Guarantee::AtMostOnce | Guarantee::ExactlyOnceEffect);
        let so_far = match promise {
            Guarantee::None => "promises nothing".to_owned(),
            _ if once && reading.repeated > 0 => format!("{promise} BROKEN"),
            _ => format!("{promise} not refuted so far"),
        };
        format!(
            "{model:5} {strategy:27} {:>5}/{} sent {rate:>6.0} effects/s, lag {}, repeated {}, \
             harmed {}: {so_far}",
            reading.acknowledged,
            workload.planned.len(),
            reading.lag,
            reading.repeated,
            reading.harmed,
        )
    }

    fn end(&self, ran: &Ran) -> String {
        let Setup { scenario, model, strategy, .. } = self.setup;
        let rate = ran.last.effects as f64 / ran.took.as_secs_f64().max(1e-9);
        let verdicts: Vec<String> = ran
            .report
            .subscriptions
            .iter()
            .zip(scenario.subscription_names())
            .map(|(of, name)| {
                let mut row = RowSummary::default();
                row.add(&ran.report.sends, of);
                let judged = verdict::of_row(scenario, *strategy, of.subscription, &row);
                let verdict = judged.verdict.name();
                format!("{name} {verdict}, {} lost, {} repeated", of.lost(), of.repeated)
            })
            .collect();
        let faults = ran.last.faults;
        let chosen = if ran.chosen as u64 == faults {
            String::new()
        } else {
            format!(" of {} chosen", ran.chosen)
        };
        let rest = if ran.report.end == End::Unfinished { ", did not come to rest" } else { "" };
        format!(
            "{model:5} {strategy:27} done in {:.1} s, {rate:.0} effects/s, {faults} faults{chosen}{rest}: {}",
            ran.took.as_secs_f64(),
            verdicts.join("; "),
        )
    }
}

/// What the simulator says of each configuration: a verdict for each subscription.
fn simulate(setups: &[Setup]) -> Vec<Vec<Verdict>> {
    let rows_of = |setup: &Setup| {
        let mut rows = vec![RowSummary::default(); setup.scenario.subscriptions.len()];
        for seed in setup.seed..setup.seed + SIMULATED {
            let experiment = entrega_sim::Experiment { seed, ..setup.experiment() };
            let report = judge(&experiment, experiment.random_choices(), &mut ()).report;
            for (row, one) in rows.iter_mut().zip(&report.subscriptions) {
                row.add(&report.sends, one);
            }
        }
        (0..)
            .map(SubscriptionId)
            .zip(&rows)
            .map(|(id, row)| verdict::of_row(&setup.scenario, setup.strategy, id, row).verdict)
            .collect()
    };
    setups.par_iter().map(rows_of).collect()
}

/// A clock that goes faster multiplies the machine's own delays, so a latency would be mostly its
/// invention. Only at the speed of the machine's clock is there any.
fn forget_latencies(comparison: &mut Comparison<'_>, factor: NonZeroU32) {
    if factor.get() > 1 {
        comparison.rows.iter_mut().for_each(|row| row.summary.latency = Histogram::default());
    }
}

/// Where live and simulated verdicts agree, and where they do not.
fn agreement(comparison: &Comparison<'_>, simulated: &[Vec<Verdict>]) -> Agreement {
    let mut agreement = Agreement::default();
    for (row, &simulated) in comparison.rows.iter().zip(simulated.iter().flatten()) {
        if row.summary.runs == 0 {
            continue;
        }
        let ComparisonRow { configuration, subscription, verdict, .. } = row;
        agreement.add(*verdict, simulated, &format!("{configuration}, {subscription}"));
    }
    agreement
}

impl Agreement {
    /// A side that was not tested or not judged agrees with everything, except with a promise that
    /// was broken live.
    fn add(&mut self, live: Verdict, simulated: Verdict, row: &str) {
        self.rows += 1;
        match (live, simulated) {
            (Verdict::Unknown, _) | (Verdict::Valid, Verdict::Unknown) => {
                self.agreed += 1;
                self.untested += 1;
            }
            _ if live == simulated => self.agreed += 1,
            _ => {
                let (live_word, simulated) = (live.name(), simulated.name());
                self.disagreed.push(format!("{row}: {live_word} live, {simulated} simulated"));
                self.contradicted |= live == Verdict::Invalid;
            }
        }
    }
}

/// Compares one run with the expectations of the scenario. One run can violate an upper limit. It
/// cannot violate the expectation that something happens: those are returned in words.
fn judge_expectations(comparison: &mut Comparison<'_>) -> Vec<String> {
    let (mut violated, mut unseen) = (Vec::new(), Vec::new());
    let scenario = &comparison.loaded.scenario;
    for row in comparison.rows.iter().filter(|row| row.summary.runs > 0) {
        let checked = expect::checked(scenario, row.configuration, &[row.found()]);
        for one in checked.iter().filter(|one| !one.holds) {
            let list = if one.limits { &mut violated } else { &mut unseen };
            list.push(one.violation(row.configuration));
        }
    }
    comparison.violated = violated;
    unseen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_promise_that_breaks_live_alone_contradicts_the_simulator() {
        use Verdict::{Invalid, Unknown, Valid};
        let check = |live, simulated, agreed, untested, contradicted| {
            let mut agreement = Agreement::default();
            agreement.add(live, simulated, "row");
            let Agreement { agreed: a, untested: u, contradicted: c, .. } = agreement;
            assert_eq!((a, u, c), (agreed, untested, contradicted), "{live:?} {simulated:?}");
            assert_eq!(agreement.disagreed.len(), 1 - agreed, "{live:?} {simulated:?}");
        };
        check(Valid, Valid, 1, 0, false);
        check(Invalid, Invalid, 1, 0, false);
        check(Unknown, Valid, 1, 1, false);
        check(Unknown, Invalid, 1, 1, false);
        check(Valid, Unknown, 1, 1, false);
        check(Valid, Invalid, 0, 0, false);
        check(Invalid, Valid, 0, 0, true);
        check(Invalid, Unknown, 0, 0, true);
    }
}
