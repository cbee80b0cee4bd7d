//! Spans of time as people write them: `250us`, `1.5ms`, `20s`, `5min`, `7d`.
//!
//! They are read exactly, digit by digit, into whole nanoseconds. No float takes part, so a
//! scenario means the same on every machine, and anything finer than a nanosecond is an error, not
//! rounded.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use entrega_model::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// A span of virtual time in a scenario file, up to 100 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(Duration);

/// Why a text is no span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SpanError {
    /// It has no unit: add one of ns, us, ms, s, min, h, d.
    #[error("a duration needs a unit: ns, us, ms, s, min, h or d, as in \"1.5s\"")]
    NoUnit,
    /// It does not begin with a plain decimal number, or its unit is unknown.
    #[error("a duration is a number and a unit (ns, us, ms, s, min, h, d), as in \"1.5s\"")]
    Malformed,
    /// It is no whole number of nanoseconds: drop the last digits.
    #[error("a duration has no part finer than a nanosecond")]
    TooFine,
    /// It is longer than 100 years.
    #[error("a duration is at most 36500d")]
    TooLong,
}

impl Span {
    /// The longest span that a scenario may name: 100 years.
    pub const MAX: Self = Self::from_secs(36_500 * 86_400);

    /// A span of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(Duration::from_nanos(nanos))
    }

    /// A span of `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// A span of `secs` seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// The same span in the program's unit of time.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Nanoseconds in this span.
    pub const fn nanos(self) -> u64 {
        self.0.as_nanos()
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

/// The units by name, with their nanoseconds; the first name of a length is the one printed.
const UNITS: [(&str, u64); 8] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
];

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let unit = unit.trim_start();
        if unit.is_empty() && !number.is_empty() {
            return Err(SpanError::NoUnit);
        }
        let named = UNITS.iter().find(|(name, _)| *name == unit);
        let (_, nanos) = named.ok_or(SpanError::Malformed)?;
        let span = Self::from_nanos(scaled(number, *nanos)?);
        if span > Self::MAX { Err(SpanError::TooLong) } else { Ok(span) }
    }
}

/// `number` × `unit` as a whole number: `1.5` of 1 000 is 1 500.
pub(crate) fn scaled(number: &str, unit: u64) -> Result<u64, SpanError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(SpanError::Malformed);
    }
    let whole: u64 = whole.parse().map_err(|_| SpanError::TooLong)?;
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 20 {
        return Err(SpanError::TooFine);
    }
    let numerator = fraction.parse().unwrap_or(0_u128) * u128::from(unit);
    let denominator = 10_u128.pow(fraction.len() as u32);
    if !numerator.is_multiple_of(denominator) {
        return Err(SpanError::TooFine);
    }
    let part = (numerator / denominator) as u64;
    whole.checked_mul(unit).and_then(|nanos| nanos.checked_add(part)).ok_or(SpanError::TooLong)
}

/// Exact, so that it can be read again: the largest unit of seconds or below, or a whole number of
/// a larger one.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        let fits = |(_, unit): &&(&str, u64)| {
            nanos.is_multiple_of(*unit) || (*unit <= 1_000_000_000 && nanos >= *unit)
        };
        let (name, unit) = UNITS.iter().find(fits).unwrap_or(&("ns", 1));
        let (whole, fraction) = (nanos / unit, nanos % unit);
        if fraction == 0 {
            return write!(f, "{whole}{name}");
        }
        let width = unit.ilog10() as usize;
        let fraction = format!("{fraction:0width$}");
        write!(f, "{whole}.{}{name}", fraction.trim_end_matches('0'))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpanVisitor)
    }
}

/// What can be said of a span without counting: no unit has a part finer than a nanosecond.
const PATTERN: &str = "^[0-9]+(\\.([0-9]{1,20}0*\\s*(d|h|min)|[0-9]{1,9}0*\\s*s|[0-9]{1,6}0*\\s*ms|\
    [0-9]{1,3}0*\\s*(us|µs)|0+\\s*ns)|\\s*(d|h|min|s|ms|us|µs|ns))$";

struct SpanVisitor;

impl de::Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as \"20s\" or \"1.5ms\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
        text.parse().map_err(|error| E::custom(format_args!("invalid duration `{text}`: {error}")))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Span, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Span, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Span, E> {
        self.visit_str(&number.to_string())
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": PATTERN,
            "examples": ["1.5s"],
            "description": "A number and a unit of time: \"250us\", \"1.5ms\", \"20s\", \"5min\".",
        })
    }
}

/// A span, or the word `never`, which stands for [`Span::MAX`].
pub(super) mod or_never {
    use schemars::{Schema, SchemaGenerator, json_schema};
    use serde::{Deserializer, Serialize, Serializer, de};

    use super::{PATTERN, Span, SpanVisitor};

    const NEVER: &str = "never";

    pub(in crate::file) fn serialize<S: Serializer>(
        span: &Span,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if *span == Span::MAX {
            serializer.serialize_str(NEVER)
        } else {
            span.serialize(serializer)
        }
    }

    pub(in crate::file) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Span, D::Error> {
        deserializer.deserialize_any(Visitor)
    }

    pub(in crate::file) fn schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": format!("{PATTERN}|^never$"),
            "examples": ["30s", NEVER],
            "description": "A number and a unit of time, or \"never\".",
        })
    }

    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = Span;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a duration such as \"20s\", or \"never\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
            if text == NEVER {
                return Ok(Span::MAX);
            }
            let invalid = |error| {
                E::custom(format_args!("invalid duration `{text}`: {error}, or \"{NEVER}\""))
            };
            text.parse().map_err(invalid)
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<Span, E> {
            SpanVisitor.visit_i64(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_are_read_exactly() {
        let check = |text: &str, nanos| assert_eq!(text.parse(), Ok(Span::from_nanos(nanos)));
        check("0s", 0);
        check("250us", 250_000);
        check("250µs", 250_000);
        check("1.5ms", 1_500_000);
        check("0.000000001s", 1);
        check("20 s", 20_000_000_000);
        check("5min", 300_000_000_000);
        check("1.5h", 5_400_000_000_000);
        check("7d", 604_800_000_000_000);
        check("0.123456789s", 123_456_789);
        check("1.50000000000000s", 1_500_000_000);
    }

    #[test]
    fn what_is_no_span_says_why() {
        let check = |text: &str, error| assert_eq!(text.parse::<Span>(), Err(error));
        check("5", SpanError::NoUnit);
        check("5 parsecs", SpanError::Malformed);
        check("", SpanError::Malformed);
        check("s", SpanError::Malformed);
        check("-1s", SpanError::Malformed);
        check("1.s", SpanError::Malformed);
        check("1.2.3s", SpanError::Malformed);
        check("1e3s", SpanError::Malformed);
        check("0.5ns", SpanError::TooFine);
        check("1.0000000001s", SpanError::TooFine);
        check("36501d", SpanError::TooLong);
        check("99999999999999999999s", SpanError::TooLong);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(nanos in 0..=Span::MAX.nanos()) {
            let span = Span::from_nanos(nanos);
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<Span>();
        }
    }
}
