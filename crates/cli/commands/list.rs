//! `entrega list`: what there is to run: scenarios, strategies, fault points.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::points::{FAULTS, Fault};

use crate::args::ListArgs;
use crate::failure::Failure;
use crate::{files, output};

/// Prints the catalogue.
pub(crate) fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let text = format!("{}\n{}\n{}", scenarios(&args.dir)?, strategies(), fault_points());
    output::write(None, &text)?;
    Ok(ExitCode::SUCCESS)
}

fn scenarios(dir: &Path) -> Result<String, Failure> {
    let mut text = format!("Scenarios in {}\n", dir.display());
    let files = scenario_files(dir)?;
    let width = files.iter().map(|file| file.display().to_string().len()).max().unwrap_or(0);
    for file in &files {
        let title = match files::read(file, &[]) {
            Ok(loaded) => loaded.scenario.title,
            Err(_) => "(not valid; `entrega run` says why)".to_owned(),
        };
        let _ = writeln!(text, "  {:width$}  {title}", file.display().to_string());
    }
    if files.is_empty() {
        text.push_str("  none; `entrega new orders.toml` writes one to start from\n");
    }
    Ok(text)
}

/// The TOML files of a directory, by name. Without the usual directory there are none; one that was
/// named must exist.
fn scenario_files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: &std::io::Error| Failure::file(dir, "read", error);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(_) if !dir.exists() && dir == Path::new("simulations") => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn strategies() -> String {
    let mut text = "Strategies (what each promises on a log and on a queue)\n".to_owned();
    let width = Strategy::ALL.iter().map(|strategy| strategy.name().len()).max().unwrap_or(0);
    for strategy in Strategy::ALL {
        let [log, queue] = [Model::Log, Model::Queue].map(|model| promise(strategy, model));
        let _ = writeln!(text, "  {strategy:width$} {log:20} {queue}");
        let _ = writeln!(text, "      {}", strategy.summary());
    }
    text
}

/// What a strategy promises on a model, if it runs there.
fn promise(strategy: Strategy, model: Model) -> String {
    if strategy.supports(model) { strategy.guarantee(model).to_string() } else { "–".to_owned() }
}

fn fault_points() -> String {
    let mut text = "Fault points (`*` stands for a subscription's name)\n".to_owned();
    for info in FAULTS.iter().filter(|info| info.by_chance > 0) {
        let owner = if info.per_subscription { "*." } else { "" };
        let name = format!("{owner}{}", info.name);
        let alternatives = info.chances().join(", ");
        let _ = writeln!(text, "  {name:24} {alternatives:24} {}", meaning(info.fault));
    }
    text.push_str(
        "\n  lost: it never arrives. late: it arrives after the additional time `times.late`.\n  \
         duplicated: it arrives twice.\n",
    );
    text
}

/// What a fault point means, in a line.
fn meaning(fault: Fault) -> &'static str {
    match fault {
        Fault::SendRequest => "the producer's request to store a message",
        Fault::SendResponse => "the broker's answer to it",
        Fault::BrokerRestart => "the broker restarts and forgets what was in flight",
        Fault::ArrivalOrder => "of requests that arrive at one instant, which comes first",
        Fault::ReceiveRequest => "a consumer's request for messages",
        Fault::ReceiveResponse => "the messages on their way to the consumer",
        Fault::MessagePoison => "every attempt to process this message fails",
        Fault::HandlerError => "the handler fails before its effect; another attempt may succeed",
        Fault::HandlerSlow => "the handler takes `times.slow` longer; heartbeats go on",
        Fault::ProcessStall => {
            "all of the process stops for `times.stall`, before or after the effect"
        }
        Fault::EffectBefore => "the process dies when it is about to ask for the effect",
        Fault::EffectRequest => "the request to the sink",
        Fault::EffectResponse => "the sink's answer",
        Fault::EffectAfter => "the process dies when it has the sink's answer",
        Fault::SettleRequest => "the consumer's request to settle: an ack or a commit",
        Fault::SettleResponse => "the broker's answer to it",
        Fault::SettleAfter => "the process dies when it has the broker's answer to a settle",
        Fault::DeadLetterRequest => "the consumer's request to write a dead letter",
        Fault::DeadLetterResponse => "the answer to it",
        Fault::GroupRebalance => "on a log: the group rebalances, before or after an effect",
    }
}
