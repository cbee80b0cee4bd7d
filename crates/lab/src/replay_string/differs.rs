//! What differs from the scenario as written: how much of it is run, and overrides.
//!
//! `messages=5&times.stall=10%20s`: entries joined by `&`. Names of sizes are never paths of
//! settings; every other name is the path of an override.

use std::fmt::Write;
use std::str::FromStr;

use super::{ReplayError, invalid, part};
use crate::size::{Dimension, Reduction, Size};

/// The name of the entry that stands for overrides that are too long to be shown.
const SET: &str = "set";

/// What `--set` changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overrides {
    /// Paths and values.
    Named(Vec<(String, String)>),
    /// Their digest: too long for one line, they are given again when the run is repeated.
    Digest(u32),
}

impl Default for Overrides {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}

impl Overrides {
    /// These paths and values.
    pub fn of(overrides: &[(String, String)]) -> Self {
        Self::Named(overrides.to_vec())
    }

    /// Whether these are the overrides that the string names or stands for.
    pub fn are(&self, overrides: &[(String, String)]) -> bool {
        match self {
            Self::Named(own) => own == overrides,
            Self::Digest(digest) => *digest == digest_of(overrides),
        }
    }

    /// The overrides to read the scenario under: those that the string names, else the given ones.
    pub fn or<'o>(&'o self, given: &'o [(String, String)]) -> &'o [(String, String)] {
        match self {
            Self::Named(own) if given.is_empty() => own,
            Self::Named(_) | Self::Digest(_) => given,
        }
    }

    /// Their digest alone.
    pub(super) fn shortened(&self) -> Self {
        match self {
            Self::Named(own) => Self::Digest(digest_of(own)),
            Self::Digest(digest) => Self::Digest(*digest),
        }
    }
}

fn digest_of(overrides: &[(String, String)]) -> u32 {
    let text = entries(overrides).join("&");
    let words: Vec<u64> = text.bytes().map(u64::from).collect();
    entrega_choice::mix(1, &words) as u32
}

fn entries(overrides: &[(String, String)]) -> Vec<String> {
    let entry = |(path, value): &(String, String)| format!("{}={}", escape(path), escape(value));
    overrides.iter().map(entry).collect()
}

/// The entries of a size and of overrides.
pub(super) fn text(size: &Size, overrides: &Overrides) -> String {
    let mut differs: Vec<String> = Vec::new();
    differs.extend((*size != Size::Full).then(|| size.to_string()));
    match overrides {
        Overrides::Named(overrides) => differs.extend(entries(overrides)),
        Overrides::Digest(digest) => differs.push(format!("{SET}={digest:08x}")),
    }
    differs.join("&")
}

/// What one entry says.
enum Entry {
    Size(Size),
    Less(Dimension, u32),
    Digest(u32),
    Named(String, String),
}

/// The size and the overrides of these entries, of which none takes the place of another.
pub(super) fn parse(text: &str) -> Result<(Size, Overrides), ReplayError> {
    let (mut size, mut overrides) = (Size::Full, Overrides::default());
    for entry in text.split('&').filter(|entry| !entry.is_empty()) {
        match parse_entry(entry)? {
            Entry::Size(one) => size = only(size, one, entry)?,
            Entry::Less(dimension, most) => size = reduced(size, dimension, most, entry)?,
            Entry::Digest(digest) => overrides = in_all(overrides, digest, entry)?,
            Entry::Named(path, value) => overrides = with(overrides, path, value, entry)?,
        }
    }
    Ok((size, overrides))
}

fn parse_entry(entry: &str) -> Result<Entry, ReplayError> {
    let Some((path, value)) = entry.split_once('=') else {
        return Err(invalid("override", entry, "path=value"));
    };
    if path == "messages" {
        return Ok(Entry::Size(Size::Short(at_least_one(value, "number of messages")?)));
    }
    if path == "explored" {
        return parse_explored(value).map(Entry::Size);
    }
    if let Some(dimension) = Dimension::named(path) {
        return Ok(Entry::Less(dimension, at_least_one(value, "bound of a smaller version")?));
    }
    if path == SET {
        let read = u32::from_str_radix(value, 16)
            .map_err(|_| invalid("digest of overrides", value, "eight hexadecimal digits"))?;
        return Ok(Entry::Digest(read));
    }
    Ok(Entry::Named(unescape(path), unescape(value)))
}

fn only(before: Size, size: Size, entry: &str) -> Result<Size, ReplayError> {
    match before {
        Size::Full => Ok(size),
        Size::Short(_) | Size::Explored { .. } | Size::Reduced(_) => {
            Err(second_size(&before, entry))
        }
    }
}

fn reduced(
    before: Size,
    dimension: Dimension,
    most: u32,
    entry: &str,
) -> Result<Size, ReplayError> {
    match before {
        Size::Full => Ok(Size::Reduced(Reduction::default().with(dimension, most))),
        Size::Reduced(reduction) if !reduction.bounds(dimension) => {
            Ok(Size::Reduced(reduction.with(dimension, most)))
        }
        Size::Short(_) | Size::Explored { .. } | Size::Reduced(_) => {
            Err(second_size(&before, entry))
        }
    }
}

fn in_all(before: Overrides, digest: u32, entry: &str) -> Result<Overrides, ReplayError> {
    if before == Overrides::default() {
        return Ok(Overrides::Digest(digest));
    }
    Err(second_set(&before, entry))
}

fn with(
    before: Overrides,
    path: String,
    value: String,
    entry: &str,
) -> Result<Overrides, ReplayError> {
    match before {
        Overrides::Named(mut named) => {
            named.push((path, value));
            Ok(Overrides::Named(named))
        }
        Overrides::Digest(_) => Err(second_set(&before, entry)),
    }
}

fn second_size(before: &Size, entry: &str) -> ReplayError {
    exclude(before.to_string(), entry, "a run has one size")
}

fn second_set(before: &Overrides, entry: &str) -> ReplayError {
    exclude(text(&Size::Full, before), entry, "`set` stands for all overrides")
}

fn exclude(before: String, entry: &str, why: &'static str) -> ReplayError {
    ReplayError::Exclude { before, entry: entry.to_owned(), why }
}

fn parse_explored(text: &str) -> Result<Size, ReplayError> {
    let shape = "a subscription and the numbers of messages, consumers and partitions, as in \
                 mailer.3.2.1";
    let parts: Vec<&str> = text.split('.').collect();
    let &[subscription, messages, consumers, partitions] = parts.as_slice() else {
        return Err(invalid("scope", text, shape));
    };
    Ok(Size::Explored {
        subscription: subscription.to_owned(),
        messages: at_least_one(messages, "number of messages")?,
        consumers: at_least_one(consumers, "number of consumers")?,
        partitions: at_least_one(partitions, "number of partitions")?,
    })
}

/// A number of something of which nothing would be no run.
fn at_least_one<T: FromStr + Default + PartialEq>(
    text: &str,
    what: &'static str,
) -> Result<T, ReplayError> {
    let valid = "a whole number from 1";
    let number: T = part(text, what, valid)?;
    if number == T::default() { Err(invalid(what, text, valid)) } else { Ok(number) }
}

/// Characters that would end a part, or a word in a shell, as `%` and two digits.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/' => {
                escaped.push(char::from(byte));
            }
            _ => {
                let _ = write!(escaped, "%{byte:02x}");
            }
        }
    }
    escaped
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
