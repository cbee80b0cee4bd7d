//! A live run for people: the table of a comparison, and what one run says and does not say.

use std::fmt::Write;
use std::time::Duration;

use entrega_model::printable::printable;
use entrega_report::comparison::{tables, unknowns};
use entrega_report::digits::thousands;
use entrega_stage::{CLOSING, Ending};

use crate::threads::live_sweep::{Agreement, LiveResult, SIMULATED};

/// The result as text.
pub(crate) fn render(result: &LiveResult<'_>, columns: Option<usize>) -> String {
    let mut text = String::new();
    let comparison = &result.comparison;
    let loaded = comparison.loaded;
    let _ = writeln!(text, "{}", printable(&loaded.scenario.title));
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
    text.push_str(&tables(comparison, columns));
    let _ = writeln!(text, "{LEGEND}{}", latency(result.factor.get()));
    text.push_str(&unknowns(comparison));
    restless(&mut text, result);
    simulated(&mut text, result);
    list(&mut text, UNSEEN, &result.unseen);
    for violation in &comparison.violated {
        let _ = writeln!(text, "NOT AS EXPECTED: {violation}");
    }
    text
}

const LEGEND: &str = "
One real run a row: nobody can repeat it, and it says nothing of how often. lost, duplicated: of acknowledged
sends. redelivered: deliveries, also because a lease ended on a busy machine. The last column says whether the promise
was kept; it is unknown if nothing put it to the test.
";

/// What the columns of latencies hold.
fn latency(factor: u32) -> &'static str {
    if factor > 1 {
        "p50, p99: not at this speed, which multiplies the machine's own delays; --time-scale 1 measures them."
    } else {
        "p50, p99: from send to first effect."
    }
}

const UNSEEN: &str =
    "\nExpected otherwise, which one real run cannot decide (`compare` makes many):";

fn restless(text: &mut String, result: &LiveResult<'_>) {
    for (configuration, ran) in &result.runs {
        if let Some(why) =
            ran.as_ref().and_then(|ran| limit(ran.ending, ran.patience, result.factor.get()))
        {
            let _ = writeln!(
                text,
                "\nDID NOT COME TO REST: {configuration}: {why}.\nNothing is said of what is \
                 missing there."
            );
        }
    }
}

/// The limit that a run has reached, and what to do about it.
fn limit(ending: Ending, patience: Duration, factor: u32) -> Option<String> {
    match ending {
        Ending::AtRest => None,
        Ending::Open => Some(format!(
            "its work was done, but its processes did not close within {} s",
            CLOSING.as_secs()
        )),
        Ending::Busy => Some(format!(
            "not done after {:.0} s of the machine's clock, {:.0} s of the scenario's.\nIf its \
             consumers do not keep up, a lower --time-scale helps; if it waits for long timeouts, \
             a higher one",
            patience.as_secs_f64(),
            patience.as_secs_f64() * f64::from(factor)
        )),
    }
}

fn simulated(text: &mut String, result: &LiveResult<'_>) {
    let Agreement { rows, agreed, untested, disagreed, .. } = &result.agreement;
    if *rows == 0 {
        return;
    }
    let untested = match untested {
        0 => String::new(),
        count => format!("; {count} of them not put to the test"),
    };
    let _ = writeln!(
        text,
        "\nThe simulator, with the same messages and the same odds, comes in {SIMULATED} runs to the \
         same verdict in {agreed} of {rows} rows{untested}."
    );
    for one in disagreed {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_did_not_come_to_rest_says_which_limit_it_reached() {
        let of = |ending| limit(ending, Duration::from_secs(20), 13).unwrap_or_default();
        assert_eq!(of(Ending::AtRest), "");
        let busy = of(Ending::Busy);
        assert!(busy.contains("20 s of the machine's clock, 260 s of the scenario's"), "{busy}");
        assert!(of(Ending::Open).contains("did not close within 5 s"));
    }
}
