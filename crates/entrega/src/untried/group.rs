//! Groups of a log: members that join while others work, and records that are stored before there
//! is a group.

use entrega_model::Model;
use entrega_scenario::points::Act;
use entrega_scenario::{Arrivals, AutoOffsetReset, ProducerStrategy};

use super::Plan;
use super::numbers::{Numbers, shown};

/// A group that begins at the end of the log, against a producer that does not wait: in the small
/// version it has sent everything before the group forms, and any producer its first message, or
/// all while several consumers join. In the scenario that is so only if no consumer starts before.
pub(super) fn latest(of: &Numbers<'_>) -> Option<String> {
    let producer = &of.plan.scenario.producer;
    let waits = producer.strategy == ProducerStrategy::Confirmed && !producer.sends_ahead();
    let is_one_moment = !waits
        || of.explored_messages() == 1
        || of.plan.scope.consumers.min(of.settings.consumers) > 1;
    (is_one_moment && may_come_first(of)).then(|| {
        "records that are stored after the group has formed: auto_offset_reset is \"latest\", and all \
         of them come before the group in what is tried"
            .to_owned()
    })
}

/// A group that begins at the end of the log, against commits by a timer: in what is tried nothing
/// is sent after the first of them, so a reset finds no commit to go back to.
pub(super) fn committed_before_a_reset(of: &Numbers<'_>) -> Option<String> {
    let scenario = of.plan.scenario;
    let interval = scenario.consumer.auto_commit_interval.duration();
    let is_latest = scenario.log.auto_offset_reset == AutoOffsetReset::Latest;
    let goes_on = of.commits_by_itself() && of.plan.extent.until >= interval;
    (is_latest && goes_on && of.plan.faults > 0).then(|| {
        format!(
            "records that are sent after a commit by timer (auto_commit_interval of {}): without a \
             commit auto_offset_reset \"latest\" skips what one would bring back",
            shown(interval)
        )
    })
}

/// A group that begins with records of some age: what is tried takes no time, so they are as old as
/// the deadlines on the way to a reset, and not as old as in the scenario.
pub(super) fn by_duration(of: &Numbers<'_>) -> Option<String> {
    let scenario = of.plan.scenario;
    let log = &scenario.log;
    let is_asked =
        of.plan.model == Model::Log && log.auto_offset_reset == AutoOffsetReset::ByDuration;
    let span = log.auto_offset_reset_duration.filter(|_| is_asked)?.duration();
    let longest = of.plan.extent.until + scenario.limits.drain.duration();
    (span < longest).then(|| {
        format!(
            "records that are older than {} when a group without a commit begins \
             (auto_offset_reset_duration)",
            shown(span)
        )
    })
}

/// Partitions that are added: what is tried has those of the start alone.
pub(super) fn partitions_added(of: &Numbers<'_>) -> Option<String> {
    let added = of.plan.scenario.log.partitions_added?;
    (of.plan.model == Model::Log).then(|| {
        format!(
            "partitions that are added while it runs (partitions_added at {}), and what is sent to \
             them before a group has them",
            shown(added.at.duration())
        )
    })
}

/// Whether a group that begins at the end of the log may form before any record is stored.
pub(super) fn may_come_first(of: &Numbers<'_>) -> bool {
    let scenario = of.plan.scenario;
    of.plan.model == Model::Log
        && scenario.log.auto_offset_reset == AutoOffsetReset::Latest
        && scenario.workload.arrivals != Some(Arrivals::Backlog)
        && !is_sent_at_once(of)
}

/// Whether the producer has sent everything before any answer can come, at the instant at which the
/// consumers start: then all of it is stored while they still join.
fn is_sent_at_once(of: &Numbers<'_>) -> bool {
    let Plan { scenario, extent, .. } = of.plan;
    let waits = scenario.producer.strategy == ProducerStrategy::Confirmed;
    let apart = scenario.network.jitter.duration();
    extent.until.is_zero() && apart.is_zero() && (extent.messages == 1 || !waits)
}

/// Members that join at other times than the rest: when they start, by the jitter of their first
/// requests, and when they come back. A member hears of them when it fetches, so what it holds by
/// then without a settle is given up. In the small version a message takes no time, and no member
/// holds any when another one joins, unless a rebalance is a fault that is tried.
pub(super) fn joining(of: &Numbers<'_>) -> Option<String> {
    if of.plan.model != Model::Log || of.settings.consumers < 2 {
        return None;
    }
    let jitter = of.plan.scenario.network.jitter.duration();
    let start = || format!("members start apart (network.jitter is {})", shown(jitter));
    let comes_back = |act: Act| act == Act::Crash || act.is_stall() || act.is_shutdown();
    let is_tried = of.can_happen(Act::is_rebalance);
    let (why, gives_up) = match (jitter.is_zero(), gives_up(of)) {
        (false, true) if !is_tried => (start(), KEPT),
        (true, true) if !is_tried && of.can_happen(comes_back) => {
            ("a member comes back".to_owned(), KEPT)
        }
        (false, false) if !is_tried && of.settles_beside_its_work() => (start(), ON_THEIR_WAY),
        (false, _) if of.loses_settles() => (start(), "a settle of which was lost"),
        _ => return None,
    };
    Some(format!("a rebalance before a settle: {why} while another one works, {gives_up}"))
}

/// What a member gives up that it has not settled, as the end of a sentence.
const KEPT: &str =
    "which gives its partitions up without settling what it holds (drain_on_revoke is false)";
/// The same of one that settles first. One that comes back meets these in what is tried.
const ON_THEIR_WAY: &str =
    "which gives its partitions up while settles of its workers may be on their way";

/// Whether a member that loses a partition gives up what it holds of it.
fn gives_up(of: &Numbers<'_>) -> bool {
    of.holds_several() && !of.plan.scenario.consumer.drain_on_revoke
}
