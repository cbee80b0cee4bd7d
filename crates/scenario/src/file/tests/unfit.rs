//! Settings that do not fit each other: what is said about them, and what would be enough.

use super::mistakes::{check, check_help};

/// What an idempotent producer needs, and each time the nearest that is enough.
#[test]
fn mistakes_in_the_idempotence_of_a_producer() {
    let set = |more: &str| format!("[producer]\nenable_idempotence = true\n{more}");
    check(&set("max_in_flight = 5\nretries = 1"), "no mistake");
    check(
        &set("max_in_flight = 6"),
        "2:22: `max_in_flight` is 6; the broker remembers 5 batches of an idempotent producer",
    );
    check(&set("retries = 0"), "2:22: an idempotent producer tries again; `retries` is 0");
    check(&set("strategy = 'fire-and-forget'"), "2:22: an idempotent producer waits for answers");
    check(&set("max_in_flight = 6").replace("true", "false"), "no mistake");
    check_help(
        &set("max_in_flight = 6"),
        "write max_in_flight = 5 or less, or remove `enable_idempotence`",
    );
}

/// What a queue cannot be at once.
#[test]
fn mistakes_in_the_rules_of_a_queue() {
    let set = |more: &str| format!("[queue]\n{more}");
    check(&set("visibility_timeout = 'never'\nconsumer_timeout = '30min'"), "no mistake");
    check(
        &set("consumer_timeout = '30min'"),
        "2:20: a queue has a lease or a consumer timeout, not both",
    );
    check_help(
        &set("consumer_timeout = '30min'"),
        "write visibility_timeout = \"never\" beside it",
    );
    check(
        &set("dead_letter = true\nat_limit = 'keep'"),
        "3:12: what the queue gives up goes to the dead letters, by dead_letter = true",
    );
    check(&set("dead_letter = true\nat_limit = 'dead-letter'"), "no mistake");
    check(
        &set("delivery_limit = 3\nlimit_counts = []"),
        "3:16: nothing counts towards the delivery limit",
    );
    let delay = |inside: &str| set(&format!("redelivery_delay = {{ after = '5s'{inside} }}"));
    check(&delay(""), "no mistake");
    check(&delay(", kind = 'linear', most = '1min'"), "no mistake");
    check(
        &delay(", kind = 'linear'"),
        "2:43: a delay that grows with each delivery has no longest one",
    );
    check(&delay(", most = '1s'"), "2:43: the longest delay is shorter than the first one");
    check(&delay(", on = []"), "2:41: the delay follows no end of a delivery");
    check(&delay(", on = ['reject']"), "no mistake");
    check(&set("delivery_limit = 3\nlimit_counts = ['reject']"), "no mistake");
}

/// What is moved back was dead-lettered, and nothing takes it for a duplicate.
#[test]
fn mistakes_in_a_redrive() {
    let set = |more: &str| format!("[queue]\nredrive = {{ after = '1h' }}\n{more}");
    check(&set("dead_letter = true"), "no mistake");
    check(&set("at_limit = 'dead-letter'"), "no mistake");
    check(&set(""), "2:11: this queue dead-letters nothing that could be moved back");
    check_help(&set(""), "write dead_letter = true beside it, or redrive = \"none\"");
    let ids = |ids: &str, window: &str| {
        format!(
            "[queue]\ndead_letter = true\ndedup_window = '{window}'\n\
             redrive = {{ after = '1h', ids = '{ids}' }}"
        )
    };
    check(&ids("new", "2h"), "no mistake");
    check(&ids("same", "1h"), "no mistake");
    check(
        &ids("same", "2h"),
        "4:21: under the same id a message is taken for a duplicate by the dedup window of 2h, and \
         dropped",
    );
    let forgets = |what: &str| {
        set(&format!(
            "dead_letter = true\nbroker_restart = {{ forgets = ['{what}'], of_the_last = '9s' }}"
        ))
    };
    check(&forgets("messages"), "no mistake");
    check(
        &forgets("settles"),
        "2:11: a restart that forgets settles puts back what was moved back, and not how often it \
         was",
    );
    check_help(
        &forgets("settles"),
        "write redrive = \"none\", or let broker_restart.forgets list only messages and counts",
    );
    check_help(&ids("same", "2h"), "write after = \"2h\" or more, or ids = \"new\"");
    check(
        "[queue]\ndead_letter = true\nredrive = { after = '1h', times = 0 }",
        "3:35: `times` is 0; it is at least 1",
    );
    check("[sink]\ndedup = 'atomic'\ndedup_key = 'broker'", "no mistake");
}

/// What is kept until it is confirmed has a target and a place, and only that is sent again.
#[test]
fn mistakes_in_how_dead_letters_are_transferred() {
    let kept = |more: &str| format!("[queue]\ndead_letter_strategy = 'at-least-once'\n{more}");
    check(&kept("dead_letter = true"), "no mistake");
    check(&kept(""), "2:24: this queue dead-letters nothing");
    check(
        &kept("dead_letter = true\nmax_length = 9"),
        "2:24: a queue that drops what it has no room for cannot keep what is not confirmed",
    );
    check(&kept("dead_letter = true\nmax_length = 9\noverflow = 'reject-publish'"), "no mistake");
    let twice = "faults.dead_letter.transfer.duplicated = 0.1";
    check(&format!("{twice}\n{}", kept("dead_letter = true")), "no mistake");
    let lost = "faults.dead_letter.transfer.lost = 0.1";
    let nothing = "no queue transfers a dead letter here, for none dead-letters anything";
    check(lost, &format!("1:20: {nothing}"));
    check_help(lost, "write queue.dead_letter = true, or remove the fault");
    let unkept = |more: &str| format!("queue.dead_letter = true\n{more}");
    check(&unkept(lost), "no mistake");
    check_help(&unkept(twice), "write queue.dead_letter_strategy = \"at-least-once\"");
    let at_most_once = "a dead letter that is transferred at most once is not sent twice";
    check(
        &unkept("[[subscriptions]]\nname = 'a'\nfaults.dead_letter.transfer.duplicated = 0.1"),
        &format!("4:20: {at_most_once}"),
    );
    let script = "[[script]]\npoint = 'a.dead_letter.transfer'\nnth = 1\nalternative =";
    check(
        &unkept(&format!("[[subscriptions]]\nname = 'a'\n{script} 'lost'\n{script} 'duplicated'")),
        &format!("11:15: {at_most_once}"),
    );
}

/// A claim takes the place of a lease; a cap of a window is looked at in two ways; a key keeps its
/// order only where nothing breaks it.
#[test]
fn mistakes_in_what_only_some_queues_have() {
    let claim = |queue: &str| format!("[consumer]\nclaim_min_idle = '1min'\n[queue]\n{queue}");
    check(&claim("visibility_timeout = 'never'"), "no mistake");
    check(
        &claim(""),
        "2:18: this queue brings back by itself what its consumers do not settle; nothing is left \
         to claim",
    );
    check_help(
        &claim(""),
        "write visibility_timeout = \"never\" under [queue], or leave claim_min_idle out",
    );
    check_help(
        &claim("visibility_timeout = 'never'\nconsumer_timeout = '30min'"),
        "leave queue.consumer_timeout out, or claim_min_idle",
    );
    check("[consumer]\nclaim_min_idle = 'never'", "no mistake");
    let set = |more: &str| format!("[queue]\n{more}");
    let window = "max_in_flight_scope = 'partition'\nacquire_mode = 'batch-optimized'";
    check(&set(window), "no mistake");
    check(
        &set("acquire_mode = 'batch-optimized'"),
        "2:16: `batch-optimized` is about the cap of a partition",
    );
    let lock = |more: &str| set(&format!("group_lock = true\n{more}"));
    check(&lock("retention_time = '4d'"), "no mistake");
    check(&lock("max_in_flight = 5\nmax_in_flight_scope = 'queue'"), "no mistake");
    for (breaks, needed) in [
        ("requeue_position = 'front'", "requeue_position = \"same\""),
        ("max_length = 9", "no max_length"),
        ("message_ttl = '1min'", "message_ttl = \"never\""),
        ("max_in_flight = 5\nmax_in_flight_scope = 'partition'", "no cap of a partition"),
    ] {
        let expect = format!("2:14: a queue that locks the keys of its messages has {needed}");
        check(&lock(breaks), &expect);
    }
}

/// A supervisor outlives its workers on a queue, and its memory is not theirs.
#[test]
fn mistakes_around_supervisors() {
    check("models = ['queue']\nconsumer.worker_lost = 'settle'", "no mistake");
    check("consumer.worker_lost = 'none'", "no mistake");
    check(
        "consumer.worker_lost = 'requeue'",
        "1:24: a supervisor settles one message or gives it back; a log has one offset for all",
    );
    check_help(
        "consumer.worker_lost = 'requeue'",
        "write models = [\"queue\"], or leave it out: on a log the whole process dies",
    );
    check(
        "models = ['queue']\nconsumer.worker_lost = 'settle'\nsink.dedup = 'process-memory'",
        "2:24: a worker that dies takes its memory along, and here it is the process that remembers",
    );
    check_help(
        "models = ['queue']\nconsumer.worker_lost = 'ack'",
        "valid here: settle, requeue, none",
    );
}

/// A copy that is to be tried later needs a broker that holds a single message back.
#[test]
fn mistakes_around_retry_topics() {
    let set = |more: &str| format!("models = ['queue']\nconsumer.on_error = 'retry-topic'\n{more}");
    check(&set(""), "no mistake");
    check(
        "consumer.on_error = 'retry-topic'",
        "1:21: `retry-topic` needs a topic that holds a copy back, and this log has one topic",
    );
    check(
        &set("queue.group_lock = true"),
        "2:21: a queue with `group_lock` cannot hold a single message back",
    );
    let share = "2:21: a share group reads a log, in which no record waits until it is due";
    check(&set("queue.keeps_settled = true"), share);
    let window = "queue.max_in_flight = 5\nqueue.max_in_flight_scope = 'partition'";
    check(&set(window), share);
    check(&set("queue.max_in_flight = 5"), "no mistake");
    check(
        &set("queue.broker_restart = { forgets = ['settles'], of_the_last = '1min' }"),
        "2:21: a restart that forgets settles puts a copy back, and not how often it was tried",
    );
    let counts = "queue.broker_restart = { forgets = ['counts'], of_the_last = '1min' }";
    check(&set(counts), "no mistake");
    check(
        &set("strategies = ['transactional']"),
        "2:21: the dead letters are no part of the transactions of `transactional`",
    );
}

/// What a transaction cannot hold.
#[test]
fn mistakes_around_transactions() {
    let set = |more: &str| format!("strategies = ['transactional']\n{more}");
    check(&set(""), "no mistake");
    check(
        &set("queue.atomic_publish = false"),
        "2:24: on a queue `transactional` settles and publishes in one step, which this one cannot",
    );
    check(&set("models = ['log']\nqueue.atomic_publish = false"), "no mistake");
    check(
        &set("consumer.on_error = 'dead-letter'"),
        "2:21: the dead letters are no part of the transactions of `transactional`",
    );
    check_help(&set("consumer.on_error = 'dead-letter'"), "write retry, skip-and-settle or crash");
    check(
        &set("consumer.lease_renewal = '3s'"),
        "2:26: what `transactional` has settled on a queue its library would renew for ever",
    );
    check(
        &set("log.replicas = 3"),
        "2:16: what `transactional` writes is not replicated here, so no election is tried on it",
    );
    check(
        &set("sink.dedup = 'atomic'"),
        "2:14: `transactional` writes its effects to the broker, and no sink looks for a key",
    );
    let checkpoint = "consumer.transaction_offsets = 'checkpoint'";
    check(
        &set(checkpoint),
        "2:32: on a queue `transactional` settles and publishes in one step: nothing is prepared",
    );
    check(&set(&format!("models = ['log']\n{checkpoint}")), "no mistake");
    check(
        "consumer.transaction_timeout = '0s'",
        "1:32: `transaction_timeout` is 0s; it is longer than no time",
    );
    check("log.transaction_version = 3", "1:27: `transaction_version` is 3; it is at most 2");
}

/// What nothing can be scripted for says what can be written instead.
#[test]
fn a_crash_by_time_is_not_scripted() {
    let script = "[[script]]\npoint = 'reader.process.crash'\nalternative = 'crash'\nat = '60s'";
    check(script, "3:15: `crash` cannot happen at `reader.process.crash`");
    check_help(
        script,
        "nothing can be scripted there: a crash by time follows from `mtbf`, one that is placed is at \
         a point such as `effect.after`, and a consumer that dies at a time and comes back is two of \
         `subscriptions.changes`, `dies` and `joins`; orders are left to explorations",
    );
}
