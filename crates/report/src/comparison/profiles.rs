//! A comparison of one scenario on several real systems: a table of profile × strategy, then the
//! stories, system by system.

use std::fmt::Write;

use entrega_lab::comparison::{Comparison, ComparisonRow};
use entrega_model::printable::printable;
use serde::Serialize;

use super::json::{Document, document};
use super::stories::stories;
use super::table::grouped;
use super::text::{heading, legend};
use super::{Shown, unknowns};
use crate::columns::fitted;

/// The name and version of this form.
const SCHEMA: &str = "entrega.compare-profiles.v1";

/// Comparisons by profile, for programs.
#[derive(Serialize)]
pub struct ProfilesDocument<'a> {
    schema: &'static str,
    profiles: Vec<OfProfile<'a>>,
}

/// What was found on one system.
#[derive(Serialize)]
struct OfProfile<'a> {
    profile: &'a str,
    comparison: Document<'a>,
}

/// The comparisons as a document.
pub fn profiles_document<'a>(comparisons: &'a [Comparison<'_>]) -> ProfilesDocument<'a> {
    let of =
        |one: &'a Comparison<'_>| OfProfile { profile: profile(one), comparison: document(one) };
    ProfilesDocument { schema: SCHEMA, profiles: comparisons.iter().map(of).collect() }
}

/// The comparisons as text.
pub fn profiles_text(comparisons: &[Comparison<'_>], shown: Shown) -> String {
    let Some(first) = comparisons.first() else { return "no profile is left\n".to_owned() };
    let mut text = String::new();
    heading(&mut text, first);
    for subscription in first.loaded.scenario.subscription_names() {
        let of_subscription = |row: &&ComparisonRow| row.subscription == subscription;
        let rows = comparisons.iter().flat_map(|one| {
            let rows = one.rows.iter().filter(of_subscription);
            rows.map(|row| (profile(one).to_owned(), row))
        });
        let _ = writeln!(text, "\n{subscription}\n{}", grouped("profile", rows).trim_fmt());
    }
    legend(&mut text, first, shown.columns);
    for one in comparisons {
        let _ = writeln!(text, "\n── {}", printable(profile(one)));
        text.push_str(&unknowns(one));
        stories(&mut text, one, shown.all_stories);
        for violation in &one.violated {
            let _ = writeln!(text, "NOT AS EXPECTED: {violation}");
        }
    }
    match shown.columns {
        Some(columns) => fitted(&text, columns),
        None => text,
    }
}

fn profile<'a>(comparison: &'a Comparison<'_>) -> &'a str {
    comparison.loaded.scenario.profile.as_deref().unwrap_or("none")
}
