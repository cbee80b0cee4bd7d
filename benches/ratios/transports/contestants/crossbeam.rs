//! `crossbeam-channel`, bounded.

use super::channel::Channel;

/// See above.
pub(super) struct Crossbeam;

impl Channel for Crossbeam {
    type Sender<T: Send> = ::crossbeam_channel::Sender<T>;
    type Receiver<T: Send> = ::crossbeam_channel::Receiver<T>;

    fn bounded<T: Send>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        ::crossbeam_channel::bounded(capacity)
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
