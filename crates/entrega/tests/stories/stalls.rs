//! What waits, and for whom; and what leaves because of a fault somewhere else.

use super::*;

const POISON: &str = "mailer.message.poison#1=poison";
const NO_AUTO_COMMIT: (&str, &str) = ("consumer.enable_auto_commit", "false");
const SHORT: (&str, &str) = ("limits.drain", "2s");

/// The sentence of a finding of a run.
fn finding(
    model: Model,
    strategy: Strategy,
    (choices, set): (&str, &[(&str, &str)]),
    wanted: Finding,
) -> String {
    let scenario = scenario(&[&[SHORT], set].concat());
    let table = points::table(&scenario.subscription_names());
    let choices = parse_choices(&table, choices).expect("choices of this scenario");
    let workload = Workload::generate(&scenario, None, 1);
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: 1 };
    let mut events: Vec<Event> = Vec::new();
    let judged = judge(&experiment, Choices::explicit(table, choices), &mut events);
    let found = findings(&judged.report.subscriptions[0], judged.report.end);
    let message = *found.get(&wanted).unwrap_or_else(|| panic!("{found:?}"));
    let subject = Subject { subscription: SubscriptionId(0), finding: wanted, message };
    Run::new(&events, &Cast::of(&scenario)).tell(&subject).sentence
}

#[test]
fn a_stall_says_what_waits_and_for_whom() {
    let check = |model, strategy, choices, set: &[(&str, &str)], expect: &str| {
        let said = finding(model, strategy, (choices, set), Finding::Stalled);
        let said = said.split_once(" again and again").map_or(said.as_str(), |(before, _)| before);
        assert_eq!(said, expect, "{model} {strategy}");
    };
    let poison = "m0 is poison, and the handler of mailer 1 fails on it; ";
    check(Queue, ProcessThenSettle, POISON, &[], &format!("{poison}mailer 1 tries m0"));
    check(Queue, SettleThenProcess, POISON, &[], &format!("{poison}mailer 1 tries m0"));
    let on_log = "m0 is poison, and the handler of mailer 2 fails on it; mailer 2 tries m0";
    check(Log, ProcessThenSettle, POISON, &[], on_log);
    let crash = format!("{poison}m0 is delivered to mailer 1 and mailer 2");
    check(Queue, ProcessThenSettle, POISON, CRASH, &crash);
    let last = "mailer.handler.error#5=transient";
    let skipped = "the handler of mailer 2 fails on m4; mailer 2 goes on without settling m4, and \
                   nobody is given it again; m4 is still waiting for mailer when the run ends.";
    check(Log, ProcessThenSettle, last, SKIP, skipped);
}

/// What a message does that comes again and again: its handler fails, or somebody dies of it.
#[test]
fn a_message_that_kills_is_not_said_to_fail_seldom() {
    let check = |set: &[(&str, &str)], expect: &str| {
        let kills = "mailer.message.poison#1=kills";
        let said = finding(Queue, ProcessThenSettle, (kills, set), Finding::Stalled);
        let (_, said) = said.split_once(" again and again ").expect(&said);
        assert!(said.starts_with(expect), "{said}");
        assert!(!said.contains("although"), "{said}");
    };
    check(&[], "and kills its process each time, ");
    let supervised = [("models", "queue"), ("consumer.worker_lost", "requeue")];
    check(&supervised, "and kills its worker each time, ");
}

/// A run in which all is done and not all is settled is not said to go on for ever.
#[test]
fn what_is_done_and_not_settled_is_named() {
    let seldom = [("consumer.settle_interval", "1h")];
    let said = finding(Log, SettleEveryN, ("", &seldom), Finding::Stalled);
    assert_eq!(said, "m3 and m4 are not settled when the run is given up.");
}

#[test]
fn a_second_dead_letter_is_told() {
    let twice = Finding::DeadLetteredTwice;
    let choices = "mailer.message.poison#1=poison+mailer.settle.request#1=lost";
    let outlasts_a_lease = [ONE_ATTEMPT, &[("limits.drain", "7s")]].concat();
    let said = finding(Queue, DeadLetter, (choices, &outlasts_a_lease), twice);
    assert_eq!(
        said,
        "the handler of mailer 1 fails once on m0, which goes to the dead letters; the request to \
         settle m0 is lost and then the lease of mailer 1 expires; m0 is delivered again to mailer \
         2 and goes to the dead letters twice."
    );
    let choices = "mailer.message.poison#1=poison+mailer.dead_letter.after#1=crash";
    let said = finding(Queue, DeadLetter, (choices, &outlasts_a_lease), twice);
    assert_eq!(
        said,
        "the handler of mailer 1 fails once on m0, which goes to the dead letters; mailer 1 \
         crashes after dead-lettering m0 and before settling it; m0 is delivered again to mailer 2 \
         and goes to the dead letters twice."
    );
}

/// Who leaves without an answer about its dead letter leaves because of that.
#[test]
fn an_unanswered_dead_letter_is_why_its_writer_leaves() {
    let choices = "mailer.message.poison#1=poison+mailer.dead_letter.response#1=lost";
    let said = finding(Log, DeadLetter, (choices, ONE_ATTEMPT), Finding::DeadLetteredTwice);
    assert_eq!(
        said,
        "the handler of mailer 2 fails once on m0, which goes to the dead letters; the answer that \
         m0 is dead-lettered is lost, and mailer 2 leaves without settling m0; m0 is delivered again \
         to mailer 1 and goes to the dead letters twice."
    );
}

#[test]
fn the_articles_loops_leave_because_of_a_fault() {
    let set = [NO_AUTO_COMMIT];
    let expect = [
        "the handler of mailer 2 fails on m1, and mailer 2 leaves; when mailer 2 starts again, \
         mailer 1 loses the partition of m1; m1 is delivered again to mailer 2 and takes effect \
         twice.",
        "the handler of mailer 2 fails on m1, and mailer 2 leaves without settling m0; m0 is \
         delivered again to mailer 1 and takes effect 3 times.",
    ];
    check(Log, Strategy::ArticleBasic, "mailer.handler.error#2=transient", &set, &expect);
}

#[test]
fn an_item_of_a_batch_repeats_the_others() {
    let sink = [("consumer.batch_sink", "item-by-item"), ("consumer.batch_size", "2")];
    let set = [&sink[..], AT_ONCE, &[("subscriptions.mailer.consumers", "1")]].concat();
    let expect = "the handler of mailer 1 fails on m1 of the same batch as m0; mailer 1 writes the \
                  whole batch again, and m0 takes effect twice.";
    check(Queue, Strategy::MicroBatch, "mailer.handler.error#2=transient", &set, &[expect]);
}
