//! The stream of choices: every decision of a simulated run that could have gone another way.
//!
//! # One question
//!
//! A simulated world asks one question wherever something may go wrong or be ordered differently:
//! [`Choices::pick`] with a [`Point`] (where) and a bound (how many answers there are). Two rules
//! make everything else simple:
//!
//! * **0 is the harmless answer.** No fault, the usual order, nothing special. Alternative 1 and up
//!   are what the point's [`PointSpec`] names, for example `crash`.
//! * **A stream that has nothing to say answers 0.** So a run is described completely by its few
//!   non-zero answers, and deleting one of them leaves a valid description of a calmer run.
//!
//! # Five sources of one stream
//!
//! | Source | Answers | For |
//! |---|---|---|
//! | [`Choices::harmless`] | always 0 | the run in which nothing goes wrong |
//! | [`Choices::random`] | by chance, by [`Odds`] | measuring rates over many runs |
//! | [`Choices::explicit`] | what a list of [`Choice`]s says | replay, shrinking |
//! | [`Choices::exploring`] | the same, and notes what else could be said | exploring |
//! | [`Choices::with_script`] | [`When`] the scenario says so | single faults, over the others |
//!
//! A random run records what it answered ([`Choices::made`]). That list, given to
//! [`Choices::explicit`], makes the same run again; as text it fits in a chat message
//! ([`format_choices`], [`parse_choices`]); and of two lists that show the same anomaly,
//! [`simplicity`] says which one to show to a person.
//!
//! ```
//! use std::sync::Arc;
//! use entrega_choice::{Choices, Odds, Point, PointSpec, format_choices, parse_choices};
//!
//! const CRASH: Point = Point(0);
//! let table: Arc<[PointSpec]> =
//!     Arc::new([PointSpec { name: "mailer.effect.after".to_owned(), alternatives: &["crash"] }]);
//!
//! // A world asks once after every effect whether the process crashes there.
//! let run = |mut choices: Choices| {
//!     let crashed: Vec<u32> = (1..=1000).filter(|_| choices.pick(CRASH, 2) == 1).collect();
//!     (crashed, choices)
//! };
//!
//! let odds = [Odds { point: CRASH, value: 1, ratio: "1/200".parse()? }];
//! let (crashed, choices) = run(Choices::random(table.clone(), 7, &odds)?);
//! let text = format_choices(&table, choices.made());
//! assert!(text.starts_with("mailer.effect.after#"));
//!
//! let (again, replay) = run(Choices::explicit(table.clone(), parse_choices(&table, &text)?));
//! assert_eq!(again, crashed);
//! assert!(replay.unused().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Faults that do not shift each other
//!
//! Each point counts its own occurrences and has its own random stream, seeded by the run's seed
//! and the point's name. One pick more at one point, or other odds there, moves no fault of another
//! point. This is the method of *common random numbers*: two brokers or two strategies compared
//! under one seed meet the same faults at the same occurrences, so their difference is theirs and
//! not luck.
//!
//! # The same everywhere
//!
//! All arithmetic is on integers of fixed width, probabilities included ([`Ratio`]), so a seed
//! means the same run on every machine. The generator (xoshiro256++) is taken from a library by
//! name; how its words become decisions is written here ([`mix`], [`bounded`]) and pinned by tests
//! of literal values.

mod choice;
mod choices;
mod plan;
mod point;
mod random;
mod ratio;
mod script;
mod text;
mod word;

pub use choice::{Choice, simplicity};
pub use choices::{BranchPoint, Choices};
pub use point::{Point, PointSpec};
pub use random::{Odds, OddsError};
pub use ratio::{Ratio, RatioError};
pub use script::{Scripted, When};
pub use text::{ParseError, format_choices, parse_choices};
pub use word::{Mixed, bounded, mix};
