//! Whole workloads: planned twice, planned by different seeds, and planned from files.

use proptest::prelude::*;

use super::*;
use crate::file::{KeyDistribution, Problem, Span};

fn scenario(messages: u32, arrivals: Arrivals) -> Scenario {
    let mut scenario = Scenario::default();
    scenario.workload.messages = Some(messages);
    scenario.workload.arrivals = Some(arrivals);
    scenario
}

fn at(workload: &Workload) -> Vec<u64> {
    workload.planned.iter().map(|planned| planned.at.as_nanos()).collect()
}

#[test]
fn a_workload_is_a_function_of_its_seed() {
    let scenario = Scenario::default();
    let generate = |seed| Workload::generate(&scenario, None, seed);
    assert_eq!(generate(1), generate(1));
    assert_ne!(generate(1).planned, generate(2).planned);
    assert_eq!(generate(1).planned[..5], Workload::generate(&scenario.small(), None, 1).planned);
}

#[test]
fn planned_messages_are_pinned() {
    let workload = Workload::generate(&Scenario::default(), None, 1);
    let shown: Vec<String> = workload.planned[..3]
        .iter()
        .map(|one| format!("{} key {} {} bytes", one.at.as_nanos(), one.key, one.bytes))
        .collect();
    assert_eq!(
        shown,
        ["20902445 key 90 180 bytes", "49875484 key 71 114 bytes", "65469433 key 91 111 bytes",]
    );
}

/// Microseconds from the start to the last of 100 000 messages at 20 a second: about 5 000 s.
#[test]
fn poisson_arrivals_keep_their_rate() {
    let poisson = Arrivals::Poisson { rate_per_second: 20.0 };
    let workload = Workload::generate(&scenario(100_000, poisson), None, 1);
    let times = at(&workload);
    assert_eq!(times[99_999] / 1_000, 4_995_949_149);
    assert!(times.is_sorted());
    let short = times.windows(2).filter(|pair| pair[1] - pair[0] < 50_000_000).count();
    assert_eq!(short, 63_163, "in theory 63 212: 1 - 1/e of the intervals are below the mean");
}

#[test]
fn constant_and_burst_arrivals_are_regular() {
    let constant = Arrivals::Constant { rate_per_second: 4.0 };
    let quarter = 250_000_000;
    let workload = Workload::generate(&scenario(4, constant), None, 1);
    assert_eq!(at(&workload), [0, quarter, 2 * quarter, 3 * quarter]);
    let burst = Arrivals::Burst { burst_size: 2, every: Span::from_secs(1) };
    let workload = Workload::generate(&scenario(5, burst), None, 1);
    let second = 1_000_000_000;
    assert_eq!(at(&workload), [0, 0, second, second, 2 * second]);
    let workload = Workload::generate(&scenario(3, Arrivals::Backlog), None, 1);
    assert_eq!(at(&workload), [0, 0, 0]);
}

#[test]
fn bodies_have_the_planned_size() {
    let mut scenario = scenario(200, Arrivals::default());
    scenario.workload.key_distribution = Some(KeyDistribution::Zipf { exponent: 1.0 });
    for body in [Body::Order, Body::Opaque] {
        scenario.workload.body = body;
        let workload = Workload::generate(&scenario, None, 1);
        for (id, planned) in (0..).map(MessageId).zip(&workload.planned) {
            assert_eq!(workload.body(id).len(), planned.bytes as usize);
        }
        assert_eq!(workload.body(MessageId(200)), "");
    }
}

const CSV: &str = "at,key,id,bytes,service_time\n\
                   1700000000.5,anna,o-1,100,\n\
                   1700000000.500000001,\"otto, jr\",o-2,,250ms\n\
                   1700000002,anna,,,0.001\n";

const JSON_LINES: &str = "{\"at\": \"0s\", \"key\": \"anna\", \"id\": \"o-1\", \"bytes\": 100}\n\
                          {\"at\": 1e-9, \"key\": 1}";

#[test]
fn csv_is_read_exactly() {
    let rows = Rows::parse("orders.csv", CSV).expect("rows");
    let row = |nanos, key, bytes, service: Option<u64>| Row {
        at: Instant::from_nanos(nanos),
        key: Key(key),
        bytes,
        service_time: service.map(Duration::from_nanos),
        not_before: None,
    };
    let expect = [
        row(0, 0, Some(100), None),
        row(1, 1, None, Some(250_000_000)),
        row(1_500_000_000, 0, None, Some(1_000_000)),
    ];
    assert_eq!(rows.rows, expect);
    assert_eq!(rows.key_name(Key(1)), Some("otto, jr"));
    assert_eq!(rows.id_name(MessageId(1)), Some("o-2"));
    assert_eq!((rows.id_name(MessageId(2)), rows.key_name(Key(2))), (None, None));
}

/// A date is a moment whatever its offset, and a file of dates says what one of seconds does.
#[test]
fn dates_are_read_with_their_offsets() {
    let seconds = "at,key,not_before\n1767323045,a,\n1767323045.5,b,1767326645\n1767323047,a,\n";
    let dates = "at,key,not_before\n2026-01-02T03:04:05Z,a,\n2026-01-02T04:04:05.5+01:00,b,\
                 2026-01-02T00:04:05-04:00\n2026-01-02 03:04:07Z,a,\n";
    let read =
        |text: &str| Rows::parse("o.csv", text).unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!(read(dates), read(seconds));
    let json = "{\"at\": \"2026-01-02T03:04:05Z\", \"key\": \"a\"}";
    let row = Rows::parse("o.jsonl", json).map(|rows| rows.rows[0].at);
    assert_eq!(row, Ok(Instant::START));
}

#[test]
fn mistakes_in_dates_are_told_with_their_place() {
    let check = |text: &str, expect: &str| {
        let problem = Rows::parse("o.csv", text).map_err(|problem| problem.to_string());
        let problem = problem.expect_err(text);
        assert!(problem.starts_with(expect), "{problem}");
    };
    let no_offset = "o.csv:2:1: `2026-01-02T03:04:05` is no date with a time and an offset\n  help: a \
                     date has a time and an offset from UTC, as 2026-03-01T09:00:00.5Z";
    check("at,key\n2026-01-02T03:04:05,a\n", no_offset);
    check("at,key\n2026-01-02,a\n", "o.csv:2:1: `2026-01-02` is no date with a time");
    check("at,key\n2026-13-02T03:04:05Z,a\n", "o.csv:2:1: `2026-13-02T03:04:05Z` is no date with");
    check("at,key\n1969-01-02T03:04:05Z,a\n", "o.csv:2:1: `1969-01-02T03:04:05Z` is no date that");
    let back = "at,key\n2026-01-02T03:04:05Z,a\n2026-01-02T03:04:05+01:00,b\n";
    check(back, "o.csv:3:1: `at` goes back: 2026-01-02T03:04:05+01:00 is before the row above");
    let mixed = "at,key,not_before\n0,a,2026-01-02T03:04:05Z\n";
    check(
        mixed,
        "o.csv:2:5: `2026-01-02T03:04:05Z` is a date, and the first row has none\n  help: ",
    );
    let mixed = "at,key\n2026-01-02T03:04:05Z,a\n7,b\n";
    check(mixed, "o.csv:3:1: `7` is no date, and the first row has one\n  help: ");
    check(
        "at,key,service_time\n0,a,2026-01-02T03:04:05Z\n",
        "o.csv:2:5: `2026-01-02T03:04:05Z` is no time",
    );
}

/// Counted from the first row, as `at`; what is due before it is due at once.
#[test]
fn due_times_are_read_from_a_file_or_follow_the_sends() {
    let csv = "at,key,not_before\n100,a,\n101,b,3h\n102,c,99\n103,d,200\n";
    let rows = Rows::parse("jobs.csv", csv).expect("rows");
    let due = |workload: &Workload| -> Vec<u64> {
        let due = (0..4).map(|id| workload.due_time(MessageId(id)).as_nanos());
        due.map(|nanos| nanos / 1_000_000_000).collect()
    };
    let mut scenario = Scenario::default();
    assert_eq!(due(&Workload::generate(&scenario, Some(&rows), 1)), [0, 10_700, 0, 100]);
    assert_eq!(rows.longest_wait(), Some(Span::from_secs(10_699)));
    let plain = Rows::parse("jobs.csv", "at,key,not_before\n100,a,\n101,b,1").expect("rows");
    assert_eq!(Workload::generate(&scenario, Some(&plain), 1).not_before, None);
    scenario.workload.arrivals = Some(Arrivals::Constant { rate_per_second: 0.5 });
    assert_eq!(Workload::generate(&scenario, None, 1).not_before, None);
    scenario.workload.due_after = Some(Span::from_secs(7));
    assert_eq!(due(&Workload::generate(&scenario, None, 1)), [7, 9, 11, 13]);
    let problem = Rows::parse("jobs.csv", "at,key,not_before\n1,a,soon\n").expect_err("a mistake");
    assert!(problem.to_string().contains("2:5: `soon` is no time"), "{problem}");
}

#[test]
fn json_lines_say_the_same_as_csv() {
    let json = "{\"at\": 0.5, \"key\": \"anna\", \"id\": \"o-1\", \"bytes\": 100}\n\n\
                {\"at\": \"1.75s\", \"key\": 7, \"service_time\": 0.25, \"id\": null}\n";
    let csv = "at,key,id,bytes,service_time\n0.5,anna,o-1,100,\n1.75,7,,,250ms\n";
    let read = |file, text| Rows::parse(file, text).expect("rows");
    assert_eq!(read("a.jsonl", json), read("a.csv", csv));
}

#[test]
fn recorded_messages_are_planned_as_they_stand() {
    let mut scenario = Scenario::default();
    scenario.workload.from = Some("orders.csv".to_owned());
    let rows = Rows::parse("orders.csv", CSV).expect("rows");
    let workload = Workload::generate(&scenario, Some(&rows), 1);
    assert_eq!(workload.planned.len(), 3);
    assert_eq!(Workload::generate(&scenario, None, 1).planned, []);
    assert_eq!(workload.planned[0].bytes, 100);
    assert_eq!(workload.body(MessageId(0)), ".".repeat(100));
    assert_eq!(workload.body(MessageId(1)).len(), workload.planned[1].bytes as usize);
    assert!(workload.body(MessageId(1)).starts_with("{\"message_id\":1,\"client_id\":1,"));
    assert_eq!(workload.planned[1].service_time, Some(Duration::from_millis(250)));
    let mut nine = rows.clone();
    nine.rows = rows.rows.repeat(3);
    assert_eq!(Workload::generate(&scenario.small(), Some(&nine), 1).planned.len(), 5);
}

#[test]
fn mistakes_in_csv_are_told_with_their_place() {
    let check = |text: &str, expect: &str| {
        let problem =
            Rows::parse("o.csv", text).map_err(|problem| Problem { help: None, ..problem });
        assert_eq!(problem.expect_err(text).to_string(), expect);
    };
    check("", "o.csv:1:1: there is no column `at`");
    check("at\n0\n", "o.csv:1:1: there is no column `key`");
    check("at,key,size\n", "o.csv:1:8: unknown column `size`");
    check("at,key,key\n", "o.csv:1:8: two columns are named `key`");
    check("at,key\n", "o.csv: there is no message in this file");
    check("at,key\n0,a\nsoon,b\n", "o.csv:3:1: `soon` is no time");
    check("at,key\n0,a\n-1,b\n", "o.csv:3:1: `-1` is no time");
    check("key,at\n\"a,b\",0\n\"a,b\",x\n", "o.csv:3:7: `x` is no time");
    check("at,key\n1,a\n0.5,b\n", "o.csv:3:1: `at` goes back: 0.5 is before the row above");
    check("at,key\n0,a\n4000000000,b", "o.csv:3:1: `at` is too late: 4000000000");
    check("at,key\n0,\n", "o.csv:2:3: this row has no `key`");
    check("at,key\n\n0,a,b\n", "o.csv:3:1: this row has 3 fields and the header 2");
    check("at,key,bytes\n0,é,-4\n", "o.csv:2:5: `-4` is no size");
    check("at,key,service_time\n0,a,2 weeks\n", "o.csv:2:5: `2 weeks` is no time");
}

#[test]
fn mistakes_in_json_lines_are_told_with_their_place() {
    let check = |text: &str, expect: &str| {
        let problem =
            Rows::parse("o.jsonl", text).map_err(|problem| Problem { help: None, ..problem });
        assert_eq!(problem.expect_err(text).to_string(), expect);
    };
    check("", "o.jsonl: there is no message in this file");
    check(
        "{\"at\": 0, \"key\": \"a\"}\n[]",
        "o.jsonl:2:1: this line is no JSON object: invalid type: sequence, expected a map",
    );
    check("{\"at\": 0, \"key\": }", "o.jsonl:1:18: this line is no JSON object: expected value");
    check("{\"at\": 0}", "o.jsonl:1:1: this row has no `key`");
    check("{\"at\": 0, \"kye\": 1}", "o.jsonl:1:11: unknown column `kye`");
    check("{\"at\": [], \"key\": 1}", "o.jsonl:1:2: `at` is neither a string nor a number");
    check(JSON_LINES, "o.jsonl:2:2: `1e-9` is no time");
}

#[test]
fn unknown_columns_are_answered_with_the_known_ones() {
    let problem = Rows::parse("o.csv", "at,kye\n").expect_err("a mistake");
    let expect = "did you mean `key`? valid here: at, key, id, bytes, service_time, not_before";
    assert_eq!(problem.help.as_deref(), Some(expect));
}

proptest! {
    #[test]
    fn no_workload_file_panics(text in "\\PC*", csv: bool) {
        let _ = Rows::parse(if csv { "a.csv" } else { "a.jsonl" }, &text);
    }

    #[test]
    fn no_mutated_workload_file_panics(
        at in any::<prop::sample::Index>(),
        removed in 0..9_usize,
        inserted in "[-0-9a-zé{}\\[\\]:.,\"\n]{0,6}",
        csv: bool,
    ) {
        let (file, text) = if csv { ("a.csv", CSV) } else { ("a.jsonl", JSON_LINES) };
        let mut characters: Vec<char> = text.chars().collect();
        let start = at.index(characters.len());
        let end = (start + removed).min(characters.len());
        characters.splice(start..end, inserted.chars());
        let mutated: String = characters.into_iter().collect();
        let _ = Rows::parse(file, &mutated);
    }

    #[test]
    fn every_seed_plans_a_sane_workload(seed: u64) {
        let scenario = scenario(50, Arrivals::default());
        let workload = Workload::generate(&scenario, None, seed);
        prop_assert_eq!(workload.planned.len(), 50);
        prop_assert!(at(&workload).is_sorted());
        prop_assert!(workload.planned.iter().all(|one| one.key.0 < 100 && one.bytes > 60));
    }
}
