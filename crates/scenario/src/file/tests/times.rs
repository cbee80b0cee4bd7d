//! Mistakes in what a scenario puts at a time: outages, consumers that come and go.

use super::mistakes::{check, check_help};

const OF_MAILER: &str = "[[subscriptions]]\nname = 'mailer'\nconsumers = 2\n";

fn script(more: &str) -> String {
    format!("{OF_MAILER}[[script]]\npoint = 'mailer.sink.outage'\nalternative = 'refuses'\n{more}")
}

#[test]
fn mistakes_in_the_span_of_an_outage() {
    check(&script("nth = 3\nfor = '2s'"), "8:7: `for` is counted from `at`");
    check_help(
        &script("nth = 3\nfor = '2s'"),
        "write at = \"1.5s\" instead of `nth`, or remove `for`",
    );
    let stall = script("at = '1s'\nfor = '2s'").replace("sink.outage", "process.stall");
    let stall = stall.replace("refuses", "after");
    check(&stall, "8:7: `mailer.process.stall` is no outage, and lasts as [times] says");
    check_help(&stall, "`for` is for sink.outage, broker.outage");
    check(&script("at = '1s'\nfor = '0s'"), "8:7: `for` is 0s; it is longer than no time");
}

#[test]
fn mistakes_in_the_lives_of_consumers() {
    let changes = |list: &str| format!("{OF_MAILER}changes = [{list}]");
    check(
        &changes("{ consumer = 3, at = '1s', what = 'leaves' }"),
        "4:25: there is no consumer 3 of `mailer`; there are 2",
    );
    check_help(&changes("{ consumer = 3, at = '1s', what = 'leaves' }"), "write consumers = 3");
    check(
        &changes(
            "{ consumer = 1, at = '2s', what = 'leaves' }, { consumer = 1, at = '2s', what = \
                  'joins' }",
        ),
        "4:79: the change before of consumer 1 is at 2s",
    );
    check(
        &changes(
            "{ consumer = 1, at = '2s', what = 'leaves' }, { consumer = 1, at = '3s', what = \
                  'dies' }",
        ),
        "4:92: consumer 1 is gone already",
    );
}
