//! Memory that is asked for before it is taken.
//!
//! > **The rule.** Work that does not fit is refused, with what it would take and what there is. A
//! > system that says neither is taken at its word: nothing is refused.

use std::fs;

use crate::failure::Failure;

/// What there is, and who says so.
#[derive(Debug, PartialEq, Eq)]
struct Available {
    bytes: u64,
    by: &'static str,
}

/// Refuses work that takes more memory than there is. `what` says what takes it, and `help` what
/// would take less.
pub(crate) fn require(bytes: u64, what: &str, help: &str) -> Result<(), Failure> {
    available().map_or(Ok(()), |available| compare(bytes, &available, what, help))
}

/// The same for room that is only set aside, and taken as it is used.
pub(crate) fn require_space(bytes: u64, what: &str, help: &str) -> Result<(), Failure> {
    address_space().map_or(Ok(()), |available| compare(bytes, &available, what, help))
}

fn compare(bytes: u64, available: &Available, what: &str, help: &str) -> Result<(), Failure> {
    if bytes <= available.bytes {
        return Ok(());
    }
    let (needed, there_is) = (mebibytes(bytes), mebibytes(available.bytes));
    Err(Failure::new(format!(
        "{what} would take about {needed} of memory, and there is {there_is} ({})\n  help: {help}",
        available.by
    )))
}

/// The tightest of the limits that the system tells.
fn available() -> Option<Available> {
    let free = || number(&read("/proc/meminfo")?, "MemAvailable:", 1 << 10);
    let free = free().map(|bytes| Available { bytes, by: "MemAvailable in /proc/meminfo" });
    free.into_iter().chain(address_space()).min_by_key(|one| one.bytes)
}

/// What is left of the limit of the address space, if there is one.
fn address_space() -> Option<Available> {
    let limit = number(&read("/proc/self/limits")?, "Max address space", 1)?;
    let taken = number(&read("/proc/self/status")?, "VmSize:", 1 << 10)?;
    Some(Available { bytes: limit.saturating_sub(taken), by: "what is left of `ulimit -v`" })
}

fn read(file: &str) -> Option<String> {
    fs::read_to_string(file).ok()
}

/// The number that follows `label` at the beginning of a line, in this unit; none if it is
/// `unlimited`.
fn number(text: &str, label: &str, unit: u64) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(unit)
}

fn mebibytes(bytes: u64) -> String {
    let mebibytes = bytes.div_ceil(1 << 20);
    if mebibytes < 10_000 { format!("{mebibytes} MiB") } else { format!("{} GiB", mebibytes >> 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        let check = |text, label, expect| assert_eq!(number(text, label, 1 << 10), expect);
        check("MemTotal: 9 kB\nMemAvailable:   7 kB\n", "MemAvailable:", Some(7 << 10));
        check("Max address space  unlimited  unlimited bytes", "Max address space", None);
        check("Max address space  5  unlimited bytes", "Max address space", Some(5 << 10));
        check("", "MemAvailable:", None);
        check("MemAvailable: 18446744073709551615 kB", "MemAvailable:", None);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        let available = Available { bytes: 3 << 20, by: "a test" };
        let check = |bytes| compare(bytes, &available, "this", "ask for less");
        assert!(check(3 << 20).is_ok());
        let said = check((3 << 20) + 1).expect_err("too much").to_string();
        let expect = "this would take about 4 MiB of memory, and there is 3 MiB (a test)\n  help: ask for less";
        assert_eq!(said, expect);
    }
}
