//! Probabilities as people write them: `"1/200"`, `"0.5%"`, `0.005`.
//!
//! An exact ratio of integers, because a run must be the same on every machine.

use std::borrow::Cow;
use std::fmt;

use entrega_choice::{Ratio, RatioError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The probability of one alternative at one fault point, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probability(pub Ratio);

impl Probability {
    /// Whether the alternatives of one point fit together: their sum is at most 1. The test is
    /// exact as long as the common denominator has at most 128 bits; beyond that, to within 2⁻⁶⁰.
    pub(crate) fn fit_together(probabilities: &[Self]) -> bool {
        exact_sum(probabilities).map_or_else(
            || probabilities.iter().map(|one| u128::from(one.0.parts())).sum::<u128>(),
            |(numerator, denominator)| {
                if numerator <= denominator { 0 } else { u128::from(Ratio::PARTS) + 1 }
            },
        ) <= u128::from(Ratio::PARTS)
    }
}

/// The sum as a fraction, unless a part of it is too long.
fn exact_sum(probabilities: &[Probability]) -> Option<(u128, u128)> {
    probabilities.iter().try_fold((0_u128, 1_u128), |(numerator, denominator), one| {
        let (n, d) = (u128::from(one.0.numerator()), u128::from(one.0.denominator()));
        let sum = numerator.checked_mul(d)?.checked_add(n.checked_mul(denominator)?)?;
        Some((sum, denominator.checked_mul(d)?))
    })
}

impl Serialize for Probability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ProbabilityVisitor)
    }
}

struct ProbabilityVisitor;

impl de::Visitor<'_> for ProbabilityVisitor {
    type Value = Probability;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a probability such as \"1/200\", \"0.5%\" or 0.005")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Probability, E> {
        if text.starts_with('-') {
            return Err(E::custom(format_args!("`{text}`: a probability is at least 0")));
        }
        text.parse().map(Probability).map_err(|error| match error {
            RatioError::Syntax(_) | RatioError::TooManyDigits(_) => E::custom(error),
            _ => E::custom(format_args!("`{text}`: {error}")),
        })
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Probability, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Probability, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Probability, E> {
        let unsigned = if number == 0.0 { 0.0 } else { number };
        self.visit_str(&unsigned.to_string())
    }
}

/// What can be said of a probability without dividing: a decimal is at most 1, a percentage at most
/// 100, and no denominator is 0.
const PATTERN: &str = "^(0*(0(\\.[0-9]+)?|1(\\.0+)?)|0*([0-9]{1,2}(\\.[0-9]+)?|100(\\.0+)?)%|\
    [0-9]+/0*[1-9][0-9]*)$";

impl JsonSchema for Probability {
    fn schema_name() -> Cow<'static, str> {
        "Probability".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "From 0 to 1: \"1/200\", \"0.5%\" or 0.005.",
            "anyOf": [
                { "type": "string", "pattern": PATTERN },
                { "type": "number", "minimum": 0, "maximum": 1 },
            ],
            "examples": ["1/1000"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_probability_is_the_same() {
        let check = |json: &str, expect: &str| {
            let read: Result<Probability, _> = serde_json::from_str(json);
            let shown = read.map_or_else(|error| error.to_string(), |one| one.0.to_string());
            assert_eq!(shown.split(" at line").next(), Some(expect));
        };
        check("\"1/200\"", "1/200");
        check("\"0.5%\"", "1/200");
        check("0.005", "1/200");
        check("0", "0");
        check("1", "1");
        check("2", "`2`: a probability is at most 1 (or 100%)");
        check("-0.1", "`-0.1`: a probability is at least 0");
        check(
            "true",
            "invalid type: boolean `true`, expected a probability such as \
            \"1/200\", \"0.5%\" or 0.005",
        );
    }

    #[test]
    fn alternatives_of_a_point_share_one_whole() {
        let check = |texts: &[&str], expect| {
            let ratio = |text: &&str| Probability(text.parse().expect("a ratio"));
            let all: Vec<_> = texts.iter().map(ratio).collect();
            assert_eq!(Probability::fit_together(&all), expect, "{texts:?}");
        };
        check(&[], true);
        check(&["1/3", "1/3", "1/3"], true);
        check(&["1/3", "1/3", "334/1000"], false);
        check(&["1", "0"], true);
        check(&["1", "1/18446744073709551615"], false);
        check(&["1/18446744073709551615", "1/18446744073709551614", "0.9"], true);
        check(
            &["0.5", "0.3000000000000000001", "18446744073709551614/18446744073709551615"],
            false,
        );
    }
}
