//! What a run means to a person: the sentence behind a finding, and the run line by line.
//!
//! > **The rule.** Events in, words out. Nothing here runs anything, and nothing is said that the
//! > events do not say: a history recorded elsewhere is explained in the same way.
//!
//! * [`run`]: a run, read once; [`possessions`]: who held which message, from when, and what ended
//!   it; [`injected`]: the faults; `lease`: from when a lease ran.
//! * [`words`]: what every kind of event is called, in one table.
//! * [`story`]: how a message came to be lost, duplicated or left behind, in one sentence.
//! * [`timeline`]: the events of a run one below the other, with a column for each place.
//! * [`victims`]: what a delivery limit took along.
//! * [`prose`]: the events that matter to a consumer, one sentence each.
//! * [`record`]: what befell a message of a history from elsewhere, in one sentence.
//! * [`digits`]: numbers, and how many there are of something.

pub mod digits;
pub mod injected;
mod lease;
pub mod possessions;
pub mod prose;
pub mod record;
pub mod run;
pub mod story;
pub mod timeline;
pub mod victims;
pub mod words;

pub use possessions::{Possession, Possessions};
pub use run::Run;
pub use story::{Subject, Tale};
pub use timeline::Timeline;
pub use victims::Victims;
pub use words::Language;
