//! The standings as Markdown: a table for each contest, with the machine and the versions.

use std::fmt::Write as _;
use std::process::Command;

use crate::contest::{Peer, Standing};

/// All tables, with the machine and the versions. `date` is when.
pub(crate) fn markdown(standings: &[Standing], date: &str) -> String {
    let mut text = String::from(HEAD);
    let _ = writeln!(text, "Measured on {date}, on {}.\n", machine());
    let _ = writeln!(text, "Versions: {}.", versions());
    for of_group in standings.chunk_by(|one, next| one.group == next.group) {
        let group = of_group[0].group;
        let _ = writeln!(text, "\n## {}\n\n![{group}](results/{group}.svg)", title(group));
        text.push_str(&tables(&of_group.iter().collect::<Vec<_>>()));
    }
    text
}

/// The tables of one group: a column for each contest of a series.
pub(crate) fn tables(standings: &[&Standing]) -> String {
    let mut text = String::new();
    let mut series: Vec<&str> = Vec::new();
    for standing in standings {
        if !series.contains(&standing.series.as_str()) {
            series.push(&standing.series);
        }
    }
    for series in series {
        let columns: Vec<&Standing> =
            standings.iter().copied().filter(|one| one.series == series).collect();
        table(&mut text, series, &columns);
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

fn table(text: &mut String, series: &str, columns: &[&Standing]) {
    let Standing { entry, rounds, .. } = columns[0];
    let heads: Vec<&str> = columns.iter().map(|one| one.column.as_str()).collect();
    let _ = writeln!(text, "\n**{series}**\n\n| {entry} against | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(columns.len()));
    let mut names: Vec<&str> = Vec::new();
    for peer in columns.iter().flat_map(|one| &one.peers) {
        if !names.contains(&peer.name.as_str()) {
            names.push(&peer.name);
        }
    }
    for name in names {
        let cell = |standing: &&Standing| {
            let peer = standing.peers.iter().find(|peer| peer.name == name);
            peer.map_or_else(|| "–".to_owned(), cell)
        };
        let cells: Vec<String> = columns.iter().map(cell).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    let nanos: Vec<String> = columns.iter().map(|one| format!("{:.1}", one.nanos)).collect();
    let _ = writeln!(text, "\n{rounds} rounds; {entry} here: {} ns an item.", nanos.join(", "));
}

/// The ratio, and whether it is what it should be.
fn cell(peer: &Peer) -> String {
    match peer.is_met() {
        None => peer.ratio.to_string(),
        Some(true) => format!("**{}**, {} met", peer.ratio, peer.target),
        Some(false) => format!("**{}**, {} missed", peer.ratio, peer.target),
    }
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
