//! Files that are written: never one that is read, never two of one name, never half of one.

use std::fs;

use crate::{Bench, Ended};

/// What the program says when it refuses to write.
#[track_caller]
fn refused(bench: &Bench, args: &[&str], expect: &str) {
    let ended = bench.run(args);
    assert_eq!(ended.code, Some(2), "{args:?}\n{}{}", ended.out, ended.err);
    assert!(ended.out.is_empty() && ended.err.contains(expect), "{args:?}\n{}", ended.err);
}

/// The files of the directory, by name.
fn files(bench: &Bench) -> Vec<String> {
    let entries = fs::read_dir(bench.path()).expect("a directory").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_is_read_is_never_replaced() {
    let bench = Bench::new();
    bench.ok(&["run", "tiny.toml", "--history", "h.jsonl"]);
    let (scenario, history) = (bench.read("tiny.toml"), bench.read("h.jsonl"));
    let replay = bench.replay_string(&[]);
    let expect =
        "--output would replace a file that the command reads\n  help: choose another name";
    for verb in ["run", "compare", "explore", "live"] {
        refused(&bench, &[verb, "tiny.toml", "--output", "tiny.toml"], expect);
        refused(&bench, &[verb, "tiny.toml", "--output", "./tiny.toml"], expect);
    }
    refused(&bench, &["replay", "tiny.toml", &replay, "--output", "tiny.toml"], expect);
    refused(&bench, &["check", "h.jsonl", "--output", "h.jsonl"], expect);
    let of_history = "--history would replace a file that the command reads";
    refused(&bench, &["run", "tiny.toml", "--history", "tiny.toml"], of_history);
    assert_eq!((bench.read("tiny.toml"), bench.read("h.jsonl")), (scenario, history));
    bench.ok(&["check", "h.jsonl", "--output", "other.txt"]);
}

#[test]
fn the_workload_file_is_read_too() {
    let bench = Bench::new();
    let made_up = |line: &&str| {
        !["messages =", "keys =", "arrivals ="].iter().any(|key| line.starts_with(key))
    };
    let text: Vec<&str> = crate::TINY.lines().filter(made_up).collect();
    bench
        .write("rows.toml", &text.join("\n").replace("[workload]", "[workload]\nfrom = \"o.csv\""));
    bench.write("o.csv", "at,key\n1s,7\n2s,8\n3s,9\n");
    refused(&bench, &["run", "rows.toml", "--output", "o.csv"], "a file that the command reads");
    bench.ok(&["run", "rows.toml", "--output", "p.csv"]);
}

#[test]
fn two_outputs_are_two_files() {
    let bench = Bench::new();
    let run = |output, history| ["run", "tiny.toml", "--output", output, "--history", history];
    let expect =
        "--output and --history name the same file\n  help: choose another name for --history";
    refused(&bench, &run("x", "x"), expect);
    refused(&bench, &run("x", "./x"), expect);
    bench.write("y", "old");
    refused(&bench, &run("y", "./y"), expect);
    assert_eq!(bench.read("y"), "old");
    bench.ok(&run("x", "y"));
    assert_eq!(files(&bench), ["tiny.toml", "x", "y"]);
}

#[test]
fn what_cannot_be_written_is_said_before_any_work() {
    let bench = Bench::new();
    fs::create_dir(bench.path().join("dir")).expect("a directory");
    let long = ["--set", "workload.messages=10000000"];
    for output in ["dir", "no/where", "tiny.toml/x"] {
        let args = [&["compare", "tiny.toml", "--output", output][..], &long].concat();
        refused(&bench, &args, "cannot write it");
    }
}

/// The standard input is read as well, whatever it is called.
#[test]
fn what_the_standard_input_comes_from_is_never_replaced() {
    let bench = Bench::new();
    bench.ok(&["run", "tiny.toml", "--history", "h.jsonl"]);
    bench.write("replay.txt", &bench.replay_string(&[]));
    let check = |args: &[&str], input: &str, output: &str, code: i32| {
        let before = bench.read(input);
        let stdin = fs::File::open(bench.path().join(input)).expect("a file");
        let mut command = bench.command(&[args, &["--output", output]].concat());
        let ended = Ended::from(command.stdin(stdin).output().expect("the program runs"));
        assert_eq!(ended.code, Some(code), "{args:?} {output}\n{}", ended.err);
        let is_refused = ended.err.contains("would replace a file that the command reads");
        assert_eq!((is_refused, bench.read(input)), (code == 2, before), "{args:?} {output}");
    };
    fs::hard_link(bench.path().join("h.jsonl"), bench.path().join("hard")).expect("a link");
    for output in ["h.jsonl", "./h.jsonl", "hard"] {
        check(&["check", "-"], "h.jsonl", output, 2);
    }
    check(&["check", "-"], "h.jsonl", "other.txt", 0);
    check(&["replay", "tiny.toml", "-"], "replay.txt", "replay.txt", 2);
    check(&["replay", "tiny.toml", "-"], "replay.txt", "other.txt", 0);
    let named = ["replay", "tiny.toml", "@replay.txt", "--output"];
    refused(&bench, &[&named[..], &["replay.txt"]].concat(), "a file that the command reads");
    bench.ok(&[&named[..], &["other.txt"]].concat());
}

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn links_lead_to_the_same_file() {
        let bench = Bench::new();
        let at = |name: &str| bench.path().join(name);
        symlink("tiny.toml", at("soft.toml")).expect("a link");
        fs::hard_link(at("tiny.toml"), at("hard.toml")).expect("a link");
        symlink("new", at("dangling")).expect("a link");
        let expect = "a file that the command reads";
        refused(&bench, &["run", "tiny.toml", "--output", "soft.toml"], expect);
        refused(&bench, &["run", "soft.toml", "--output", "tiny.toml"], expect);
        refused(&bench, &["run", "tiny.toml", "--output", "hard.toml"], expect);
        let twice = ["run", "tiny.toml", "--output", "dangling", "--history", "new"];
        refused(&bench, &twice, "name the same file");
    }

    #[test]
    fn a_file_keeps_its_permissions_and_a_link_its_target() {
        let bench = Bench::new();
        let at = |name: &str| bench.path().join(name);
        bench.write("private", "old");
        fs::set_permissions(at("private"), fs::Permissions::from_mode(0o640)).expect("a file");
        symlink("private", at("link")).expect("a link");
        symlink("new", at("dangling")).expect("a link");
        bench.ok(&["run", "tiny.toml", "--output", "link", "--history", "dangling"]);
        assert_eq!(fs::metadata(at("private")).expect("a file").mode() & 0o777, 0o640);
        assert!(bench.read("private").contains("Tiny") && bench.read("new").contains("\"end\""));
        for link in ["link", "dangling"] {
            assert!(fs::symlink_metadata(at(link)).expect("a link").is_symlink());
        }
        bench.write("plain", "");
        let mode = |name: &str| fs::metadata(at(name)).expect("a file").mode() & 0o777;
        assert_eq!(mode("new"), mode("plain"), "as any new file");
    }

    #[test]
    fn what_is_no_file_is_written_directly() {
        let bench = Bench::new();
        let alone = bench.ok(&["check", "--help"]);
        assert!(!alone.is_empty());
        let run = ["run", "tiny.toml", "--output", "/dev/null", "--history", "/dev/null"];
        assert_eq!(bench.ok(&run), "");
        assert_eq!(
            bench.ok(&["run", "tiny.toml", "--output", "/dev/stdout"]),
            bench.ok(&["run", "tiny.toml"])
        );
        let fifo = bench.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
        let mut command = bench.command(&["run", "tiny.toml", "--history", "fifo"]);
        let mut child = command.stdout(Stdio::null()).spawn().expect("the program runs");
        let mut text = String::new();
        fs::File::open(&fifo).expect("a pipe").read_to_string(&mut text).expect("UTF-8");
        assert!(child.wait().expect("an end").success());
        assert!(text.ends_with("{\"end\":\"quiescent\"}\n"), "{text}");
        assert_eq!(files(&bench), ["fifo", "tiny.toml"]);
    }

    /// The standard output that goes to a file may be named as one: nothing is lost.
    #[test]
    fn a_redirected_standard_output_is_not_replaced() {
        let bench = Bench::new();
        let out = fs::File::create(bench.path().join("out")).expect("a file");
        let mut command = bench.command(&["run", "tiny.toml", "--history", "/dev/stdout"]);
        assert!(command.stdout(out).status().expect("the program runs").success());
        let text = bench.read("out");
        assert!(
            text.starts_with("{\"entrega_history\"") && text.contains("History digest"),
            "{text}"
        );
    }

    /// The signal is sent when the program listens for it and writes, which Linux tells.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_interrupt_leaves_the_old_history() {
        let bench = Bench::new();
        bench.write("h.jsonl", "old");
        let long =
            ["run", "tiny.toml", "--history", "h.jsonl", "--set", "workload.messages=3000000"];
        let mut child = bench.command(&long).stdout(Stdio::null()).spawn().expect("it runs");
        while files(&bench).len() < 3 {
            assert!(child.try_wait().expect("a process").is_none(), "it ended by itself");
            std::thread::yield_now();
        }
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(child.wait().expect("an end").code(), Some(130));
        assert_eq!((bench.read("h.jsonl").as_str(), files(&bench).len()), ("old", 2));
    }
}
