//! Two ways to the same outcomes: running the consumer, and checking a model of it made by hand.
//!
//! The model (`benches/explore/model.rs`) was written from the protocol, not from the simulator's
//! code, so neither can hide a mistake of the other.

#[path = "../benches/explore/model.rs"]
mod model;
#[path = "../benches/explore/protocol.rs"]
mod protocol;

use std::collections::BTreeSet;

use stateright::{Checker, Model};

use model::{Class, Outcome, Protocol};
use protocol::{Setting, checked_outcomes};

fn both(protocol: Protocol) -> (BTreeSet<Outcome>, BTreeSet<Outcome>) {
    (Setting::new().explored_outcomes(protocol), checked_outcomes(protocol))
}

#[test]
fn the_simulator_and_the_model_reach_the_same_outcomes() {
    for is_log in [true, false] {
        for (crashes, losses) in [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (1, 1), (2, 2)] {
            let protocol = Protocol { is_log, crashes, losses };
            let (explored, checked) = both(protocol);
            assert_eq!(explored, checked, "{protocol:?}");
        }
    }
}

/// That the comparison can fail: one fault less is another set.
#[test]
fn a_smaller_budget_reaches_less() {
    for is_log in [true, false] {
        let (explored, _) = both(Protocol { is_log, crashes: 1, losses: 0 });
        let (_, checked) = both(Protocol { is_log, crashes: 2, losses: 0 });
        assert!(explored.is_subset(&checked) && explored != checked);
    }
}

/// A lost settle alone: the next commit repairs it on a log, nothing does on a queue.
#[test]
fn lost_settles_alone_tell_the_brokers_apart() {
    let outcomes = |is_log| both(Protocol { is_log, crashes: 0, losses: 1 });
    let exact = [Class::Exact; model::MESSAGES];
    assert_eq!(outcomes(true), (BTreeSet::from([exact]), BTreeSet::from([exact])));
    assert!(outcomes(false).1.contains(&[Class::Exact, Class::Duplicated, Class::Exact]));
}

/// The model's own properties hold: nothing is lost, and what should be possible is.
#[test]
fn the_model_keeps_its_promise() {
    for is_log in [true, false] {
        let protocol = Protocol { is_log, crashes: 2, losses: 2 };
        protocol.checker().spawn_dfs().join().assert_properties();
    }
}
