//! The lines of a file, one at a time, each within a bound.

use std::io::{BufRead, Read};
use std::mem;

use super::error::{HistoryError, Mistake};
use super::line::Slip;

/// The longest line, in bytes without its end. No memory is taken for more.
pub(super) const MAX_LINE: usize = 1 << 20;

/// Some programs write this in front of a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line without its end, which may be that of Windows.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) text: String,
    /// From 1.
    pub(super) number: u64,
    /// Whether a line feed ends it. The last one may go without.
    pub(super) terminated: bool,
}

/// The lines of the input that are not blank, one at a time, in one buffer.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    file: String,
    line: Line,
}

impl<R: BufRead> Lines<R> {
    /// Before the first line.
    pub(super) fn new(input: R, file: &str) -> Self {
        Self { input, file: file.to_owned(), line: Line::default() }
    }

    /// The present line.
    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    /// Takes the present line out.
    pub(super) fn take(&mut self) -> Line {
        let Line { number, terminated, .. } = self.line;
        mem::replace(&mut self.line, Line { text: String::new(), number, terminated })
    }

    /// Goes to the next line that is not blank, or to the empty one after the last.
    pub(super) fn advance(&mut self) -> Result<bool, HistoryError> {
        loop {
            let mut bytes = mem::take(&mut self.line.text).into_bytes();
            bytes.clear();
            self.line.number += 1;
            let mut bounded = Read::take(&mut self.input, MAX_LINE as u64 + 1);
            let read = bounded.read_until(b'\n', &mut bytes).map_err(|error| {
                let mistake = Mistake::Unreadable { why: error.to_string() };
                self.error(Slip { offset: 0, mistake })
            })?;
            self.hold(bytes).map_err(|slip| self.error(slip))?;
            if read == 0 || !self.line.text.trim_ascii().is_empty() {
                return Ok(read > 0);
            }
        }
    }

    /// A mistake in the present line.
    pub(super) fn error(&self, slip: Slip) -> HistoryError {
        self.error_in(&self.line, slip)
    }

    /// A mistake in a line of this input.
    pub(super) fn error_in(&self, line: &Line, slip: Slip) -> HistoryError {
        line.error(&self.file, slip)
    }

    /// Keeps a line without its end.
    fn hold(&mut self, mut bytes: Vec<u8>) -> Result<(), Slip> {
        self.line.terminated = bytes.last() == Some(&b'\n');
        if bytes.len() > MAX_LINE && !self.line.terminated {
            return Err(Slip { offset: 0, mistake: Mistake::LongLine { limit: MAX_LINE } });
        }
        if self.line.number == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        bytes.truncate(bytes.trim_ascii_end().len());
        match String::from_utf8(bytes) {
            Ok(text) => self.line.text = text,
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let breaks_off = error.utf8_error().error_len().is_none();
                self.line.text = String::from_utf8_lossy(&error.as_bytes()[..offset]).into_owned();
                let is_cut = breaks_off && !self.line.terminated;
                let mistake = if is_cut { Mistake::Incomplete } else { Mistake::NotUtf8 };
                return Err(Slip { offset, mistake });
            }
        }
        match self.line.text.find('\0') {
            Some(offset) => Err(Slip { offset, mistake: Mistake::NulByte }),
            None => Ok(()),
        }
    }
}

impl Line {
    /// The mistake with its place. A last line that breaks off was cut short with the file.
    fn error(&self, file: &str, slip: Slip) -> HistoryError {
        let mistake = match slip.mistake {
            Mistake::Incomplete if !self.terminated => Mistake::Truncated,
            mistake => mistake,
        };
        let before = self.text.char_indices().take_while(|(at, _)| *at < slip.offset).count();
        HistoryError {
            file: file.to_owned(),
            line: self.number,
            column: before as u64 + 1,
            mistake: Box::new(mistake),
        }
    }
}
