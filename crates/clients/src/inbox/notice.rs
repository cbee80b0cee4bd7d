//! What ends a poll without a message.
//!
//! A [`Turn`] may carry a message, so it is as long as one. What an exchange ends with passes
//! several futures on its way to the application, and is a byte.

use crate::Turn;

/// A turn of events without a message.
pub(super) enum Notice {
    /// Nothing happened until the time given.
    Idle,
    /// Partitions will be given up.
    Revoking,
    /// Partitions were taken away.
    Lost,
    /// The application is asked to stop.
    Shutdown,
}

impl From<Notice> for Turn {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Idle => Self::Idle,
            Notice::Revoking => Self::Revoking,
            Notice::Lost => Self::Lost,
            Notice::Shutdown => Self::Shutdown,
        }
    }
}
