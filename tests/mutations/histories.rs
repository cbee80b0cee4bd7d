//! Histories with something wrong in them: each is judged or refused in words.

use entrega_lab::history::{self, Evidence};
use entrega_model::Duration;
use entrega_model::history::{Reading, TimeOrder};
use entrega_report::{history as report, to_json};

use crate::inputs::HISTORIES;
use crate::{mutate, numbers, without_panic};

#[test]
fn every_history_is_judged_or_refused() {
    let (mut judged, mut refused) = (0, 0);
    for number in numbers(20) {
        let text = mutate::lines(number, &HISTORIES[number as usize % HISTORIES.len()]);
        let order = match number % 3 {
            0 => TimeOrder::Rising,
            1 => TimeOrder::AsWritten(Duration::from_secs(1)),
            _ => TimeOrder::Sorted(Duration::from_secs(1)),
        };
        let reading = Reading { lenient: number.is_multiple_of(2), order };
        without_panic(&text, || match history::check(text.as_bytes(), "h.jsonl", reading) {
            Ok(found) => {
                let evidence = Evidence::find(&found, text.as_bytes(), "h.jsonl", reading);
                let mut evidence = evidence.expect("it was read before");
                evidence.read(&found, text.as_bytes()).expect("memory");
                let said = report::text(&found, &evidence, "h.jsonl");
                assert!(said.contains("The history is"));
                assert!(to_json(&report::document(&found, &evidence)).is_ok());
                judged += 1;
            }
            Err(error) => {
                assert!(error.to_string().starts_with("h.jsonl:"), "{error}");
                refused += 1;
            }
        });
    }
    assert!(judged > 20 && refused > 20, "{judged} judged, {refused} refused");
}
