//! What is changed: the scenarios of the repository with their workload files, and histories and
//! replay strings of their runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use entrega_lab::replay_string::Course;
use entrega_lab::size::{Dimension, Reduction, Size};
use entrega_lab::{Configuration, LoadedScenario, Model, ReplayString, Strategy, run};

/// A scenario file.
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A scenario that names every table, and most settings that are a choice.
const EVERYTHING: &str = include_str!("everything.toml");

/// Every scenario, and one with a bit of everything.
pub(crate) static SCENARIOS: LazyLock<Vec<Input>> = LazyLock::new(|| {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations");
    let entries = [top.clone(), top.join("book")].map(|dir| fs::read_dir(dir).expect("scenarios"));
    let files = entries.into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|is| is == "toml")).collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a scenario");
        Input { path, text }
    };
    let everything = Input { path: top.join("everything.toml"), text: EVERYTHING.to_owned() };
    let mut inputs: Vec<Input> = files.into_iter().map(read).collect();
    inputs.push(everything);
    inputs
});

/// Reads a scenario as the program does, with its workload file beside it.
pub(crate) fn load(
    input: &Input,
    text: &str,
    overrides: &[(String, String)],
) -> Result<LoadedScenario, String> {
    let beside = |name: &str| {
        let file = input.path.with_file_name(name);
        fs::read_to_string(file).map_err(|error| error.to_string())
    };
    let name = input.path.display().to_string();
    LoadedScenario::load(&name, text, overrides, &beside).map_err(|problem| problem.to_string())
}

/// Histories of both models, one with every kind of trouble.
pub(crate) static HISTORIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let few = [("workload.messages".to_owned(), "8".to_owned())];
    let everything = SCENARIOS.last().expect("a scenario");
    let mut histories = Vec::new();
    for (model, strategy) in [
        (Model::Log, Strategy::SettleEveryN),
        (Model::Queue, Strategy::DeadLetter),
        (Model::Queue, Strategy::ProcessThenSettle),
    ] {
        let loaded = load(everything, &everything.text, &few).expect("a scenario");
        let mut written = Vec::new();
        let configuration = Configuration { model, strategy };
        run::record(&loaded, configuration, 3, &mut written).expect("memory takes everything");
        histories.push(String::from_utf8(written).expect("JSON"));
    }
    histories
});

/// Overrides that are too long for a replay string, which has their digest.
pub(crate) static LONG: LazyLock<[(String, String); 1]> =
    LazyLock::new(|| [("narration".to_owned(), "so it goes; ".repeat(100))]);

/// Replay strings of both versions, each with every size, with and without overrides.
pub(crate) static STRINGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let everything = SCENARIOS.last().expect("a scenario");
    let (model, strategy) = (Model::Queue, Strategy::ProcessThenSettle);
    let prefetch = [("consumer.prefetch".to_owned(), "4".to_owned())];
    let less = Reduction::default().with(Dimension::Messages, 9).with(Dimension::Consumers, 1);
    let (subscription, messages, consumers, partitions) = ("mailer".to_owned(), 3, 2, 1);
    let explored = Size::Explored { subscription, messages, consumers, partitions };
    let sizes = [Size::Full, Size::Short(5), explored, Size::Reduced(less)];
    let courses = [Course::ByChance, Course::ByList("mailer.effect.after#1=crash".to_owned())];
    let mut strings = Vec::new();
    for overrides in [&[][..], &prefetch, &*LONG] {
        let loaded = load(everything, &everything.text, overrides).expect("a scenario");
        let replay = run::run(&loaded, Configuration { model, strategy }, 5).replay;
        for (size, course) in
            sizes.iter().flat_map(|size| courses.each_ref().map(|one| (size, one)))
        {
            let (size, course) = (size.clone(), course.clone());
            strings.push(ReplayString { size, course, ..replay.clone() }.to_string());
        }
    }
    strings
});
