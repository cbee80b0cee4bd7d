//! Scenarios from files, with their workload files beside them.

use std::fs;
use std::path::Path;

use entrega_lab::LoadedScenario;
use entrega_lab::truth_table;

use crate::args::Set;
use crate::failure::Failure;

/// Reads a scenario file and the workload file that it names; or the small world of the truth
/// table, if that is asked for and no file is called so.
pub(crate) fn read(path: &Path, overrides: &[Set]) -> Result<LoadedScenario, Failure> {
    let text = match fs::read_to_string(path) {
        Err(_) if path == Path::new(truth_table::NAME) => truth_table::SCENARIO.to_owned(),
        text => text.map_err(|error| Failure::file(path, "read", &error))?,
    };
    let beside = |file: &str| {
        let file = path.parent().unwrap_or(Path::new("")).join(file);
        fs::read_to_string(file).map_err(|error| error.to_string())
    };
    Ok(LoadedScenario::load(&path.display().to_string(), &text, overrides, &beside)?)
}
