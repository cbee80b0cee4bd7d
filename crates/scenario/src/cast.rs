//! Who takes part in a run, and what people call them.

use entrega_model::{ProcessId, SubscriptionId};

use crate::file::Scenario;

/// The processes of a scenario: the producer first, then the consumers, subscription by
/// subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cast {
    subscriptions: Vec<String>,
    consumers: Vec<(SubscriptionId, u32)>,
}

impl Cast {
    /// The processes of `scenario`.
    pub fn of(scenario: &Scenario) -> Self {
        let subscriptions = scenario.subscriptions.iter().map(|one| one.name.clone()).collect();
        let consumers = (0..)
            .zip(&scenario.subscriptions)
            .flat_map(|(id, one)| (1..=one.consumers).map(move |n| (SubscriptionId(id), n)))
            .collect();
        Self { subscriptions, consumers }
    }

    /// For each process of `scenario` whose messages it reads: nobody's first, as the producer.
    pub fn roles(scenario: &Scenario) -> impl Iterator<Item = Option<SubscriptionId>> {
        let consumers = (0..).map(SubscriptionId).zip(&scenario.subscriptions);
        let roles = consumers.flat_map(|(id, one)| (0..one.consumers).map(move |_| Some(id)));
        std::iter::once(None).chain(roles)
    }

    /// How many processes there are.
    pub fn processes(&self) -> usize {
        1 + self.consumers.len()
    }

    /// The names of the subscriptions.
    pub fn subscriptions(&self) -> &[String] {
        &self.subscriptions
    }

    /// The consumers' subscriptions, in the order of their process ids.
    pub fn consumers(&self) -> impl Iterator<Item = (ProcessId, SubscriptionId)> {
        (1..).zip(&self.consumers).map(|(id, (subscription, _))| (ProcessId(id), *subscription))
    }

    /// The subscription that a process consumes; none for the producer.
    pub fn subscription_of(&self, process: ProcessId) -> Option<SubscriptionId> {
        let consumer = process.index().checked_sub(1)?;
        self.consumers.get(consumer).map(|(subscription, _)| *subscription)
    }

    /// What people call a process: `producer`, `mailer 2`.
    pub fn name(&self, process: ProcessId) -> String {
        let consumer = process.index().checked_sub(1).and_then(|number| self.consumers.get(number));
        match consumer {
            None => "producer".to_owned(),
            Some((subscription, number)) => {
                format!("{} {number}", self.subscriptions[subscription.index()])
            }
        }
    }
}
