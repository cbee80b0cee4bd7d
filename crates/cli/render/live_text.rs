//! A live run for people: the table of a comparison, and what one run says and does not say.

use std::fmt::Write;

use entrega_checker::End;

use super::compare_text::{table, thousands};
use crate::lab::live_sweep::LiveResult;

/// The result as text.
pub(crate) fn render(result: &LiveResult<'_>) -> String {
    let mut text = String::new();
    let comparison = &result.comparison;
    let loaded = comparison.loaded;
    let _ = writeln!(text, "{}", loaded.scenario.title);
    let _ = writeln!(
        text,
        "live, {} messages, seed {}, {} times as fast as the clock, scenario {}",
        thousands(result.messages as u64),
        comparison.seed,
        result.factor,
        loaded.digest
    );
    if comparison.partial {
        let _ = writeln!(text, "PARTIAL: interrupted; only what was finished counts");
    }
    for subscription in loaded.scenario.subscription_names() {
        let _ = writeln!(text, "\n{subscription}\n{}", table(comparison, subscription).trim_fmt());
    }
    text.push_str(LEGEND);
    restless(&mut text, result);
    simulated(&mut text, result);
    list(&mut text, UNSEEN, &result.unseen);
    for violation in &comparison.violated {
        let _ = writeln!(text, "NOT AS EXPECTED: {violation}");
    }
    text
}

const LEGEND: &str = "
One real run a row: nobody can repeat it, and its rates have no narrow interval. lost, duplicated: shares of
acknowledged sends; where nothing happened, the share of runs in which it still could (3/n). redelivered:
deliveries, also because a lease ended on a busy machine; p50, p99: from send to first effect, in the time of the
scenario. The last column says whether the promise was kept; it is unknown if nothing put it to the test.
";

const UNSEEN: &str =
    "\nExpected otherwise, which one real run cannot decide (`compare` makes many):";

fn restless(text: &mut String, result: &LiveResult<'_>) {
    for ((model, strategy), ran) in &result.runs {
        if ran.as_ref().is_some_and(|ran| ran.report.end == End::Unfinished) {
            let _ = writeln!(
                text,
                "\nDID NOT COME TO REST: {model}, {strategy}. Nothing is said of what is missing \
                 there; a lower --time-scale gives it more time."
            );
        }
    }
}

fn simulated(text: &mut String, result: &LiveResult<'_>) {
    let (agreed, of) = result.agreed;
    if of == 0 {
        return;
    }
    let _ = writeln!(
        text,
        "\nThe simulator, with the same messages and faults, comes to the same verdict in {agreed} of \
         {of} rows."
    );
    for one in &result.disagreed {
        let _ = writeln!(text, "  {one}");
    }
}

fn list(text: &mut String, title: &str, items: &[String]) {
    if !items.is_empty() {
        let _ = writeln!(text, "{title}");
    }
    for item in items {
        let _ = writeln!(text, "  {item}");
    }
}
