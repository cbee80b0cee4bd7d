//! No stretch of a run goes beyond the limit of its drain, and an unknown verdict says who waits
//! for what.

use super::*;

const SECOND: u64 = 1_000_000_000;

/// Seconds from the last send to the end of a run.
fn seconds_after(run: &Value, last_send: u64) -> u64 {
    (run["ended_at_ns"].as_u64().expect("a time") - last_send * SECOND) / SECOND
}

#[test]
fn a_long_lease_does_not_make_a_short_drain_long() {
    let run = run("d2-drain-limit", &[]);
    assert!(seconds_after(&run, 2) <= 3 * 3_600, "{}", run["ended_at_ns"]);
    assert_eq!(report(&run)["verdict"], "unknown");
    let why = why(&run);
    for part in ["never came to rest", "lease", "m1 was last with r 1"] {
        assert!(why.contains(part), "{why}");
    }
}

/// The control: with time enough it comes to rest.
#[test]
fn a_drain_that_outlasts_the_lease_ends_at_rest() {
    let run = run("d2-drain-limit", &["limits.drain='13h'"]);
    assert_eq!((&report(&run)["verdict"], &*why(&run)), (&"valid".into(), ""));
}

/// A timer that can change nothing keeps no run from its rest: every lease was settled.
#[test]
fn a_moot_timer_is_not_waited_for() {
    let calm = run("d2-drain-limit", &["script=[]"]);
    assert_eq!(report(&calm)["verdict"], "valid");
    assert!(seconds_after(&calm, 2) <= 3 * 3_600);
}

#[test]
fn a_log_is_bounded_too() {
    let set = ["times.restart='10h'", "limits.drain='30min'", "log.auto_offset_reset='earliest'"];
    let run = run("r29-latest-no-commit", &set);
    assert!(seconds_after(&run, 9) <= 3 * 1_800, "{}", run["ended_at_ns"]);
    let why = why(&run);
    assert!(why.contains("mail 1 to start again"), "{why}");
    assert!(why.contains("10 messages still wait"), "{why}");
}

#[test]
fn text_and_json_say_the_same() {
    for scenario in ["d2-drain-limit", "r13-max-poll-loop"] {
        let text = on("run", scenario, &[], &[]).out;
        let run = run(scenario, &[]);
        let why = run["why"][0].as_array().expect("a list");
        assert!(!why.is_empty(), "{scenario}");
        for clause in why.iter().filter_map(Value::as_str) {
            assert!(text.contains(clause), "{clause}\n{text}");
        }
        assert!(text.contains("verdict       unknown"), "{text}");
    }
}

#[test]
fn max_poll_interval_is_named() {
    let compared = on("compare", "r13-max-poll-loop", &[], &["--seeds", "1"]);
    assert!(compared.out.contains("longer than max_poll_interval"), "{}", compared.out);
    let ran = on("run", "r13-max-poll-loop", &[], &[]);
    assert!(ran.out.contains("max poll intervals exceeded"), "{}", ran.out);
    let patient = on("run", "r13-max-poll-loop", &["consumer.max_poll_interval='10min'"], &[]);
    assert!(!patient.out.contains("max poll"), "{}", patient.out);
}
