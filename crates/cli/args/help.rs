//! What `--help` teaches: what each verb is for, by example.

pub(super) const ABOUT: &str = include_str!("help/about.txt");

pub(super) const CODES: &str = include_str!("help/codes.txt");

pub(super) const RUN: &str = include_str!("help/run.txt");

pub(super) const TABLE: &str = include_str!("help/table.txt");

pub(super) const COMPARE: &str = include_str!("help/compare.txt");

pub(super) const EXPLORE: &str = include_str!("help/explore.txt");

pub(super) const LIVE: &str = include_str!("help/live.txt");

pub(super) const REPLAY: &str = include_str!("help/replay.txt");

pub(super) const CHECK: &str = include_str!("help/check.txt");

pub(super) const LIST: &str = "\
Examples:
  entrega list
  entrega list my/scenarios
  entrega list profiles
  entrega list settings queue";

pub(super) const NEW: &str = "\
Example:
  entrega new orders.toml && entrega run orders.toml";

pub(super) const SCHEMA: &str = "\
Example:
  entrega schema --output scenario.schema.json

An editor that knows TOML schemas then completes and checks a scenario that begins with
  #:schema ./scenario.schema.json";

pub(super) const COMPLETIONS: &str = "\
Examples:
  entrega completions bash > ~/.local/share/bash-completion/completions/entrega
  entrega completions zsh > ~/.zfunc/_entrega
  entrega completions fish > ~/.config/fish/completions/entrega.fish";
