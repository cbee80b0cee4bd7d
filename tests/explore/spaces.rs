//! Small spaces to explore.

use entrega_model::SubscriptionId;
use entrega_scenario::Scenario;
use entrega_scenario::workload::{Planner, Workload};
use entrega_sim::explore::{Scope, Space};

/// A scenario in a small scope, with what is tried in it.
pub(crate) struct Small {
    pub(crate) name: &'static str,
    pub(crate) scenario: Scenario,
    pub(crate) workload: Workload,
    pub(crate) space: Space,
}

fn small(name: &'static str, faults: &str, scope: (u32, u32), budget: (u8, u8)) -> Small {
    small_with("1s", name, faults, scope, budget)
}

/// The same with another request timeout: at 10s it ends when a lease does, which begins with it.
fn small_with(
    timeout: &str,
    name: &'static str,
    faults: &str,
    scope: (u32, u32),
    budget: (u8, u8),
) -> Small {
    let text = format!(
        "[workload]\nkeys = 1\n[[subscriptions]]\nname = \"reader\"\nconsumers = {}\n\
         [consumer]\nprefetch = 2\nsettle_every = 2\nrequest_timeout = \"{timeout}\"\n\
         [log]\nsession_timeout = \"6s\"\nauto_offset_reset = \"earliest\"\n\
         [queue]\nvisibility_timeout = \"10s\"\n[faults]\n{faults}",
        scope.1
    );
    let loaded = Scenario::parse("small", &text, &[], &|_| Err(String::new())).expect("a scenario");
    let scope = Scope {
        subscription: SubscriptionId(0),
        messages: scope.0,
        consumers: scope.1,
        partitions: 1,
    };
    let scenario = scope.of(&loaded.scenario);
    let workload = Planner::new(&scenario).plan(None, 1);
    let space = Space::of(&scenario, budget.0, budget.1);
    Small { name, scenario, workload, space }
}

/// Nothing goes wrong, but what happens at one instant may come in another order.
pub(crate) fn calm(scope: (u32, u32), preemptions: u8) -> Small {
    small("calm", "", scope, (0, preemptions))
}

/// Every kind of fault, alone or in pairs.
pub(crate) fn all() -> Vec<Small> {
    let crashes = "effect.before = { crash = 0.1 }\neffect.after = { crash = 0.1 }\n\
                   settle.after = { crash = 0.1 }\n";
    let settles = "settle.request = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                   settle.response = { lost = 0.1 }\n";
    let delays = "process.stall = { before = 0.1, after = 0.1 }\nhandler.slow = { slow = 0.1 }\n";
    let errors = "handler.error = { transient = 0.1 }\nmessage.poison = { poison = 0.1 }\n";
    let sends = "send.request = { lost = 0.1, late = 0.1, duplicated = 0.1 }\nsend.response = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                 broker.restart = { restart = 0.1 }\n";
    let receives = "receive.request = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                    receive.response = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n";
    let effects = "effect.request = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                   effect.response = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n";
    let letters = "message.poison = { poison = 0.1 }\n\
                   dead_letter.request = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                   dead_letter.response = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                   dead_letter.after = { crash = 0.1 }\n";
    let rebalances = "group.rebalance = { after = 0.1 }\nhandler.slow = { slow = 0.1 }\n";
    let shutdowns = "process.shutdown = { drain = 0.1, abandon = 0.1 }\n\
                     handler.slow = { slow = 0.1 }\n";
    vec![
        small("shutdowns", shutdowns, (2, 1), (2, 0)),
        small("shutdowns of two", shutdowns, (2, 2), (1, 1)),
        small("crashes", crashes, (2, 2), (2, 0)),
        small("settles", &format!("{crashes}{settles}"), (2, 1), (2, 0)),
        small("delays", &format!("{crashes}{delays}"), (2, 2), (2, 0)),
        small("orders", crashes, (2, 2), (1, 1)),
        small("sends", sends, (2, 1), (2, 0)),
        small("errors", &format!("{crashes}{errors}"), (2, 1), (1, 0)),
        small("receives", receives, (2, 2), (1, 0)),
        small("effects", effects, (2, 1), (2, 0)),
        small("letters", letters, (2, 1), (1, 0)),
        small("rebalances before", "group.rebalance = { before = 0.1 }\n", (2, 2), (2, 0)),
        small("rebalances after", rebalances, (2, 2), (2, 0)),
        small(
            "late settles",
            "settle.response = { late = 0.1, duplicated = 0.1 }\n",
            (2, 1),
            (2, 0),
        ),
        small_with("10s", "deadlines", settles, (2, 2), (1, 1)),
        small("one after the other", &format!("{crashes}{settles}"), (3, 1), (1, 0)),
    ]
}
