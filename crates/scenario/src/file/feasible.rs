//! What a scenario asks of the system of its profile that this system cannot do.
//!
//! > **The rule.** A scenario may set anything, and is run as it is. What the profile knows to be
//! > impossible there is said, with the limit, its source and what would be possible.

use entrega_model::Model;

use super::rules::Violation;
use super::{DueTime, ErrorPolicy, Rows, Scenario, Span};
use crate::profile::{Fact, Profile};

/// The waits that the broker is to hold for longer than it can.
pub(super) fn held_too_long(
    scenario: &Scenario,
    rows: Option<&Rows>,
    profile: &Profile,
) -> Vec<Violation> {
    let Some(fact) = profile.longest_hold.as_ref().filter(|_| profile.model == Model::Queue) else {
        return Vec::new();
    };
    let Some(most) = fact.value.as_str().and_then(|text| text.parse::<Span>().ok()) else {
        return Vec::new();
    };
    let made_up = scenario.workload.due_after.map(|wait| ("workload.due_after", wait));
    let recorded = rows.and_then(Rows::longest_wait).map(|wait| ("workload.from", wait));
    let due = made_up.or(recorded).filter(|_| scenario.queue.due_time == DueTime::Broker);
    let due = due.map(|(path, wait)| (path, wait, "is due after it is sent", WORKER));
    let consumer = &scenario.consumer;
    let copies = consumer.on_error == ErrorPolicy::RetryTopic;
    let retry = copies.then_some(("consumer.retry_backoff", consumer.retry_backoff));
    let retry = retry.map(|(path, wait)| (path, wait, "is tried again after a failure", RETRY));
    let delay = Some(scenario.queue.delivery_delay).filter(|_| most > Span::default());
    let delay = delay
        .map(|wait| ("queue.delivery_delay", wait, "is held before its first delivery", DELAY));
    let beyond = due.into_iter().chain(retry).chain(delay).filter(|(_, wait, ..)| *wait > most);
    let told = beyond.map(|(path, wait, why, instead)| Violation {
        path: path.to_owned(),
        message: message(profile, fact, most, &format!("a message {why}, up to {wait} later")),
        help: Some(help(most, instead)),
    });
    told.collect()
}

const DELAY: &str = "a producer of your own sends it later";
const WORKER: &str = "queue.due_time = \"worker\" lets the consumers hold it";
const RETRY: &str = "on_error = \"requeue\" or \"retry\" needs no copy that is held";

fn message(profile: &Profile, fact: &Fact, most: Span, asked: &str) -> String {
    let limit = if most == Span::default() {
        "holds no single message back".to_owned()
    } else {
        format!("holds one back for at most {most}")
    };
    let note = fact.note.as_ref().map_or_else(String::new, |note| format!("; {note}"));
    let doubt = if fact.verified { "" } else { ", not verified" };
    format!("{asked}, and {} {limit} ({}{doubt}){note}", profile.title, fact.source)
}

fn help(most: Span, instead: &str) -> String {
    if most == Span::default() {
        return format!("{instead}; or a scheduler of your own sends it when it is due");
    }
    format!("{instead}; or a scheduler of your own sends it at most {most} before it is due")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(profile: &str, more: &str) -> Vec<String> {
        let text = format!("profile = '{profile}'\n{more}");
        let rows = "at,key,not_before\n0,a,0\n1,b,3601\n".to_owned();
        let loaded = Scenario::parse("x.toml", &text, &[], &|_| Ok(rows.clone()));
        let loaded = loaded.unwrap_or_else(|problem| panic!("{problem}"));
        loaded.beyond_profile.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_broker_cannot_hold_is_told_with_its_limit() {
        let later = "workload.due_after = '1h'";
        let sqs = said("sqs-standard", later);
        assert_eq!(
            sqs,
            [
                "x.toml:2:22: a message is due after it is sent, up to 1h later, and Amazon SQS standard \
              queue holds one back for at most 15min (AWS manual 2026, message timers)\n  help: \
              queue.due_time = \"worker\" lets the consumers hold it; or a scheduler of your own sends \
              it at most 15min before it is due"
            ]
        );
        let fifo = said("sqs-fifo", "workload.due_after = '1min'").join("");
        assert!(fifo.contains("holds no single message back"), "{fifo}");
        assert!(fifo.contains("; the whole queue may delay by up to 15min"), "{fifo}");
        let delay = said("sqs-standard", "queue.delivery_delay = '20min'").join("");
        assert!(delay.contains("is held before its first delivery, up to 20min later"), "{delay}");
        let recorded = said("sqs-standard", "workload.from = 'a.csv'").join("");
        assert!(recorded.starts_with("x.toml:2:17: ") && recorded.contains("up to 1h later"));
        let retry = "consumer = { on_error = 'retry-topic', retry_backoff = '20min' }\n\
                     queue.delivery_limit = 3";
        let retry = said("sqs-standard", retry).join("");
        assert!(retry.contains("is tried again after a failure, up to 20min later"), "{retry}");
    }

    /// Within the limit, without one, held by the worker, or without a profile that knows.
    #[test]
    fn what_is_possible_is_not_told() {
        let check = |profile, more| assert_eq!(said(profile, more), [""; 0], "{profile} {more}");
        check("sqs-standard", "workload.due_after = '15min'");
        check("sqs-standard", "workload.due_after = '1h'\nqueue.due_time = 'worker'");
        check("sqs-standard", "queue.delivery_delay = '15min'");
        check("sqs-fifo", "queue.delivery_delay = '15min'");
        check("jetstream", "workload.due_after = '365d'");
        check("pulsar-shared", "workload.from = 'a.csv'");
        check("kafka", "workload.due_after = '1h'");
    }

    /// Each profile of a queue says how long it holds a message, as a duration or as `never`.
    #[test]
    fn every_queue_says_how_long_it_holds_a_message() {
        for name in crate::profile::NAMES {
            let profile = Profile::builtin(name).expect("a profile");
            let hold = profile.longest_hold.as_ref().and_then(|fact| fact.value.as_str());
            let is_read = hold.is_some_and(|text| text == "never" || text.parse::<Span>().is_ok());
            assert_eq!(is_read, profile.model == Model::Queue, "{name}");
        }
    }
}
