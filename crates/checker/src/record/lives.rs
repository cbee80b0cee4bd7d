//! Which life of a process a line is about.
//!
//! > **The rule.** A line about a life that is over says nothing of the one that follows: it is
//! > over once its end or the beginning of a later one is recorded. A line that ends a later life
//! > than the present one shows that this is over too, and not how it ended.

use std::collections::BTreeMap;

use entrega_model::{Incarnation, Kind, ProcessId};

/// The latest life of each process of which a line is recorded.
#[derive(Clone, Debug, Default)]
pub struct Lives(BTreeMap<ProcessId, Life>);

#[derive(Clone, Copy, Debug)]
struct Life {
    incarnation: Incarnation,
    is_over: bool,
}

/// Which life a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// The present one; or the line is about no life.
    OfThePresent,
    /// One that is over already.
    OfThePast,
    /// A later one of this process: nobody recorded how the present one ended.
    OfTheNext(ProcessId, Incarnation),
}

impl Lives {
    /// Takes note of a line, and says which life it is about.
    pub fn note(&mut self, kind: &Kind) -> Spoken {
        let (process, incarnation, is_over) = match *kind {
            Kind::Crashed { process, incarnation } | Kind::Exited { process, incarnation, .. } => {
                (process, incarnation, true)
            }
            Kind::Started { process, incarnation } => (process, incarnation, false),
            _ => return Spoken::OfThePresent,
        };
        let known = self.0.get(&process).copied();
        let is_past = |life: Life| {
            incarnation < life.incarnation || incarnation == life.incarnation && life.is_over
        };
        if known.is_some_and(is_past) {
            return Spoken::OfThePast;
        }
        self.0.insert(process, Life { incarnation, is_over });
        let skips = |life: Life| incarnation.0 - life.incarnation.0 > u32::from(life.is_over);
        if is_over && known.is_some_and(skips) {
            return Spoken::OfTheNext(process, incarnation);
        }
        Spoken::OfThePresent
    }
}
