//! The loop of every tutorial: poll with a timeout, and go on when there is nothing.

mod complaint;

use complaint::complaint;
use entrega::Misdeed;
use entrega::prelude::*;

/// Polls like a tutorial, and does this with each message, and that when there is none.
macro_rules! polls {
    ($name:ident, $timeout:expr, |$inbox:ident, $app:ident, $d:ident| $work:block, $idle:block) => {
        async fn $name($inbox: &impl Subscription, $app: &impl Application) -> Result<(), Stop> {
            loop {
                match $inbox.poll($inbox.now() + $timeout).await? {
                    Turn::Delivery($d) => $work,
                    Turn::Shutdown => return Ok(()),
                    Turn::Idle => $idle,
                    _ => {}
                }
            }
        }
    };
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

polls!(
    settles_last,
    SECOND,
    |inbox, app, d| { inbox.settle(app.process(&d).await?).await.carry_on() },
    {}
);
polls!(
    settles_last_often,
    Duration::from_millis(7),
    |inbox, app, d| {
        app.attempt(&d).await?;
        inbox.settle(&[d]).await.carry_on();
    },
    {}
);
polls!(
    settles_first,
    SECOND,
    |inbox, app, d| {
        inbox.settle(&[d]).await.carry_on();
        app.process(&d).await?;
    },
    {}
);
polls!(
    settles_first_hourly,
    HOUR,
    |inbox, app, d| {
        inbox.settle(&[d]).await.carry_on();
        app.process(&d).await?;
    },
    {}
);

#[test]
fn one_that_settles_last_never_loses() {
    explore(consumer!(settles_last)).assert_never(lost).assert_sometimes(duplicated);
    explore(consumer!(settles_last)).may_stall().assert_never(lost);
    explore(consumer!(settles_last)).messages(3).assert_never(lost).assert_never(stalled);
    explore(consumer!(settles_last_often)).assert_never(lost);
}

#[test]
fn one_that_settles_first_loses() {
    fn check<C: Consumer + Clone>(explorer: Explorer<C>) {
        for model in [Model::Log, Model::Queue] {
            let said = complaint(|| explorer.clone().on(model).assert_never(lost));
            assert!(said.contains("m0 is lost (settled before process)"), "{said}");
        }
    }
    check(explore(consumer!(settles_first)));
    check(explore(consumer!(settles_first)).may_stall());
    check(explore(consumer!(settles_first_hourly)));
    check(explore(consumer!(settles_first_hourly)).may_stall().messages(3));
}

#[test]
fn that_not_all_idle_polls_are_tried_is_said() {
    let outcomes = explore(consumer!(settles_last)).run().expect("a scenario");
    for model in [Model::Log, Model::Queue] {
        let not_tried = outcomes.not_tried(model);
        assert!(not_tried.iter().any(|one| one == "more than two idle polls in a row"));
        let explored = outcomes.on(model).expect("explored");
        assert!(explored.complete && explored.limited == 0 && explored.misbehaved.is_empty());
    }
    let text = outcomes.to_string();
    assert!(text.contains("; more than two idle polls in a row\n"), "{text}");
}

/// Settles what it holds at the nth idle answer in a row, or leaves then.
#[derive(Clone, Copy)]
struct AtIdle {
    nth: u32,
    /// It settles each message at once, and at the nth idle answer once more.
    settles_twice: bool,
    leaves: bool,
}

impl Consumer for AtIdle {
    async fn run(&self, inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
        let (mut idle, mut held) = (0, Vec::new());
        loop {
            match inbox.poll(inbox.now() + SECOND).await? {
                Turn::Delivery(delivery) => {
                    app.process(&delivery).await?;
                    if self.settles_twice || self.leaves {
                        inbox.settle(&[delivery]).await.carry_on();
                    }
                    held.push(delivery);
                    idle = 0;
                }
                Turn::Shutdown => return Ok(()),
                Turn::Idle => idle += 1,
                _ => {}
            }
            if idle == self.nth && self.leaves {
                return Ok(());
            }
            if idle == self.nth {
                inbox.settle(&held).await.carry_on();
                held.clear();
            }
        }
    }
}

/// What the first two idle answers make it do is explored; what a later one does is not, so a
/// consumer that does anything then proves nothing.
#[test]
fn one_that_acts_when_it_has_been_idle_for_long_is_named() {
    let check = |nth, leaves, expect: bool| {
        for model in [Model::Log, Model::Queue] {
            let consumer = AtIdle { nth, settles_twice: true, leaves };
            let outcomes = explore(consumer).on(model).faults(0).run();
            let outcomes = outcomes.expect("a scenario");
            let misbehaved = &outcomes.on(model).expect("explored").misbehaved;
            let is_named = misbehaved.contains_key(&Misdeed::ActsWhenIdle);
            assert_eq!(is_named, expect, "{model} {nth} {leaves}: {misbehaved:?}");
        }
    };
    check(1, false, false);
    check(2, false, false);
    check(3, false, true);
    check(20, false, true);
    check(3, true, true);
    let late = AtIdle { nth: 3, settles_twice: true, leaves: false };
    let said = complaint(|| explore(late).assert_sometimes(duplicated));
    assert!(said.contains("asks for more than messages, or leaves, after more than two"), "{said}");
    let holds = AtIdle { nth: 3, settles_twice: false, leaves: false };
    for model in [Model::Log, Model::Queue] {
        let said = complaint(|| explore(holds).on(model).assert_never(lost));
        assert!(said.contains("reader 1 misbehaves"), "{said}");
    }
}

/// It settles at its second idle answer: what is settled late comes again after a crash, and
/// nothing is left behind.
#[test]
fn what_an_idle_answer_makes_it_do_is_explored() {
    for nth in [1, 2] {
        let explorer = || explore(AtIdle { nth, settles_twice: false, leaves: false });
        explorer().assert_never(lost).assert_never(stalled).assert_sometimes(duplicated);
    }
}

/// Of two consumers neither keeps the other awake, and each hears of what changes: one takes over
/// from one that has crashed.
#[test]
fn two_of_them_come_to_rest() {
    let outcomes = explore(consumer!(settles_last)).consumers(2).partitions(2).faults(2);
    let outcomes = outcomes.only(["effect.after", "process.stall", "receive"]).stateless();
    let outcomes = outcomes.run().expect("a scenario");
    for model in [Model::Log, Model::Queue] {
        let explored = outcomes.on(model).expect("explored");
        assert!(explored.complete && explored.limited == 0, "{model}: {explored:?}");
        assert!(!explored.found.keys().any(lost) && !explored.found.keys().any(stalled));
    }
}

async fn asks_without_end(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    let mut last = Vec::new();
    loop {
        match inbox.poll(inbox.now() + SECOND).await? {
            Turn::Delivery(delivery) => {
                last = vec![delivery];
                inbox.settle(&last).await.carry_on();
                app.process(&delivery).await?;
            }
            Turn::Shutdown => return Ok(()),
            Turn::Idle => inbox.settle(&last).await.carry_on(),
            _ => {}
        }
    }
}

/// `may_stall` permits what never rests, not that its losses go unseen.
#[test]
fn what_never_rests_still_loses() {
    let said = complaint(|| explore(consumer!(asks_without_end)).assert_never(lost));
    assert!(said.contains("misbehaves: it does not come to rest within"), "{said}");
    for model in [Model::Log, Model::Queue] {
        let explorer = explore(consumer!(asks_without_end)).on(model).may_stall();
        let said = complaint(|| explorer.assert_never(lost));
        assert!(said.contains("m0 is lost"), "{said}");
    }
}
