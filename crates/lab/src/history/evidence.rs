//! The lines of a history that are about the messages in question.
//!
//! They are looked for when the history has been judged, by reading it again: which messages matter
//! is not known before, and a history need not fit in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use entrega_checker::Listed;
use entrega_model::history::{HistoryError, Reader, Reading};
use entrega_model::{MessageId, SubscriptionId};

use super::JudgedHistory;
use super::asides::{Asides, Handed};

/// An excerpt has this many lines at most: the first ones and the last.
const EXCERPT: usize = 12;
/// Of these, so many from the end.
const LAST: usize = 4;
/// And so many characters of each.
const CHARACTERS: usize = 200;

/// The numbers of the lines that are about each message, and what some of them say.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    lines: BTreeMap<MessageId, About>,
    asides: Asides,
    texts: BTreeMap<u64, String>,
}

/// The lines about a message, and its deliveries.
#[derive(Clone, Debug, Default)]
struct About {
    lines: Vec<(u64, Option<SubscriptionId>)>,
    deliveries: Vec<Handed>,
}

impl Evidence {
    /// Looks for the lines about all that a judgement names.
    ///
    /// # Errors
    /// The history cannot be read, or is not the one that was judged.
    pub fn find(
        judged: &JudgedHistory,
        history: impl BufRead,
        name: &str,
        reading: Reading,
    ) -> Result<Self, HistoryError> {
        let all = judged.firsts.iter().chain(&judged.listed);
        let named = all.flat_map(|one| [Some(one.message), one.after]).flatten();
        let mut lines: BTreeMap<_, _> = named.map(|id| (id, About::default())).collect();
        let (mut asides, mut moment) = (Asides::default(), 0);
        let mut reader = Reader::with(history, name, reading)?;
        reader.each_batch(|batch| {
            for (event, origin) in batch.iter() {
                moment += 1;
                asides.see(moment, origin.line, &event.kind);
                let about = event.kind.message().and_then(|message| lines.get_mut(&message));
                if let Some(about) = about {
                    about.lines.push((origin.line, event.kind.subscription()));
                    about.deliveries.extend(Handed::of(moment, &event.kind));
                }
            }
        })?;
        Ok(Self { lines, asides, texts: BTreeMap::new() })
    }

    /// Reads what the lines of the excerpts say.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn read(&mut self, judged: &JudgedHistory, mut history: impl BufRead) -> io::Result<()> {
        let firsts = judged.firsts.iter();
        let wanted: BTreeSet<u64> = firsts.flat_map(|one| self.shown(one)).collect();
        let mut wanted = wanted.into_iter().peekable();
        let (mut number, mut line) = (0, Vec::new());
        while let Some(next) = wanted.peek().copied() {
            number += 1;
            line.clear();
            if history.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if number == next {
                wanted.next();
                self.texts.insert(number, shortened(&line));
            }
        }
        Ok(())
    }

    /// The numbers of the lines that are about a message, in the order of the file, as far as they
    /// concern its subscription; among them those that its cause speaks of.
    pub fn lines(&self, one: &Listed) -> Vec<u64> {
        let mut lines = self.of(one.message, one.subscription);
        if let Some(cause) = one.cause
            && let Some(about) = self.lines.get(&one.message)
        {
            lines.extend(self.asides.between(&about.deliveries, one.subscription, cause));
            lines.sort_unstable();
        }
        lines
    }

    /// Lines of the history that show what befell a message: their numbers, and what they say.
    pub fn excerpt(&self, one: &Listed) -> Vec<(u64, &str)> {
        let shown = self.shown(one).into_iter();
        shown.filter_map(|line| Some((line, self.texts.get(&line)?.as_str()))).collect()
    }

    fn shown(&self, one: &Listed) -> Vec<u64> {
        let mut lines = self.lines(one);
        lines.extend(one.after.into_iter().flat_map(|after| self.of(after, one.subscription)));
        lines.sort_unstable();
        lines.dedup();
        if lines.len() > EXCERPT {
            lines.drain(EXCERPT - LAST..lines.len() - LAST);
        }
        lines
    }

    fn of(&self, message: MessageId, subscription: SubscriptionId) -> Vec<u64> {
        let lines = self.lines.get(&message).into_iter().flat_map(|about| &about.lines);
        let concerns = |of: &Option<SubscriptionId>| of.is_none_or(|of| of == subscription);
        let mut lines: Vec<u64> =
            lines.filter(|(_, of)| concerns(of)).map(|(line, _)| *line).collect();
        lines.sort_unstable();
        lines
    }
}

fn shortened(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let mut characters = line.trim_ascii().chars();
    let mut text: String = characters.by_ref().take(CHARACTERS).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text
}
