//! How fast simulators are that run the same workload with the same brokers, strategy and checker.

mod floor;
mod hosted;
mod on_turmoil;
mod paused;
mod workload;

use std::rc::Rc;

use entrega_checker::Report;
use entrega_model::Model;

use crate::contest::{Contest, Contestant, Target};
use workload::Job;

/// How often a contest is run unless somebody says so.
const ROUNDS: usize = 15;

/// How much work there is.
#[derive(Clone, Copy)]
struct Size {
    /// Messages in a long run.
    long: u32,
    /// Messages in a very long run, to see that the rate does not depend on the length.
    very_long: u32,
    /// How many short runs are one measurement.
    short_runs: u32,
}

const MEASURED: Size = Size { long: 10_000, very_long: 1_000_000, short_runs: 100 };
const TRIED: Size = Size { long: 300, very_long: 600, short_runs: 2 };

/// Messages in a short run.
const SHORT: u32 = 10;

/// All contests of simulators; with little work if they are only to be tried.
pub(crate) fn contests(measures: bool) -> Vec<Contest> {
    let size = if measures { MEASURED } else { TRIED };
    let models = [Model::Queue, Model::Log];
    let mut contests: Vec<Contest> = models.map(|model| long(model, size)).into();
    contests.extend(models.map(|model| fresh(model, size)));
    contests.extend(models.map(|model| very_long(model, size)));
    contests
}

fn long(model: Model, Size { long, .. }: Size) -> Contest {
    let job = Rc::new(Job::new(model, long));
    let series = format!("{long} messages, two consumers, one effect in 200 a crash");
    Contest::new("simulators", series, model.to_string(), (ROUNDS, u64::from(long)))
        .entry(contestant("entrega", &job, |job| job.simulate()))
        .peer(contestant("brokers and checker alone", &job, |job| floor::run(job)), Target::None)
        .peer(contestant("tokio, paused", &job, |job| paused::run(job)), Target::AtLeast(10.0))
        .peer(contestant("turmoil", &job, on_turmoil::run), Target::AtLeast(50.0))
}

fn fresh(model: Model, Size { short_runs, .. }: Size) -> Contest {
    let job = Rc::new(Job::new(model, SHORT));
    let series = format!("{short_runs} fresh simulations of {SHORT} messages");
    let again = |name, run: fn(&Rc<Job>) -> Report| {
        let job = Rc::clone(&job);
        Contestant::new(name, move || {
            (0..short_runs).for_each(|_| job.assert_done(name, &run(&job)));
        })
    };
    let ours = Rc::clone(&job);
    let entrega = Contestant::new("entrega", move || {
        let mut laboratory = ours.laboratory();
        for seed in 1..=u64::from(short_runs) {
            ours.assert_done("entrega", &laboratory.run(&ours.workload, seed));
        }
    });
    Contest::new("simulators", series, model.to_string(), (ROUNDS, u64::from(short_runs)))
        .entry(entrega)
        .peer(again("tokio, paused", |job| paused::run(job)), Target::None)
        .peer(again("turmoil", on_turmoil::run), Target::AtLeast(60.0))
}

/// The same simulator against itself: a hundred runs of 10 000 messages and one of a million.
fn very_long(model: Model, size: Size) -> Contest {
    let (long, very_long) = (Job::new(model, size.long), Job::new(model, size.very_long));
    let series = format!("{} messages in one run and in runs of {}", size.very_long, size.long);
    let rounds = ROUNDS.div_ceil(4);
    let runs = size.very_long / size.long;
    Contest::new("simulators", series, model.to_string(), (rounds, u64::from(size.very_long)))
        .entry(Contestant::new("entrega, one run", move || {
            very_long.assert_done("entrega", &very_long.simulate());
        }))
        .peer(
            Contestant::new("entrega, as many messages in short runs", move || {
                (0..runs).for_each(|_| long.assert_done("entrega", &long.simulate()));
            }),
            Target::AtLeast(0.9),
        )
}

fn contestant(
    name: &'static str,
    job: &Rc<Job>,
    run: impl Fn(&Rc<Job>) -> Report + 'static,
) -> Contestant {
    let job = Rc::clone(job);
    Contestant::new(name, move || job.assert_done(name, &run(&job)))
}
