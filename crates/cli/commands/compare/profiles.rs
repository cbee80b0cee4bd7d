//! `entrega compare --profile`: one scenario on several real systems.

use std::collections::BTreeSet;
use std::process::ExitCode;

use entrega_lab::{Comparison, LoadedScenario};
use entrega_report::comparison;
use entrega_scenario::profile::{NAMES, Profile};

use crate::args::{CompareArgs, Format};
use crate::commands::{code, interrupt};
use crate::failure::Failure;
use crate::{files, output};

/// Runs the command.
pub(super) fn compare(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let loaded: Vec<LoadedScenario> =
        names(args)?.iter().map(|name| read(args, name)).collect::<Result<_, _>>()?;
    let stop = interrupt::stop()?;
    let mut said = BTreeSet::new();
    let mut warn = |one: &str| {
        if said.insert(one.to_owned()) {
            output::warn(one);
        }
    };
    let mut comparisons: Vec<Comparison<'_>> = Vec::new();
    for one in &loaded {
        comparisons.push(super::of(one, args, &stop, &mut warn)?);
        if comparisons.last().is_some_and(|one| one.partial) {
            break;
        }
    }
    let text = match args.format {
        Format::Text => comparison::profiles_text(&comparisons, super::shown(args)),
        Format::Json => output::json(&comparison::profiles_document(&comparisons))?,
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(code(comparisons.iter().all(|one| one.violated.is_empty() && !one.partial)))
}

fn read(args: &CompareArgs, profile: &str) -> Result<LoadedScenario, Failure> {
    let named = ("profile".to_owned(), profile.to_owned());
    let set: Vec<_> = std::iter::once(named).chain(args.set.iter().cloned()).collect();
    files::read(&args.file, &set, &[("--output", args.output.as_deref())])
}

/// The profiles that were asked for. `all` stands for each that comes with the program, in its
/// present version, as far as the scenario runs on its model.
fn names(args: &CompareArgs) -> Result<Vec<String>, Failure> {
    if args.profile != ["all"] {
        return Ok(args.profile.clone());
    }
    let plain = files::read(&args.file, &args.set, &[])?.scenario;
    let is_asked = |profile: &Profile| {
        let of_scenario = plain.profile.is_some() || plain.models.contains(&profile.model);
        of_scenario && (args.model.is_empty() || args.model.contains(&profile.model))
    };
    let present = NAMES.iter().filter(|name| !name.contains('@'));
    let all = present.filter_map(|name| Profile::builtin(name)).filter(is_asked);
    Ok(all.map(|profile| profile.name).collect())
}
