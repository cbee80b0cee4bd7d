//! Live runs: the strategies of the catalogue on served brokers, judged by the same checker.

#[path = "live/catalogue.rs"]
mod catalogue;
#[path = "live/stage.rs"]
mod stage;
