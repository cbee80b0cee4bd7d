//! The table `[producer]`: how messages are sent, and what is sent again.
//!
//! Named as in [`settings`](mod@super::settings): as Kafka does where it has the setting.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Acks, Span, or_none};

/// How messages are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProducerSettings {
    /// Whether a send waits for the broker's answer. Default `confirmed`.
    pub strategy: ProducerStrategy,
    /// Which replicas of a log have a message when a send is confirmed. Kafka `acks`. Left out:
    /// `all` for `confirmed`, as in Kafka since 3.0, and `0` for `fire-and-forget`.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Acks>")]
    pub acks: Option<Acks>,
    /// How long to wait for an answer before the send is retried or indeterminate. Kafka
    /// `request.timeout.ms`. Default 30s.
    pub request_timeout: Span,
    /// How often a send is tried again after a timeout. Kafka `retries`, there without a bound but
    /// for `delivery.timeout.ms`; a client of a queue has none. Default 3 (ours).
    pub retries: u32,
    /// How long to wait before another attempt. Kafka `retry.backoff.ms`. Default 100ms.
    pub retry_backoff: Span,
    /// How often a producer asks how many partitions there are. Kafka `metadata.max.age.ms`.
    /// Default 5min. It matters where `log.partitions_added` is set.
    pub metadata_refresh: Span,
    /// How many requests without an answer a producer has on their way at once. Kafka
    /// `max.in.flight.requests.per.connection`: 5 in Java, 1000000 in librdkafka. With more than
    /// one, what is sent later may overtake a retry. Default 1 (ours): one after another.
    pub max_in_flight: u32,
    /// Whether the broker of a log recognises what a producer has sent before in its present life,
    /// and takes messages only in the order in which they were sent. A queue has no such thing. It
    /// needs `strategy = "confirmed"`, at least one retry, and at most 5 in flight. Kafka
    /// `enable.idempotence`: true in Java, false in librdkafka. Default false (ours).
    pub enable_idempotence: bool,
    /// Whether the application keeps what it is to send in an outbox, on disk and with the order
    /// itself, until it has the confirmation: a restart sends again what has none. Without one it
    /// goes on with the next message. It needs `strategy = "confirmed"`. Default false.
    pub outbox: bool,
    /// After how long a job sends again what is in the outbox and has had no answer, or a refusal.
    /// Left out, only a restart does.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Span>")]
    pub resend_after: Option<Span>,
    /// Which id a queue recognises a message by (`queue.dedup_window`). Default `message`.
    pub publish_id: PublishId,
    /// How long a message may wait in the producer for others of its batch. Kafka `linger.ms`,
    /// there 5ms. Default 0s (ours): it is sent at once and alone.
    pub linger: Span,
    /// How many bytes make a batch that waits no longer, if messages wait. Kafka `batch.size`.
    /// Default 16384.
    pub batch_size: u64,
    /// Whether a producer that has no more messages sends what still waits before it ends, as
    /// `close()` does in Java and `flush()` in librdkafka, or throws it away, as a program without
    /// `flush()` does with librdkafka. Default true.
    pub flush_on_close: bool,
}

/// Whether a send waits for the broker's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProducerStrategy {
    /// Kafka `acks=all`, RabbitMQ publisher confirms: the send ends when the broker has answered.
    #[default]
    Confirmed,
    /// Kafka `acks=0`, RabbitMQ without confirms: the send is "ok" when the request has left.
    FireAndForget,
}

/// Which id a queue recognises a message by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PublishId {
    /// One that the message has, as the number of an order: whoever sends it again sends it under
    /// the same.
    #[default]
    Message,
    /// One that is made for each send, as many libraries do by themselves: its retries have the
    /// same, and what a job or a restart sends again has another.
    Send,
}

impl ProducerSettings {
    /// Whether messages wait in the producer before they are sent.
    pub fn is_buffered(&self) -> bool {
        self.linger != Span::default()
    }

    /// Whether its program hands over a message before it knows what became of the one before.
    pub fn sends_ahead(&self) -> bool {
        self.is_pipelined() || self.is_buffered()
    }

    /// Whether sends may be on their way while earlier ones wait for their answers.
    pub fn is_pipelined(&self) -> bool {
        self.strategy == ProducerStrategy::Confirmed && self.max_in_flight > 1
    }
}

impl Default for ProducerSettings {
    fn default() -> Self {
        Self {
            strategy: ProducerStrategy::Confirmed,
            acks: None,
            request_timeout: Span::from_secs(30),
            retries: 3,
            retry_backoff: Span::from_millis(100),
            metadata_refresh: Span::from_secs(5 * 60),
            max_in_flight: 1,
            enable_idempotence: false,
            outbox: false,
            resend_after: None,
            publish_id: PublishId::Message,
            linger: Span::default(),
            batch_size: 16_384,
            flush_on_close: true,
        }
    }
}
