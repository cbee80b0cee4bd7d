//! Numbers for people, and how many there are of something.

/// Digits in groups of three: `10 000`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 message`, `2 messages`, `2 partitions of the log`.
pub fn counted(number: impl Into<u64>, what: &str) -> String {
    let number = number.into();
    let shown = thousands(number);
    match what.split_once(' ') {
        _ if number == 1 => format!("{shown} {what}"),
        Some((noun, rest)) => format!("{shown} {noun}s {rest}"),
        None => format!("{shown} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_counted() {
        let check = |number: u32, what, expect: &str| assert_eq!(counted(number, what), expect);
        check(0, "message", "0 messages");
        check(1, "message", "1 message");
        check(1_000, "message", "1 000 messages");
        check(1, "partition of the log", "1 partition of the log");
        check(2, "partition of the log", "2 partitions of the log");
    }

    #[test]
    fn digits_are_grouped() {
        let check = |number, expect: &str| assert_eq!(thousands(number), expect);
        check(0, "0");
        check(999, "999");
        check(10_000, "10 000");
        check(1_234_567, "1 234 567");
    }
}
