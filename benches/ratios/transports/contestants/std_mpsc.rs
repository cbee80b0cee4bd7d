//! The bounded channel of the standard library.

use super::channel::Channel;

/// See above.
pub(super) struct Std;

impl Channel for Std {
    type Sender<T: Send> = std::sync::mpsc::SyncSender<T>;
    type Receiver<T: Send> = std::sync::mpsc::Receiver<T>;

    fn bounded<T: Send>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        std::sync::mpsc::sync_channel(capacity)
    }

    fn send<T: Send>(sender: &Self::Sender<T>, item: T) {
        sender.send(item).ok().expect("the receiver is there");
    }

    fn receive<T: Send>(receiver: &mut Self::Receiver<T>) -> T {
        receiver.recv().ok().expect("the sender is there")
    }

    fn try_receive<T: Send>(receiver: &mut Self::Receiver<T>) -> Option<T> {
        receiver.try_recv().ok()
    }
}
