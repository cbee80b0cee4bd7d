//! Sentences about the queue's own dead letters: on their way, and moved back.

use entrega_clients::Strategy::BrokerDeadLetter;

use super::*;

const LETTERS: &[(&str, &str)] = &[
    ("queue.dead_letter", "true"),
    ("consumer.max_attempts", "1"),
    ("subscriptions.0.consumers", "1"),
];

fn check_letters(strategy: Strategy, choices: &str, set: &[(&str, &str)], expect: &[&str]) {
    check(Queue, strategy, choices, &[LETTERS, set].concat(), expect);
}

#[test]
fn a_dead_letter_is_lost_on_its_way() {
    let choices = "mailer.handler.error#2=transient+mailer.dead_letter.transfer#1=lost";
    check_letters(
        BrokerDeadLetter,
        choices,
        &[],
        &["the handler of mailer 1 fails on m1 and then the dead letter of m1 is lost and then \
             the queue of mailer gives m1 up, and it does not reach the dead letters; m1 is lost."],
    );
    let again = [("queue.dead_letter_strategy", "at-least-once")];
    check_letters(
        BrokerDeadLetter,
        choices,
        &again,
        &["its consumer rejects m1 and it goes to the dead letters."],
    );
}

#[test]
fn a_dead_letter_is_moved_back() {
    let back = [("queue.redrive", "{ after = '1min' }")];
    let poison = "mailer.message.poison#2=poison";
    check_letters(
        BrokerDeadLetter,
        poison,
        &back,
        &["its consumer rejects m1 and it goes to the dead letters; 1min later m1 is moved back \
             to its queue under a new id; its consumer rejects m1 and it goes to the dead letters \
             again."],
    );
    let once = "mailer.effect.response#2=lost";
    check_letters(
        BrokerDeadLetter,
        once,
        &back,
        &["m1 takes effect; the sink's answer about m1 is lost; its consumer rejects m1 and it \
             goes to the dead letters as well; 1min later m1 is moved back to its queue under a \
             new id; m1 is delivered again to mailer 1 and takes effect twice."],
    );
    let twice = "mailer.effect.response#2=lost+mailer.handler.error#6=transient";
    check_letters(
        BrokerDeadLetter,
        twice,
        &back,
        &["m1 takes effect; the sink's answer about m1 is lost; its consumer rejects m1 and it \
             goes to the dead letters as well; 1min later m1 is moved back to its queue under a \
             new id; its consumer rejects m1 and it goes to the dead letters again."],
    );
    let limit = [("queue.redrive", "{ after = '1min' }"), ("queue.delivery_limit", "1")];
    let stalls = "mailer.process.stall#2=before-expiry";
    check_letters(
        ProcessThenSettle,
        stalls,
        &limit,
        &["the lease of mailer 1 expires and then m1, on which no handler failed, comes back \
             once and then m1 has been delivered too often and goes to the dead letters; mailer 1 \
             goes on as a zombie, and m1 takes effect as well; 1min later m1 is moved back to its \
             queue under a new id; m1 is delivered again to mailer 1 and takes effect twice."],
    );
}
