//! What lines that are left out may have said: nothing is claimed that they could contradict, and
//! beside each record the one that bears the claim out.

use super::{ALO, log, queue};

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
