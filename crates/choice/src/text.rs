//! Choices as text, short enough for a chat message:
//! `mailer.effect.after#2=crash+send.request#1=lost`.
//!
//! ```text
//! choices    = [ choice *( "+" choice ) ]
//! choice     = point "#" occurrence "=" answer
//! occurrence = 1 and up, in decimal digits
//! answer     = the name of an alternative, or 1 and up in decimal digits
//! ```
//!
//! Names consist of letters, digits, `.`, `_` and `-`; any other character of a name, and a `-` at
//! its start, is written as `%` and two hexadecimal digits for each of its bytes. So the text is
//! one word to a shell, quoted or not.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::{Choice, Point, PointSpec};

/// Why a text is not a list of choices. `position` is where `word` starts, in bytes from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// There is nothing before, after or between the `+`. Remove one of them.
    #[error("at byte {position}: nothing stands on one side of `+`")]
    Empty {
        /// Where a choice should be.
        position: usize,
    },
    /// A choice has no `#`. Say which occurrence of the point is meant.
    #[error("at byte {position}: {word:?} has no occurrence; a choice looks like point#1=answer")]
    MissingOccurrence {
        /// Where the choice starts.
        position: usize,
        /// The choice.
        word: String,
    },
    /// A choice has no `=`. Say what the answer is.
    #[error("at byte {position}: {word:?} has no answer; a choice looks like point#1=answer")]
    MissingAnswer {
        /// Where the choice starts.
        position: usize,
        /// The choice.
        word: String,
    },
    /// The table has no point of this name. Use one that it has.
    #[error("at byte {position}: there is no point {word:?}{}", suggestion(nearest))]
    UnknownPoint {
        /// Where the name starts.
        position: usize,
        /// The name.
        word: String,
        /// The most similar names in the table, most similar first.
        nearest: Vec<String>,
    },
    /// The occurrence is not a number from 1 to 2³² − 1.
    #[error("at byte {position}: {word:?} is not an occurrence; valid are 1, 2, 3, ...")]
    BadOccurrence {
        /// Where the occurrence starts.
        position: usize,
        /// What stands there.
        word: String,
    },
    /// The answer is neither a name that the point has nor a number from 1 to 2³² − 1.
    #[error("at byte {position}: {point} has no answer {word:?}{}", suggestion(valid))]
    UnknownAnswer {
        /// Where the answer starts.
        position: usize,
        /// What stands there.
        word: String,
        /// The point's name.
        point: String,
        /// All names that it has for its answers, most similar first.
        valid: Vec<String>,
    },
    /// One occurrence has two answers. Keep one.
    #[error("at byte {position}: {word:?} was already said at byte {first}")]
    Duplicate {
        /// Where the second choice starts.
        position: usize,
        /// Its point and occurrence.
        word: String,
        /// Where the first choice starts.
        first: usize,
    },
}

/// The text of `choices`, in their order. Answers that have no name are written as numbers; choices
/// of the value 0 say nothing and are left out. A point that is not in the table is written as `@`
/// and its index, which no table reads back.
pub fn format_choices(table: &[PointSpec], choices: &[Choice]) -> String {
    let mut text = String::new();
    for choice in choices.iter().filter(|choice| choice.value != 0) {
        if !text.is_empty() {
            text.push('+');
        }
        let spec = table.get(choice.point.index());
        let point = spec.map_or_else(|| format!("@{}", choice.point.0), |spec| escape(&spec.name));
        let answer = spec
            .and_then(|spec| spec.alternative(choice.value))
            .map_or_else(|| choice.value.to_string(), escape);
        let _infallible = write!(text, "{point}#{}={answer}", choice.occurrence);
    }
    text
}

/// The choices that `text` lists, in its order. The empty text lists none.
///
/// # Errors
///
/// The first thing in `text` that is not as the grammar and the table want it.
pub fn parse_choices(table: &[PointSpec], text: &str) -> Result<Vec<Choice>, ParseError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = table.iter().map(|spec| escape(&spec.name)).collect();
    let mut first = BTreeMap::new();
    let mut choices = Vec::new();
    let mut position = 0;
    for word in text.split('+') {
        let choice = parse_choice(table, &names, position, word)?;
        if let Some(first) = first.insert((choice.point, choice.occurrence), position) {
            let word = word.split('=').next().unwrap_or(word).to_owned();
            return Err(ParseError::Duplicate { position, word, first });
        }
        choices.push(choice);
        position += word.len() + 1;
    }
    Ok(choices)
}

fn parse_choice(
    table: &[PointSpec],
    names: &[String],
    position: usize,
    text: &str,
) -> Result<Choice, ParseError> {
    let word = || text.to_owned();
    if text.is_empty() {
        return Err(ParseError::Empty { position });
    }
    let (name, rest) = text
        .split_once('#')
        .ok_or_else(|| ParseError::MissingOccurrence { position, word: word() })?;
    let (count, answer) =
        rest.split_once('=').ok_or_else(|| ParseError::MissingAnswer { position, word: word() })?;
    let point = parse_point(names, position, name)?;
    let position = position + name.len() + 1;
    let occurrence = number(count)
        .ok_or_else(|| ParseError::BadOccurrence { position, word: count.to_owned() })?;
    let position = position + count.len() + 1;
    let value = parse_answer(&table[point.index()], position, answer)?;
    Ok(Choice { point, occurrence, value })
}

fn parse_point(names: &[String], position: usize, word: &str) -> Result<Point, ParseError> {
    let named = names.iter().zip(0..=u16::MAX).filter(|(name, _)| !name.is_empty());
    let found = named.clone().find(|(name, _)| *name == word);
    found.map(|(_, index)| Point(index)).ok_or_else(|| {
        let mut nearest = by_similarity(named.map(|(name, _)| name.clone()).collect(), word);
        nearest.truncate(3);
        ParseError::UnknownPoint { position, word: word.to_owned(), nearest }
    })
}

fn parse_answer(spec: &PointSpec, position: usize, word: &str) -> Result<u32, ParseError> {
    let named =
        || (1_u32..).map_while(|value| spec.alternatives.get(value as usize - 1).map(|_| value));
    let name = |value| spec.alternative(value).map(escape);
    let found = named().find(|value| name(*value).is_some_and(|name| name == word));
    found.or_else(|| number(word)).ok_or_else(|| ParseError::UnknownAnswer {
        position,
        word: word.to_owned(),
        point: spec.name.clone(),
        valid: by_similarity(named().filter_map(name).collect(), word),
    })
}

/// A number from 1 to 2³² − 1.
fn number(word: &str) -> Option<u32> {
    word.parse().ok().filter(|number| *number > 0)
}

/// A name in the characters that need no quoting.
fn escape(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for (index, letter) in name.char_indices() {
        if letter.is_alphanumeric() || matches!(letter, '.' | '_') || (letter == '-' && index > 0) {
            text.push(letter);
            continue;
        }
        for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
            let _infallible = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The names most similar to `word` first: those that end in it, then by edit distance.
fn by_similarity(mut names: Vec<String>, word: &str) -> Vec<String> {
    const LONGEST_COMPARED: usize = 64;
    let word: String = word.chars().take(LONGEST_COMPARED).collect();
    names.sort_by_cached_key(|name| {
        let ends = !word.is_empty() && name.ends_with(&word);
        (!ends, strsim::osa_distance(name, &word))
    });
    names
}

fn suggestion(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("; valid is {one}"),
        [near, others @ ..] => format!("; nearest is {near}, then {}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEG: &[&str] = &["lost", "late", "duplicated"];

    fn table() -> Vec<PointSpec> {
        let spec = |name: &str, alternatives| PointSpec { name: name.to_owned(), alternatives };
        vec![
            spec("send.request", LEG),
            spec("mailer.effect.before", &["crash"]),
            spec("mailer.effect.after", &["crash"]),
            spec("-my queue+café#1='x'", &["a=b", "2", "", "ok"]),
        ]
    }

    const fn choice(point: u16, occurrence: u32, value: u32) -> Choice {
        Choice { point: Point(point), occurrence, value }
    }

    #[test]
    fn text_and_choices_are_two_forms_of_one() {
        let check = |choices: &[Choice], text: &str| {
            assert_eq!(format_choices(&table(), choices), text);
            assert_eq!(parse_choices(&table(), text).as_deref(), Ok(choices), "{text}");
        };
        check(&[], "");
        check(&[choice(2, 2, 1)], "mailer.effect.after#2=crash");
        check(
            &[choice(2, 2, 1), choice(0, 1, 2)],
            "mailer.effect.after#2=crash+send.request#1=late",
        );
        check(&[choice(0, u32::MAX, u32::MAX)], "send.request#4294967295=4294967295");
        check(&[choice(0, 1, 4)], "send.request#1=4");
        check(&[choice(3, 1, 1)], "%2Dmy%20queue%2Bcafé%231%3D%27x%27#1=a%3Db");
        check(&[choice(3, 1, 2)], "%2Dmy%20queue%2Bcafé%231%3D%27x%27#1=2");
        check(&[choice(3, 1, 3)], "%2Dmy%20queue%2Bcafé%231%3D%27x%27#1=3");
    }

    #[test]
    fn a_number_is_read_for_a_name() {
        let expect = Ok(vec![choice(0, 1, 2)]);
        assert_eq!(parse_choices(&table(), "send.request#01=2"), expect);
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        let text = format_choices(&table(), &[choice(0, 1, 0), choice(9, 1, 1), choice(1, 1, 0)]);
        assert_eq!(text, "@9#1=1");
        assert!(matches!(parse_choices(&table(), &text), Err(ParseError::UnknownPoint { .. })));
    }

    #[test]
    fn errors_say_where_and_what_would_be_valid() {
        let check = |text: &str, expect: &str| {
            let error = parse_choices(&table(), text).expect_err(text);
            assert_eq!(error.to_string(), expect, "{text}");
        };
        check("+", "at byte 0: nothing stands on one side of `+`");
        check("send.request#1=lost+", "at byte 20: nothing stands on one side of `+`");
        check(
            "send.request#1=lost+crash",
            "at byte 20: \"crash\" has no occurrence; a choice looks like point#1=answer",
        );
        check(
            "send.request#1",
            "at byte 0: \"send.request#1\" has no answer; a choice looks like point#1=answer",
        );
        check(
            "effect.after#1=crash",
            "at byte 0: there is no point \"effect.after\"; nearest is mailer.effect.after, \
             then send.request, mailer.effect.before",
        );
        check(
            "send.requets#1=lost",
            "at byte 0: there is no point \"send.requets\"; nearest is send.request, \
             then mailer.effect.after, mailer.effect.before",
        );
        for number in ["0", "", "x", "-1", "4294967296", "１"] {
            check(
                &format!("send.request#{number}=lost"),
                &format!("at byte 13: {number:?} is not an occurrence; valid are 1, 2, 3, ..."),
            );
        }
        check(
            "send.request#12=duplicate",
            "at byte 16: send.request has no answer \"duplicate\"; nearest is duplicated, \
             then late, lost",
        );
        check(
            "mailer.effect.after#1=0",
            "at byte 22: mailer.effect.after has no answer \"0\"; valid is crash",
        );
        check(
            "send.request#1=lost+mailer.effect.after#1=crash+send.request#01=late",
            "at byte 48: \"send.request#01\" was already said at byte 0",
        );
    }

    /// A number without a point has no name, and no name finds it.
    #[test]
    fn what_has_no_name_is_no_point() {
        let nameless = PointSpec { name: String::new(), alternatives: &["lost"] };
        let table = [nameless, table()[0].clone()];
        let error = parse_choices(&table, "#1=lost").expect_err("no point");
        let ParseError::UnknownPoint { nearest, .. } = error else { panic!("{error}") };
        assert_eq!(nearest, [table[1].name.clone()]);
    }

    #[test]
    fn an_empty_table_has_nothing_to_suggest() {
        let error = parse_choices(&[], "a#1=b").expect_err("there is no point");
        assert_eq!(error.to_string(), "at byte 0: there is no point \"a\"");
    }

    proptest! {
        #[test]
        fn choices_round_trip(
            parts in prop::collection::btree_map((0..4_u16, 1_u32..), 1_u32.., 0..8),
        ) {
            let choices: Vec<Choice> = parts
                .into_iter()
                .map(|((point, occurrence), value)| choice(point, occurrence, value))
                .collect();
            let text = format_choices(&table(), &choices);
            prop_assert_eq!(parse_choices(&table(), &text), Ok(choices));
        }

        #[test]
        fn any_name_round_trips_as_one_shell_word(name: String, value in 1..4_u32) {
            let table = [PointSpec { name, alternatives: LEG }];
            let text = format_choices(&table, &[choice(0, 3, value)]);
            prop_assert_eq!(parse_choices(&table, &text), Ok(vec![choice(0, 3, value)]));
            let safe = |letter: char| letter.is_alphanumeric() || "._-%#=".contains(letter);
            prop_assert!(text.chars().all(safe) && !text.starts_with('-'), "{}", text);
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = parse_choices(&table(), &text);
        }

        #[test]
        fn almost_right_text_never_panics_and_errors_point_into_it(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "send.request", "mailer.effect", "é", "#", "=", "+", "1", "0", "lost", "crash",
                ]),
                0..16,
            ),
        ) {
            let text = words.concat();
            match parse_choices(&table(), &text) {
                Ok(choices) => {
                    let again = format_choices(&table(), &choices);
                    prop_assert_eq!(parse_choices(&table(), &again), Ok(choices));
                }
                Err(error) => {
                    let (position, word) = place(&error);
                    prop_assert!(text[position..].starts_with(&word), "{} {:?}", text, error);
                }
            }
        }
    }

    fn place(error: &ParseError) -> (usize, String) {
        match error.clone() {
            ParseError::Empty { position } => (position, String::new()),
            ParseError::MissingOccurrence { position, word }
            | ParseError::MissingAnswer { position, word }
            | ParseError::UnknownPoint { position, word, .. }
            | ParseError::BadOccurrence { position, word }
            | ParseError::UnknownAnswer { position, word, .. }
            | ParseError::Duplicate { position, word, .. } => (position, word),
        }
    }
}
