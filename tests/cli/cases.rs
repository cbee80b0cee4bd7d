//! Histories from elsewhere that were once judged wrong: each with its right answer, in text and in
//! JSON, and beside it one of its kind.

use std::fs;

use serde_json::{Value, json};

use crate::Bench;

mod holes;
mod polls;
mod statements;
mod unproven;
mod unrecorded;

/// What `check` says of a history.
struct Said {
    text: String,
    json: Value,
    code: i32,
}

fn judge(history: &str) -> Said {
    let bench = Bench::new();
    bench.write("h.jsonl", history);
    let text = bench.run(&["check", "h.jsonl"]);
    let json = bench.run(&["check", "h.jsonl", "--format", "json"]);
    assert_eq!(text.code, json.code, "{}{}", text.err, json.err);
    let code = text.code.expect("an exit code");
    let json = serde_json::from_str(&json.out).expect("JSON");
    says_why(&text.out, &json);
    Said { text: text.out, json, code }
}

/// What is unknown says why, in the text as in the JSON; what is not has nothing to say.
#[track_caller]
fn says_why(text: &str, json: &Value) {
    let empty = Vec::new();
    let whys = json["why"].as_array().unwrap_or(&empty);
    let reports = json["report"]["subscriptions"].as_array().expect("subscriptions");
    for (index, report) in reports.iter().enumerate() {
        let why = whys.get(index).and_then(Value::as_array).unwrap_or(&empty);
        assert_eq!(report["verdict"] == "unknown", !why.is_empty(), "{json:#}");
        for clause in why {
            let clause = clause.as_str().expect("a text");
            assert!(text.contains(clause), "{clause:?} is not in\n{text}");
        }
    }
}

impl Said {
    /// The exit code, and what the text says.
    #[track_caller]
    fn says(self, code: i32, phrases: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}", self.text);
        for phrase in phrases {
            assert!(self.text.contains(phrase), "{phrase:?} is not in\n{}", self.text);
        }
        self
    }

    #[track_caller]
    fn has(self, pointer: &str, expect: &Value) -> Self {
        let found = self.json.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(found, expect, "{pointer} of\n{:#}", self.json);
        self
    }

    /// What the only subscription has at a place of its report.
    #[track_caller]
    fn of(self, pointer: &str, expect: Value) -> Self {
        self.has(&format!("/report/subscriptions/0{pointer}"), &expect)
    }

    /// The gaps in the record: kinds and the lines that show them.
    #[track_caller]
    fn gaps(self, expect: &[(&str, &[u64])]) -> Self {
        let gaps = self.json["inconsistent_record"].as_array().expect("a list");
        let lines = |gap: &Value| -> Vec<u64> {
            let lines = gap["lines"].as_array().expect("a list");
            lines.iter().map(|line| line["line"].as_u64().expect("a number")).collect()
        };
        let found: Vec<(&str, Vec<u64>)> =
            gaps.iter().map(|gap| (gap["kind"].as_str().expect("a word"), lines(gap))).collect();
        let expect: Vec<(&str, Vec<u64>)> =
            expect.iter().map(|(kind, lines)| (*kind, lines.to_vec())).collect();
        assert_eq!(found, expect, "{:#}", self.json);
        for line in expect.iter().flat_map(|(_, lines)| lines) {
            assert!(self.text.contains(&format!("  line {line}: ")), "{}", self.text);
        }
        self
    }
}

/// One of the histories beside the independent judge.
fn case(name: &str) -> Said {
    let path = format!("{}/tests/judge/cases/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    judge(&fs::read_to_string(path).expect("a case"))
}

/// A history of these events; `promise` is what the header says of its subscription besides the
/// name. An event is written as `send.ok a`, with more fields in JSON behind it.
fn record(model: &str, promise: &str, events: &[&str], end: &str) -> String {
    let line = |event: &&str| {
        let mut words = event.splitn(3, ' ');
        let name = words.next().unwrap_or_default();
        let mut line = format!("{{\"event\":\"{name}\"");
        if let Some(message) = words.next().filter(|message| *message != "-") {
            line += &format!(",\"message\":\"{message}\"");
        }
        if let Some(fields) = words.next() {
            line += &format!(",{fields}");
        }
        line + "}\n"
    };
    let events: String = events.iter().map(line).collect();
    format!(
        "{{\"entrega_history\":1,\"model\":\"{model}\",\"subscriptions\":[{{\"name\":\"r\",{promise}}}]}}\n\
         {events}{{\"end\":\"{end}\"}}\n"
    )
}

const ALO: &str = r#""guarantee":"at-least-once""#;
const ORDERED: &str = r#""guarantee":"at-least-once","ordered":true"#;

fn queue(promise: &str, events: &[&str]) -> Said {
    judge(&record("queue", promise, events, "quiescent"))
}

fn log(promise: &str, events: &[&str], end: &str) -> Said {
    judge(&record("log", promise, events, end))
}

#[test]
fn an_acknowledgement_of_any_attempt_counts() {
    case("h1-info-attempt1-then-ok-attempt2-no-effect").says(1, &["first lost 1"]);
    case("h1b-fail-attempt1-then-ok-attempt2-no-effect").says(1, &["first lost 1"]);
    case("h1c-fail-attempt1-then-ok-attempt2-one-effect").says(0, &["2 exact"]);
    let two = ["send.invoke a", "send.invoke a \"attempt\":2"];
    let with = |outcomes: &[&str]| queue(ALO, &[&two[..], outcomes].concat());
    with(&["send.ok a \"attempt\":2", "send.fail a \"attempt\":1"]).says(1, &["first lost a"]);
    let ok = ["send.invoke b", "send.ok b", "effect b"];
    let fails = ["send.fail a \"attempt\":1", "send.fail a \"attempt\":2"];
    with(&[&fails[..], &ok].concat()).says(0, &["1 exact, 1 refused"]);
    with(&[&fails[1..], &ok, &["effect a"]].concat()).says(0, &["1 exact, 1 recovered"]);
    with(&[&fails[..], &ok, &["effect a"]].concat()).says(1, &["1 phantom"]);
    with(&[&["send.fail a"], &ok[..]].concat()).says(0, &["1 exact, 1 refused"]);
}

#[test]
fn an_outcome_without_its_invocation_is_a_send() {
    let lost = |name: &str, kind: &str| {
        case(name).says(1, &["first lost 1"]).gaps(&[(kind, &[5])]);
    };
    lost("h2-send-ok-line-before-send-invoke-no-effect", "outcome_before_invocation");
    lost("h2b-send-ok-without-invoke-no-effect", "outcome_without_invocation");
    let missing = "outcome_without_invocation";
    case("h2c-send-ok-without-invoke-effect").says(0, &["2 exact"]).gaps(&[(missing, &[5])]);
    case("okwithoutinvoke").says(0, &["1 exact"]).gaps(&[(missing, &[2])]);
    let third = ["send.invoke a", "send.ok a \"attempt\":3", "effect a"];
    queue(ALO, &third).says(0, &["1 exact"]).gaps(&[(missing, &[3])]);
    let reason = "because of: incomplete record";
    queue(ORDERED, &third).says(1, &[reason]).of("/reasons", json!(["incomplete_record"]));
    let early = ["send.fail a", "send.invoke a", "send.invoke b", "send.ok b", "effect b"];
    let early = queue(ALO, &early).says(0, &["1 exact, 1 absent"]);
    early.gaps(&[("outcome_before_invocation", &[2])]);
}

#[test]
fn what_is_unknown_says_why() {
    let unclear = ["send.invoke a", "send.ok a \"attempt\":3", "effect a"];
    let order = "order is promised, and the record does not show when every message was sent";
    queue(ORDERED, &unclear).says(1, &[order]);
    let sent = ["send.invoke a", "send.ok a"];
    let stopped = "the record says that it is unfinished: more could still happen";
    let said = judge(&record("queue", ALO, &sent, "unfinished")).says(1, &[stopped]);
    assert!(!said.text.contains("never came to rest"), "{}", said.text);
    queue(ALO, &[]).says(1, &["no send is recorded"]);
    queue(ALO, &sent[..1]).says(1, &["the only send was not acknowledged"]);
    let both = [sent[0], "send.invoke b"];
    queue(ALO, &both).says(1, &["none of 2 sends was acknowledged"]);
}

/// What has no place in the order is out of order with nothing.
#[test]
fn a_send_without_an_invocation_has_no_place_in_the_order() {
    let key = "\"key\":\"k\"";
    let (first, second) = (format!("send.invoke a {key}"), format!("send.invoke b {key}"));
    let rest = ["send.ok b", "effect b", "effect a"];
    let both = [&[&*first, "send.ok a", &*second], &rest[..]].concat();
    queue(ORDERED, &both).says(1, &["because of: reordered"]);
    let early = [&["send.ok a", &*first, &*second], &rest[..]].concat();
    queue(ORDERED, &early).says(1, &["0 reordered", "unknown"]);
}

#[test]
fn a_process_that_is_named_once_is_named() {
    case("h3-pipelined-ok-lines-without-producer-ordered").says(0, &["2 exact"]);
    let key = "\"key\":\"k\"";
    let named = format!("send.invoke b {key},\"producer\":\"p\"");
    let events = |first: &str| {
        let invoked = format!("send.invoke a {key}");
        queue(ORDERED, &[&invoked, first, &named, "send.ok b", "effect b", "effect a"])
    };
    events("send.ok a \"producer\":\"p\"").says(1, &["because of: reordered"]);
    events("send.ok a \"producer\":\"q\"").says(0, &["0 reordered"]);
    let effects = ["send.invoke a", "store a", "send.ok a", "deliver a \"consumer\":\"c\""];
    let crash =
        ["effect a", "crash - \"process\":\"c\"", "deliver a \"consumer\":\"d\"", "effect a"];
    queue(ALO, &[&effects[..], &crash].concat()).says(0, &["1 redelivered after crash"]);
}

#[test]
fn order_is_that_of_sends_and_not_of_names() {
    let name = "h4b-other-id-named-first-dlq-deliver-of-m2-before";
    case(name)
        .says(1, &["1 reordered (first m1)"])
        .gaps(&[("delivery_before_send", &[2]), ("effect_without_delivery", &[8])]);
    case("h4c-control").says(1, &["1 reordered (first m1)"]).gaps(&[]);
    let fault = "fault b \"point\":\"p\",\"alternative\":1,\"process\":\"c\"";
    let key = "\"key\":\"k\"";
    let (a, b) = (format!("send.invoke a {key}"), format!("send.invoke b {key}"));
    let sends = [fault, &*a, "send.ok a", &*b, "send.ok b"];
    queue(ORDERED, &[&sends[..], &["effect b", "effect a"]].concat()).says(1, &["reordered"]);
    queue(ORDERED, &[&sends[..], &["effect a", "effect b"]].concat()).says(0, &["0 reordered"]);
}

#[test]
fn what_cannot_be_is_named_with_its_line() {
    let doubt = "because of: inconsistent record";
    let ghost = [("dead_letter_of_unsent", &[5][..])];
    case("h5-dlq-of-a-message-never-sent").says(1, &[doubt]).gaps(&ghost);
    let unknown = case("settle_of_unknown_message").says(1, &[doubt]);
    unknown.gaps(&[("delivery_of_unsent", &[6]), ("settle_of_unsent", &[5])]);
    let early = case("effect_before_send").says(1, &[doubt, "line 3"]);
    early.gaps(&[("effect_before_send", &[2])]).of("/verdict", json!("unknown"));
    let sent = ["send.invoke a", "send.ok a", "effect a"];
    for (event, kind) in [
        ("store", "store"),
        ("deliver", "delivery"),
        ("dlq", "dead_letter"),
        ("settle.invoke", "settle"),
        ("settle.ok", "settle"),
        ("settled", "settle"),
    ] {
        let act = if kind == "settle" { " \"act\":\"ack\"" } else { "" };
        let of = |message: &str| format!("{event} {message}{act}");
        let (mine, ghost) = (of("a"), of("ghost"));
        let promise = r#""guarantee":"at-least-once","dead_letters":true"#;
        let early = queue(promise, &[&[&*mine], &sents(&sent)[..]].concat());
        early.says(1, &[doubt]).gaps(&[(&format!("{kind}_before_send"), &[2])]);
        let unsent = queue(promise, &[&sents(&sent)[..], &[&*ghost]].concat());
        unsent.says(1, &[doubt]).gaps(&[(&format!("{kind}_of_unsent"), &[5])]);
    }
    let lost = ["send.invoke b", "send.ok b", "settled ghost \"act\":\"ack\""];
    queue(ALO, &[&sent[..], &lost].concat()).says(1, &["The history is invalid"]);
}

fn sents<'a>(events: &[&'a str]) -> Vec<&'a str> {
    events.to_vec()
}

#[test]
fn an_effect_that_nobody_asked_for_is_a_phantom() {
    case("fail_then_effect").says(1, &["1 phantom"]).gaps(&[]);
    case("only_effects").says(1, &["1 phantom", "No send is recorded."]).gaps(&[]);
    let more = ["effect a", "send.invoke b", "send.ok b", "effect b"];
    queue(ALO, &more).says(1, &["1 exact, 1 phantom", "because of: phantom"]).gaps(&[]);
}

#[test]
fn what_a_log_has_passed_by_is_lost_drained_or_not() {
    case("06-lost-write-drained-").says(1, &["3 lost"]);
    case("06b-lost-write-no-drain-").says(1, &["1 pending, 2 lost", "first lost a"]);
    let at = |event: &str, message: &str, place: u64| {
        format!("{event} {message} \"lane\":0,\"position\":{place}")
    };
    let sends: Vec<String> = ["a", "b"]
        .iter()
        .zip(0..)
        .flat_map(|(one, place)| {
            [format!("send.invoke {one}"), at("store", one, place), format!("send.ok {one}")]
        })
        .collect();
    let sends: Vec<&str> = sends.iter().map(String::as_str).collect();
    let (again, first) = (at("store", "a", 5), at("deliver", "a", 0));
    let seen = [&*at("deliver", "b", 1), "effect b"].map(str::to_owned);
    let seen = [&*seen[0], &*seen[1]];
    let judge = |more: &[&str]| log(ALO, &[&sends[..], more, &seen].concat(), "unfinished");
    judge(&[]).says(1, &["1 lost", "first lost a"]);
    judge(&[&again]).says(1, &["1 pending", "The history is unknown"]);
    judge(&[&first]).says(1, &["1 pending", "The history is unknown"]);
    for back in ["seek - \"to\":0", "reset - \"to\":0", "assign - \"position\":0"] {
        let events = [&sends[..], &seen, &[back]].concat();
        let said = log(ALO, &events, "unfinished");
        said.says(1, &["1 pending", "The history is unknown"]);
    }
    judge(&["store a"]).says(1, &["1 pending"]);
    judge(&["retrievable a"]).says(1, &["1 pending"]);
    let ahead = [&sends[..], &seen, &["assign -"]].concat();
    log(ALO, &ahead, "unfinished").says(1, &["1 lost"]);
}

#[test]
fn offsets_speak_in_the_text_and_in_the_verdict_where_order_is_promised() {
    let inverted = "2 stored in another order than sent";
    case("17-nonmonotonic-send-3-4-then-1-2").says(0, &[inverted]);
    let both = ["18 seen at an offset of another message", "9 deliveries that go back"];
    case("24-ten-values-at-offset-0-polled-at-1").says(0, &both);
    let sent = |one: &str, place: u64| {
        let place = format!("store {one} \"position\":{place}");
        [format!("send.invoke {one}"), place, format!("send.ok {one}")]
    };
    let seen = |one: &str, place: u64| {
        [format!("deliver {one} \"position\":{place}"), format!("effect {one}")]
    };
    let check = |places: [u64; 3], polls: &[(&str, u64)], promise: &str, code, phrase: &str| {
        let sends = ["a", "b", "c"].iter().zip(places).flat_map(|(one, place)| sent(one, place));
        let polls = polls.iter().flat_map(|(one, place)| seen(one, *place));
        let events: Vec<String> = sends.chain(polls).collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        log(promise, &events, "quiescent").says(code, &[phrase]);
    };
    let all = [("a", 0), ("b", 1), ("c", 2)];
    check([0, 1, 2], &all, ORDERED, 0, "valid");
    let back = [("b", 1), ("a", 0), ("c", 2)];
    check([0, 1, 2], &back, ALO, 0, "1 deliveries that skip a record, 1 deliveries that go back");
    check([0, 1, 2], &back, ORDERED, 1, "because of: polls outside one assignment");
    let key = |places: [u64; 2]| {
        let one = |one: &str, place: u64| {
            let [invoked, stored, ok] = sent(one, place);
            [format!("{invoked} \"key\":\"k\""), stored, ok]
        };
        let events = ["a", "b"].iter().zip(places).flat_map(|(name, place)| one(name, place));
        let effects = ["effect a", "effect b"].map(str::to_owned);
        let events: Vec<String> = events.chain(effects).collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        log(ORDERED, &events, "quiescent")
    };
    key([4, 5]).says(0, &["valid"]);
    key([5, 4]).says(1, &["because of: write inversions"]);
    key([5, 5]).says(1, &["because of: inconsistent offsets"]);
}

/// A place that a line leaves out is not known, and no other place.
#[test]
fn a_place_that_is_left_out_is_not_offset_0() {
    let two = |one: &str| {
        ["send.invoke", "store", "send.ok", "deliver", "effect"].map(|event| match event {
            "send.invoke" => format!("{event} {one} \"key\":\"k\""),
            _ => format!("{event} {one}"),
        })
    };
    let events: Vec<String> = ["a", "b"].iter().flat_map(|one| two(one)).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let said = log(ORDERED, &events, "quiescent").says(0, &["2 exact"]);
    said.of("/order/inconsistent_offsets", json!(0)).of("/order/nonmonotonic_polls", json!(0));
}

#[test]
fn what_was_not_recorded_is_unknown_in_text_and_json() {
    let q5 = case("q5-queue-ok-no-dequeue-drained-").says(1, &["1 unknown, unexplained without"]);
    let q5 = q5.of("/causes", json!({"unknown": 1})).of("/stored", Value::Null);
    q5.of("/deliveries", Value::Null).of("/redeliveries", Value::Null);
    let twice = ["send.invoke a", "send.ok a", "deliver a", "effect a", "deliver a", "effect a"];
    let said = queue(ALO, &twice).says(0, &["2 (stored copies are not recorded)"]);
    let said = said.of("/stored", Value::Null).of("/deliveries", json!(2));
    said.of("/redeliveries", Value::Null).of("/causes", json!({"unknown": 1}));
    let stored = ["send.invoke a", "store a", "send.ok a", "effect a"];
    let said = queue(ALO, &stored).says(0, &["not recorded; 1 stored copies"]);
    said.of("/stored", json!(1)).of("/deliveries", Value::Null);
    let nowhere =
        ["send.invoke a", "store a", "send.ok a", "effect a", "send.invoke b", "send.ok b"];
    queue(ALO, &nowhere).says(1, &["1 never stored but acked"]);
    let unseen = ["send.invoke b", "send.ok b", "deliver b", "effect b"];
    let said = queue(ALO, &[&stored[..], &unseen].concat()).says(0, &["redeliveries: 0"]);
    said.of("/redeliveries", json!(0));
}

/// Of what was settled without an effect: the trigger stands in the line that asks, if not in the
/// one that says what became of it.
#[test]
fn a_trigger_that_only_the_asking_names_is_the_cause() {
    let sent = ["send.invoke x", "store x \"position\":4", "send.ok x"];
    let asked = |act: &str, trigger: &str| {
        format!("settle.invoke x \"act\":\"{act}\",\"position\":4,\"trigger\":\"{trigger}\"")
    };
    let check = |model: &str, asked: &str, told: &str, cause: &str| {
        let events = [&sent[..], &["deliver x \"position\":4", asked, told]].concat();
        let said = judge(&record(model, r#""guarantee":"at-most-once""#, &events, "quiescent"));
        said.of("/causes", json!({ cause: 1 }));
    };
    let learnt = |act: &str| format!("settle.ok x \"act\":\"{act}\"");
    let (acked, upto) = ("settled x \"act\":\"ack\"", "committed - \"upto\":5");
    for (trigger, cause) in [
        ("application", "settled_before_process"),
        ("timer", "settled_by_timer"),
        ("next_receive", "settled_by_next_receive"),
        ("close", "settled_by_close"),
        ("worker_lost", "settled_for_lost_worker"),
    ] {
        let (ack, commit) = (asked("ack", trigger), asked("commit", trigger));
        check("queue", &ack, &learnt("ack"), cause);
        check("queue", &ack, acked, cause);
        check("log", &commit, &learnt("commit"), cause);
        check("log", &commit, upto, cause);
        let named = ",\"trigger\":\"revoke\"";
        check("queue", &ack, &format!("{acked}{named}"), "settled_on_revoke");
        check("log", &commit, &format!("{upto}{named}"), "settled_on_revoke");
    }
}

/// What only a log does says nothing of a queue, and a note says where it stands.
#[test]
fn what_only_a_log_does_is_noted_in_the_record_of_a_queue() {
    let events = ["send.invoke x", "send.ok x", "assign -", "effect x", "committed - \"upto\":1"];
    let note = "2 lines are about what only a log does, and passed over, because this is the \
                history of a queue; the first is line 4";
    queue(ALO, &events).says(0, &["1 exact"]).has("/notes", &json!([note]));
    log(ALO, &events, "quiescent").says(0, &["1 exact"]).has("/notes", &json!([]));
}

#[test]
fn causes_are_what_the_record_shows() {
    let cause = |name: &str, cause: &str| {
        case(name).of("/causes", json!({ cause: 1 }));
    };
    cause("h16-batch-ack-unit", "returned_with_batch");
    cause("h33-redelivered-after-delete", "redelivered_after_settle");
    cause("h26-consumer-timeout", "closed_without_settle");
    cause("h31-redrive", "redriven");
    let sent =
        |one: &str| ["send.invoke", "store", "send.ok"].map(|event| format!("{event} {one}"));
    let mut sends: Vec<String> = ["x", "y"].iter().flat_map(|one| sent(one)).collect();
    sends.push("effect y".to_owned());
    let check = |events: &[&str], cause: &str| {
        let sends: Vec<&str> = sends.iter().map(String::as_str).collect();
        let said = queue(r#""guarantee":"none""#, &[&sends, events].concat());
        said.of("/causes", json!({ cause: 1 }));
    };
    let (x, y) = ("deliver x", "deliver y");
    let ack = "settled x \"act\":\"ack\"";
    let reject = "settled y \"act\":\"reject\"";
    let again = ["deliver x", "effect x"];
    check(&[&[y, x, "effect x", ack, reject], &again[..]].concat(), "returned_with_batch");
    check(&[&[x, "effect x", ack, y, reject], &again[..]].concat(), "redelivered_after_settle");
    check(&[&[y, reject, x, "effect x", ack], &again[..]].concat(), "redelivered_after_settle");
    let theirs = "deliver y \"consumer\":\"other\"";
    let back = [theirs, x, "effect x", ack, "settled y \"act\":\"requeue\",\"consumer\":\"other\""];
    check(&[&back[..], &again].concat(), "redelivered_after_settle");
    check(&["dlq x \"reason\":\"rejected\"", "effect x"], "redriven");
    check(&["effect x", "dlq x"], "unknown");
    let dead = ["deliver x", "settled x \"act\":\"reject\"", "dlq x"];
    check(&[&dead[..], &again].concat(), "redriven");
    let late = ["deliver x", "effect x", "settled x \"act\":\"reject\"", "dlq x"];
    check(&[&late[..], &again].concat(), "nacked_after_effect");
    for (event, cause) in [
        ("lease_expired x", "unknown"),
        ("requeued x", "unknown"),
        ("exit - \"process\":\"r\"", "redelivered_after_settle"),
        ("crash - \"process\":\"r\"", "redelivered_after_settle"),
    ] {
        check(&[x, "effect x", ack, event, again[0], again[1]], cause);
    }
    let requeued = "settled x \"act\":\"requeue\"";
    check(&[x, "effect x", requeued, again[0], again[1]], "nacked_after_effect");
    let refused = ["settle.invoke x \"act\":\"ack\"", "settle.fail x \"act\":\"ack\""];
    let first = ["deliver x", "effect x"];
    let late = [&first[..], &["requeued x"], &refused, &again].concat();
    check(&late, "closed_without_settle");
    check(&[&first[..], &refused, &["requeued x"], &again].concat(), "closed_without_settle");
}

/// A logger that calls all messages by one name makes a long history of one message.
#[test]
fn a_message_may_have_any_number_of_lines() {
    let pairs = ["send.invoke a", "send.ok a \"attempt\":2", "send.fail a"].repeat(30_000);
    let early = ["dlq b", "settle.ok b \"act\":\"ack\""].repeat(20_000);
    let said = queue(ALO, &[&pairs[..], &early].concat()).says(1, &["first lost a"]);
    let gaps = &said.json["inconsistent_record"];
    let counts: Vec<&Value> =
        gaps.as_array().expect("a list").iter().map(|gap| &gap["count"]).collect();
    assert_eq!(counts, [&json!(30_000), &json!(20_000), &json!(20_000)]);
}

#[test]
fn names_and_line_ends_do_no_harm() {
    case("bomcrlf").says(1, &["first lost o"]);
    let esc = case("esc").says(1, &["1 lost"]);
    assert!(!esc.text.contains('\u{1b}'), "{:?}", esc.text);
}
