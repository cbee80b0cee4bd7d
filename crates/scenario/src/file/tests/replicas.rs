//! Mistakes in what is replicated and in what a restart forgets, each with its place.

use super::mistakes::check;

#[test]
fn mistakes_in_what_is_replicated() {
    check(
        "[log]\nmin_insync_replicas = 2",
        "2:23: `min_insync_replicas` is 2, and there are 1 replicas: nothing could be stored",
    );
    check("[log]\nreplicas = 0", "2:12: `replicas` is 0; it is at least 1");
    check(
        "[log]\nunclean_leader_election = true",
        "2:27: there is one replica, so no other could lead",
    );
    check(
        "[log]\nreplicas = 2\nreplica_delay = '30s'",
        "3:17: a follower has a record after 30s, and is out of sync after 30s",
    );
    check("[producer]\nacks = '0'", "2:8: with acks = \"0\" nothing is confirmed");
    check(
        "[producer]\nacks = '1'\nstrategy = 'fire-and-forget'",
        "2:8: a producer that waits for no answer has acks = \"0\"",
    );
    check(
        "[producer]\nacks = '1'\nenable_idempotence = true",
        "2:8: an idempotent producer needs acks = \"all\"",
    );
    let alone = "befalls a log with replicas, and this one has none";
    let script = "[[script]]\npoint = 'broker.failover'\nalternative = 'crash'\nnth = 1";
    check(script, &format!("2:9: `broker.failover` {alone}"));
    let lag = "[log]\nflush_interval = '1s'\n[faults]\nreplica.lag = { all = 0.1 }";
    check(lag, &format!("4:15: `replica.lag` {alone}"));
    check(
        "[log]\nflush_interval = '1s'\n[faults]\nbroker.failover = { blackout = 0.1 }",
        "no mistake",
    );
}

#[test]
fn mistakes_in_what_a_restart_forgets() {
    check(
        "[queue]\nbroker_restart = { forgets = [], of_the_last = '1s' }",
        "2:30: the restart forgets nothing",
    );
    check(
        "[queue]\nbroker_restart = { forgets = ['counts', 'counts'], of_the_last = '1s' }",
        "2:41: `counts` is listed twice",
    );
    check(
        "[queue]\nbroker_restart = { forgets = ['counts'], of_the_last = '0s' }",
        "2:56: `of_the_last` is 0s; it is longer than no time",
    );
}
