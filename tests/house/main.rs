//! House rules as ordinary tests: what `CONTRIBUTING.md` and `ARCHITECTURE.md` promise, checked on
//! the tree itself.
//!
//! Each rule is a function from text to complaints, one module a rule. Each has two tests: the tree
//! gives no complaint, and a bad example does; a rule that catches nothing is no rule.

mod catalogue;
mod definitions;
mod edges;
mod histories;
mod layout;
mod links;
mod planted;
mod rows;
mod rules;
mod scenarios;
mod tree;
mod words;
