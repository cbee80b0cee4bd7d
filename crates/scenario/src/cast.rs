//! Who takes part in a run: the role of every process, what people call it, how long it may have a
//! message, and which partitions are there from the start.
//!
//! > **The rule.** What a process does follows from its [`Role`], never from its number.

use entrega_model::{Duration, PartitionId, ProcessId, SubscriptionId};

use crate::file::{OnConsumerTimeout, Scenario, SinkSettings, Span};

/// What a process does in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends messages of the workload.
    Producer {
        /// Which of the producers it is, from 1.
        number: u32,
    },
    /// Reads the messages of a subscription.
    Consumer {
        /// The subscription.
        subscription: SubscriptionId,
        /// Which of the subscription's consumers it is, from 1.
        number: u32,
    },
}

/// The process under which a fault is recorded that concerns the broker alone.
pub const NO_PROCESS: ProcessId = ProcessId(0);

impl Role {
    /// The roles of a scenario's processes, in the order of their ids.
    pub fn all(scenario: &Scenario) -> impl Iterator<Item = Self> {
        let producers = (1..=1).map(|number| Self::Producer { number });
        let subscriptions = (0..).map(SubscriptionId).zip(&scenario.subscriptions);
        let consumers = subscriptions.flat_map(|(subscription, one)| {
            (1..=one.consumers).map(move |number| Self::Consumer { subscription, number })
        });
        producers.chain(consumers)
    }

    /// The subscription whose messages it reads, if it reads any.
    pub const fn subscription(self) -> Option<SubscriptionId> {
        match self {
            Self::Producer { .. } => None,
            Self::Consumer { subscription, .. } => Some(subscription),
        }
    }

    /// Whether it sends messages of the workload.
    pub const fn is_producer(self) -> bool {
        matches!(self, Self::Producer { .. })
    }
}

/// The processes of a scenario, by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cast {
    subscriptions: Vec<String>,
    roles: Vec<Role>,
    lease: Duration,
    at_consumer_timeout: Option<OnConsumerTimeout>,
    claims: bool,
    sink: SinkSettings,
    partitions: u16,
    dedup_window: Option<Duration>,
    throws_buffer_away: bool,
    redrives_under_new_ids: bool,
}

impl Cast {
    /// The processes of `scenario`.
    pub fn of(scenario: &Scenario) -> Self {
        let subscriptions = scenario.subscriptions.iter().map(|one| one.name.clone()).collect();
        let lease = scenario.lease().duration();
        let (roles, sink) = (Role::all(scenario).collect(), scenario.sink.clone());
        let dedup_window = scenario.queue.dedup_window.map(Span::duration);
        let producer = &scenario.producer;
        Self {
            subscriptions,
            roles,
            lease,
            at_consumer_timeout: scenario.queue.at_consumer_timeout(),
            claims: scenario.consumer.claim_min_idle != Span::MAX,
            sink,
            partitions: scenario.log.partitions,
            dedup_window,
            throws_buffer_away: producer.is_buffered() && !producer.flush_on_close,
            redrives_under_new_ids: scenario.queue.redrives_under_new_ids(),
        }
    }

    /// How many processes there are.
    pub fn processes(&self) -> usize {
        self.roles.len()
    }

    /// The names of the subscriptions.
    pub fn subscriptions(&self) -> &[String] {
        &self.subscriptions
    }

    /// How long a queue lets a consumer have a message: from when the message leaves the queue, and
    /// no event says that.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// What happens to a consumer that has a message for that long, where it is no lease that ends
    /// but the consumer timeout. Events are the same.
    pub fn at_consumer_timeout(&self) -> Option<OnConsumerTimeout> {
        self.at_consumer_timeout
    }

    /// What ends then, in a word.
    pub fn deadline(&self) -> &'static str {
        if self.at_consumer_timeout.is_some() { "consumer timeout" } else { "lease" }
    }

    /// Whether a delivery that is not settled is claimed, by whoever asks next, instead of coming
    /// back when its lease ends.
    pub fn claims(&self) -> bool {
        self.claims
    }

    /// How the sinks recognise what has had its effect, unless the strategy leaves no choice: no
    /// event says what a sink has forgotten.
    pub fn sink(&self) -> &SinkSettings {
        &self.sink
    }

    /// Whether a partition of a log was not there at the start.
    pub fn is_added(&self, partition: PartitionId) -> bool {
        partition.0 >= self.partitions
    }

    /// For how long a queue recognises what is published again, if it does.
    pub fn dedup_window(&self) -> Option<Duration> {
        self.dedup_window
    }

    /// Whether a producer that ends throws away what it has not sent yet.
    pub fn throws_buffer_away(&self) -> bool {
        self.throws_buffer_away
    }

    /// Whether a dead letter that is moved back gets another id of the broker.
    pub fn redrives_under_new_ids(&self) -> bool {
        self.redrives_under_new_ids
    }

    /// What a process does; nothing is known of a process that is not of this scenario.
    pub fn role(&self, process: ProcessId) -> Option<Role> {
        self.roles.get(process.index()).copied()
    }

    /// Whether a process is a producer.
    pub fn is_producer(&self, process: ProcessId) -> bool {
        self.role(process).is_some_and(Role::is_producer)
    }

    /// The subscription that a process consumes, if it is a consumer.
    pub fn subscription_of(&self, process: ProcessId) -> Option<SubscriptionId> {
        self.role(process).and_then(Role::subscription)
    }

    /// The producers.
    pub fn producers(&self) -> impl Iterator<Item = ProcessId> {
        self.all().filter(|(_, role)| role.is_producer()).map(|(id, _)| id)
    }

    /// The producer, if there is just one.
    pub fn sole_producer(&self) -> Option<ProcessId> {
        let mut producers = self.producers();
        producers.next().filter(|_| producers.next().is_none())
    }

    /// The consumers with their subscriptions.
    pub fn consumers(&self) -> impl Iterator<Item = (ProcessId, SubscriptionId)> {
        self.all().filter_map(|(id, role)| Some((id, role.subscription()?)))
    }

    /// What people call a process: `producer`, `mailer 2`. A producer has its number in its name if
    /// there are several.
    pub fn name(&self, process: ProcessId) -> String {
        match self.role(process) {
            None => format!("process {process}"),
            Some(Role::Producer { .. }) if self.sole_producer().is_some() => "producer".to_owned(),
            Some(Role::Producer { number }) => format!("producer {number}"),
            Some(Role::Consumer { subscription, number }) => {
                format!("{} {number}", self.subscriptions[subscription.index()])
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = (ProcessId, Role)> {
        (0..).map(ProcessId).zip(self.roles.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cast: &Cast) -> Vec<String> {
        (0..=cast.processes()).map(|id| cast.name(ProcessId(id as u16))).collect()
    }

    #[test]
    fn processes_are_called_by_their_roles() {
        let mut scenario = Scenario::default();
        scenario.subscriptions[0].consumers = 2;
        let mut cast = Cast::of(&scenario);
        assert_eq!(names(&cast), ["producer", "reader 1", "reader 2", "process 3"]);
        assert_eq!(cast.sole_producer(), Some(ProcessId(0)));
        cast.roles.push(Role::Producer { number: 2 });
        assert_eq!(names(&cast)[..2], ["producer 1", "reader 1"]);
        assert_eq!(names(&cast)[3], "producer 2");
        assert_eq!(cast.sole_producer(), None);
        assert_eq!(cast.producers().collect::<Vec<_>>(), [ProcessId(0), ProcessId(3)]);
        assert_eq!(cast.consumers().count(), 2);
        assert_eq!(cast.subscription_of(ProcessId(3)), None);
    }
}
