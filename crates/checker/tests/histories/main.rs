//! Histories, written by hand and generated, against what the checker must say of them.
//!
//! * `dsl`: how a history is written down.
//! * `classes`, `causes`, `orders`, `windows`, `verdicts`: tables of small histories.
//! * `mutations`: a history in which all is well, spoilt in one place, must be found out.
//! * `reference`: the formulas of semantics.md section 5, written down naively, against the fold.
//! * `totality`: no sequence of events makes the checker panic.

mod causes;
mod classes;
mod dsl;
mod mutations;
mod orders;
mod reference;
mod totality;
mod verdicts;
mod windows;
