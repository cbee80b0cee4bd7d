//! What a run means to a person: the sentence behind a finding, and the run line by line.
//!
//! > **The rule.** Events in, words out. Nothing here runs anything, and nothing is said that the
//! > events do not say: a history recorded elsewhere is explained in the same way.
//!
//! * [`possessions`]: who held which message, from when, and what ended it.
//! * [`story`]: how a message came to be lost, duplicated or left behind, in one sentence.
//! * [`timeline`]: the events of a run one below the other, with a column for each place.

pub mod possessions;
pub mod story;
pub mod timeline;

pub use possessions::{Possession, Possessions};
pub use story::{Subject, Tale, tell};
pub use timeline::Timeline;
