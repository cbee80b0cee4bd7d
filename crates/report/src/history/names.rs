//! The report of a record for programs: messages and processes by the names that the record gives
//! them, and not by the numbers that they have in memory; and times as far as its clocks tell them.

use entrega_lab::history::JudgedHistory;
use entrega_model::{Duration, MessageId, ProcessId};
use serde::Serializer;
use serde::ser::Error;
use serde_json::Value;

/// Writes the report of a history.
pub(super) fn report<S: Serializer>(
    history: &&JudgedHistory,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut report = serde_json::to_value(&history.report).map_err(S::Error::custom)?;
    let subscriptions = report["subscriptions"].as_array_mut();
    subscriptions.into_iter().flatten().for_each(|of| {
        name_all(history, of);
        bound(&mut of["latency"], history.skew);
    });
    serializer.collect_map(report.as_object().into_iter().flatten())
}

fn name_all(history: &JudgedHistory, of: &mut Value) {
    let firsts = of["firsts"].as_object_mut().into_iter().flat_map(|firsts| firsts.values_mut());
    firsts.for_each(|first| name(history, first));
    for list in ["examples", "waiting"] {
        let entries = of[list].as_array_mut().into_iter().flatten();
        entries.for_each(|entry| name(history, &mut entry["message"]));
    }
    for example in ["reordered_example", "replayed_example"] {
        name(history, &mut of["order"][example]);
    }
    for waiting in of["waiting"].as_array_mut().into_iter().flatten() {
        let process = &mut waiting["last_with"];
        if let Some(number) = process.as_u64().and_then(|number| u16::try_from(number).ok()) {
            *process = history.process(ProcessId(number)).into();
        }
    }
}

/// Says within what latencies are known, if clocks differ, and leaves out those that are not.
fn bound(latency: &mut Value, skew: Duration) {
    let Some(latency) = latency.as_object_mut().filter(|_| !skew.is_zero()) else { return };
    let within = skew.as_nanos();
    for name in ["min", "p50", "p99", "max"] {
        let known = latency.get(name).and_then(Value::as_u64).filter(|nanos| *nanos > within);
        latency.insert(name.to_owned(), known.into());
    }
    latency.insert("within".to_owned(), within.into());
}

/// Puts the name of a message in the place of its number.
fn name(history: &JudgedHistory, place: &mut Value) {
    if let Some(number) = place.as_u64().and_then(|number| u32::try_from(number).ok()) {
        *place = history.message(MessageId(number)).into();
    }
}
