//! What lines that are left out may have said: nothing is claimed that they could contradict, and
//! beside each record the one that bears the claim out.

use serde_json::json;

use super::{ALO, ORDERED, log, queue};

/// That no delivery is recorded is no reason to say that there was none.
#[test]
fn what_is_not_recorded_as_delivered_may_have_been() {
    let sent = ["send.invoke m", "send.ok m"];
    let waits = "1 message still waits (no delivery of m is recorded)";
    let check = |more: &[&str], says: &str| {
        let events = [&sent[..], more].concat();
        let said = log(ALO, &events, "unfinished").says(1, &[says]);
        assert!(!said.text.contains("never delivered"), "{}", said.text);
    };
    check(&[], waits);
    check(&["send.invoke a", "send.ok a", "deliver a", "effect a"], waits);
    check(&["deliver m \"consumer\":\"c\""], "m was last with c");
    queue(ALO, &[&sent[..], &["retrievable m"]].concat()).says(1, &[waits]);
}

const SENT: [&str; 2] = ["send.invoke m", "send.ok m"];

/// The cause of the second of two effects, each after a delivery, to `c` and to `d`, and these
/// lines before the first delivery and between the two.
#[track_caller]
fn again(before: &[&str], between: &[&str], cause: &str) {
    let held = [r#"deliver m "consumer":"c""#, r#"effect m "consumer":"c""#];
    let again = [r#"deliver m "consumer":"d""#, r#"effect m "consumer":"d""#];
    let events = [&SENT, before, &held, between, &again].concat();
    queue(ALO, &events).of("/causes", json!({ cause: 1 }));
}

/// What ended one life of a consumer did not end the next.
#[test]
fn an_earlier_life_explains_no_later_one() {
    let line = |kind: &str, life: u32| format!("{kind} - \"process\":\"c\",\"incarnation\":{life}");
    for (kind, cause) in [("crash", "redelivered_after_crash"), ("exit", "closed_without_settle")] {
        let begun = line("start", 2);
        again(&[&begun], &[&line(kind, 2)], cause);
        again(&[&begun], &[&line(kind, 1)], "unknown");
        again(&[&begun], &[&line(kind, 1), &line(kind, 2)], cause);
        again(&[&begun], &[&line(kind, 3)], "unknown");
        again(&[&line(kind, 0)], &[&line(kind, 1)], cause);
        again(&[&line(kind, 0)], &[&line(kind, 0)], "unknown");
        again(&[&line(kind, 0)], &[&line(kind, 2)], "unknown");
        again(&[], &[&line(kind, 7)], cause);
        let unnamed = format!("{kind} - \"process\":\"c\"");
        again(&[&begun], &[&unnamed], cause);
        again(&[&unnamed], &[&unnamed], cause);
        again(&[&begun, &line(kind, 1)], &[&unnamed], cause);
    }
}

/// A message that a queue took back, or a delivery that is not the next, did not come again
/// although nothing took it back.
#[test]
fn a_settle_explains_nothing_that_lines_contradict() {
    let settled = r#"settled m "act":"ack","consumer":"c""#;
    let check = |first: &str, between: &[&str], second: &str, cause: &str| {
        let deliver = |to: &str, fields: &str| format!("deliver m \"consumer\":\"{to}\"{fields}");
        let (held, again) = (deliver("c", first), deliver("d", second));
        let effects = ["c", "d"].map(|to| format!("effect m \"consumer\":\"{to}\""));
        let all = [&SENT[..], &[&held, &effects[0], settled], between, &[&again, &effects[1]]];
        queue(ALO, &all.concat()).of("/causes", json!({ cause: 1 }));
    };
    let after = "redelivered_after_settle";
    for (first, second) in [("", ""), ("", ",\"attempt\":2"), ("", ",\"redelivered\":true")] {
        check(first, &[], second, after);
        for (back, who) in [("lease_expired", "c"), ("requeued", "c"), ("requeued", "e")] {
            check(first, &[&format!("{back} m \"consumer\":\"{who}\"")], second, "unknown");
        }
    }
    check(",\"attempt\":4", &[], ",\"attempt\":5", after);
    check(",\"attempt\":4", &[], ",\"attempt\":6", "unknown");
    check(",\"attempt\":4", &[], ",\"attempt\":3", "unknown");
    check("", &[], ",\"attempt\":3", "unknown");
    check("", &[], ",\"attempt\":1", "unknown");
    let letter = |between: &[&str], cause: &str| {
        let held = [r#"deliver m "consumer":"c""#, r#"effect m "consumer":"c""#, settled];
        let letter = ["dlq m \"reason\":\"delivery_limit\""];
        let events = [&SENT[..], &held, between, &letter].concat();
        queue(ALO, &events).of("/causes", json!({ cause: 1 }));
    };
    letter(&[], after);
    letter(&["requeued m \"consumer\":\"c\""], "unknown");
}

/// A message that was sent twice may have a second copy, which no line shows, further on.
#[test]
fn what_may_stand_elsewhere_too_is_not_passed_by() {
    let check = |sends: &[&str], stores: &[&str], expect: &str| {
        let next = ["send.invoke b", "store b \"position\":2", "send.ok b"];
        let seen = ["deliver b \"position\":2", "effect b"];
        log(ALO, &[sends, stores, &next, &seen].concat(), "unfinished").says(1, &[expect]);
    };
    let (lost, waits) = ("1 exact, 1 lost", "1 exact, 1 pending");
    let one = ["store m \"position\":0"];
    let both = [one[0], "store m \"position\":1"];
    let ahead = [one[0], "store m \"position\":3"];
    let again = "send.invoke m \"attempt\":2";
    let twice = [SENT[0], "send.info m", again, SENT[1]];
    check(&SENT, &one, lost);
    check(&twice, &one, waits);
    check(&twice, &[one[0], one[0]], waits);
    check(&twice, &both, lost);
    check(&twice, &ahead, waits);
    check(&[SENT[0], "send.fail m", again, SENT[1]], &one, lost);
    check(&[SENT[0], again, SENT[1]], &one, waits);
    check(&[again, SENT[1]], &one, waits);
    check(&[SENT[0], "send.ok m \"attempt\":2"], &one, waits);
}

/// Where keys are left out, messages that come in another order than they were sent may have one.
#[test]
fn order_is_unknown_where_keys_that_matter_are_left_out() {
    let sent = |keys: [&str; 2], store: [&str; 2]| {
        let one = |at: usize, name: &str| {
            let store = Some(store[at]).filter(|store| !store.is_empty());
            let store = store.map(|fields| format!("store {name} {fields}"));
            let invoke = format!("send.invoke {name} {}", keys[at]);
            let all = [Some(invoke), store, Some(format!("send.ok {name}"))];
            all.into_iter().flatten().collect::<Vec<_>>()
        };
        [one(0, "a"), one(1, "b")].concat()
    };
    let check = |keys: [&str; 2], store: [&str; 2], effects: &[&str], code: i32, says: &str| {
        let sent = sent(keys, store);
        let events: Vec<&str> =
            sent.iter().map(String::as_str).chain(effects.iter().copied()).collect();
        log(ORDERED, &events, "quiescent").says(code, &[says]);
    };
    let (in_order, late) = (["effect a", "effect b"], ["effect b", "effect a"]);
    let replayed = ["effect a", "effect b", "effect a"];
    let (none, same) = ([r#""attempt":1"#; 2], [r#""key":"k""#; 2]);
    let (first, second) = ([same[0], none[0]], [none[0], same[0]]);
    let differ = [r#""key":"k""#, r#""key":"l""#];
    let stored = [r#""position":0"#, r#""position":1"#];
    let behind = [r#""position":1"#, r#""position":0"#];
    let apart = [r#""lane":0,"position":0"#, r#""lane":1,"position":0"#];
    let unknown = "does not say whether they have one key";
    for keys in [none, first, second] {
        check(keys, stored, &late, 1, unknown);
        check(keys, stored, &replayed, 1, unknown);
        check(keys, behind, &in_order, 1, unknown);
        check(keys, stored, &in_order, 0, "valid");
    }
    check(same, stored, &late, 1, "because of: reordered");
    check(same, behind, &in_order, 1, "because of: write inversions");
    check(differ, stored, &late, 0, "valid");
    check(differ, behind, &in_order, 0, "valid");
    check(none, apart, &late, 1, "nothing could be compared");
    let third = ["send.invoke c", "store c \"position\":1", "send.ok c", "effect c"];
    check(none, apart, &[&third[..], &late].concat(), 1, unknown);
    check(none, apart, &[&late[..], &third].concat(), 0, "valid");
    let both = ["send.invoke a", "send.invoke b", "send.ok a", "send.ok b"];
    let stores = ["store a \"position\":0", "store b \"position\":1"];
    log(ORDERED, &[&both[..], &stores, &late].concat(), "quiescent").says(0, &["valid"]);
    let others = ["a", "b"].map(|one| format!("send.invoke {one} \"producer\":\"{one}\""));
    let others = [&*others[0], stores[0], "send.ok a", &*others[1], stores[1], "send.ok b"];
    log(ORDERED, &[&others[..], &late].concat(), "quiescent").says(0, &["valid"]);
}
