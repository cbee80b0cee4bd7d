//! Reads a history line by line, in batches, so that its length does not matter.

use std::io::BufRead;
use std::mem;

use super::error::{HistoryError, Mistake};
use super::line::{Object, Slip};
use super::names::Names;
use super::symbols::Symbols;
use super::{End, Header, SubscriptionHeader, VERSION, decode, shape};
use crate::{Event, Instant, Observer};

/// At most this many events are handed out at once.
const BATCH: usize = 1024;

/// A history that is read as it is needed: [`Reader::new`] reads the header, then call
/// [`Reader::next_batch`] until there is none, or [`Reader::observe`]. After an error the rest
/// cannot be relied upon.
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
    header: Header,
    subscriptions: Vec<String>,
    symbols: Symbols,
    latest: Instant,
    batch: Vec<Event>,
    end: Option<End>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header. `file` is how errors name the input.
    ///
    /// # Errors
    ///
    /// There is no valid header.
    pub fn new(input: R, file: &str) -> Result<Self, HistoryError> {
        let text = String::new();
        let file = file.to_owned();
        let mut lines = Lines { input, file, number: 0, text, terminated: false };
        if !lines.advance()? {
            return Err(lines.error(Slip { offset: 0, mistake: Mistake::NoHeader }));
        }
        let header = read_header(&lines.text).map_err(|slip| lines.error(slip))?;
        let subscriptions = header.subscriptions.iter().map(|of| of.name.clone()).collect();
        Ok(Self {
            lines,
            header,
            subscriptions,
            symbols: Symbols::default(),
            latest: Instant::START,
            batch: Vec::with_capacity(BATCH),
            end: None,
        })
    }

    /// What the first line says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the closing line says, once it was read.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The next events, in order; `None` after the closing line.
    ///
    /// # Errors
    ///
    /// A line is not as the format wants it, the input fails, or it ends without a closing line.
    pub fn next_batch(&mut self) -> Result<Option<&[Event]>, HistoryError> {
        self.batch.clear();
        while self.end.is_none() && self.batch.len() < BATCH {
            if !self.lines.advance()? {
                let mistake = Mistake::Truncated;
                return Err(self.lines.error(Slip { offset: 0, mistake }));
            }
            self.read_line().map_err(|slip| self.lines.error(slip))?;
            if self.end.is_some() && self.lines.advance()? {
                return Err(self.lines.error(Slip { offset: 0, mistake: Mistake::AfterEnd }));
            }
        }
        Ok((!self.batch.is_empty()).then_some(self.batch.as_slice()))
    }

    /// Shows all events that are left to `observer`.
    ///
    /// # Errors
    ///
    /// As [`Reader::next_batch`]; the observer has seen some of the events before the mistake.
    pub fn observe(&mut self, observer: &mut impl Observer) -> Result<End, HistoryError> {
        while let Some(batch) = self.next_batch()? {
            observer.observe(batch);
        }
        let truncated = || self.lines.error(Slip { offset: 0, mistake: Mistake::Truncated });
        self.end.ok_or_else(truncated)
    }

    /// What is left to know when all events have been read.
    pub fn into_parts(self) -> (Header, Names) {
        (self.header, self.symbols.into_names())
    }

    /// Takes note of the present line: an event or the end.
    fn read_line(&mut self) -> Result<(), Slip> {
        let line = Object::parse(&self.lines.text, &self.lines.text)?;
        if line.has("end") && !line.has("event") {
            line.check(&shape::CLOSING, &[])?;
            self.end = line.word("end")?;
            return Ok(());
        }
        if !line.has("event") {
            return Err(line.missing("event", shape::EVENT.name));
        }
        let kind = decode::decode(&line, &self.subscriptions, &mut self.symbols)?;
        let at = line.integer("at", "nanoseconds, an integer from 0 to 18446744073709551615")?;
        let at = at.map_or(self.latest, Instant::from_nanos);
        if at < self.latest {
            let (at, previous) = (at.as_nanos(), self.latest.as_nanos());
            return Err(line.slip("at", Mistake::TimeBackwards { at, previous }));
        }
        self.latest = at;
        self.batch.push(Event { at, kind });
        Ok(())
    }
}

fn read_header(text: &str) -> Result<Header, Slip> {
    let line = Object::parse(text, text)?;
    if !line.has("entrega_history") {
        return Err(Slip { offset: 0, mistake: Mistake::NoHeader });
    }
    line.check(&shape::HEADER, &[])?;
    let version = line.name("entrega_history")?.unwrap_or_default();
    if version != VERSION.to_string() {
        let mistake = Mistake::UnknownVersion { found: version.into_owned() };
        return Err(line.slip("entrega_history", mistake));
    }
    let model = line.word("model")?.ok_or_else(|| line.missing("model", shape::HEADER.name))?;
    let mut subscriptions: Vec<SubscriptionHeader> = Vec::new();
    for object in line.objects("subscriptions")? {
        let subscription = read_subscription(&object)?;
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
    Ok(Header { model, subscriptions })
}

fn read_subscription(object: &Object<'_>) -> Result<SubscriptionHeader, Slip> {
    let shape = &shape::SUBSCRIPTION;
    object.check(shape, &[])?;
    let name = object.name("name")?.unwrap_or_default().into_owned();
    let guarantee = object.word("guarantee")?;
    let guarantee = guarantee.ok_or_else(|| object.missing("guarantee", shape.name))?;
    let dead_letters = object.flag("dead_letters")?.unwrap_or(false);
    let ordered = object.flag("ordered")?.unwrap_or(false);
    Ok(SubscriptionHeader { name, guarantee, dead_letters, ordered })
}

/// The lines of the input that are not blank, one at a time, in one buffer.
#[derive(Debug)]
struct Lines<R> {
    input: R,
    file: String,
    number: u64,
    text: String,
    terminated: bool,
}

impl<R: BufRead> Lines<R> {
    /// Goes to the next line that is not blank, or to the empty one after the last.
    fn advance(&mut self) -> Result<bool, HistoryError> {
        loop {
            let mut bytes = mem::take(&mut self.text).into_bytes();
            bytes.clear();
            self.number += 1;
            let read = self.input.read_until(b'\n', &mut bytes).map_err(|error| {
                self.error(Slip {
                    offset: 0,
                    mistake: Mistake::Unreadable { why: error.to_string() },
                })
            })?;
            self.hold(bytes)?;
            if read == 0 || !self.text.trim_ascii().is_empty() {
                return Ok(read > 0);
            }
        }
    }

    /// Keeps a line without its end.
    fn hold(&mut self, mut bytes: Vec<u8>) -> Result<(), HistoryError> {
        self.terminated = bytes.last() == Some(&b'\n');
        let length = bytes.trim_ascii_end().len();
        bytes.truncate(length);
        match String::from_utf8(bytes) {
            Ok(text) => {
                self.text = text;
                Ok(())
            }
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                self.text = String::from_utf8_lossy(&error.as_bytes()[..offset]).into_owned();
                Err(self.error(Slip { offset, mistake: Mistake::NotUtf8 }))
            }
        }
    }

    /// The mistake with its place. A last line that breaks off was cut short with the file.
    fn error(&self, slip: Slip) -> HistoryError {
        let mistake = match slip.mistake {
            Mistake::Incomplete if !self.terminated => Mistake::Truncated,
            mistake => mistake,
        };
        let before = self.text.char_indices().take_while(|(at, _)| *at < slip.offset).count();
        HistoryError {
            file: self.file.clone(),
            line: self.number,
            column: before as u64 + 1,
            mistake: Box::new(mistake),
        }
    }
}
