//! What does not fit into memory is refused in words: under a limit that Linux keeps, no verb ends
//! in the middle.

use std::process::Command;

use crate::{Bench, Ended};

/// Runs the program with this much address space, in KiB.
fn within(bench: &Bench, limit: u32, args: &[&str]) -> Ended {
    let program = bench.command(&[]).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -v {limit}; exec \"$0\" \"$@\"")]).arg(program).args(args);
    shell.current_dir(bench.path()).output().expect("a shell").into()
}

const GIBIBYTE: u32 = 1 << 20;

#[test]
fn what_does_not_fit_is_refused_with_what_it_takes_and_what_there_is() {
    let bench = Bench::new();
    bench.write(
        "big.toml",
        &crate::TINY.replace("rate_per_second = 10 ", "rate_per_second = 1000 "),
    );
    let many = ["--set", "workload.messages=100000000"];
    let check = |args: &[&str], expect: &str| {
        let ended = within(&bench, GIBIBYTE, args);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{args:?} {}", ended.err);
        assert!(ended.err.starts_with("error: ") && ended.err.contains(expect), "{}", ended.err);
        assert!(
            ended.err.contains("(what is left of `ulimit -v`)\n  help: lower "),
            "{}",
            ended.err
        );
    };
    check(&[&["run", "big.toml"], &many[..]].concat(), "a run of 100000000 messages would take");
    let compare = ["compare", "big.toml", "--quiet"];
    check(&[&compare[..], &many].concat(), "8 runs on ");
    check(&[&compare[..], &["--seeds", "1000000"]].concat(), "4000000 runs on ");
    check(&["explore", "big.toml", "--threads", "512"], "an exploration on 512 threads would");
    check(&["table", "--threads", "512"], "the table on 512 threads would take");
}

#[test]
fn what_fits_is_done() {
    let bench = Bench::new();
    let args = [
        &["run", "tiny.toml"][..],
        &["compare", "tiny.toml", "--quiet", "--threads", "2"],
        &["explore", "tiny.toml", "--quiet", "--threads", "2", "--faults", "0"],
        &["check", "h.jsonl"],
        &["list", "."],
        &["schema"],
    ];
    bench.ok(&["run", "tiny.toml", "--history", "h.jsonl"]);
    for args in args {
        let ended = within(&bench, GIBIBYTE, args);
        assert_eq!(ended.code, Some(0), "{args:?} {}{}", ended.out, ended.err);
    }
}

/// The address space is limited to what threads' stacks alone would take.
#[test]
fn threads_that_cannot_be_started_are_said() {
    let bench = Bench::new();
    let args = ["compare", "tiny.toml", "--quiet", "--seeds", "2", "--threads", "512"];
    let ended = within(&bench, GIBIBYTE, &args);
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    assert!(ended.err.contains("cannot start 512 worker threads: "), "{}", ended.err);
    assert!(ended.err.contains("help: fewer need less memory: --threads"), "{}", ended.err);
}
