//! The two brokers with their client libraries.

use entrega_brokers::log::{LogSettings, partition_of};
use entrega_brokers::queue::QueueSettings;
use entrega_brokers::{LogBroker, QueueBroker};
use entrega_clients::Subscription;
use entrega_clients::application::GiveBack;
use entrega_clients::inbox::{LogInbox, QueueInbox};
use entrega_clients::producers::{LogPublisher, Publisher, QueuePublisher};

use super::super::workload::{SESSION, client_config};
use super::{HostedLink, Net, Side};

/// A queue with acks.
pub(crate) struct Queue;

impl Side for Queue {
    type Broker = QueueBroker;

    fn broker() -> QueueBroker {
        let (visibility_timeout, prefetch) = (SESSION, 1);
        QueueBroker::new(QueueSettings { visibility_timeout, prefetch, ..Default::default() })
    }

    fn publisher<N: Net<Self>>(link: HostedLink<Self, N>) -> impl Publisher {
        QueuePublisher::new(link)
    }

    fn inbox<N: Net<Self>>(link: HostedLink<Self, N>) -> impl Subscription + GiveBack {
        QueueInbox::new(link, client_config())
    }
}

/// A log in the manner of Kafka.
pub(crate) struct Log;

const PARTITIONS: u16 = 2;

impl Side for Log {
    type Broker = LogBroker;

    fn broker() -> LogBroker {
        let (partitions, session_timeout) = (PARTITIONS, SESSION);
        LogBroker::new(LogSettings { partitions, session_timeout, ..Default::default() })
    }

    fn publisher<N: Net<Self>>(link: HostedLink<Self, N>) -> impl Publisher {
        LogPublisher::new(link, PARTITIONS, partition_of)
    }

    fn inbox<N: Net<Self>>(link: HostedLink<Self, N>) -> impl Subscription + GiveBack {
        LogInbox::new(link, client_config())
    }
}
