//! The book in `book/`: what it shows is what the program prints today, and nothing in it leads
//! nowhere.
//!
//! * `commands` runs every command line of `book/commands.toml` and compares what it prints with
//!   `book/src/generated/`. `BOOK=write cargo test --test book` writes the files anew.
//! * `chapters`, `includes`, `links` and `width` are rules on the text: functions from text to
//!   complaints, each with a test that the book gives none and that a bad example does.
//!
//! That the book can be built is checked by `.ci/run`, which needs mdBook for it.

mod chapters;
mod commands;
mod includes;
mod links;
mod pages;
mod width;
