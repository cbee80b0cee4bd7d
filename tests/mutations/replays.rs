//! Replay strings with something wrong in them: each is repeated or refused in words.

use entrega_lab::replay_string::Overrides;
use entrega_lab::{Configuration, Model, ReplayString, Strategy, replay, run};
use entrega_report::replay as report;

use crate::inputs::{SCENARIOS, load};
use crate::mutate::{Chance, characters};
use crate::{numbers, without_panic};

#[test]
fn every_string_is_repeated_or_refused() {
    let input = SCENARIOS.last().expect("a scenario");
    let configuration =
        Configuration { model: Model::Queue, strategy: Strategy::ProcessThenSettle };
    let loaded = load(input, &input.text, &[]).expect("a scenario");
    let whole = run::run(&loaded, configuration, 5).replay.to_string();
    let mut repeated = 0;
    for number in numbers(10) {
        let mut chance = Chance::of(number);
        let text = match number % 9 {
            0 => whole.clone(),
            _ => characters(&mut chance, &whole, ":+#=.,0129aqm\u{e9}"),
        };
        without_panic(&text, || {
            let Ok(string) = text.parse::<ReplayString>() else { return };
            let Overrides::Named(overrides) = string.overrides.clone() else { return };
            let Ok(loaded) = load(input, &input.text, &overrides) else { return };
            let Ok(run) = replay::replay(&loaded, string) else { return };
            repeated += 1;
            let shown = report::Shown { all: true, colourful: true, columns: Some(80) };
            assert!(!report::text(&run, shown).is_empty());
        });
    }
    assert!(repeated > 5, "{repeated}");
}
