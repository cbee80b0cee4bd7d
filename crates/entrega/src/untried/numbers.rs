//! How long things take in a scenario at most, and which of its deadlines there are for whom.

use entrega_clients::{AutoSettle, ClientConfig};
use entrega_model::{Duration, Model};
use entrega_scenario::points::{self, Act, Fault, FaultKind};
use entrega_scenario::setup::client_config;
use entrega_scenario::{ErrorPolicy, Span, SubscriptionSettings};

use super::{Plan, Reader};

/// The numbers that are compared.
pub(super) struct Numbers<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) settings: &'a SubscriptionSettings,
    /// The client library of the consumer.
    library: ClientConfig,
    /// The longest service time of a message.
    pub(super) service: Duration,
    /// How long the handler usually needs.
    usual: Duration,
}

/// Round trips to the broker for one message, and as many to the sink: to receive or to look
/// something up, and to settle or to take effect.
const ROUND_TRIPS: u64 = 2;

impl<'a> Numbers<'a> {
    pub(super) fn of(plan: &'a Plan<'a>) -> Self {
        let subscription = plan.scope.subscription;
        let settings = &plan.scenario.subscriptions[subscription.index()];
        let (Reader::Catalogued(strategy) | Reader::Own(strategy)) = plan.reader;
        let library = client_config(plan.scenario, strategy, subscription);
        let (sum, count) = plan.extent.recorded;
        let (mut service, mut usual) = (plan.extent.longest_recorded, Duration::ZERO);
        if let Some(mean) = sum.checked_div(count.into()) {
            usual = Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX));
        }
        if count < plan.extent.messages {
            service = service.max(settings.service_time.longest());
            usual = usual.max(settings.service_time.median());
        }
        Self { plan, settings, library, service, usual }
    }

    /// How long a leg takes at most: to the broker, and to the sink.
    pub(super) fn legs(&self) -> [Duration; 2] {
        let network = &self.plan.scenario.network;
        [network.latency, network.sink_latency]
            .map(|one| one.duration() + network.jitter.duration())
    }

    /// The calls that a message needs besides its service time.
    pub(super) fn calls(&self) -> Duration {
        let [broker, sink] = self.legs();
        (broker + sink).saturating_mul(2 * ROUND_TRIPS)
    }

    /// How long a message takes from its delivery to its settle, if nothing goes wrong and it waits
    /// for nobody.
    pub(super) fn handling(&self) -> Duration {
        self.service + self.calls()
    }

    /// As long as it usually takes.
    pub(super) fn usually(&self) -> Duration {
        self.usual + self.calls()
    }

    /// The lease of a delivery. A log has none, and neither has a queue that counts the delivery as
    /// a settle. One that is renewed in time, even if a request for it is lost, does not end.
    pub(super) fn lease(&self) -> Option<Duration> {
        let leased =
            self.plan.model == Model::Queue && self.library.auto_settle != AutoSettle::AtDelivery;
        let lease = self.plan.scenario.lease().duration();
        let renewal = self.library.lease_renewal;
        let is_renewed = renewal.is_some_and(|interval| interval.saturating_mul(2) < lease);
        (leased && !is_renewed).then_some(lease)
    }

    /// The setting that says how long a lease is.
    pub(super) fn lease_name(&self) -> &'static str {
        let setting = self.lease_setting();
        setting.rsplit('.').next().unwrap_or(setting)
    }

    /// The same with its table.
    pub(super) fn lease_setting(&self) -> &'static str {
        let scenario = self.plan.scenario;
        match scenario.queue.consumer_timeout {
            _ if scenario.consumer.claim_min_idle != Span::MAX => "consumer.claim_min_idle",
            Some(_) => "queue.consumer_timeout",
            None => "queue.visibility_timeout",
        }
    }

    /// The longest time between two polls, which a log's client watches over.
    pub(super) fn poll_limit(&self) -> Option<Duration> {
        self.library.max_poll_interval.filter(|_| self.plan.model == Model::Log)
    }

    /// Whether the client library of a log commits by itself.
    pub(super) fn commits_by_itself(&self) -> bool {
        self.plan.model == Model::Log && self.library.auto_settle != AutoSettle::Off
    }

    /// Whether the consumer reads a setting of `[consumer]` that not every strategy reads. One's
    /// own may make another attempt; whether it collects messages or has workers is not known.
    pub(super) fn reads(&self, setting: &str) -> bool {
        match self.plan.reader {
            Reader::Catalogued(strategy) => strategy.reads(setting),
            Reader::Own(_) => ["max_attempts", "retry_backoff"].contains(&setting),
        }
    }

    /// Whether messages are sent one after another, and not all at one instant as in what is
    /// tried.
    pub(super) fn sends_over_time(&self) -> bool {
        !self.plan.extent.span.is_zero()
    }

    /// How many messages wait in a client at once.
    pub(super) fn prefetched(&self) -> u64 {
        u64::from(self.plan.scenario.consumer.prefetch).min(self.plan.extent.messages)
    }

    /// How many messages are in work at once. With ordered keys they may be of one key.
    pub(super) fn workers(&self) -> u64 {
        let consumer = &self.plan.scenario.consumer;
        let ordered = consumer.key_ordered && self.reads("key_ordered");
        if self.reads("workers") && !ordered { consumer.workers.into() } else { 1 }
    }

    /// After how many handlings the last of those is done that are fetched together.
    pub(super) fn turns(&self) -> u64 {
        self.prefetched().div_ceil(self.workers())
    }

    /// `one after another`, or `2 at a time (workers)`.
    pub(super) fn turns_in_words(&self) -> String {
        match self.workers() {
            1 => "one after another".to_owned(),
            many => format!("{many} at a time (workers)"),
        }
    }

    /// How many messages the consumer writes at once.
    pub(super) fn batch(&self) -> u64 {
        let size = u64::from(self.plan.scenario.consumer.batch_size).min(self.plan.extent.messages);
        if self.reads("batch_size") { size.max(1) } else { 1 }
    }

    /// How long a consumer waits for more messages before it settles those that it has.
    pub(super) fn collecting(&self) -> Option<(&'static str, Duration)> {
        let consumer = &self.plan.scenario.consumer;
        if self.reads("settle_interval") && consumer.settle_every > 1 {
            return Some(("settle_interval", consumer.settle_interval.duration()));
        }
        let collects = self.reads("batch_interval") && consumer.batch_size > 1;
        collects.then(|| ("batch_interval", consumer.batch_interval.duration()))
    }

    /// Whether a consumer of a log fetches on while it holds messages that are not settled, and
    /// its library does not commit by itself when it gives a partition up. One's own may.
    pub(super) fn holds_several(&self) -> bool {
        let consumer = &self.plan.scenario.consumer;
        let collects = (self.reads("settle_every") && consumer.settle_every > 1)
            || (self.reads("batch_size") && consumer.batch_size > 1)
            || self.settles_beside_its_work();
        let own = matches!(self.plan.reader, Reader::Own(_));
        (own || collects) && !self.commits_by_itself()
    }

    /// Whether one worker may fetch while another one waits for its settle.
    pub(super) fn settles_beside_its_work(&self) -> bool {
        self.reads("workers") && self.plan.scenario.consumer.workers > 1
    }

    /// Whether a request to settle may not arrive in time in what is explored.
    pub(super) fn loses_settles(&self) -> bool {
        const SETTLE_REQUEST: Fault = points::kind("settle.request", "lost").0;
        let is_lost = |&(fault, act): &FaultKind| {
            fault == SETTLE_REQUEST && matches!(act, Act::Lost | Act::Late)
        };
        self.plan.faults > 0 && self.plan.kinds.iter().any(is_lost)
    }

    /// How many messages are explored.
    pub(super) fn explored_messages(&self) -> u64 {
        u64::from(self.plan.scope.messages).min(self.plan.extent.messages)
    }

    /// How often a message is tried within one delivery at most, if handlers fail in what is
    /// explored. A message that is tried without end is tried in the small version too.
    pub(super) fn attempts(&self) -> u64 {
        let consumer = &self.plan.scenario.consumer;
        let faults = u64::from(self.plan.faults);
        let counts = self.reads("max_attempts")
            || (self.reads("retry_backoff") && consumer.on_error == ErrorPolicy::DeadLetter);
        let most = if counts { u64::from(consumer.max_attempts) } else { u64::MAX };
        if counts && self.can_happen(|act| act == Act::Poison) {
            most
        } else if self.can_happen(|act| act == Act::Transient) {
            (1 + faults).min(most)
        } else {
            1
        }
    }

    /// Whether a fault can happen in what is explored.
    pub(super) fn can_happen(&self, is: impl Fn(Act) -> bool) -> bool {
        self.plan.faults > 0 && self.plan.kinds.iter().any(|&(_, act)| is(act))
    }

    /// `a service time of up to 40s`, and where that number is from if it is no bound.
    pub(super) fn service_in_words(&self) -> String {
        let recorded = self.service == self.plan.extent.longest_recorded;
        let what = if recorded && !self.service.is_zero() {
            "a recorded service time"
        } else {
            "a service time"
        };
        let open = !recorded && !self.settings.service_time.is_bounded();
        let drawn =
            if open { " (the longest that is drawn; its distribution has no end)" } else { "" };
        format!("{what} of up to {}{drawn}{}", shown(self.service), self.calls_in_words())
    }

    /// `a usual service time of 3s and 8ms of calls`.
    pub(super) fn usual_in_words(&self) -> String {
        format!("a usual service time of {}{}", shown(self.usual), self.calls_in_words())
    }

    fn calls_in_words(&self) -> String {
        match self.calls() {
            none if none.is_zero() => String::new(),
            some => format!(" and {} of calls", shown(some)),
        }
    }
}

/// A span as scenarios write it, without more digits than anybody wants to read.
pub(super) fn shown(span: Duration) -> String {
    let is_round = span.as_nanos().is_multiple_of(1_000_000);
    if is_round { Span::from_nanos(span.as_nanos()).to_string() } else { span.to_string() }
}
