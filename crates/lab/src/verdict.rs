//! The one judge of a scenario: what the checker's verdict is worth, and why it is unknown.
//!
//! > **The rule** (semantics.md 5.6, point 6). A promise that was kept although no fault that the
//! > scenario names has struck in a critical window is *unknown*. A scenario that names no fault
//! > is judged as it is, and so is a recorded history. Whatever is unknown says why.
//!
//! `run`, `compare`, `live` and the expectations of a scenario all ask here. That a group forms
//! is no test of anything: assignments count only if a rebalance is among the faults.

use std::sync::Arc;

use entrega_checker::summary::RowSummary;
use entrega_checker::{
    Causes, Class, Counter, Counters, Reason, Report, SubscriptionReport, Verdict, Word,
};
use entrega_choice::{Point, PointSpec};
use entrega_clients::Strategy;
use entrega_clients::consumers::Settles;
use entrega_explain::words;
use entrega_model::{MessageId, Model, ProcessId, SubscriptionId};
use entrega_scenario::points::{self, Act, Call, Moment, Site};
use entrega_scenario::{Cast, Scenario};
use entrega_sim::{Awaited, AwaitedThing, Misbehaviour, Misdeed, Outcome};

use crate::configuration::Configuration;

/// What a subscription's runs of one configuration are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The checker's verdict, or unknown if nothing was put to the test.
    pub verdict: Verdict,
    /// The critical windows that the scenario's faults should have hit and did not.
    pub untouched: Vec<Counter>,
    /// Why the verdict is unknown, a clause each; empty if it is not.
    pub why: Vec<String>,
}

/// What messages and processes are called.
pub struct Called<'a> {
    /// A message.
    pub message: &'a dyn Fn(MessageId) -> String,
    /// A process.
    pub process: &'a dyn Fn(ProcessId) -> String,
}

/// The faults of a scenario that concern one subscription.
struct Named {
    faults: Vec<(Point, u32)>,
    table: Arc<[PointSpec]>,
    /// Whether the next life of a producer sends again what has no confirmation.
    resends: bool,
    /// How often a settle without an answer is tried again.
    settle_retries: u32,
}

impl Named {
    fn of(scenario: &Scenario, id: SubscriptionId) -> Self {
        let mut faults = scenario.named_faults();
        faults.retain(|(point, _)| points::befalls(*point, id));
        let table = points::table(&scenario.subscription_names());
        let consumer = &scenario.consumer;
        let settle_retries = if consumer.settle_confirmed { consumer.settle_retries } else { 0 };
        let resends = scenario.producer.outbox;
        Self { faults, table, resends, settle_retries }
    }

    fn acts(&self) -> impl Iterator<Item = (Site, Act)> {
        self.faults.iter().filter_map(|&(point, value)| {
            let (info, _) = points::describe(point);
            Some((info.site, info.alternative(value)?.act))
        })
    }

    /// Whether they were to put a promise to the test, and did not: none struck in a critical
    /// window, and nothing that went wrong bears witness to one.
    fn are_vacuous(&self, counters: &Counters, causes: &Causes, struck: u64) -> bool {
        let tested = self.hit(counters) || !causes.is_empty();
        !self.faults.is_empty() && (struck == 0 || !tested || self.are_too_few(struck))
    }

    /// Whether processes die by time, and so seldom that it is chance which windows they hit.
    fn are_too_few(&self, struck: u64) -> bool {
        let by_time = |(site, _)| site == Site::Crash(Moment::AtAnyTime);
        struck < ENOUGH_CRASHES && self.acts().any(by_time)
    }

    /// Whether a critical window was hit.
    fn hit(&self, counters: &Counters) -> bool {
        let rebalances = self.acts().any(|(site, _)| site == Site::Group);
        let counts = |counter: Counter| counter != Counter::Rebalances || rebalances;
        Counter::ALL.iter().any(|&counter| counters.get(counter) > 0 && counts(counter))
    }

    /// The windows that they open under a strategy.
    fn windows(&self, strategy: Strategy) -> Vec<Counter> {
        let opens = |site: &Site| self.resends || !site.is_of_producer();
        let acts = self.acts().filter(|(site, _)| opens(site));
        let mut windows: Vec<Counter> =
            acts.filter_map(|(site, act)| window(site, act, strategy)).collect();
        windows.sort_by_key(|counter| counter.index());
        windows.dedup();
        windows
    }

    /// `no crash struck (mailer.effect.before)`.
    fn none_struck(&self) -> String {
        let mut nouns: Vec<&str> = self.acts().map(|(site, act)| noun(site, act)).collect();
        nouns.dedup();
        let noun = if let [only] = nouns[..] { only } else { "fault" };
        let mut names: Vec<&str> =
            self.faults.iter().map(|(point, _)| &*self.table[point.index()].name).collect();
        names.dedup();
        format!("no {noun} struck ({})", names.join(", "))
    }

    /// Whether all that they do is to lose requests to settle, or the answers.
    fn lose_settles(&self) -> bool {
        self.acts()
            .all(|(site, act)| matches!(site, Site::Leg(Call::Settle, _)) && act == Act::Lost)
    }

    /// What a window is called that was not seen. A settle that was lost and tried again is none.
    fn unseen(&self, window: Counter) -> String {
        if window == Counter::SettlesLost && self.settle_retries > 0 {
            let most = self.settle_retries;
            return format!("a settle lost for good, with all of consumer.settle_retries = {most}");
        }
        window.name().replace('_', " ")
    }

    /// Why they put nothing to the test.
    fn why_vacuous(&self, struck: u64, untouched: &[Counter]) -> String {
        let missed = match struck {
            0 => self.none_struck(),
            few if untouched.is_empty() && self.are_too_few(few) => {
                let noun = if few == 1 { "fault" } else { "faults" };
                return format!(
                    "{few} {noun} struck, and {ENOUGH_CRASHES} crashes by time are the least that \
                     say how often a window is hit: a shorter mtbf, more seeds, or `entrega explore`"
                );
            }
            many if self.lose_settles() && self.settle_retries > 0 => {
                let noun = if many == 1 { "request or answer" } else { "requests or answers" };
                format!("{many} {noun} of settles were lost and tried again")
            }
            1 => "1 fault struck, in no critical window".to_owned(),
            _ => format!("{struck} faults struck, none of them in a critical window"),
        };
        let windows: Vec<String> = untouched.iter().map(|window| self.unseen(*window)).collect();
        let windows = if windows.is_empty() {
            String::new()
        } else {
            format!(", never seen: {}", windows.join(", "))
        };
        format!("nothing was put to the test: {missed}{windows}")
    }
}

/// So many crashes by time are the least that say something about how often a window is hit.
const ENOUGH_CRASHES: u64 = 30;

/// Judges the report of one run: calls what was not tested unknown, and says of each subscription
/// why it is unknown.
pub fn of_run(
    scenario: &Scenario,
    configuration: Configuration,
    report: &mut Report,
    outcome: &Outcome,
) -> Vec<Judgement> {
    let Configuration { model, strategy } = configuration;
    let named = |id| Named::of(scenario, id);
    report.call_untested(|of| {
        named(of.subscription).are_vacuous(&of.counters, &of.causes, of.struck)
    });
    let judgement = |of: &SubscriptionReport| {
        let named = named(of.subscription);
        let untouched = of.vacuous(&named.windows(strategy));
        let called =
            Called { message: &words::name, process: &|process| Cast::of(scenario).name(process) };
        let why = why(report, of, &called, &|reason| match reason {
            Reason::Stalled => Some(unfinished(scenario, model, outcome)),
            Reason::NothingPutToTheTest => Some(named.why_vacuous(of.struck, &untouched)),
            _ => None,
        });
        Judgement { verdict: of.verdict, untouched, why }
    };
    report.subscriptions.iter().map(judgement).collect()
}

/// Why a record leaves open whether a promise was kept; nothing if it does not. A recording that
/// stopped comes first. That no delivery is recorded does not say that there was none.
pub fn why_open(report: &Report, of: &SubscriptionReport, called: &Called<'_>) -> Vec<String> {
    why(report, of, called, &|reason| {
        let clause = match reason {
            Reason::Stalled => "the record says that it is unfinished: more could still happen",
            Reason::NothingAcknowledged if report.sends.invoked == 0 => "no send is recorded",
            Reason::Pending => {
                let undelivered = |message: &str| format!("no delivery of {message} is recorded");
                return Some(pending(of, called, &undelivered));
            }
            _ => return None,
        };
        Some(clause.to_owned())
    })
}

/// A clause for every reason that leaves a verdict open. `special` is asked first, for what only
/// a run or only a record says so.
fn why(
    report: &Report,
    of: &SubscriptionReport,
    called: &Called<'_>,
    special: &dyn Fn(Reason) -> Option<String>,
) -> Vec<String> {
    if of.verdict != Verdict::Unknown {
        return Vec::new();
    }
    let clause = |&reason: &Reason| special(reason).or_else(|| clause(reason, report, of, called));
    of.reasons.iter().filter_map(clause).collect()
}

/// What a reason says that leaves a verdict open; nothing for one that breaks a promise.
fn clause(
    reason: Reason,
    report: &Report,
    of: &SubscriptionReport,
    called: &Called<'_>,
) -> Option<String> {
    Some(match reason {
        Reason::Stalled => "it never came to rest".to_owned(),
        Reason::Pending => pending(of, called, &|message| format!("{message} was never delivered")),
        Reason::NothingAcknowledged => match report.sends.invoked {
            1 => "the only send was not acknowledged".to_owned(),
            sends => format!("none of {sends} sends was acknowledged"),
        },
        Reason::InconsistentRecord => "the record says what cannot be".to_owned(),
        Reason::IncompleteRecord => {
            "order is promised, and the record does not show when every message was sent".to_owned()
        }
        Reason::NothingCompared => {
            "order is promised, and nothing could be compared: no two sends have a recorded key in \
             common"
                .to_owned()
        }
        Reason::PollsLeftOut => {
            "order is promised, a delivery skips a record or goes back, and the line of another \
             delivery or of a seek that would explain it may be left out"
                .to_owned()
        }
        Reason::KeysLeftOut => {
            "order is promised, messages came in another order than they were sent, and the record \
             does not say whether they have one key"
                .to_owned()
        }
        Reason::MissingLines => {
            "lines of its consumers are missing in the record: there may be another effect"
                .to_owned()
        }
        Reason::OrderWithinSkew => {
            "order is promised, and effects or deliveries that may be in the wrong order are closer \
             together than the clock skew"
                .to_owned()
        }
        Reason::PollsOutsideOneAssignment => {
            "order is promised, a delivery skips a record or goes back, and it is not known that its \
             consumer held the partition throughout"
                .to_owned()
        }
        Reason::NothingPutToTheTest => "nothing was put to the test".to_owned(),
        Reason::Lost
        | Reason::Duplicated
        | Reason::Split
        | Reason::Phantom
        | Reason::Reordered
        | Reason::Replayed
        | Reason::WriteInversions
        | Reason::InconsistentOffsets
        | Reason::UndeclaredDeadLetters
        | Reason::DuplicatedDeadLetters => return None,
    })
}

/// `m1 and m2 still wait: m1 was last with mailer 1, m2 was never delivered`.
fn pending(
    of: &SubscriptionReport,
    called: &Called<'_>,
    undelivered: &dyn Fn(&str) -> String,
) -> String {
    let count = of.classes.get(Class::Pending);
    let each: Vec<String> = of
        .waiting
        .iter()
        .map(|one| {
            let message = (called.message)(one.message);
            match one.last_with {
                Some(process) => format!("{message} was last with {}", (called.process)(process)),
                None => undelivered(&message),
            }
        })
        .collect();
    let (noun, verb) = if count == 1 { ("message", "waits") } else { ("messages", "wait") };
    let more = count.saturating_sub(each.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{count} {noun} still {verb} ({}{more})", each.join(", "))
}

/// Which limit a run has reached, who was busy, and what it waits for.
fn unfinished(scenario: &Scenario, model: Model, outcome: &Outcome) -> String {
    let name = |process| Cast::of(scenario).name(process);
    let who = match &outcome.misbehaviour {
        None if outcome.steps >= scenario.limits.steps => format!(
            "it never came to rest: limits.steps ({}) ran out before everything was sent",
            scenario.limits.steps
        ),
        None => "it never came to rest: not everything was sent".to_owned(),
        Some(Misbehaviour { process, misdeed: Misdeed::OutOfTime(limit), .. }) => format!(
            "it never came to rest: limits.drain ({limit}) ran out, and {} had run most",
            name(*process)
        ),
        Some(Misbehaviour { process, misdeed: Misdeed::OutOfSteps(limit), .. }) => format!(
            "it never came to rest: limits.steps ({limit}) ran out, and {} had run most",
            name(*process)
        ),
        Some(other) => format!("it never came to rest: {} {}", name(other.process), other.misdeed),
    };
    let awaited = outcome.awaited.map(|Awaited { at, what }| {
        let what = match (what, model) {
            (AwaitedThing::Broker, Model::Queue) => {
                "a deadline of the queue (a lease, a delay, a job)".to_owned()
            }
            (AwaitedThing::Broker, Model::Log) => {
                "a deadline of the log (a session, a rebalance, a transaction)".to_owned()
            }
            (AwaitedThing::Restart(process), _) => format!("{} to start again", name(process)),
            (AwaitedThing::Resume(process), _) => format!("{} to resume", name(process)),
            (AwaitedThing::Work(process), _) => format!("{} to go on", name(process)),
            (AwaitedThing::Answer(process), _) => format!("an answer to {}", name(process)),
        };
        format!("; next it waits for {what}, at {at}")
    });
    format!("{who}{}", awaited.unwrap_or_default())
}

/// Judges many runs of one row together.
pub fn of_row(
    scenario: &Scenario,
    strategy: Strategy,
    id: SubscriptionId,
    row: &RowSummary,
) -> Judgement {
    let named = Named::of(scenario, id);
    let untouched = row.vacuous(&named.windows(strategy));
    let untested = row.verdict() == Verdict::Valid
        && named.are_vacuous(&row.counters, &row.causes, row.struck);
    let mut why = row_why_open(row);
    if untested {
        why.push(named.why_vacuous(row.struck, &untouched));
    }
    let verdict = if untested { Verdict::Unknown } else { row.verdict() };
    Judgement { verdict, untouched, why }
}

fn row_why_open(row: &RowSummary) -> Vec<String> {
    if row.verdict() != Verdict::Unknown {
        return Vec::new();
    }
    if row.runs == 0 {
        return vec!["no run was made".to_owned()];
    }
    let runs = row.runs;
    let said = |reason, what: &str| {
        let count = row.reasons.get(&reason)?;
        Some(format!("{count} of {runs} {what}"))
    };
    let pending = row.classes.get(Class::Pending);
    let waiting = format!("runs left messages waiting, {pending} in all");
    [
        said(Reason::Stalled, "runs never came to rest (`entrega run` with their seed says who)"),
        said(Reason::Pending, &waiting),
        said(Reason::NothingAcknowledged, "runs had no send that was acknowledged"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a fault is called.
const fn noun(site: Site, act: Act) -> &'static str {
    match act {
        Act::Lost if matches!(site, Site::Transfer) => "loss of a dead letter",
        Act::Duplicated if matches!(site, Site::Transfer) => "duplicate of a dead letter",
        Act::Crash => "crash",
        Act::Restart => "restart of the broker",
        Act::Refuses | Act::Silent => "outage",
        Act::StallBefore | Act::StallAfter => "stall",
        Act::Drain | Act::Abandon => "shutdown",
        Act::Slow => "slow handler",
        Act::Transient => "error of a handler",
        Act::Poison => "poison message",
        Act::Kills => "message that kills",
        Act::RebalanceBefore | Act::RebalanceAfter => "rebalance",
        Act::DisconnectBefore | Act::DisconnectAfter => "lost connection",
        Act::Lost => "loss of a request or an answer",
        Act::Late => "delay of a request or an answer",
        Act::Duplicated => "duplicate of a request or an answer",
        Act::LeaderCrash => "failover",
        Act::LeaderPoweroff | Act::Blackout => "power loss",
        Act::NextLags | Act::AllLag => "lag of a replica",
        Act::Order(_) | Act::Last => "other order",
    }
}

/// The window that a fault opens under a strategy.
fn window(site: Site, act: Act, strategy: Strategy) -> Option<Counter> {
    let settles = strategy.spec().settles;
    let settles_first = settles == Settles::BeforeEffect;
    let settles_itself = matches!(settles, Settles::BeforeEffect | Settles::AfterEffect);
    let site = if act == Act::Kills { Site::Crash(Moment::BeforeEffect) } else { site };
    Some(match site {
        Site::Crash(Moment::BeforeEffect) if settles_first => {
            Counter::CrashesBetweenSettleAndEffect
        }
        Site::Crash(Moment::BeforeEffect) if settles_itself => Counter::CrashesBeforeEffect,
        Site::Crash(Moment::AfterEffect | Moment::AfterDeadLetter) if settles_first => {
            Counter::CrashesAfterSettle
        }
        Site::Crash(Moment::AfterEffect | Moment::AfterDeadLetter) if settles_itself => {
            Counter::CrashesBetweenEffectAndSettle
        }
        Site::Crash(Moment::AfterSettle) if settles_first => Counter::CrashesBetweenSettleAndEffect,
        Site::Crash(Moment::AfterSend) => Counter::RetriesOfStoredSends,
        Site::Leg(Call::Settle, _) if settles_itself && act == Act::Lost => Counter::SettlesLost,
        Site::Process if act == Act::StallBefore => Counter::StallsBeforeEffect,
        Site::Process if settles_itself && !settles_first => Counter::StallsAfterEffect,
        Site::Handler if act == Act::Transient => Counter::HandlerErrors,
        Site::Message => Counter::PoisonMessages,
        Site::Broker | Site::Leader => Counter::BrokerRestarts,
        Site::Crash(_) | Site::Process | Site::Handler | Site::Shutdown => return None,
        Site::Leg(_, _) | Site::Group | Site::Connection | Site::Transfer => return None,
        Site::Followers | Site::Service => return None,
        Site::Arrivals | Site::Handlers | Site::Deadlines | Site::Polls | Site::Delays => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(subscription: &str) -> Named {
        let text = format!("subscriptions = [{{ name = 'mailer', {subscription} }}]");
        let loaded = Scenario::parse("test.toml", &text, &[], &|_| Err(String::new()));
        Named::of(&loaded.expect("a scenario").scenario, SubscriptionId(0))
    }

    /// At points any number is enough, because a point is a window.
    #[test]
    fn few_crashes_by_time_prove_nothing() {
        let (by_time, at_points) =
            (named("mtbf = '1d'"), named("faults.effect.after = { crash = 0.1 }"));
        for (struck, are_too_few) in [(0, true), (29, true), (30, false)] {
            assert_eq!(by_time.are_too_few(struck), are_too_few, "{struck}");
            assert!(!at_points.are_too_few(struck));
        }
        let why = by_time.why_vacuous(7, &[]);
        assert!(why.contains("7 faults struck, and 30 crashes by time are the least"), "{why}");
        assert!(by_time.why_vacuous(0, &[]).contains("no crash struck (mailer.process.crash)"));
    }

    /// A settle that was lost and tried again is no lost settle. Without retries it would be one.
    #[test]
    fn what_was_tried_again_is_not_lost() {
        let mut of = named("faults.settle.request = { lost = 0.1 }");
        let unseen = [Counter::SettlesLost];
        let why = of.why_vacuous(5, &unseen);
        assert!(
            why.ends_with("none of them in a critical window, never seen: settles lost"),
            "{why}"
        );
        of.settle_retries = 3;
        let why = of.why_vacuous(5, &unseen);
        assert_eq!(
            why,
            "nothing was put to the test: 5 requests or answers of settles were lost and tried \
             again, never seen: a settle lost for good, with all of consumer.settle_retries = 3"
        );
        let mut others = named("faults.settle.request = { lost = 0.1, late = 0.1 }");
        others.settle_retries = 3;
        assert!(others.why_vacuous(5, &unseen).contains("5 faults struck, none of them"));
    }
}
