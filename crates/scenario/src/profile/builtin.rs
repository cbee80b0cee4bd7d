//! The profiles that come with the program.

macro_rules! profiles {
    ($($name:literal),+; $($client:literal),+) => {
        /// The names of those of systems.
        pub const NAMES: &[&str] = &[$($name),+];

        /// The names of those of clients.
        pub const CLIENTS: &[&str] = &[$($client),+];

        /// The file of a profile, if there is such a one.
        pub(super) fn text(name: &str) -> Option<&'static str> {
            Some(match name {
                $($name => include_str!(concat!($name, ".toml")),)+
                $($client => include_str!(concat!($client, ".toml")),)+
                _ => return None,
            })
        }
    };
}

profiles! {
    "kafka",
    "kafka-share-group",
    "rabbitmq-classic",
    "rabbitmq-classic@4.2",
    "rabbitmq-quorum",
    "rabbitmq-quorum@4.2",
    "sqs-standard",
    "sqs-fifo",
    "jetstream",
    "redis-streams",
    "redis-streams@7",
    "pulsar-shared";
    "java",
    "librdkafka"
}
