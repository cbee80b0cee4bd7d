//! Text of unknown origin, made fit for a terminal.
//!
//! > **The rule.** A name from a file, an argument or a message of the system may hold anything: a
//! > control sequence that repaints the screen, a line feed that begins a line of its own, or a
//! > mark that turns the direction of writing. Whatever prints such a text to people passes it
//! > through [`printable`]. JSON has escapes of its own and keeps the text as it is.

use std::borrow::Cow;

/// The text with every character escaped that a terminal would obey instead of showing.
///
/// ```
/// use entrega_model::printable::printable;
///
/// assert_eq!(printable("order-1 é"), "order-1 é");
/// assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, is_obeyed)
}

/// As [`printable`], for a text of several lines: its line feeds stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_obeyed(c))
}

fn escaped(text: &str, is_obeyed: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_obeyed(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// Control characters, separators of lines, marks that have no width, and those that turn the
/// direction of writing.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let check = |text: &str, expect: &str| {
            assert_eq!(printable(text), expect);
            assert!(!printable(text).chars().any(is_obeyed), "{text:?}");
        };
        check("a\u{1b}[31mb", "a\\u{1b}[31mb");
        check("\0\r\n\t\u{7f}", "\\u{0}\\r\\n\\t\\u{7f}");
        check("\u{85}\u{9b}2J", "\\u{85}\\u{9b}2J");
        check("\u{202e}\u{2066}x\u{2069}", "\\u{202e}\\u{2066}x\\u{2069}");
        check("\u{2028}\u{2029}\u{200b}\u{feff}", "\\u{2028}\\u{2029}\\u{200b}\\u{feff}");
    }

    #[test]
    fn what_it_shows_stays() {
        for text in ["", "order-1", "commande nº 7 – été", "注文", "שלום", "a\\nb", "🙂"]
        {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn a_text_of_lines_keeps_its_line_feeds_alone() {
        assert_eq!(printable_lines("a\nb\r\n"), "a\nb\\r\n");
        assert_eq!(printable_lines("a\n  \u{1b}c"), "a\n  \\u{1b}c");
    }
}
