//! `async-channel`, bounded, by its blocking calls.

use super::channel::Channel;

/// See above.
pub(super) struct AsyncChannel;

impl Channel for AsyncChannel {
    type Sender<T: Send> = ::async_channel::Sender<T>;
    type Receiver<T: Send> = ::async_channel::Receiver<T>;

    fn bounded<T: Send>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        ::async_channel::bounded(capacity)
    }

    fn send<T: Send>(sender: &Self::Sender<T>, item: T) {
        sender.send_blocking(item).ok().expect("the receiver is there");
    }

    fn receive<T: Send>(receiver: &mut Self::Receiver<T>) -> T {
        receiver.recv_blocking().ok().expect("the sender is there")
    }

    fn try_receive<T: Send>(receiver: &mut Self::Receiver<T>) -> Option<T> {
        receiver.try_recv().ok()
    }
}
