//! Every scenario in `simulations/` comes out as it says.
//!
//! Method: `entrega run` with every model and strategy of the scenario, under seed 1; its exit code
//! says whether the `[[expect]]` tables hold. A sweep over many seeds is what `entrega compare` is
//! for.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use entrega_sim::scenario::Scenario;

fn scenarios() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations");
    let entries = std::fs::read_dir(&directory).expect("simulations/ can be read");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// Runs one configuration as a person would.
fn run(file: &Path, model: &str, strategy: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrega"));
    command.arg("run").arg(file).args(["--model", model, "--strategy", strategy]).args(more);
    command.output().expect("the program starts")
}

fn parsed(file: &Path) -> Scenario {
    let text = std::fs::read_to_string(file).expect("a scenario can be read");
    let beside = |name: &str| {
        std::fs::read_to_string(file.with_file_name(name)).map_err(|error| error.to_string())
    };
    match Scenario::parse(&file.to_string_lossy(), &text, &[], &beside) {
        Ok(loaded) => loaded.scenario,
        Err(problem) => panic!("{problem}"),
    }
}

#[test]
fn every_scenario_comes_out_as_it_says() {
    for file in scenarios() {
        let scenario = parsed(&file);
        for model in &scenario.models {
            for strategy in &scenario.strategies {
                let output = run(&file, &model.to_string(), strategy.name(), &[]);
                assert!(
                    output.status.code() == Some(0),
                    "{} on the {model} with {strategy}:\n{}{}",
                    file.display(),
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr),
                );
            }
        }
    }
}

/// The opposite: the same scenario with another expectation, or with a mistake in it, is noticed.
#[test]
fn an_expectation_that_does_not_hold_is_noticed() {
    let check = |set: &str, expect| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations/recorded-orders.toml");
        let output = run(&file, "queue", "process-then-settle", &["--set", set]);
        assert_eq!(output.status.code(), Some(expect), "{set}");
    };
    check("title=The same", 0);
    check("expect.2.duplicated=0", 1);
    check("expect.2.duplicated=some", 2);
}
