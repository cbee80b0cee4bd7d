//! How fast messages get from one thread to another: the live brokers and the channels that people
//! would reach for.

mod contestants;

use crate::contest::{Contest, Contestant, Target};
use contestants::{ALL, Job, Transport, fan_out};

/// How often a contest is run unless somebody says so.
const ROUNDS: usize = 9;
const BATCHES: [usize; 3] = [1, 32, 1_024];

/// How many messages a measurement moves, by the size of their bodies, and how many before that:
/// 8 MiB, more than anybody goes through before it uses memory again.
fn messages(body: usize, measures: bool) -> (usize, usize) {
    match (measures, body) {
        (false, _) => (4_096, 1_024),
        (true, 64) => (262_144, 131_072),
        (true, _) => (32_768, 8_192),
    }
}

/// All contests of transports; with little work if they are only to be tried.
pub(crate) fn contests(measures: bool) -> Vec<Contest> {
    let mut contests = Vec::new();
    for threads in [2, 1] {
        for body in [64, 1_024] {
            for batch in BATCHES {
                let (messages, warm) = messages(body, measures);
                let job = Job { messages, warm, body, batch, threads, subscribers: 1 };
                contests.push(with_acks(job));
                contests.push(without_acks(job));
            }
        }
    }
    contests.extend(fan_outs(messages(64, measures).0));
    contests
}

/// The queue, whose messages are acked, beside channels with a channel for acks, and beside flume
/// without.
fn with_acks(job: Job) -> Contest {
    let peers = ALL.iter().filter(|one| {
        one.acks && one.name != "LiveQueue" || one.name == "flume" || is_singly(one, job)
    });
    race(job, "LiveQueue", peers.filter(|one| is_singly(one, job) || !is_any_singly(one)))
}

/// The log beside channels without acks; with one thread also beside a copy in memory.
fn without_acks(job: Job) -> Contest {
    let peers = ALL.iter().filter(|one| {
        let in_memory = one.name == "memory" && job.threads == 2;
        !one.acks && one.name != "LiveLog" && !in_memory && !is_any_singly(one)
    });
    race(job, "LiveLog", peers)
}

/// A contestant that moves messages one by one whatever the batch is.
fn is_any_singly(transport: &Transport) -> bool {
    transport.name.ends_with("one by one")
}

/// The same where that makes a difference.
fn is_singly(transport: &Transport, job: Job) -> bool {
    is_any_singly(transport) && job.batch > 1
}

fn race(job: Job, entry: &str, peers: impl Iterator<Item = &'static Transport>) -> Contest {
    let Job { messages, body, batch, threads, .. } = job;
    let threads = if threads == 1 { "one thread" } else { "two threads" };
    let (series, column) = (format!("{entry}: {body} B, {threads}"), format!("batches of {batch}"));
    let entry = ALL.iter().find(|one| one.name == entry).unwrap_or(&ALL[0]);
    let contest = Contest::new("transports", series, column, (ROUNDS, messages as u64));
    peers.fold(contest.entry(contestant(entry, job)), |contest, peer| {
        contest.peer(contestant(peer, job), target(entry, peer, job))
    })
}

fn contestant(transport: &'static Transport, job: Job) -> Contestant {
    Contestant::timing_itself(transport.name, move || (transport.run)(&job))
}

/// What is asked of a ratio.
fn target(entry: &Transport, peer: &Transport, job: Job) -> Target {
    let least = match (entry.name, peer.name, job.body, job.batch, job.threads) {
        ("LiveQueue", "crossbeam-channel + acks", 64, 1 | 32, 2) => 3.0,
        ("LiveQueue", "crossbeam-channel + acks", 64, 1_024, 2) => 1.0,
        ("LiveQueue", "flume", 64, 1, 2) => 2.0,
        ("LiveQueue", "flume", 64, 32, 2) => 1.0,
        ("LiveLog", "tokio::sync::broadcast", 64, 1, 2) => 20.0,
        ("LiveLog", "tokio::sync::broadcast", 64, 1_024, 2) => 2.0,
        ("LiveLog", "disruptor", 64, 1, 2) => 1.0,
        ("LiveLog", "disruptor", 64, 1_024, 2) => 0.7,
        ("LiveLog", "memory", 1_024, 1_024, 1) => 0.85,
        _ => return Target::None,
    };
    Target::AtLeast(least)
}

/// What it costs the producer that there are 2, 4 or 8 subscribers instead of one.
fn fan_outs(messages: usize) -> Vec<Contest> {
    let alone = |name: &str, run: fn(usize, usize) -> std::time::Duration| {
        let series = "the producer's time for a message, by subscribers".to_owned();
        Contest::new("fan-out", series, name.to_owned(), (ROUNDS, messages as u64))
            .entry(Contestant::timing_itself("1 subscriber", move || run(1, messages)))
    };
    let more =
        |contest: Contest, run: fn(usize, usize) -> std::time::Duration, most: [Target; 3]| {
            [2, 4, 8].into_iter().zip(most).fold(contest, |contest, (subscribers, target)| {
                let name = format!("{subscribers} subscribers");
                let peer = Contestant::timing_itself(name, move || run(subscribers, messages));
                contest.peer(peer, target)
            })
        };
    let none = Target::None;
    vec![
        more(alone("LiveLog", fan_out::log), fan_out::log, [none, none, Target::AtMost(1.1)]),
        more(alone("LiveQueue", fan_out::queues), fan_out::queues, [none; 3]),
    ]
}
