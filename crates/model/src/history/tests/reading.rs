//! What a reader accepts besides the format as it stands, and what it refuses whatever it is told.

use super::super::lines::MAX_LINE;
use super::*;
use crate::Duration;

const END: &str = "{\"end\":\"quiescent\"}\n";

/// What was read: the times with the processes, in order, and the notes.
fn read_with(lines: &str, reading: Reading) -> Result<(Vec<(u64, String)>, Notes), HistoryError> {
    let text = format!("{ONE}\n{lines}{END}");
    let mut reader = Reader::with(text.as_bytes(), "h", reading)?;
    let mut events = Vec::new();
    reader.observe(&mut events)?;
    let notes = reader.notes().clone();
    let (_, names) = reader.into_parts();
    let seen = events.iter().map(|event| match event.kind {
        Kind::Stalled { process } => {
            (event.at.as_nanos(), names.processes[process.index()].clone())
        }
        other => panic!("{other:?}"),
    });
    Ok((seen.collect(), notes))
}

/// Stalls of processes that are called by their line, at these times.
fn stalls(times: &[&str]) -> String {
    let at = |(line, at): (usize, &&str)| match *at {
        "" => format!("{{\"event\":\"stall\",\"process\":\"l{line}\"}}\n"),
        at => format!("{{\"at\":{at},\"event\":\"stall\",\"process\":\"l{line}\"}}\n"),
    };
    (2..).zip(times).map(at).collect()
}

fn order(order: TimeOrder) -> Reading {
    Reading { order, lenient: false }
}

fn nanos(skew: u64) -> Duration {
    Duration::from_nanos(skew)
}

#[test]
fn a_byte_order_mark_and_the_line_ends_of_windows_are_read() {
    let text = format!("\u{feff}{ONE}\r\n{{\"event\":\"broker_restart\"}}\r\n\r\n{END}");
    assert_eq!(read(text.as_bytes(), "h").expect("a history").events.len(), 1);
    let late = format!("{ONE}\n\u{feff}{END}");
    check_mistake(&late, "2:1: not a JSON object: expected value", "a line is one JSON object");
}

#[test]
fn timestamps_are_times_too() {
    let times = ["\"2024-05-01T12:00:00.123456789Z\"", "", "\"2024-05-01T14:00:01+02:00\""];
    let (seen, _) = read_with(&stalls(&times), Reading::default()).expect("a history");
    let at: Vec<u64> = seen.into_iter().map(|(at, _)| at).collect();
    let first = 1_714_564_800_123_456_789;
    assert_eq!(at, [first, first, 1_714_564_801_000_000_000]);
}

#[test]
fn a_file_writes_all_its_times_alike() {
    let mixed = "h:4:7: a number and a timestamp cannot be compared: line 2 has the other";
    for times in [["7", "", "\"2024-05-01T12:00:00Z\""], ["\"2024-05-01T12:00:00Z\"", "", "7"]] {
        let error = read_with(&stalls(&times), Reading::default()).expect_err("mixed times");
        assert_eq!(error.to_string(), format!("{mixed}\n  help: write all times alike"));
    }
}

#[test]
fn what_is_no_time_says_why() {
    let check = |at: &str, expect: &str| {
        let error = read_with(&stalls(&[at]), Reading::default()).expect_err(at).to_string();
        assert!(error.contains(expect) && error.contains("valid is nanoseconds"), "{error}");
    };
    check("\"1969-12-31T23:59:59Z\"", "cannot be \"1969-12-31T23:59:59Z\": it is before 1970");
    check("\"2600-01-01T00:00:00Z\"", "it is later than July 2554");
    check("\"2024-05-01T12:00:00\"", "it has no offset, like Z or +02:00");
    check("\"noon\\u001b\"", "cannot be \"noon\\u{1b}\": it is no timestamp");
    check("18446744073709551616", "cannot be 18446744073709551616");
    check("-1", "cannot be -1");
    check("true", "cannot be true");
}

#[test]
fn time_goes_backwards_only_as_far_as_it_may() {
    let (lines, skewed) =
        (stalls(&["10", "7", "9", "12"]), |skew| TimeOrder::AsWritten(nanos(skew)));
    let error = read_with(&lines, Reading::default()).expect_err("time goes backwards");
    assert_eq!((error.line, error.column), (3, 7));
    let (seen, notes) = read_with(&lines, order(skewed(3))).expect("a history");
    assert_eq!(seen.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [10, 7, 9, 12]);
    assert_eq!(notes, Notes::default());
    let (seen, notes) = read_with(&lines, order(skewed(0))).expect("a history");
    assert_eq!(seen.len(), 4);
    let backwards = Backwards { lines: 2, first: 3, most: nanos(3) };
    assert_eq!(notes.backwards, Some(backwards));
}

/// What only a log does means nothing in the history of a queue; in that of a log it does.
#[test]
fn what_only_a_log_does_is_noted_in_the_history_of_a_queue() {
    let lines = concat!(
        r#"{"event":"stall","process":"p"}"#,
        "\n",
        r#"{"event":"assign"}"#,
        "\n",
        r#"{"event":"resume","process":"p"}"#,
        "\n",
        r#"{"event":"committed","upto":3}"#,
        "\n",
    );
    for (model, expect) in [("log", None), ("queue", Some(Misplaced { lines: 2, first: 3 }))] {
        let header = ONE.replace("\"log\"", &format!("\"{model}\""));
        let text = format!("{header}\n{lines}{END}");
        let mut reader = Reader::new(text.as_bytes(), "h").expect("a header");
        assert_eq!(reader.observe(&mut Vec::new()), Ok(End::Quiescent));
        assert_eq!(reader.notes().of_a_log, expect, "{model}");
    }
}

#[test]
fn lines_are_sorted_within_the_skew() {
    let check = |times: &[&str], skew, expect: &[(u64, &str)]| {
        let sorted = TimeOrder::Sorted(nanos(skew));
        let (seen, notes) = read_with(&stalls(times), order(sorted)).expect("a history");
        let seen: Vec<(u64, &str)> = seen.iter().map(|(at, name)| (*at, name.as_str())).collect();
        assert_eq!((seen.as_slice(), notes), (expect, Notes::default()), "{times:?}");
    };
    let sorted = [(1, "l4"), (2, "l3"), (3, "l2"), (9, "l5")];
    check(&["3", "2", "1", "9"], 2, &sorted);
    check(&["5", "5", "4", "5"], 1, &[(4, "l4"), (5, "l2"), (5, "l3"), (5, "l5")]);
    check(&["5", "", "4", ""], 1, &[(4, "l4"), (4, "l5"), (5, "l2"), (5, "l3")]);
    check(&["1", "2"], 0, &[(1, "l2"), (2, "l3")]);
    check(&[], 5, &[]);
}

/// What a line means depends on those before it in time, not in the file.
#[test]
fn names_are_known_in_the_order_of_time() {
    let text = format!(
        "{ONE}\n{}\n{}\n{END}",
        r#"{"at":2,"event":"send.invoke","message":"late"}"#,
        r#"{"at":1,"event":"send.invoke","message":"early"}"#
    );
    let names = |order| {
        let reading = Reading { order, lenient: false };
        let mut reader = Reader::with(text.as_bytes(), "h", reading).expect("a header");
        reader.observe(&mut Vec::new()).expect("a history");
        reader.into_parts().1.messages
    };
    assert_eq!(names(TimeOrder::Sorted(nanos(1))), ["early", "late"]);
    assert_eq!(names(TimeOrder::AsWritten(nanos(1))), ["late", "early"]);
}

#[test]
fn a_line_that_cannot_be_sorted_is_refused_at_its_place() {
    let sorted = |skew| order(TimeOrder::Sorted(nanos(skew)));
    let error = read_with(&stalls(&["9", "5"]), sorted(3)).expect_err("too far back").to_string();
    assert!(error.starts_with("h:3:7: time goes backwards from 9 to 5\n"), "{error}");
    assert!(error.contains("goes back by 4ns, and `--skew` allows 3ns"), "{error}");
    let wrong = stalls(&["9", "8"]).replace("l3", "l3\",\"proces\":\"");
    let error = read_with(&wrong, sorted(3)).expect_err("an unknown field");
    assert_eq!((error.line, error.column), (3, 40));
}

#[test]
fn unknown_fields_pass_only_if_they_may() {
    let lines = "{\"event\":\"stall\",\"process\":1,\"trace\":[1],\"trace\":2,\"host\":{}}\n";
    let error = read_with(lines, Reading::default()).expect_err("an unknown field");
    assert!(error.to_string().contains("unknown field `trace` of stall"), "{error}");
    let lenient = Reading { lenient: true, ..Reading::default() };
    let (seen, notes) = read_with(lines, lenient).expect("a history");
    assert_eq!(seen.len(), 1);
    let fields: Vec<(&str, u64)> =
        notes.unknown_fields.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(fields, [("host", 1), ("trace", 2)]);
    let missing = read_with("{\"event\":\"stall\",\"proces\":1}\n", lenient).expect_err("a field");
    assert!(missing.to_string().contains("missing field `process` of stall"), "{missing}");
    let header = ONE.replace("\"guarantee\"", "\"owner\":\"me\",\"guarantee\"");
    let text = format!("{header}\n{}", END.replace('}', ",\"took\":1}"));
    let reader = Reader::with(text.as_bytes(), "h", lenient);
    let mut reader = reader.expect("a header");
    assert_eq!(reader.observe(&mut Vec::new()).expect("a history"), End::Quiescent);
    assert_eq!(reader.notes().unknown_fields.len(), 2);
    assert!(read(text.as_bytes(), "h").is_err());
}

#[test]
fn names_of_unknown_fields_take_bounded_memory() {
    let line =
        |i: usize| format!("{{\"event\":\"stall\",\"process\":1,\"{}{i}\":0}}\n", "x".repeat(9));
    let lines: String = (0..Notes::MOST_FIELDS + 5).map(line).collect();
    let lenient = Reading { lenient: true, ..Reading::default() };
    let (_, notes) = read_with(&lines, lenient).expect("a history");
    assert_eq!((notes.unknown_fields.len(), notes.more_unknown_fields), (Notes::MOST_FIELDS, 5));
}

/// A reader that gives so much and no more: what asks for more has no bound.
struct Endless(u64);

impl std::io::Read for Endless {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        bytes.fill(b' ');
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }
}

#[test]
fn a_line_has_a_bound() {
    let line = |length: usize| {
        let known = "{\"event\":\"stall\",\"process\":\"\"}".len();
        format!("{{\"event\":\"stall\",\"process\":\"{}\"}}\n", "x".repeat(length - known))
    };
    assert!(read_with(&line(MAX_LINE), Reading::default()).is_ok());
    let error = read_with(&line(MAX_LINE + 1), Reading::default()).expect_err("too long");
    assert_eq!((error.line, *error.mistake), (2, Mistake::LongLine { limit: MAX_LINE }));
    let mut endless = Endless(0);
    let error = read(std::io::BufReader::new(&mut endless), "h").expect_err("too long");
    assert_eq!(*error.mistake, Mistake::LongLine { limit: MAX_LINE });
    assert!(endless.0 < 2 * MAX_LINE as u64, "{}", endless.0);
}

#[test]
fn what_is_no_text_is_named() {
    let check = |bytes: &[u8], expect: &str| {
        let error = read(bytes, "h").expect_err("no text").to_string();
        assert!(error.starts_with(expect), "{error}");
    };
    let cut =
        |tail: &[u8]| [ONE.as_bytes(), b"\n{\"event\":\"stall\",\"process\":\"", tail].concat();
    check(b"", "h:1:1: the history is empty");
    check(b"\n \n", "h:3:1: the history is empty");
    check(&cut(b"\0\"}\n"), "h:2:29: there is a NUL byte");
    check(&cut("é".as_bytes()), "h:2:30: the history is truncated");
    check(&cut(b"\xc3"), "h:2:29: the history is truncated");
    check(&cut(b"\xc3\n"), "h:2:29: not UTF-8");
    check(b"\xff\xfe{\0", "h:1:1: not UTF-8");
    check(b"{\0\"\0", "h:1:2: there is a NUL byte");
}

#[test]
fn what_an_error_quotes_is_fit_for_a_terminal() {
    let header = ONE.replace("mailer", "ma\\u001b[31miler\\u202e");
    let line = r#"{"event":"dlq","message":1,"subscription":"x\u009b"}"#;
    let error = read(format!("{header}\n{line}\n").as_bytes(), "a\u{1b}b").expect_err("unknown");
    let said = error.to_string();
    let bad = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!said.contains(bad) && said.contains("ma\\u{1b}[31miler\\u{202e}"), "{said:?}");
    assert!(said.starts_with("a\\u{1b}b:2:43: "), "{said:?}");
    assert_eq!(error.file, "a\u{1b}b", "programs see what stands there");
    let field = r#"{"event":"stall","process":1,"a\u0007b":1}"#;
    let said = read_with(&format!("{field}\n"), Reading::default()).expect_err("unknown");
    assert!(said.to_string().contains("unknown field `a\\u{7}b`"), "{said}");
}
