//! What may go wrong, and how likely it is: the table `[faults]`.
//!
//! The tables follow the names of the fault points (see [`crate::points`]): `effect.before` is the
//! table `before` in the table `effect`, and each of its keys is an alternative with its
//! probability, as in `effect.before = { crash = "1/1000" }`. A point that is not named never
//! fires.
//!
//! > **The rule.** What can be written here is derived from the table of fault points: reading,
//! > writing and the schema walk its rows.

mod read;
mod schema;
mod write;

pub(crate) use schema::of_subscription;

use std::collections::BTreeMap;

use entrega_choice::Ratio;

use super::Probability;
use crate::points::{FAULTS, Fault};

/// Probabilities for every fault point. What a subscription says in its own `faults` replaces what
/// stands here, point by point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    points: BTreeMap<Fault, PointFaults>,
}

/// The probabilities of one point's alternatives, by their numbers.
pub type PointFaults = BTreeMap<u32, Probability>;

impl Faults {
    /// What is said about one point, if it is named.
    pub fn point(&self, fault: Fault) -> Option<&PointFaults> {
        self.points.get(&fault)
    }

    /// Every alternative that can happen, as (point, alternative, probability), in the order of the
    /// points. `overriding` is a subscription's own table: then the points of a subscription are
    /// listed, with its own odds where it gives any; without one, the points that all share.
    pub fn odds<'f>(
        &'f self,
        overriding: Option<&'f Self>,
    ) -> impl Iterator<Item = (Fault, u32, Ratio)> + 'f {
        let wanted = overriding.is_some();
        FAULTS.iter().filter(move |info| info.per_subscription == wanted).flat_map(move |info| {
            let own = overriding.and_then(|own| own.point(info.fault));
            let odds = own.or_else(|| self.point(info.fault)).into_iter().flatten();
            odds.filter_map(move |(&alternative, probability)| {
                let ratio = probability.0;
                (!ratio.is_zero()).then_some((info.fault, alternative, ratio))
            })
        })
    }
}

#[cfg(all(test, feature = "toml"))]
mod tests {
    use super::*;

    fn faults(text: &str) -> Faults {
        toml::from_str(text).expect("faults")
    }

    fn shown(odds: impl Iterator<Item = (Fault, u32, Ratio)>) -> Vec<String> {
        odds.map(|(fault, value, ratio)| format!("{fault:?} {value} {ratio}")).collect()
    }

    /// Every point and alternative of the table can be named, and lands on itself.
    #[test]
    fn the_tables_follow_the_points() {
        for info in &FAULTS {
            for (value, alternative) in (1..).zip(info.chances()) {
                let all = faults(&format!("{} = {{ {alternative} = '1/7' }}", info.name));
                let own = info.per_subscription.then(Faults::default);
                let expect = format!("{:?} {value} 1/7", info.fault);
                assert_eq!(shown(all.odds(own.as_ref())), [expect]);
            }
        }
    }

    #[test]
    fn a_subscription_replaces_whole_points() {
        let shared = faults(
            "send.request = { lost = 0.5 }\n\
             effect.before = { crash = 0.25 }\n\
             settle.request = { lost = 0.5, late = 0.25, duplicated = 0 }",
        );
        let own = faults("settle.request = { duplicated = '1%' }");
        assert_eq!(shown(shared.odds(None)), ["SendRequest 1 1/2"]);
        let inherited = ["EffectBefore 1 1/4", "SettleRequest 1 1/2", "SettleRequest 2 1/4"];
        assert_eq!(shown(shared.odds(Some(&Faults::default()))), inherited);
        let replaced = ["EffectBefore 1 1/4", "SettleRequest 3 1/100"];
        assert_eq!(shown(shared.odds(Some(&own))), replaced);
        let never = faults("settle.request = {}");
        assert_eq!(shown(shared.odds(Some(&never))), ["EffectBefore 1 1/4"]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let check = |text: &str, expect: &str| {
            let written = serde_json::to_string(&faults(text)).expect("JSON");
            assert_eq!(written, expect);
            assert_eq!(serde_json::from_str::<Faults>(&written).expect("faults"), faults(text));
        };
        check(
            "",
            r#"{"send":{},"broker":{},"receive":{},"message":{},"handler":{},"process":{},"group":{},"effect":{},"settle":{},"dead_letter":{},"connection":{},"replica":{},"sink":{}}"#,
        );
        check(
            "settle.request = {}\nhandler = { slow = { slow = 0.5 }, error = { transient = '1%' } }",
            r#"{"send":{},"broker":{},"receive":{},"message":{},"handler":{"error":{"transient":"1/100"},"slow":{"slow":"1/2"}},"process":{},"group":{},"effect":{},"settle":{"request":{}},"dead_letter":{},"connection":{},"replica":{},"sink":{}}"#,
        );
    }
}
