//! The arrows between the crates, exactly as `ARCHITECTURE.md` draws them.
//!
//! A new arrow is a decision about the architecture: whoever needs one changes this table, the
//! drawing and the text there in one go.

use std::collections::BTreeSet;
use std::process::Command;

use toml::{Table, Value};

use crate::tree::{assert_none, file, files};

/// Every crate of the workspace and its arrows. It must use each of them, and may also name the
/// crates that these lead to.
const ARROWS: [(&str, &[&str]); 14] = [
    ("model", &[]),
    ("choice", &[]),
    ("brokers", &["model"]),
    ("clients", &["model"]),
    ("checker", &["model"]),
    ("scenario", &["brokers", "choice", "clients", "model"]),
    ("sim", &["scenario"]),
    ("explain", &["checker", "scenario"]),
    ("inproc", &["brokers", "model"]),
    ("live", &["brokers", "clients", "inproc", "model"]),
    ("entrega", &["explain", "sim"]),
    ("lab", &["entrega"]),
    ("report", &["lab"]),
    ("stage", &["brokers", "clients", "entrega", "live"]),
];

/// The crates that are no part of the simulation.
const REAL: [&str; 3] = ["inproc", "live", "stage"];

/// What would bring threads, clocks or chance of their own into a simulated crate.
const FOREIGN: [&str; 8] =
    ["async-std", "chrono", "crossbeam", "getrandom", "rand", "rayon", "time", "tokio"];

/// The crates that the arrows of `name` lead to, directly or through others.
fn below(name: &str) -> BTreeSet<&'static str> {
    let arrows = ARROWS.iter().find(|(known, _)| *known == name).map_or(&[][..], |row| row.1);
    arrows.iter().flat_map(|arrow| below(arrow).into_iter().chain([*arrow])).collect()
}

/// The package that crate `name` is.
fn package(name: &str) -> String {
    if name == "entrega" { name.to_owned() } else { format!("entrega-{name}") }
}

/// What is wrong with the manifest of crate `name`.
fn complaints(name: &str, manifest: &str) -> Vec<String> {
    let Some((_, arrows)) = ARROWS.iter().find(|(known, _)| *known == name) else {
        return vec![format!("crate {name} is not in the table of arrows")];
    };
    let manifest: Table = match manifest.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("crate {name}: {error}")],
    };
    let required: BTreeSet<String> = arrows.iter().copied().map(package).collect();
    let allowed: BTreeSet<String> = below(name).into_iter().map(package).collect();
    let mut complaints = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let named = dependencies(&manifest, section);
        let itself = package(name);
        let is_other = |one: &&String| one.starts_with("entrega") && **one != itself;
        let own: BTreeSet<String> = named.iter().filter(is_other).cloned().collect();
        for extra in own.difference(&allowed) {
            complaints.push(format!("crate {name}: [{section}] has {extra}: no such arrow"));
        }
        if section == "dependencies" {
            for missing in required.difference(&own) {
                complaints.push(format!("crate {name}: the arrow to {missing} is not used"));
            }
        }
        let foreign = named.iter().filter(|one| FOREIGN.contains(&one.as_str()));
        for foreign in foreign.filter(|_| !REAL.contains(&name)) {
            complaints.push(format!("crate {name}: [{section}] has {foreign}, and is simulated"));
        }
    }
    complaints
}

/// The packages that a section names, under their real names.
fn dependencies(manifest: &Table, section: &str) -> BTreeSet<String> {
    let Some(Value::Table(section)) = manifest.get(section) else { return BTreeSet::new() };
    let package = |(name, value): (&String, &Value)| {
        let renamed = value.get("package").and_then(Value::as_str);
        renamed.unwrap_or(name).to_owned()
    };
    section.iter().map(package).collect()
}

#[test]
fn crates_depend_on_what_the_architecture_says() {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for manifest in files("toml") {
        let parts: Vec<&str> = manifest.path.split('/').collect();
        if let ["crates", name, "Cargo.toml"] = parts.as_slice() {
            seen.insert((*name).to_owned());
            all.extend(complaints(name, &manifest.text));
        }
    }
    assert_none(&all);
    assert_eq!(seen, ARROWS.map(|(name, _)| name.to_owned()).into(), "crates of the table");
}

/// The arrows as a person reads them.
#[test]
fn the_architecture_draws_the_same_arrows() {
    let architecture = file("ARCHITECTURE.md").text;
    for (name, arrows) in ARROWS {
        let shown = if arrows.is_empty() { "nothing".to_owned() } else { arrows.join(", ") };
        let row = format!("| `{name}` | {shown} |");
        assert!(architecture.contains(&row), "ARCHITECTURE.md has no row `{row}`");
    }
}

/// The packages that a command line with these kinds of dependencies is built of.
fn packages(edges: &str) -> String {
    let arguments = ["tree", "--locked", "--offline", "--prefix", "none", "--edges", edges];
    let tree = Command::new(env!("CARGO")).args(arguments).output().expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8_lossy(&tree.stdout).into_owned()
}

/// The command line opens no database, and SQLite's C code is the longest part of a first build.
/// Its tests do open one.
#[test]
fn the_command_line_is_built_without_a_database() {
    let is_database = |line: &str| line.starts_with("rusqlite ");
    assert!(!packages("normal,build").lines().any(is_database));
    assert!(packages("normal,build,dev").lines().any(is_database));
}

#[test]
fn a_wrong_arrow_is_caught() {
    let check = |name, manifest, expect: &str| {
        let complaints = complaints(name, manifest).join("; ");
        assert!(complaints.contains(expect), "{complaints}");
    };
    check("model", "[dependencies]\nentrega-sim.path = '../sim'", "no such arrow");
    check("model", "[dependencies]\nentrega-cli.path = '../..'", "no such arrow");
    check("model", "[dev-dependencies]\nx = { package = 'entrega-sim' }", "no such arrow");
    check("checker", "[dependencies]\nserde = '1'", "the arrow to entrega-model is not used");
    check("brokers", "[dependencies]\ntokio = '1'\nentrega-model = '1'", "is simulated");
    check("sim", "[dependencies]\nentrega-checker = '1'", "no such arrow");
    check(
        "sim",
        "[dependencies]\nentrega-model = '1'",
        "the arrow to entrega-scenario is not used",
    );
    check("entrega", "[dependencies]\nentrega-live = '1'", "no such arrow");
    check("stage", "[dependencies]\nentrega-live = '1'", "the arrow to entrega is not used");
    check("unheard-of", "[dependencies]", "not in the table");
    check("model", "[dependencies", "crate model: ");
    let through = "[dependencies]\nentrega-scenario = '1'\nentrega-model = '1'";
    assert_none(&complaints("sim", through));
    assert_none(&complaints("brokers", "[dependencies]\nentrega-model = '1'\nrand_xoshiro = '1'"));
}
