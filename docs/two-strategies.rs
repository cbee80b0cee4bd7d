//! Compares two strategies, and prints the table and the story of the first anomaly.

use entrega_lab::{LoadedScenario, Strategy, Sweep};
use entrega_report::comparison::{self, Shown};

const SCENARIO: &str = r#"
title = "Orders, with crashes after the effect"
workload = { messages = 100 }
faults = { effect.after.crash = "1/50" }
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let loaded = LoadedScenario::parse("orders.toml", SCENARIO)?;
    let strategies = [Strategy::ProcessThenSettle, Strategy::DeduplicatingSink];
    let sweep = Sweep { seeds: 10, ..Sweep::of(&loaded, &strategies)? };
    let comparison = sweep.compare();
    print!("{}", comparison::text(&comparison, Shown::default()));
    if let Some(example) = comparison.examples.first() {
        println!("\n{}", example.sentence);
    }
    Ok(())
}
