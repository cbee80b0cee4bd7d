//! The standings as Markdown: a table for each contest, with the machine and the versions.

use std::fmt::Write as _;
use std::process::Command;

use crate::contest::{Peer, Standing};

/// A table of the whole run. `date` is when.
pub(crate) fn markdown(standings: &[Standing], date: &str) -> String {
    let mut text = String::from(HEAD);
    let _ = writeln!(text, "Measured on {date}, on {}.\n", machine());
    let _ = writeln!(text, "Versions: {}.", versions());
    let mut group = "";
    for standing in standings {
        if standing.group != group {
            group = standing.group;
            let _ = writeln!(text, "\n## {}\n\n![{group}](results/{group}.svg)", title(group));
        }
        table(&mut text, standing);
    }
    text
}

const HEAD: &str = "# Results

Every figure is the time of a peer as a multiple of ours: 3 × means that it takes three times as
long. All contestants of a table ran in turn, round by round; the figure is the median of the ratios
within a round, in brackets the middle half of the rounds. [README.md](README.md) says who does what,
[NOTES.md](NOTES.md) what was tried, and where a target is missed, why.

Written by `cargo bench --bench ratios -- --output benches`.

";

fn title(group: &str) -> String {
    let mut letters = group.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn table(text: &mut String, standing: &Standing) {
    let Standing { title, entry, nanos, rounds, .. } = standing;
    let _ = writeln!(text, "\n### {title}\n");
    let _ = writeln!(text, "| {entry} against | ratio | target | met |\n|---|---:|---:|---|");
    for peer in &standing.peers {
        let Peer { name, target, ratio } = peer;
        let met = match peer.is_met() {
            None => "",
            Some(true) => "yes",
            Some(false) => "no",
        };
        let _ = writeln!(text, "| {name} | {ratio} | {target} | {met} |");
    }
    let _ = writeln!(text, "\n{rounds} rounds; {entry}: {nanos:.1} ns an item here.");
}

/// The processor and how many of them.
fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    let model =
        model.map_or("an unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores, {}", std::env::consts::OS)
}

/// The compiler, and the peers as the lock file has them.
fn versions() -> String {
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    let lock = include_str!("../../Cargo.lock");
    let version = |name: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", rest.split('"').next()?))
    };
    let mut all = vec![rustc.unwrap_or_else(|_| "an unknown compiler".to_owned())];
    all.extend(PEERS.iter().filter_map(|name| version(name)));
    all.join(", ")
}

const PEERS: [&str; 8] = [
    "tokio",
    "turmoil",
    "stateright",
    "crossbeam-channel",
    "flume",
    "kanal",
    "async-channel",
    "disruptor",
];
