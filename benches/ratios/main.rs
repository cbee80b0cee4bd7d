//! The ratios that `benches/RESULTS.md` holds: this project beside the simulators and the channels
//! that people would reach for, in one interleaved run.
//!
//! ```sh
//! cargo bench --bench ratios                        # everything, to target/ratios
//! cargo bench --bench ratios -- simulators          # one group
//! cargo bench --bench ratios -- --output benches    # what is committed
//! ```
//!
//! `--rounds N` sets how often each contest is run. Without `--bench` (as `cargo test` calls it)
//! each runs once on little work, to see that it works.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_types, reason = "a benchmark looks at the clock")]
#![expect(clippy::ok_expect, reason = "what could not be sent is in the error, and is not printed")]

mod contest;
mod report;
mod simulators;
mod svg;
mod transports;

use std::path::{Path, PathBuf};
use std::process::Command;

use contest::{Contest, Standing};

fn main() -> std::io::Result<()> {
    let options = Options::of(std::env::args().skip(1));
    let contests = [simulators::contests, transports::contests].map(|all| all(options.measures));
    let wanted = contests.into_iter().flatten().filter(|one| options.wants(one));
    let mut standings = Vec::new();
    for contest in wanted {
        let standing = contest.run(options.rounds);
        print(&standing, options.measures);
        standings.push(standing);
    }
    if options.measures {
        write(&standings, &options.output)?;
    }
    Ok(())
}

/// What the command line asks for.
struct Options {
    measures: bool,
    rounds: Option<usize>,
    output: PathBuf,
    words: Vec<String>,
}

impl Options {
    fn of(arguments: impl Iterator<Item = String>) -> Self {
        let mut arguments = arguments.peekable();
        let output = PathBuf::from("target/ratios");
        let mut options = Self { measures: false, rounds: Some(1), output, words: Vec::new() };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => (options.measures, options.rounds) = (true, None),
                "--rounds" => options.rounds = arguments.next().and_then(|n| n.parse().ok()),
                "--output" => options.output = arguments.next().unwrap_or_default().into(),
                word => options.words.push(word.to_owned()),
            }
        }
        options
    }

    fn wants(&self, contest: &Contest) -> bool {
        let matches = |word: &String| contest.group == word || contest.title().contains(word);
        self.words.is_empty() || self.words.iter().any(matches)
    }
}

/// Without a measurement only that everybody came to the same end.
fn print(standing: &Standing, measured: bool) {
    if !measured {
        let peers = standing.peers.len();
        return println!(
            "{}: {} and {peers} others came to the end",
            standing.title(),
            standing.entry
        );
    }
    println!("{} ({}: {:.1} ns an item)", standing.title(), standing.entry, standing.nanos);
    for peer in &standing.peers {
        let met = peer.is_met().map_or("", |met| if met { "met" } else { "MISSED" });
        println!("  {:32} {:28} {:10} {met}", peer.name, peer.ratio.to_string(), peer.target);
    }
}

fn write(standings: &[Standing], directory: &Path) -> std::io::Result<()> {
    let pictures = directory.join("results");
    std::fs::create_dir_all(&pictures)?;
    std::fs::write(directory.join("RESULTS.md"), report::markdown(standings, &today()))?;
    let mut groups: Vec<&str> = standings.iter().map(|one| one.group).collect();
    groups.dedup();
    for group in groups {
        let shown = standings.iter().filter(|one| one.group == group && one.is_shown());
        let shown: Vec<&Standing> = shown.collect();
        std::fs::write(pictures.join(format!("{group}.svg")), svg::svg(&shown))?;
        std::fs::write(pictures.join(format!("{group}.md")), report::tables(&shown))?;
    }
    println!("written to {}", directory.display());
    Ok(())
}

/// The date as `date` has it.
fn today() -> String {
    let date = Command::new("date").args(["-u", "+%F"]).output();
    date.map_or_else(
        |_| "an unknown day".to_owned(),
        |date| String::from_utf8_lossy(&date.stdout).trim().to_owned(),
    )
}
