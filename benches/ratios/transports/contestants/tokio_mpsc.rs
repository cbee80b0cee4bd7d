//! `tokio::sync::mpsc`, bounded, by its blocking calls.

use super::channel::Channel;

/// See above.
pub(super) struct Tokio;

impl Channel for Tokio {
    type Sender<T: Send> = ::tokio::sync::mpsc::Sender<T>;
    type Receiver<T: Send> = ::tokio::sync::mpsc::Receiver<T>;

    fn bounded<T: Send>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        ::tokio::sync::mpsc::channel(capacity)
    }

    fn send<T: Send>(sender: &Self::Sender<T>, item: T) {
        sender.blocking_send(item).ok().expect("the receiver is there");
    }

    fn receive<T: Send>(receiver: &mut Self::Receiver<T>) -> T {
        receiver.blocking_recv().expect("the sender is there")
    }

    fn try_receive<T: Send>(receiver: &mut Self::Receiver<T>) -> Option<T> {
        receiver.try_recv().ok()
    }
}
