//! The profiles that come with the program.

macro_rules! profiles {
    ($($name:literal),+ $(,)?) => {
        /// Their names.
        pub const NAMES: &[&str] = &[$($name),+];

        /// The file of a profile, if there is such a one.
        pub(super) fn text(name: &str) -> Option<&'static str> {
            Some(match name {
                $($name => include_str!(concat!($name, ".toml")),)+
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
    "pulsar-shared",
}
