//! The times of a history: what an `at` says, and whether it goes backwards.
//!
//! > **The rule.** A file counts from an origin of its own or has timestamps, never both: a number
//! > beside a timestamp would be decades away from it. Whether a line may go back in time is
//! > decided in [`Clock::pass`] and nowhere else.

use jiff::Timestamp;

use super::error::Mistake;
use super::line::{Object, Slip};
use super::reading::{Notes, TimeOrder};
use crate::{Duration, Instant};

/// What `at` may be.
const EXPECTED: &str = "nanoseconds, an integer from 0 to 18446744073709551615, or a timestamp \
    like \"2024-05-01T12:00:00.123456789Z\"";

/// How a file writes its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// Nanoseconds from any origin.
    Number,
    /// Timestamps, which are kept as nanoseconds since 1970.
    Timestamp,
}

/// What is known of time when a line is read.
#[derive(Debug)]
pub(super) struct Clock {
    order: TimeOrder,
    /// How the file writes its times, and the line that says so.
    scale: Option<(Scale, u64)>,
    /// Of the line before.
    previous: Instant,
    /// The latest of all lines before.
    latest: Instant,
}

impl Clock {
    /// Before the first line.
    pub(super) fn new(order: TimeOrder) -> Self {
        Self { order, scale: None, previous: Instant::START, latest: Instant::START }
    }

    /// The time of a line, which is that of the line before if it says none.
    pub(super) fn time(
        &mut self,
        line: &Object<'_>,
        number: u64,
        notes: &mut Notes,
    ) -> Result<Instant, Slip> {
        let Some((scale, at)) = moment(line)? else { return Ok(self.previous) };
        let (known, first) = *self.scale.get_or_insert((scale, number));
        if known != scale {
            return Err(line.slip("at", Mistake::MixedTimes { first }));
        }
        self.pass(at, number, notes).map_err(|mistake| line.slip("at", mistake))?;
        self.previous = at;
        self.latest = self.latest.max(at);
        Ok(at)
    }

    /// Whether this line says when it happened, or one before it does. What stands before the first
    /// line that says a time happened nobody knows when.
    pub(super) fn knows(&self, number: u64) -> bool {
        self.scale.is_some_and(|(_, first)| first <= number)
    }

    /// Lines that are sorted may be handed out up to here: none that is earlier can follow.
    pub(super) fn horizon(&self) -> Option<Instant> {
        let TimeOrder::Sorted(skew) = self.order else { return None };
        Some(Instant::from_nanos(self.latest.as_nanos().saturating_sub(skew.as_nanos())))
    }

    /// Whether a line of this time may follow those before it.
    fn pass(&self, at: Instant, number: u64, notes: &mut Notes) -> Result<(), Mistake> {
        let by = self.latest.since(at);
        let skew = match self.order {
            TimeOrder::Rising => Duration::ZERO,
            TimeOrder::AsWritten(skew) | TimeOrder::Sorted(skew) => skew,
        };
        if by <= skew {
            return Ok(());
        }
        if let TimeOrder::AsWritten(_) = self.order {
            notes.backwards(number, by);
            return Ok(());
        }
        let (at, previous) = (self.written(at), self.written(self.latest));
        Err(Mistake::TimeBackwards { at, previous, by, skew })
    }

    /// A time as this file writes it.
    fn written(&self, at: Instant) -> String {
        let nanos = at.as_nanos();
        match self.scale {
            Some((Scale::Timestamp, _)) => Timestamp::from_nanosecond(nanos.into())
                .map_or_else(|_| nanos.to_string(), |stamp| stamp.to_string()),
            _ => nanos.to_string(),
        }
    }
}

/// What a line's `at` says.
fn moment(line: &Object<'_>) -> Result<Option<(Scale, Instant)>, Slip> {
    if !line.is_string("at") {
        let nanos = line.integer("at", EXPECTED)?;
        return Ok(nanos.map(|nanos| (Scale::Number, Instant::from_nanos(nanos))));
    }
    let text = line.name("at")?.unwrap_or_default();
    let found = || text.chars().take(40).collect();
    let nanos = timestamp(&text).map_err(|why| {
        line.slip("at", Mistake::WrongTime { found: found(), why, expected: EXPECTED })
    })?;
    Ok(Some((Scale::Timestamp, Instant::from_nanos(nanos))))
}

/// Nanoseconds since 1970, or why there are none.
fn timestamp(text: &str) -> Result<u64, String> {
    let stamp: Timestamp = text.parse().map_err(|_| unread(text))?;
    if has_wide_offset(text) {
        return Err("its offset is none, from -23:59 to +23:59".to_owned());
    }
    let nanos = stamp.as_nanosecond();
    if nanos < 0 {
        return Err("it is before 1970".to_owned());
    }
    u64::try_from(nanos).map_err(|_| "it is later than July 2554".to_owned())
}

/// Whether the offset of a timestamp is that of a day or more, which RFC 3339 does not allow.
fn has_wide_offset(text: &str) -> bool {
    let time = text.split_once(['T', 't', ' ']).map_or("", |(_, time)| time);
    let offset = time.split_once(['+', '-']).map_or("", |(_, offset)| offset);
    let hours = offset.get(..2).and_then(|hours| hours.parse::<u8>().ok());
    hours.is_some_and(|hours| hours > 23)
}

/// Why a text is no timestamp: the commonest reason is that no offset says where it was noon.
fn unread(text: &str) -> String {
    let lacks_offset = format!("{text}Z").parse::<Timestamp>().is_ok();
    let why =
        if lacks_offset { "it has no offset, like Z or +02:00" } else { "it is no timestamp" };
    why.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_a_number_of_nanoseconds() {
        let check = |text: &str, expect| assert_eq!(timestamp(text), Ok(expect), "{text}");
        check("1970-01-01T00:00:00Z", 0);
        check("1970-01-01T00:00:00.000000001Z", 1);
        check("2024-05-01T12:00:00.123456789Z", 1_714_564_800_123_456_789);
        check("2024-05-01T14:00:00.123456789+02:00", 1_714_564_800_123_456_789);
        check("2024-05-01T08:30:00-03:30", 1_714_564_800_000_000_000);
        check("2024-05-02T11:59:00+23:59", 1_714_564_800_000_000_000);
        check("2024-04-30T12:01:00-23:59", 1_714_564_800_000_000_000);
        check("2554-07-21T23:34:33.709551615Z", u64::MAX);
    }

    #[test]
    fn what_is_none_says_why() {
        let check = |text: &str, expect: &str| {
            assert_eq!(timestamp(text), Err(expect.to_owned()), "{text}");
        };
        check("1969-12-31T23:59:59.999999999Z", "it is before 1970");
        check("1970-01-01T00:30:00+01:00", "it is before 1970");
        check("2554-07-21T23:34:33.709551616Z", "it is later than July 2554");
        check("2024-05-01T12:00:00", "it has no offset, like Z or +02:00");
        check("2024-13-01T12:00:00Z", "it is no timestamp");
        for offset in ["+24:00", "-24:00", "+25:59", "+2400", "+24"] {
            let text = format!("2024-05-01T12:00:00{offset}");
            check(&text, "its offset is none, from -23:59 to +23:59");
        }
        check("2024-05-01T12:00:00+23:60", "it is no timestamp");
        check("yesterday", "it is no timestamp");
        check("", "it is no timestamp");
    }
}
