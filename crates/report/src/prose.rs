//! Pieces of prose: lines of a width, names, lists.

use entrega_checker::Cause;
use entrega_explain::Language;

/// Prose in lines of at most `most` columns.
pub(crate) fn wrapped(prose: &str, most: usize) -> String {
    let mut lines = String::new();
    let mut width = 0;
    for word in prose.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > most {
            lines.push('\n');
            width = 0;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += length;
    }
    lines.push('\n');
    lines
}

/// A stable name as people read it: `settled_before_process` without its dashes.
pub(crate) fn spelled(name: &str) -> String {
    name.replace('_', " ")
}

/// What a cause is called.
pub(crate) fn caused(cause: Cause) -> String {
    Language::default().cause(cause)
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn listed(words: &[&str], conjunction: &str) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [init @ .., last] => format!("{} {conjunction} {last}", init.join(", ")),
    }
}
