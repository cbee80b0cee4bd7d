//! Which choices are tried, and how many of them in one run.

use std::collections::BTreeSet;
use std::sync::Arc;

use entrega_choice::Point;
use entrega_scenario::Scenario;
use entrega_scenario::points::{self, FaultKind};

/// The maximum number of classes in a space.
pub const MAX_CLASSES: usize = 3;

/// How many choices of each class a run has made.
pub type Used = [u8; MAX_CLASSES];

/// Choices that have a budget together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// How many of them a run makes at most.
    pub most: u8,
    /// Whether only runs that made one of them are looked at.
    pub required: bool,
    /// The choices: where, and which alternative.
    pub choices: Vec<(Point, u32)>,
}

/// All runs within the budgets of some classes. A choice that is in several classes counts for the
/// first that has budget left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    classes: Vec<Class>,
}

impl Space {
    /// The space of these classes, [`MAX_CLASSES`] at most; more are ignored.
    pub fn new(mut classes: Vec<Class>) -> Self {
        classes.truncate(MAX_CLASSES);
        for class in &mut classes {
            class.choices.sort_unstable();
            class.choices.dedup();
        }
        Self { classes }
    }

    /// What a scenario names under `[faults]` or `[[script]]`, up to `faults` of it in one run, and
    /// up to `preemptions` requests that come before their turn.
    pub fn of(scenario: &Scenario, faults: u8, preemptions: u8) -> Self {
        let named = scenario.named_faults().into_iter().flat_map(|(point, chosen)| {
            let kind = points::kind_of(point, chosen).into_iter();
            let explored = kind.flat_map(|(fault, act)| points::info(fault).explored(act));
            explored.map(move |value| (point, value))
        });
        let faults = Class { most: faults, required: false, choices: named.collect() };
        Self::new(vec![faults, Class::preemptions(preemptions)])
    }

    /// Up to `faults` of these kinds in one run, and up to `preemptions` requests that come before
    /// their turn.
    pub fn of_kinds(kinds: &[FaultKind], faults: u8, preemptions: u8) -> Self {
        let choices = kinds.iter().flat_map(|&kind| points::chosen_in(kind)).collect();
        let faults = Class { most: faults, required: false, choices };
        Self::new(vec![faults, Class::preemptions(preemptions)])
    }

    /// The classes.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The points at which some class has a choice.
    pub(super) fn open(&self) -> Arc<[Point]> {
        let classes = self.classes.iter().filter(|class| class.most > 0);
        let points = classes.flat_map(|class| class.choices.iter().map(|&(point, _)| point));
        points.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What a run has used when it makes one choice more; none if it may not.
    pub(super) fn spend(&self, used: Used, point: Point, value: u32) -> Option<Used> {
        let wanted = |class: &Class| class.choices.binary_search(&(point, value)).is_ok();
        let index = (0..self.classes.len()).find(|&index| {
            used[index] < self.classes[index].most && wanted(&self.classes[index])
        })?;
        let mut used = used;
        used[index] += 1;
        Some(used)
    }

    /// The alternatives of a point that some class has.
    pub(super) fn alternatives(&self, point: Point, bound: u32) -> impl Iterator<Item = u32> {
        (1..bound).filter(move |&value| {
            self.classes.iter().any(|class| class.choices.binary_search(&(point, value)).is_ok())
        })
    }

    /// Whether a run that has used this much is looked at.
    pub(super) fn counts(&self, used: Used) -> bool {
        self.classes.iter().zip(used).all(|(class, used)| !class.required || used > 0)
    }
}

impl Class {
    /// Up to `most` requests that come before their turn.
    pub fn preemptions(most: u8) -> Self {
        Self { most, required: false, choices: points::preemptions().collect() }
    }
}
