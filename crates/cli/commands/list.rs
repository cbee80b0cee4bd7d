//! `entrega list`: what there is to run: scenarios, strategies, fault points, profiles; and what a
//! scenario may say.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use entrega_model::printable::printable;
use entrega_report::catalogue;
use entrega_scenario::profile;

use crate::args::ListArgs;
use crate::failure::Failure;
use crate::{files, output};

const SETTINGS: &str =
    "Settings (`entrega list settings [SECTION]` prints them with defaults and bounds)\n";

/// Prints the catalogue.
pub(crate) fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let text = if args.dir == Path::new("settings") {
        entrega_scenario::settings(args.section.as_deref()).map_err(Failure::new)?
    } else if let Some(section) = &args.section {
        let section = printable(section);
        return Err(Failure::new(format!(
            "`{section}` belongs to nothing that is listed\n  help: entrega list settings {section}"
        )));
    } else if args.dir == Path::new("profiles") {
        profile::in_full()
    } else {
        let (scenarios, profiles) = (scenarios(&args.dir)?, profile::names());
        format!(
            "{scenarios}\n{}\n{}\n{profiles}\n{SETTINGS}",
            catalogue::strategies(),
            catalogue::fault_points()
        )
    };
    output::write(None, &text)?;
    Ok(ExitCode::SUCCESS)
}

fn scenarios(dir: &Path) -> Result<String, Failure> {
    let shown = |path: &Path| printable(&path.display().to_string()).into_owned();
    let mut text = format!("Scenarios in {}\n", shown(dir));
    let files = scenario_files(dir)?;
    let width = files.iter().map(|file| shown(file).len()).max().unwrap_or(0);
    for file in &files {
        let title = match files::read(file, &[], &[]) {
            Ok(loaded) => printable(&loaded.scenario.title).into_owned(),
            Err(_) => "(not valid; `entrega run` says why)".to_owned(),
        };
        let _ = writeln!(text, "  {:width$}  {title}", shown(file));
    }
    if files.is_empty() {
        text.push_str("  none; `entrega new orders.toml` writes one to start from\n");
    }
    Ok(text)
}

/// The TOML files of a directory, by name. The usual directory may be missing; a directory that the
/// user names must exist.
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
