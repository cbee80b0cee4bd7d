//! What a history says, by example; every mistake at its place; the documentation against the code.

use super::shape::EVENTS;
use super::*;
use crate::event::{EffectVerdict, SendOutcome};
use crate::{DeliveryId, Incarnation, Key, Kind, MessageId, ProcessId, SubscriptionId};

mod reading;
mod round_trip;

/// A header with one subscription.
const ONE: &str = concat!(
    r#"{"entrega_history":1,"model":"log","subscriptions":["#,
    r#"{"name":"mailer","guarantee":"at-least-once"}]}"#
);

/// A header with two.
const TWO: &str = concat!(
    r#"{"entrega_history":1,"model":"queue","subscriptions":["#,
    r#"{"name":"mailer","guarantee":"none"},"#,
    r#"{"name":"audit","guarantee":"at-most-once","dead_letters":true,"ordered":true}]}"#
);

/// The events between a header and a closing line.
fn events(header: &str, lines: &str) -> Vec<Kind> {
    let text = format!("{header}\n{lines}\n{{\"end\":\"quiescent\"}}\n");
    let history = read(text.as_bytes(), "test").expect("a valid history");
    history.events.into_iter().map(|event| event.kind).collect()
}

#[test]
fn the_header_says_who_reads_and_what_is_promised() {
    let text = format!("{TWO}\r\n\n{{\"end\":\"unfinished\"}}");
    let history = read(text.as_bytes(), "test").expect("a valid history");
    let subscription = |name: &str, guarantee, dead_letters, ordered| SubscriptionHeader {
        name: name.to_owned(),
        guarantee,
        dead_letters,
        ordered,
    };
    let subscriptions = vec![
        subscription("mailer", Guarantee::None, false, false),
        subscription("audit", Guarantee::AtMostOnce, true, true),
    ];
    let (program_order, complete) = (false, false);
    let header = Header { model: Model::Queue, subscriptions, program_order, complete };
    assert_eq!(history.header, header);
    assert_eq!((history.end, history.events.len()), (End::Unfinished, 0));
}

#[test]
fn a_minimal_history_leaves_out_what_its_author_cannot_know() {
    let kinds = events(
        ONE,
        r#"{"event":"send.invoke","message":"order-1"}
           {"event":"send.ok","message":"order-1"}
           {"event":"effect","message":"order-1"}"#,
    );
    let (message, producer) = (MessageId(0), ProcessId(0));
    let effect = Kind::Effect {
        delivery: DeliveryId(0),
        message,
        key: Key(0),
        subscription: SubscriptionId(0),
        consumer: ProcessId(1),
        verdict: EffectVerdict::Applied,
    };
    let expect = [
        Kind::SendInvoked { message, key: Key(0), producer, attempt: 1 },
        Kind::SendEnded { message, producer, outcome: SendOutcome::Ok },
        effect,
    ];
    assert_eq!(kinds, expect);
}

#[test]
fn names_are_strings_or_integers() {
    let text = format!(
        "{ONE}\n{}\n{}\n{}\n{{\"end\":\"quiescent\"}}",
        r#"{"event":"send.invoke","message":7,"key":"k","producer":"shop"}"#,
        r#"{"event":"send.invoke","message":"a\"b","key":-3}"#,
        r#"{"event":"effect","message":"7","consumer":null}"#,
    );
    let names = read(text.as_bytes(), "test").expect("a valid history").names;
    assert_eq!(names.messages, ["7", "a\"b"]);
    assert_eq!(names.keys, ["k", "-3"]);
    assert_eq!(names.processes, ["shop", "producer", "mailer"]);
}

#[test]
fn a_left_out_key_is_the_known_one_or_one_of_its_own() {
    let check = |lines, expect: &[u32]| {
        let keys = events(ONE, lines).into_iter().map(|kind| match kind {
            Kind::SendInvoked { key, .. } | Kind::Effect { key, .. } => key.0,
            other => panic!("{other:?}"),
        });
        assert_eq!(keys.collect::<Vec<_>>(), expect, "{lines}");
    };
    check(
        r#"{"event":"send.invoke","message":1,"key":"a"}
           {"event":"send.invoke","message":2,"key":"a"}
           {"event":"effect","message":1}"#,
        &[0, 0, 0],
    );
    check(
        r#"{"event":"send.invoke","message":1}
           {"event":"send.invoke","message":2}
           {"event":"effect","message":2}
           {"event":"effect","message":1}"#,
        &[0, 1, 1, 0],
    );
}

#[test]
fn a_left_out_delivery_is_the_latest_of_the_message() {
    let check = |lines: &[&str], expect: &[u32]| {
        let line = |event: &&str| format!("{{\"event\":{event}}}");
        let text = lines.iter().map(line).collect::<Vec<_>>().join("\n");
        let ids = events(TWO, &text).into_iter().map(|kind| match kind {
            Kind::Delivered { delivery, .. }
            | Kind::ProcessingStarted { delivery, .. }
            | Kind::ProcessingEnded { delivery, .. }
            | Kind::Effect { delivery, .. } => delivery.0,
            other => panic!("{other:?}"),
        });
        assert_eq!(ids.collect::<Vec<_>>(), expect, "{lines:?}");
    };
    let deliver = r#""deliver","message":1,"subscription":"mailer""#;
    let tagged = r#""deliver","message":1,"subscription":"mailer","delivery":"tag""#;
    let start = r#""process.start","message":1,"subscription":"mailer""#;
    let end = r#""process.end","message":1,"subscription":"mailer","result":"ok""#;
    let effect = r#""effect","message":1,"subscription":"mailer""#;
    let late = r#""effect","message":1,"subscription":"mailer","delivery":"tag""#;
    let elsewhere = r#""effect","message":1,"subscription":"audit""#;
    check(&[deliver, start, effect, end, start, end], &[0, 0, 0, 0, 0, 0]);
    check(&[deliver, effect, deliver, effect], &[0, 0, 1, 1]);
    check(&[tagged, effect, deliver, effect, late], &[0, 0, 1, 1, 0]);
    check(&[start, effect, start, effect], &[0, 0, 1, 1]);
    check(&[effect, effect], &[0, 1]);
    check(&[deliver, effect, elsewhere], &[0, 0, 1]);
}

#[test]
fn a_left_out_incarnation_is_the_current_life() {
    let line = |event: &&str| format!("{{\"event\":\"{event}\",\"process\":\"a\"}}");
    let check = |lines: &[&str], expect: &[u32]| {
        let text = lines.iter().map(line).collect::<Vec<_>>().join("\n");
        let lives = events(ONE, &text).into_iter().map(|kind| match kind {
            Kind::Started { incarnation: Incarnation(life), .. }
            | Kind::Exited { incarnation: Incarnation(life), .. }
            | Kind::Crashed { incarnation: Incarnation(life), .. } => life,
            other => panic!("{other:?}"),
        });
        assert_eq!(lives.collect::<Vec<_>>(), expect, "{lines:?}");
    };
    check(&["start", "crash", "start", "exit"], &[0, 0, 1, 1]);
    check(&["crash", "crash", "start"], &[0, 1, 2]);
    check(&["start", "start"], &[0, 1]);
}

/// Checks the place and what is wrong, and how the help begins.
fn check_mistake(text: &str, expect: &str, help: &str) {
    let error = read(text.as_bytes(), "h").expect_err(text).to_string();
    let (found, advice) = error.split_once("\n  help: ").expect("every mistake comes with help");
    assert_eq!(found, format!("h:{expect}"), "{text}");
    assert!(advice.starts_with(help), "{text}\n{advice}");
}

#[test]
fn mistakes_in_a_line_are_shown_at_their_place() {
    let check = |line: &str, expect, help| check_mistake(&format!("{ONE}\n{line}\n"), expect, help);
    let no_object = "2:1: not a JSON object: invalid type: sequence, expected an object";
    check(r#"{"event":"#, "2:10: the line breaks off within its JSON object", "put the whole");
    check("[1]", no_object, "a line is one JSON object");
    check(r#"{"at":0 1}"#, "2:9: not a JSON object: expected `,` or `}`", "a line is one");
    check(r#"{"event":"efect"}"#, "2:10: unknown event \"efect\"", "did you mean `effect`?");
    check(r#"{"event":"é","at":-1}"#, "2:10: unknown event \"é\"", "valid here: send.invoke,");
    check(
        r#"{"event":"effect","mesage":1}"#,
        "2:19: unknown field `mesage` of effect",
        "did you mean `message`? valid here: message, key,",
    );
    check(
        r#"{"event":"dlq","message":1,"message":1}"#,
        "2:28: field `message` stands twice",
        "remove one",
    );
    check(r#"{"at":1}"#, "2:1: missing field `event` of an event", "add \"event\"");
    check(r#"{"event":"crash"}"#, "2:1: missing field `process` of crash", "add \"process\"");
    check(r#"{"event":"crash","process":null}"#, "2:1: missing field `process` of crash", "add");
    check(
        r#"{"event":"crash","process":["a"]}"#,
        "2:28: field `process` cannot be [\"a\"]",
        "valid is a string or an integer",
    );
    check(
        r#"{"at":1.5,"event":"broker_restart"}"#,
        "2:7: field `at` cannot be 1.5",
        "valid is nanoseconds, an integer",
    );
    check(
        r#"{"event":"deliver","message":"é","attempt":65536}"#,
        "2:44: field `attempt` cannot be 65536",
        "valid is an integer from 0 to 65535",
    );
    check(
        r#"{"event":"exit","process":1,"failed":1}"#,
        "2:38: field `failed` cannot be 1",
        "valid is true or false",
    );
    check(
        r#"{"event":"effect","message":1,"verdict":"aplied"}"#,
        "2:41: field `verdict` cannot be \"aplied\"",
        "did you mean `applied`? valid here: applied, suppressed, rejected",
    );
    check(
        r#"{"event":"dlq","message":1,"subscription":"mialer"}"#,
        "2:43: unknown subscription \"mialer\"",
        "did you mean `mailer`? valid here: mailer",
    );
    check(
        r#"{"event":"fault","process":1,"point":1,"alternative":256}"#,
        "2:54: field `alternative` cannot be 256",
        "valid is a name or an integer from 0 to 255",
    );
    check(
        r#"{"end":"done"}"#,
        "2:8: field `end` cannot be \"done\"",
        "valid here: quiescent, unfinished",
    );
    check(
        r#"{"end":"quiescent","at":1}"#,
        "2:20: unknown field `at` of closing line",
        "valid here: end",
    );
}

#[test]
fn mistakes_between_lines_are_shown_at_their_place() {
    let check = |lines: &str, expect, help| check_mistake(&format!("{ONE}{lines}"), expect, help);
    check(
        "",
        "2:1: the history is truncated: there is no closing line",
        "end with {\"end\":\"quiescent\"} if the system was drained, else",
    );
    check(
        "\n{\"event\":\"bro",
        "2:14: the history is truncated: there is no closing line",
        "end with",
    );
    check(
        "\n{\"at\":2,\"event\":\"broker_restart\"}\n{\"event\":\"broker_restart\",\"at\":1}",
        "3:32: time goes backwards from 2 to 1",
        "sort the events by time; here `at` is 2 or later",
    );
    check(
        "\n{\"end\":\"quiescent\"}\n\n{\"end\":\"quiescent\"}",
        "4:1: the history goes on after its closing line",
        "remove what follows",
    );
}

#[test]
fn mistakes_in_the_header_are_shown_at_their_place() {
    let no_header = "1:1: the history does not begin with a header";
    let empty = "1:1: the history is empty";
    check_mistake("", empty, "the first line is like {\"entrega_history\":1,");
    check_mistake("{}", no_header, "the first line is like");
    check_mistake(r#"{"event":"effect"}"#, no_header, "the first line is like");
    let check = |text: &str, from, to, expect, help| {
        check_mistake(&text.replace(from, to), expect, help);
    };
    check(ONE, ":1,", ":2,", "1:20: format version 2 is unknown", "the known version is 1");
    check(ONE, "log", "topic", "1:30: field `model` cannot be \"topic\"", "valid here: log, queue");
    check(
        ONE,
        "guarantee",
        "garantee",
        "1:70: unknown field `garantee` of subscription",
        "did you mean `guarantee`? valid here: name, guarantee, dead_letters, ordered",
    );
    check(
        TWO,
        "audit",
        "mailer",
        "1:100: there are two subscriptions \"mailer\"",
        "give each a name of its own",
    );
    check_mistake(
        r#"{"entrega_history":1,"model":"log","subscriptions":[]}"#,
        "1:52: there is no subscription",
        "name whoever reads the messages",
    );
    let missing = format!("{TWO}\n{{\"event\":\"dlq\",\"message\":1}}");
    check_mistake(&missing, "2:1: missing field `subscription` of dlq", "add \"subscription\"");
}

#[test]
fn bytes_that_are_no_text_are_shown_at_their_place() {
    let mut bytes = ONE.as_bytes().to_vec();
    bytes.extend(b"\n{\"event\":\"\xff\"}\n");
    let error = read(&*bytes, "h").expect_err("not UTF-8");
    assert_eq!((error.line, error.column), (2, 11));
    assert_eq!(*error.mistake, Mistake::NotUtf8);
}

#[test]
fn more_names_than_ids_are_refused() {
    let line = |i: u32| format!("{{\"event\":\"stall\",\"process\":{i}}}\n");
    let text = |count: u32| {
        let lines: String = (0..count).map(line).collect();
        format!("{ONE}\n{lines}{{\"end\":\"quiescent\"}}")
    };
    assert!(read(text(65_536).as_bytes(), "h").is_ok());
    let error = read(text(65_537).as_bytes(), "h").expect_err("too many processes");
    assert_eq!(*error.mistake, Mistake::TooMany { what: "processes", limit: 65_536 });
    assert_eq!(error.line, 65_538);
}

#[test]
fn the_documentation_has_every_event_with_its_fields() {
    let documentation = include_str!("../history.rs");
    let rows: Vec<_> = documentation.lines().filter(|line| line.starts_with("//! | `")).collect();
    assert_eq!(rows.len(), EVENTS.len());
    for (row, shape) in rows.into_iter().zip(&EVENTS) {
        let quoted =
            |names: &[&str]| -> String { names.iter().map(|name| format!("`{name}` ")).collect() };
        let (required, optional) = (quoted(shape.required), quoted(shape.optional));
        let expect = format!("//! | `{}` | {required}| {optional}| ", shape.name);
        assert!(row.starts_with(&expect), "{row}\n{expect}");
    }
}
