//! Replay strings with something wrong in them: each is repeated or refused in words.

use entrega_lab::replay_string::{Overrides, ReplayError};
use entrega_lab::{ReplayString, replay};
use entrega_report::replay as report;

use crate::dice::Dice;
use crate::inputs::{LONG, SCENARIOS, STRINGS, load};
use crate::mutate::replay_string;
use crate::{numbers, without_panic};

/// How far mutants came.
#[derive(Debug, Default)]
struct Tally {
    /// They ended at their parts, their version or their checksum.
    unread: usize,
    /// Something else was wrong with their text.
    refused: usize,
    /// They are no run of the scenario.
    unrepeatable: usize,
    repeated: usize,
}

impl Tally {
    /// Does with a string what `replay` does.
    fn take(&mut self, text: &str) {
        let string = match text.parse::<ReplayString>() {
            Ok(string) => string,
            Err(ReplayError::Part { .. } | ReplayError::Exclude { .. }) => {
                self.refused += 1;
                return;
            }
            Err(_) => {
                self.unread += 1;
                return;
            }
        };
        let input = SCENARIOS.last().expect("a scenario");
        let overrides = match &string.overrides {
            Overrides::Named(named) => named.clone(),
            Overrides::Digest(_) => LONG.to_vec(),
        };
        let loaded = load(input, &input.text, &overrides).ok();
        match loaded.and_then(|loaded| replay::replay(&loaded, string).ok()) {
            Some(run) => {
                self.repeated += 1;
                let shown = report::Shown { all: true, colourful: true, columns: Some(80) };
                assert!(!report::text(&run, shown).is_empty());
            }
            None => self.unrepeatable += 1,
        }
    }
}

#[test]
fn every_string_is_repeated() {
    let mut tally = Tally::default();
    STRINGS.iter().for_each(|text| tally.take(text));
    assert_eq!(tally.repeated, STRINGS.len(), "{tally:?} {STRINGS:?}");
}

#[test]
fn every_mutant_is_repeated_or_refused() {
    let mut tally = Tally::default();
    for number in numbers(10) {
        let mut dice = Dice::new(number);
        let text = dice.pick(&STRINGS);
        let text = replay_string(&mut dice, text);
        without_panic(&text, || tally.take(&text));
    }
    let Tally { unread, refused, unrepeatable, repeated } = tally;
    let beyond = [refused, unrepeatable, repeated];
    let all = unread + beyond.iter().sum::<usize>();
    assert!(beyond.iter().all(|count| count * 25 > all), "{tally:?}");
    assert!(unread * 2 < all, "{tally:?}");
}
