//! The width of a terminal: prose in lines that fit, and tables in parts that do.

use std::fmt::Write;
use std::ops::Range;

use entrega_lab::replay_string::is_command;

/// How many columns a text takes; colours take none.
pub(crate) fn width(text: &str) -> usize {
    let mut columns = 0;
    let mut is_colour = false;
    for letter in text.chars() {
        is_colour |= letter == '\u{1b}';
        columns += usize::from(!is_colour);
        is_colour &= letter != 'm';
    }
    columns
}

/// A text in lines of at most so many columns. What continues a line stands below its beginning, or
/// below what follows a label. A command is not broken: whoever copies it needs it whole.
pub fn fitted(text: &str, columns: usize) -> String {
    let mut fitted = String::new();
    for line in text.lines() {
        if width(line) <= columns || is_command(line) {
            fitted.push_str(line);
            fitted.push('\n');
        } else {
            broken(&mut fitted, line, columns);
        }
    }
    fitted
}

fn broken(text: &mut String, line: &str, columns: usize) {
    let indent = indent(line).min(columns / 2);
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        let length = width(word.trim_end());
        if used > indent && used + length > columns {
            text.truncate(text.trim_end_matches(' ').len());
            let _ = write!(text, "\n{:indent$}", "");
            used = indent;
        }
        text.push_str(word);
        used += width(word);
    }
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
}

/// Where a line goes on: below its beginning, or below what follows a label.
fn indent(line: &str) -> usize {
    if let Some((row, _)) = line.rsplit_once("│ ") {
        return width(row) + 2;
    }
    let begins = width(line) - width(line.trim_start());
    let rest = line.trim_start();
    let label = rest.find("  ").filter(|at| *at < LONGEST_LABEL);
    let after = label.map(|at| at + width(&rest[at..]) - width(rest[at..].trim_start()));
    begins + after.unwrap_or(0)
}

/// A label before two spaces has fewer columns than this.
const LONGEST_LABEL: usize = 20;

/// A table cut into parts of at most so many columns, each with the first cells of the lines.
/// `is_number` says which cells stand at the right.
pub(crate) fn in_parts(
    heads: &[&str],
    lines: &[Vec<String>],
    is_number: &dyn Fn(usize) -> bool,
    columns: usize,
) -> String {
    let widest = |column: usize| {
        let cells = lines.iter().map(|line| width(&line[column]));
        cells.chain([width(heads[column])]).max().unwrap_or(0)
    };
    let label = widest(0);
    let widths: Vec<usize> = (1..heads.len()).map(|column| widest(column) + 1).collect();
    let mut parts = Vec::new();
    for block in blocks(&widths, columns.saturating_sub(label)) {
        let chosen: Vec<usize> = block.map(|column| column + 1).collect();
        let row = |cells: &dyn Fn(usize) -> String| {
            let mut row = format!("{:label$}", cells(0));
            for &column in &chosen {
                let (cell, width) = (cells(column), widest(column));
                if is_number(column) {
                    let _ = write!(row, "  {cell:>width$}");
                } else {
                    let _ = write!(row, "  {cell:width$}");
                }
            }
            row.trim_end().to_owned() + "\n"
        };
        let rule = label + chosen.iter().map(|&column| widest(column) + 2).sum::<usize>();
        let mut part = row(&|column| heads[column].to_owned());
        let _ = writeln!(part, "{}", "─".repeat(rule));
        part.extend(lines.iter().map(|line| row(&|column| line[column].clone())));
        parts.push(part);
    }
    parts.join("\n")
}

/// As few blocks of columns as possible, and as even as that allows.
pub(crate) fn blocks(widths: &[usize], most: usize) -> Vec<Range<usize>> {
    let fill = |most: usize| {
        let mut blocks: Vec<Range<usize>> = Vec::new();
        let mut used = 0;
        for (column, width) in widths.iter().enumerate() {
            used += width + 1;
            match blocks.last_mut() {
                Some(block) if used <= most => block.end = column + 1,
                _ => {
                    blocks.push(column..column + 1);
                    used = width + 1;
                }
            }
        }
        blocks
    };
    let fewest = fill(most).len();
    let evenest = (1..=most).find(|&most| fill(most).len() <= fewest);
    fill(evenest.unwrap_or(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_do_not_fit_come_in_even_blocks() {
        let check = |widths: &[usize], most, expect: &[usize]| {
            let ends: Vec<usize> = blocks(widths, most).iter().map(|block| block.end).collect();
            assert_eq!(ends, expect, "{widths:?} in {most}");
        };
        check(&[3, 3, 3], 12, &[3]);
        check(&[3, 3, 3, 3], 12, &[2, 4]);
        check(&[20, 3], 12, &[1, 2]);
    }

    #[test]
    fn a_line_goes_on_where_it_began() {
        let check = |text: &str, expect: &str| assert_eq!(fitted(text, 20), expect);
        check("short\n", "short\n");
        check("one two three four five\n", "one two three four\nfive\n");
        check("  one two three four five\n", "  one two three four\n  five\n");
        check("lost   one two three four\n", "lost   one two three\n       four\n");
        check("1 │ one two three four five\n", "1 │ one two three\n    four five\n");
        for command in ["x replay some.toml '1:5:6:7'\n", "x replay some.toml '2:5:6:7'\n"] {
            check(command, command);
        }
        check("a-word-that-is-longer-than-a-line\n", "a-word-that-is-longer-than-a-line\n");
    }

    #[test]
    fn a_table_in_parts_repeats_its_first_column() {
        let lines = [["a", "1", "two words"], ["bc", "23", "x"]];
        let lines = lines.map(|line| line.map(str::to_owned).to_vec());
        let shown = in_parts(&["name", "n", "text"], &lines, &|column| column == 1, 13);
        let expect = "\
name   n
────────
a      1
bc    23

name  text
───────────────
a     two words
bc    x
";
        assert_eq!(shown, expect);
        let whole = in_parts(&["name", "n", "text"], &lines, &|column| column == 1, 19);
        assert_eq!(whole.lines().next(), Some("name   n  text"));
    }
}
