//! Histories, written by hand and generated, against what the checker must say of them.
//!
//! * `dsl`: how a history is written down.
//! * `classes`, `causes`, `orders`, `windows`, `verdicts`: tables of small histories.
//! * `settles`: causes where a settle is lost, refused or late.
//! * `several`: causes where a message was delivered several times.
//! * `exposures`: what crashes by time hit, and how long that lasts.
//! * `findings`: what a history shows, by name.
//! * `prepared`: transactions that expire when they are prepared.
//! * `redrives`: dead letters that are moved back.
//! * `retries`: copies that consumers publish to be tried later.
//! * `records`: histories from elsewhere, whole, with holes, and with what cannot be.
//! * `record_causes`: what they show as a cause.
//! * `mutations`: a history in which all is well, spoilt in one place, must be found out.
//! * `reference`: the formulas of semantics.md section 5, written down naively, against the fold.
//! * `prints`: which histories are one to a fingerprint, by hand.
//! * `twins`: histories with the same fingerprint go on alike.
//! * `totality`: no sequence of events makes the checker panic.

mod causes;
mod classes;
mod dsl;
mod exposures;
mod findings;
mod mutations;
mod orders;
mod prepared;
mod prints;
mod record_causes;
mod records;
mod redrives;
mod reference;
mod retries;
mod settles;
mod several;
mod skips;
mod totality;
mod twins;
mod verdicts;
mod windows;
