//! Writes a history line by line. Every field is written, also where it has its default value;
//! what a header may promise is not, because a promise that is not made is none.

use std::io;
use std::ops::Not;

use serde::Serialize;

use super::encode::EventLine;
use super::names::Names;
use super::{End, Header, SubscriptionHeader, VERSION};
use crate::{Event, Model, Observer};

/// Writes the header when it is made, then events, then the closing line.
///
/// It is an [`Observer`] too. As such it cannot report an error at once: it writes nothing more and
/// reports the error at [`Writer::write_end`].
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    subscriptions: Vec<String>,
    names: Names,
    failed: Option<io::Error>,
}

impl<W: io::Write> Writer<W> {
    /// Writes the header. Writes to `out` are small: buffer it.
    ///
    /// # Errors
    ///
    /// `out` fails.
    pub fn new(mut out: W, header: &Header, names: Names) -> io::Result<Self> {
        let line = HeaderLine {
            entrega_history: VERSION,
            model: header.model,
            subscriptions: &header.subscriptions,
            program_order: header.program_order,
            complete: header.complete,
        };
        write_line(&mut out, &line)?;
        let subscriptions = header.subscriptions.iter().map(|of| of.name.clone()).collect();
        Ok(Self { out, subscriptions, names, failed: None })
    }

    /// Writes one event. Ids without a name are written as numbers.
    ///
    /// # Errors
    ///
    /// `out` fails.
    pub fn write_event(&mut self, event: &Event) -> io::Result<()> {
        let (subscriptions, names) = (&self.subscriptions, &self.names);
        write_line(&mut self.out, &EventLine { event, subscriptions, names })
    }

    /// Writes the closing line and gives the output back, flushed.
    ///
    /// # Errors
    ///
    /// `out` fails, or failed before while observing.
    pub fn write_end(mut self, end: End) -> io::Result<W> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        write_line(&mut self.out, &ClosingLine { end })?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: io::Write> Observer for Writer<W> {
    fn observe(&mut self, events: &[Event]) {
        for event in events {
            if self.failed.is_none() {
                self.failed = self.write_event(event).err();
            }
        }
    }
}

#[derive(Serialize)]
struct HeaderLine<'a> {
    entrega_history: u64,
    model: Model,
    subscriptions: &'a [SubscriptionHeader],
    #[serde(skip_serializing_if = "Not::not")]
    program_order: bool,
    #[serde(skip_serializing_if = "Not::not")]
    complete: bool,
}

#[derive(Serialize)]
struct ClosingLine {
    end: End,
}

fn write_line(out: &mut impl io::Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
