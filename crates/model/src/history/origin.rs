//! What a line says besides what happened.

use crate::Event;

/// Where an event stands in a file, and what its line says that an event has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The number of the line, from 1.
    pub line: u64,
    /// Of the outcome of a send, the attempt that it speaks for, and of a delivery its own number,
    /// if the line names one.
    pub attempt: Option<u16>,
    /// Of a line about a send: whether it names its producer.
    pub names_producer: bool,
    /// Of a settle that is recorded: whether the line names its trigger.
    pub names_trigger: bool,
    /// Whether the line names the key of its message, or, where a send begins, one before it did.
    pub names_key: bool,
    /// Of a delivery: whether its line says that this copy was not delivered before.
    pub says_first: bool,
    /// Whether this line, or one before it, says when it happened.
    pub has_time: bool,
    /// Whether the line names the consumer that it is about.
    pub names_consumer: bool,
    /// Whether the line names the delivery that it is about.
    pub names_delivery: bool,
}

/// Events, and where each of them stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// What happened, in order.
    pub events: &'a [Event],
    /// For each event its place.
    pub origins: &'a [Origin],
}

impl<'a> Batch<'a> {
    /// The events with their places.
    pub fn iter(self) -> impl Iterator<Item = (&'a Event, Origin)> {
        self.events.iter().zip(self.origins.iter().copied())
    }
}
