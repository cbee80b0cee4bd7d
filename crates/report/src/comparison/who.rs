//! Who is meant: the strategies of some rows of a comparison, in as few words as say it.

use std::collections::BTreeMap;

use entrega_lab::comparison::{Comparison, ComparisonRow};
use entrega_model::Model;

/// Strategies, by what has to be added to their names: nothing if all their rows are meant.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Who(BTreeMap<String, Vec<&'static str>>);

impl Who {
    /// The strategies of the rows that are meant.
    pub(super) fn of(
        comparison: &Comparison<'_>,
        is_meant: &dyn Fn(&ComparisonRow) -> bool,
    ) -> Self {
        let mut strategies = Vec::new();
        for row in &comparison.rows {
            if !strategies.contains(&row.configuration.strategy) {
                strategies.push(row.configuration.strategy);
            }
        }
        let mut who = Self::default();
        for strategy in strategies {
            let rows = comparison.rows.iter().filter(|row| row.configuration.strategy == strategy);
            let rows: Vec<(&ComparisonRow, bool)> = rows.map(|row| (row, is_meant(row))).collect();
            if rows.iter().any(|(_, meant)| *meant) {
                who.0.entry(addition(&rows)).or_default().push(strategy.name());
            }
        }
        who
    }

    /// Whether nobody is meant.
    pub(super) fn is_nobody(&self) -> bool {
        self.0.is_empty()
    }

    /// In words, within so many columns: as many names as fit there, and how many more there are.
    pub(super) fn within(&self, columns: usize) -> String {
        let all: usize = self.0.values().map(Vec::len).sum();
        let said = |most: usize| {
            let said = self.first(most);
            if most < all { format!("{said} and {} more", all - most) } else { said }
        };
        let fits = |most: &usize| said(*most).chars().count() <= columns;
        (1..=all).rev().find(fits).map_or_else(|| format!("{all} strategies"), said)
    }

    /// The first names in words: `a, b; c on the log`.
    fn first(&self, most: usize) -> String {
        let mut left = most;
        let groups = self.0.iter().filter_map(|(addition, names)| {
            let names = &names[..names.len().min(left)];
            left -= names.len();
            (!names.is_empty()).then(|| names.join(", ") + addition)
        });
        groups.collect::<Vec<_>>().join("; ")
    }
}

/// What has to be said of the rows of one strategy: ` on the log (mailer)`.
fn addition(rows: &[(&ComparisonRow, bool)]) -> String {
    if rows.iter().all(|(_, meant)| *meant) {
        return String::new();
    }
    let mut models: Vec<Model> = rows.iter().map(|(row, _)| row.configuration.model).collect();
    models.dedup();
    let of_model = |model: Model| {
        let of = || rows.iter().filter(move |(row, _)| row.configuration.model == model);
        let meant = of().filter(|(_, meant)| *meant).map(|(row, _)| row.subscription.as_str());
        let meant: Vec<&str> = meant.collect();
        let subscriptions = if meant.len() == of().count() {
            String::new()
        } else {
            format!(" ({})", meant.join(", "))
        };
        (!meant.is_empty()).then_some((model, subscriptions))
    };
    let found: Vec<(Model, String)> = models.iter().filter_map(|model| of_model(*model)).collect();
    let same = found.iter().all(|(_, subscriptions)| *subscriptions == found[0].1);
    if same && found.len() == models.len() {
        return found[0].1.clone();
    }
    let parts = found.iter().map(|(model, of)| format!(" on the {model}{of}"));
    parts.collect::<Vec<_>>().join(" and")
}

#[cfg(test)]
mod tests {
    use entrega_checker::Class;
    use entrega_lab::{LoadedScenario, Strategy, Sweep};

    use super::*;

    #[test]
    fn names_are_as_short_as_they_can_be() {
        let text = "seeds = 1\nworkload.messages = 1\n[[subscriptions]]\nname = 'a'\n\
                    [[subscriptions]]\nname = 'b'";
        let loaded = LoadedScenario::parse("x.toml", text).expect("a scenario");
        let two = [Strategy::ProcessThenSettle, Strategy::DeadLetter];
        let sweep = Sweep::of(&loaded, &two).expect("a sweep");
        let comparison = sweep.compare();
        let check = |is_meant: &dyn Fn(&ComparisonRow) -> bool, expect: &str| {
            assert_eq!(Who::of(&comparison, is_meant).within(200), expect);
        };
        let is = |row: &ComparisonRow, strategy| row.configuration.strategy == strategy;
        let on = |row: &ComparisonRow, model| row.configuration.model == model;
        check(&|_| true, "process-then-settle, dead-letter");
        check(&|row| is(row, two[1]), "dead-letter");
        check(&|row| on(row, Model::Log), "process-then-settle, dead-letter on the log");
        check(&|row| row.subscription == "a", "process-then-settle, dead-letter (a)");
        check(
            &|row| is(row, two[0]) || on(row, Model::Queue) && row.subscription == "b",
            "process-then-settle; dead-letter on the queue (b)",
        );
        check(
            &|row| is(row, two[0]) && (on(row, Model::Log) || row.subscription == "b"),
            "process-then-settle on the log and on the queue (b)",
        );
        let everyone = Who::of(&comparison, &|_| true);
        assert_eq!(everyone.within(31), "process-then-settle and 1 more");
        assert_eq!(everyone.within(5), "2 strategies");
        let lost = |row: &ComparisonRow| row.summary.classes.get(Class::Lost) > 9;
        assert!(Who::of(&comparison, &lost).is_nobody() && !everyone.is_nobody());
    }
}
