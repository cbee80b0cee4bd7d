//! Transactions that were prepared when their consumer went on, and that the broker aborted.

use entrega_checker::Cause;
use entrega_model::event::SettleTrigger;

use crate::dsl::{Handed, History, log, report, report_of_resuming};

const A: Handed = Handed(1, 0, 1);
const B: Handed = Handed(2, 0, 2);

fn held() -> History {
    log().sent(0).assigned(1, 0).delivered(A)
}

fn passed(history: History) -> History {
    history.committed_by(2, 0, 1, SettleTrigger::Application)
}

fn lost(history: &History, expect: &[Cause]) {
    let causes: Vec<_> = report_of_resuming(history).causes.into_keys().collect();
    assert_eq!(causes, expect, "{history:#?}");
}

/// That others have gone on behind it did not end the message: the transaction could have been
/// committed after that.
#[test]
fn an_expired_transaction_is_the_cause_whenever_the_group_goes_on() {
    let expired = [Cause::TransactionExpired];
    lost(&passed(held().crashed(1).expired(A)), &expired);
    lost(&passed(held().crashed(1)).expired(A), &expired);
    lost(&passed(held().expired(A)), &expired);
}

/// What another transaction has held, or the next life has aborted, or comes again.
#[test]
fn no_other_abort_is_a_cause() {
    let settled = [Cause::SettledBeforeProcess];
    lost(&passed(held().crashed(1).aborted(A, false)), &settled);
    lost(&passed(held().crashed(1)).expired(B), &settled);
    let again = held().crashed(1).expired(A).assigned(2, 0).delivered(B);
    lost(&passed(again.clone()), &settled);
    lost(&passed(again.clone().applied(B)), &[]);
    lost(&passed(again.expired(B)), &[Cause::TransactionExpired]);
}

/// A consumer that resumes nothing has settled what it had no right to.
#[test]
fn an_offset_without_its_transaction_is_the_cause_itself() {
    let history = passed(held().crashed(1)).expired(A);
    let causes: Vec<_> = report(&history).causes.into_keys().collect();
    assert_eq!(causes, [Cause::SettledBeforeProcess]);
}
