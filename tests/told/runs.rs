//! `run` and `replay`: the stories of single runs.

use std::path::Path;

use crate::{entrega, json, kept, stories, written};

/// Checks what a delivery limit takes along: how many, and that run and story say so.
fn check_limit(file: &Path, args: &[&str], expect: &[(&str, u64)]) {
    let run = json("run", file, args);
    let along = run["taken_along"].as_array().expect("a list").iter();
    let found: Vec<u64> = along.filter_map(|one| one["messages"].as_u64()).collect();
    let counts: Vec<u64> = expect.iter().map(|(_, count)| *count).collect();
    assert_eq!(found, counts);
    let text = entrega("run", file, args).out;
    let told = stories(file, run["replay"].as_str().expect("a replay string"));
    for (sentence, count) in expect {
        let line = format!(" takes {count} message");
        assert!(text.contains(&line), "{text}");
        assert!(told.iter().any(|(_, story)| story.contains(sentence)), "{told:#?}");
    }
    if expect.is_empty() {
        assert!(!text.contains("along"), "{text}");
        assert!(!told.iter().any(|(_, story)| story.contains("along")), "{told:#?}");
    }
}

/// Two poison messages use up the attempts of the eighteen that wait behind them in the buffer.
#[test]
fn the_innocent_victims_of_a_limit_are_told_and_counted() {
    let story = "m0 is lost. The same limit takes 18 messages along on which no handler failed: \
                 m2, m3, m4 and 15 more.";
    check_limit(&kept("r09b-two-poisons.toml"), &[], &[(story, 18)]);
}

/// Crashes do the same, with dead letters and without.
#[test]
fn a_limit_takes_along_what_waits_behind_a_crash() {
    let scenario = "models = [\"queue\"]\n[workload]\nmessages = 12\nkeys = 12\n\
                    arrivals = { distribution = \"burst\", burst_size = 12, every = \"1h\" }\n\
                    [[subscriptions]]\nname = \"fn\"\nfaults.effect.before.crash = 0.6\n\
                    [consumer]\nprefetch = 4\n[queue]\ndelivery_limit = 2\n";
    let (_dir, file) = written(scenario);
    let plain = ["--strategy", "process-then-settle"];
    let others = "The same limit takes 4 messages along on which no handler failed: m2, m3, m6 \
                  and 1 more.";
    let lost = format!("the queue of fn drops it; m0 is lost. {others}");
    check_limit(&file, &plain, &[(lost.as_str(), 4)]);
    let dead = format!("m0 has been delivered too often and goes to the dead letters. {others}");
    let dead_letters = [&plain[..], &["--set", "queue.dead_letter=true"]].concat();
    check_limit(&file, &dead_letters, &[(dead.as_str(), 4)]);
    let alone = [&plain[..], &["--set", "consumer.prefetch=1"]].concat();
    check_limit(&file, &alone, &[]);
}

/// Whose fault a batch is: the relative clause stands with the message that is poison.
#[test]
fn the_poison_of_a_batch_is_named_as_such() {
    let old = "1:4fb795f9:1:queue:micro-batch:messages=5:fn.message.poison#2=poison:5f19";
    let told = stories(&kept("r26-lambda-batch.toml"), old);
    let expect = "the handler of fn 1 fails on m1, which is poison, of the same batch as m0; fn 1 \
                  writes the whole batch again, and m0 takes effect ";
    assert!(told[0].1.starts_with(expect), "{}", told[0].1);
}

/// A settle that comes too late each time is no failure of a handler, and what befalls another
/// subscription has nothing to do with it.
#[test]
fn a_stall_is_told_by_what_keeps_the_run_going() {
    let scenario = "models = [\"queue\"]\nstrategies = [\"process-then-settle\"]\n\
                    [workload]\nmessages = 4\n\
                    [[subscriptions]]\nname = \"mailer\"\n\
                    service_time = { distribution = \"constant\", value = \"3s\" }\n\
                    [[subscriptions]]\nname = \"audit\"\nfaults.handler.error.transient = 0.5\n\
                    [queue]\nvisibility_timeout = \"2s\"\n[limits]\ndrain = \"5min\"\n";
    let (_dir, file) = written(scenario);
    let run = json("run", &file, &[]);
    let told = stories(&file, run["replay"].as_str().expect("a replay string"));
    let stalls: Vec<&str> = told
        .iter()
        .filter(|(what, _)| what == "stalled")
        .map(|(_, story)| story.as_str())
        .collect();
    let [stall] = stalls.as_slice() else { panic!("one subscription is stuck: {told:#?}") };
    assert!(stall.contains(" is delivered to mailer 1 again and again, "), "{stall}");
    assert!(stall.contains("although no handler fails on it and it takes effect "), "{stall}");
    assert!(!stall.contains("audit") && !stall.contains("fails each time"), "{stall}");
}

/// A lease runs from when the client fetched the message, and not from when the application was
/// handed it: a story in which the two differ says so.
#[test]
fn a_lease_is_told_from_when_it_ran() {
    let file = kept("r11-buffered-lease.toml");
    let told = |set: &[&str]| {
        let set: Vec<&str> = set.iter().flat_map(|one| ["--set", *one]).collect();
        let run = json("run", &file, &set);
        let told = stories(&file, run["replay"].as_str().expect("a replay string"));
        let (_, story) = told.into_iter().find(|(what, _)| what == "duplicated").expect("a story");
        story
    };
    let waited = told(&[]);
    let from = "sub 1 has worked on m5 for 987ms when its lease expires (it has run since m5 was \
                fetched, at 3.007000s, and not since it was handed out, at 12.020000s);";
    assert!(waited.starts_with(from), "{waited}");
    let string = json("run", &file, &[])["replay"].clone();
    let timeline = entrega("replay", &file, &[string.as_str().expect("a string")]).out;
    let line = "! lease of sub 1 on m5 expires, fetched at 3.007000s";
    assert!(timeline.contains(line), "{timeline}");
    let alone =
        told(&["consumer.prefetch=1", "queue.visibility_timeout='2s'", "limits.drain='10min'"]);
    assert!(alone.contains(" when its lease expires;"), "{alone}");
}
