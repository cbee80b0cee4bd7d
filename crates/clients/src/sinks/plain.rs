//! A sink that obeys every call, as an e-mail server does: each call is one more e-mail.

use entrega_model::{MessageId, event::EffectVerdict};

use super::Sink;

/// Applies every effect it is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainSink;

impl Sink for PlainSink {
    fn apply(&mut self, _message: MessageId) -> EffectVerdict {
        EffectVerdict::Applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_call_is_a_second_effect() {
        let mut sink = PlainSink;
        assert_eq!(sink.apply(MessageId(7)), EffectVerdict::Applied);
        assert_eq!(sink.apply(MessageId(7)), EffectVerdict::Applied);
    }
}
