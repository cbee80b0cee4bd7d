//! Reads a history line by line, in batches, so that its length does not matter.

use std::io::BufRead;

use super::clock::Clock;
use super::decode::Decoded;
use super::error::{HistoryError, Mistake};
use super::line::{Object, Slip, Unknown};
use super::lines::{Line, Lines};
use super::names::Names;
use super::origin::{Batch, Origin};
use super::reading::{Notes, Reading};
use super::sort::{Sorter, Waiting};
use super::symbols::Symbols;
use super::{End, Header, SubscriptionHeader, VERSION, decode, shape};
use crate::{Event, Instant, Model, Observer};

/// At most this many events are handed out at once.
const BATCH: usize = 1024;

/// A history that is read as it is needed: [`Reader::new`] reads the header, then call
/// [`Reader::next_batch`] until there is none, or [`Reader::observe`]. After an error the rest
/// cannot be relied upon.
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
    clock: Clock,
    sorter: Sorter,
    decoder: Decoder,
    header: Header,
    events: Vec<Event>,
    origins: Vec<Origin>,
    end: Option<End>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header of a history that is to be as the format wants it. `file` is how errors
    /// name the input.
    ///
    /// # Errors
    ///
    /// There is no valid header.
    pub fn new(input: R, file: &str) -> Result<Self, HistoryError> {
        Self::with(input, file, Reading::default())
    }

    /// Reads the header of a history that may differ from the format.
    ///
    /// # Errors
    ///
    /// There is no valid header.
    pub fn with(input: R, file: &str, reading: Reading) -> Result<Self, HistoryError> {
        let mut lines = Lines::new(input, file);
        if !lines.advance()? {
            return Err(lines.error(Slip { offset: 0, mistake: Mistake::Empty }));
        }
        let mut notes = Notes::default();
        let unknown = reading.lenient.then_some(&mut notes);
        let header = read_header(&lines.line().text, unknown).map_err(|slip| lines.error(slip))?;
        let subscriptions = header.subscriptions.iter().map(|of| of.name.clone()).collect();
        let (symbols, lenient) = (Symbols::default(), reading.lenient);
        Ok(Self {
            lines,
            clock: Clock::new(reading.order),
            sorter: Sorter::default(),
            decoder: Decoder { subscriptions, symbols, notes, lenient },
            header,
            events: Vec::with_capacity(BATCH),
            origins: Vec::with_capacity(BATCH),
            end: None,
        })
    }

    /// What the first line says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the closing line says, once everything before it was handed out.
    pub fn end(&self) -> Option<End> {
        self.end.filter(|_| self.sorter.len() == 0)
    }

    /// What there is to say about the lines that were read so far.
    pub fn notes(&self) -> &Notes {
        &self.decoder.notes
    }

    /// The next events, in order; `None` after the closing line.
    ///
    /// # Errors
    ///
    /// A line is not as the format wants it, the input fails, or it ends without a closing line.
    pub fn next_batch(&mut self) -> Result<Option<Batch<'_>>, HistoryError> {
        self.events.clear();
        self.origins.clear();
        while self.events.len() < BATCH && self.step()? {}
        let (events, origins) = (self.events.as_slice(), self.origins.as_slice());
        Ok((!events.is_empty()).then_some(Batch { events, origins }))
    }

    /// Shows all events that are left to `observer`.
    ///
    /// # Errors
    ///
    /// As [`Reader::next_batch`]; the observer has seen some of the events before the mistake.
    pub fn observe(&mut self, observer: &mut impl Observer) -> Result<End, HistoryError> {
        self.each_batch(|batch| observer.observe(batch.events))
    }

    /// Shows all events that are left, with their places, to `each`.
    ///
    /// # Errors
    ///
    /// As [`Reader::observe`].
    pub fn each_batch(&mut self, mut each: impl FnMut(Batch<'_>)) -> Result<End, HistoryError> {
        while let Some(batch) = self.next_batch()? {
            each(batch);
        }
        let truncated = || self.lines.error(Slip { offset: 0, mistake: Mistake::Truncated });
        self.end.ok_or_else(truncated)
    }

    /// What is left to know when all events have been read.
    pub fn into_parts(self) -> (Header, Names) {
        (self.header, self.decoder.symbols.into_names())
    }

    /// Takes one line from those that wait or from the input; whether there was one.
    fn step(&mut self) -> Result<bool, HistoryError> {
        if let Some(Waiting { at, line }) = self.sorter.pop(self.horizon()) {
            let decoded = Object::parse(&line.text, &line.text)
                .and_then(|object| self.decoder.decode(&object));
            let decoded = decoded.map_err(|slip| self.lines.error_in(&line, slip))?;
            self.hold(at, line.number, decoded);
            return Ok(true);
        }
        if self.end.is_some() {
            return Ok(false);
        }
        if !self.lines.advance()? {
            let mistake = Mistake::Truncated;
            return Err(self.lines.error(Slip { offset: 0, mistake }));
        }
        self.read_line().map_err(|slip| self.lines.error(slip))?;
        if self.end.is_some() && self.lines.advance()? {
            return Err(self.lines.error(Slip { offset: 0, mistake: Mistake::AfterEnd }));
        }
        Ok(true)
    }

    /// Up to where lines that wait may be handed out.
    fn horizon(&self) -> Instant {
        let open = self.end.is_none();
        self.clock.horizon().filter(|_| open).unwrap_or(Instant::NEVER)
    }

    /// Takes note of the present line: an event or the end.
    fn read_line(&mut self) -> Result<(), Slip> {
        let Line { text, number, .. } = self.lines.line();
        let line = Object::parse(text, text)?;
        if line.has("end") && !line.has("event") {
            line.check(&shape::CLOSING, &[], &mut self.decoder.unknown())?;
            self.end = line.word("end")?;
            return Ok(());
        }
        if !line.has("event") {
            return Err(line.missing("event", shape::EVENT.name));
        }
        if self.clock.horizon().is_some() {
            let at = self.clock.time(&line, *number, &mut self.decoder.notes)?;
            let line = self.lines.take();
            self.sorter.push(at, line);
        } else {
            let decoded = self.decoder.decode(&line)?;
            let number = *number;
            let at = self.clock.time(&line, number, &mut self.decoder.notes)?;
            self.hold(at, number, decoded);
        }
        Ok(())
    }

    /// Takes an event into the present batch.
    fn hold(&mut self, at: Instant, line: u64, decoded: Decoded) {
        let Decoded {
            kind,
            attempt,
            names_producer,
            names_trigger,
            names_key,
            says_first,
            names_consumer,
            names_delivery,
        } = decoded;
        let has_time = self.clock.knows(line);
        if self.header.model == Model::Queue && kind.is_of_a_log() {
            self.decoder.notes.of_a_log(line);
        }
        self.events.push(Event { at, kind });
        self.origins.push(Origin {
            line,
            attempt,
            names_producer,
            names_trigger,
            names_key,
            says_first,
            has_time,
            names_consumer,
            names_delivery,
        });
    }
}

/// From lines to events.
#[derive(Debug)]
struct Decoder {
    subscriptions: Vec<String>,
    symbols: Symbols,
    notes: Notes,
    lenient: bool,
}

impl Decoder {
    fn unknown(&mut self) -> Unknown<'_> {
        self.lenient.then_some(&mut self.notes)
    }

    fn decode(&mut self, line: &Object<'_>) -> Result<Decoded, Slip> {
        let unknown = self.lenient.then_some(&mut self.notes);
        decode::decode(line, &self.subscriptions, &mut self.symbols, unknown)
    }
}

fn read_header(text: &str, mut unknown: Unknown<'_>) -> Result<Header, Slip> {
    let line = Object::parse(text, text)?;
    if !line.has("entrega_history") {
        return Err(Slip { offset: 0, mistake: Mistake::NoHeader });
    }
    line.check(&shape::HEADER, &[], &mut unknown)?;
    let version = line.name("entrega_history")?.unwrap_or_default();
    if version != VERSION.to_string() {
        let mistake = Mistake::UnknownVersion { found: version.into_owned() };
        return Err(line.slip("entrega_history", mistake));
    }
    let model = line.word("model")?.ok_or_else(|| line.missing("model", shape::HEADER.name))?;
    let mut subscriptions: Vec<SubscriptionHeader> = Vec::new();
    for object in line.objects("subscriptions")? {
        let subscription = read_subscription(&object, &mut unknown)?;
        if subscriptions.iter().any(|known| known.name == subscription.name) {
            let mistake = Mistake::RepeatedSubscription { name: subscription.name };
            return Err(object.slip("name", mistake));
        }
        subscriptions.push(subscription);
    }
    if subscriptions.is_empty() {
        return Err(line.slip("subscriptions", Mistake::NoSubscription));
    }
    if subscriptions.len() > 256 {
        let mistake = Mistake::TooMany { what: "subscriptions", limit: 256 };
        return Err(line.slip("subscriptions", mistake));
    }
    let program_order = line.flag("program_order")?.unwrap_or(false);
    let complete = line.flag("complete")?.unwrap_or(false);
    Ok(Header { model, subscriptions, program_order, complete })
}

fn read_subscription(
    object: &Object<'_>,
    unknown: &mut Unknown<'_>,
) -> Result<SubscriptionHeader, Slip> {
    let shape = &shape::SUBSCRIPTION;
    object.check(shape, &[], unknown)?;
    let name = object.name("name")?.unwrap_or_default().into_owned();
    let guarantee = object.word("guarantee")?;
    let guarantee = guarantee.ok_or_else(|| object.missing("guarantee", shape.name))?;
    let dead_letters = object.flag("dead_letters")?.unwrap_or(false);
    let ordered = object.flag("ordered")?.unwrap_or(false);
    Ok(SubscriptionHeader { name, guarantee, dead_letters, ordered })
}

#[cfg(test)]
mod tests {
    use super::super::TimeOrder;
    use super::*;
    use crate::Duration;

    const HEADER: &str = concat!(
        r#"{"entrega_history":1,"model":"log","subscriptions":["#,
        r#"{"name":"mailer","guarantee":"none"}]}"#
    );

    /// How many of ten lines, a nanosecond apart, wait at once.
    fn most_waiting(skew: u64) -> usize {
        let line = |at| format!("{{\"event\":\"broker_restart\",\"at\":{at}}}\n");
        let lines: String = (1..=10).map(line).collect();
        let text = format!("{HEADER}\n{lines}{{\"end\":\"quiescent\"}}");
        let order = TimeOrder::Sorted(Duration::from_nanos(skew));
        let reading = Reading { order, lenient: false };
        let mut reader = Reader::with(text.as_bytes(), "h", reading).expect("a header");
        let mut most = 0;
        while reader.step().expect("a history") {
            most = most.max(reader.sorter.len());
        }
        assert_eq!((reader.events.len(), reader.end()), (10, Some(End::Quiescent)));
        most
    }

    /// A line is handed out as soon as nothing earlier can follow.
    #[test]
    fn sorting_keeps_no_more_lines_than_lie_within_the_skew() {
        assert_eq!(most_waiting(0), 1);
        assert_eq!(most_waiting(2), 3);
        assert_eq!(most_waiting(100), 10);
    }
}
