//! What can be said of a subscription: something is lost, duplicated, out of order. A property sums
//! up the findings of all its causes.

use entrega_checker::{Cause, Class, Finding};
use entrega_sim::explore::Explored;

/// A way in which a run can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// An acknowledged message has no effect, and nothing can bring it back.
    Lost,
    /// A message has several effects.
    Duplicated,
    /// A message has an effect and a dead letter.
    Split,
    /// A message has a dead letter.
    DeadLettered,
    /// A message has several dead letters.
    DeadLetteredTwice,
    /// The first effects of a key came in another order than its messages.
    Reordered,
    /// A run did not come to rest, or left messages behind.
    Stalled,
    /// A message that was refused or never sent has an effect.
    Phantom,
}

/// In how many schedules of an exploration a property was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurs {
    /// In every one.
    Always,
    /// In some, and perhaps in every one, if not everything was tried.
    Sometimes,
    /// In none, and the space is complete: no run was ended by a limit either.
    Never,
    /// In none so far.
    NotFound,
}

impl Property {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 8] = [
        Self::Lost,
        Self::Duplicated,
        Self::Split,
        Self::DeadLettered,
        Self::DeadLetteredTwice,
        Self::Reordered,
        Self::Stalled,
        Self::Phantom,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        self.finding().name()
    }

    /// The property of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// What a column of a table is called.
    pub const fn column(self) -> &'static str {
        match self {
            Self::DeadLettered => "dead",
            Self::DeadLetteredTwice => "dead twice",
            other => other.name(),
        }
    }

    /// The finding that sums up all others of this property.
    const fn finding(self) -> Finding {
        match self {
            Self::Lost => Finding::Class(Class::Lost, None),
            Self::Duplicated => Finding::Class(Class::Duplicated, None),
            Self::Split => Finding::Class(Class::Split, None),
            Self::DeadLettered => Finding::Class(Class::DeadLettered, None),
            Self::DeadLetteredTwice => Finding::DeadLetteredTwice,
            Self::Reordered => Finding::Reordered,
            Self::Stalled => Finding::Stalled,
            Self::Phantom => Finding::Class(Class::Phantom, None),
        }
    }

    /// Whether a finding is one of this property, with a cause or without.
    pub fn counts(self, finding: Finding) -> bool {
        self.finding() == finding.without_cause()
    }

    /// The property and cause of a finding that has a story of its own. Others sum up such
    /// findings, or are no anomaly.
    pub fn of(finding: Finding) -> Option<(Self, Option<Cause>)> {
        let property = Self::ALL.into_iter().find(|one| one.counts(finding))?;
        let cause = finding.cause();
        let has_causes = matches!(property, Self::Lost | Self::Duplicated | Self::Split);
        (cause.is_some() == has_causes).then_some((property, cause))
    }

    /// How many of the schedules that ended show it.
    pub fn runs(self, explored: &Explored<Finding>) -> u64 {
        explored.found.get(&self.finding()).map_or(0, |showing| showing.runs)
    }

    /// In how many schedules it was found, in a word.
    pub fn occurs(self, explored: &Explored<Finding>) -> Occurs {
        match self.runs(explored) {
            0 if explored.complete && explored.limited == 0 => Occurs::Never,
            0 => Occurs::NotFound,
            runs if runs == explored.ended && explored.complete => Occurs::Always,
            _ => Occurs::Sometimes,
        }
    }
}

impl Occurs {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Sometimes => "sometimes",
            Self::Never => "never",
            Self::NotFound => "not_found",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use entrega_sim::explore::Showing;

    use super::*;

    fn explored(runs: u64, complete: bool) -> Explored<Finding> {
        let showing = Showing { runs, simplest: Vec::new() };
        let found = BTreeMap::from([(Finding::Reordered, showing)]);
        let found = if runs > 0 { found } else { BTreeMap::new() };
        Explored {
            found,
            misbehaved: BTreeMap::new(),
            schedules: 9,
            ended: 5,
            limited: 0,
            states: 20,
            complete,
        }
    }

    #[test]
    fn a_space_that_is_incomplete_proves_nothing() {
        let check = |runs, complete, expect| {
            assert_eq!(Property::Reordered.occurs(&explored(runs, complete)), expect);
        };
        check(0, true, Occurs::Never);
        check(0, false, Occurs::NotFound);
        check(5, true, Occurs::Always);
        check(5, false, Occurs::Sometimes);
        check(3, true, Occurs::Sometimes);
    }

    #[test]
    fn findings_that_sum_up_have_no_story() {
        let check = |finding, expect| assert_eq!(Property::of(finding), expect, "{finding:?}");
        check(Finding::Class(Class::Lost, None), None);
        let cause = Some(Cause::SettledByTimer);
        check(Finding::Class(Class::Lost, cause), Some((Property::Lost, cause)));
        let dead = Finding::Class(Class::DeadLettered, None);
        check(dead, Some((Property::DeadLettered, None)));
        check(Finding::Stalled, Some((Property::Stalled, None)));
        check(Finding::Class(Class::Exact, None), None);
    }
}
