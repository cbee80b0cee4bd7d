//! Recorded messages: a CSV file with a header, or JSON Lines, by the file's extension.
//!
//! The columns are `at` and `key`, and optionally `id`, `bytes`, `service_time` and `not_before`.
//! Times are decimal seconds, spans such as `"1.5ms"`, or dates with a time and an offset as in
//! ISO 8601, read exactly; `at` and `not_before` count from the first row, so epoch times work as
//! well as times from zero. A file has dates or it has none. Rows must be sorted by time: a row
//! that goes back is a mistake in the file, which sorting would hide.

use std::collections::BTreeMap;

use entrega_model::{Duration, Instant, Key, MessageId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::problem::suggestion;
use super::span::scaled;
use super::{MAX_MESSAGES, Problem, Span};

/// The messages of a workload file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The messages, in order; the row number is the message id.
    pub rows: Vec<Row>,
    keys: Vec<String>,
    ids: Vec<String>,
}

/// One recorded message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// When it is sent; the first is sent at the start.
    pub at: Instant,
    /// What it is about.
    pub key: Key,
    /// The size of its body, if the file says so.
    pub bytes: Option<u32>,
    /// How long its handler needs, if the file says so.
    pub service_time: Option<Duration>,
    /// When it is due, if the file says so: nobody is to process it before.
    #[serde(default)]
    pub not_before: Option<Instant>,
}

impl Rows {
    /// Reads the content of a file whose name ends in `.csv` or `.jsonl`.
    ///
    /// # Errors
    ///
    /// The first mistake, with its line and column.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let lower = file.to_ascii_lowercase();
        let rows = if lower.ends_with(".csv") {
            csv_rows(file, text)?
        } else if lower.ends_with(".jsonl") {
            json_rows(file, text)?
        } else {
            let problem = Problem::new(file, "the format of this workload file is unknown");
            return Err(problem.with_help("name it .csv or .jsonl"));
        };
        if rows.rows.is_empty() {
            return Err(Problem::new(file, "there is no message in this file"));
        }
        Ok(rows)
    }

    /// The key as the file writes it.
    pub fn key_name(&self, key: Key) -> Option<&str> {
        self.keys.get(key.index()).map(String::as_str)
    }

    /// The longest time from a send until the message is due, if any is due later than it is sent.
    pub fn longest_wait(&self) -> Option<Span> {
        let waits = self.rows.iter().filter_map(|row| Some(row.not_before?.since(row.at)));
        waits.max().filter(|wait| !wait.is_zero()).map(|wait| Span::from_nanos(wait.as_nanos()))
    }

    /// The id of a message in the file, if it has one.
    pub fn id_name(&self, message: MessageId) -> Option<&str> {
        self.ids.get(message.index()).map(String::as_str).filter(|id| !id.is_empty())
    }
}

/// The columns; the first two are required.
const COLUMNS: [&str; 6] = ["at", "key", "id", "bytes", "service_time", "not_before"];
const REQUIRED: usize = 2;
const AT: usize = 0;
const KEY: usize = 1;
const ID: usize = 2;
const BYTES: usize = 3;
const SERVICE_TIME: usize = 4;
const NOT_BEFORE: usize = 5;

/// A mistake in a field of a row.
struct Mistake {
    column: usize,
    message: String,
    help: Option<String>,
}

impl Mistake {
    fn new(column: usize, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { column, message: message.into(), help: Some(help.into()) }
    }
}

/// Collects rows and numbers their keys.
#[derive(Default)]
struct Reader<'t> {
    rows: Rows,
    numbers: BTreeMap<String, Key>,
    first: Option<u64>,
    /// Whether the first row has a date.
    is_dated: bool,
    text: &'t str,
    file: &'t str,
}

impl Reader<'_> {
    fn push(&mut self, fields: [Option<&str>; COLUMNS.len()]) -> Result<(), Mistake> {
        for column in 0..REQUIRED {
            if fields[column].is_none_or(str::is_empty) {
                let message = format!("this row has no `{}`", COLUMNS[column]);
                return Err(Mistake::new(column, message, "every row has `at` and `key`"));
            }
        }
        if self.rows.rows.len() >= MAX_MESSAGES as usize {
            let message = format!("a workload has at most {MAX_MESSAGES} messages");
            return Err(Mistake::new(AT, message, "split the file"));
        }
        let at = self.instant(fields[AT].unwrap_or_default())?;
        let key = self.key(fields[KEY].unwrap_or_default());
        let given = |column: usize| fields[column].filter(|text| !text.is_empty());
        let bytes = given(BYTES).map(size).transpose()?;
        let service_time = given(SERVICE_TIME)
            .map(|text| nanos(SERVICE_TIME, text).map(Duration::from_nanos))
            .transpose()?;
        let not_before = given(NOT_BEFORE).map(|text| self.due(text)).transpose()?;
        if let Some(id) = given(ID) {
            self.rows.ids.resize(self.rows.rows.len(), String::new());
            self.rows.ids.push(id.to_owned());
        }
        self.rows.rows.push(Row { at, key, bytes, service_time, not_before });
        Ok(())
    }

    fn instant(&mut self, text: &str) -> Result<Instant, Mistake> {
        let nanos = self.moment(AT, text)?;
        let first = *self.first.get_or_insert(nanos);
        let last = self.rows.rows.last().map_or(first, |row| first + row.at.as_nanos());
        if nanos < last {
            let message = format!("`at` goes back: {text} is before the row above");
            return Err(Mistake::new(AT, message, "sort the rows by `at`"));
        }
        if nanos - first > Span::MAX.nanos() {
            let help = "the last row is at most 36500d after the first";
            return Err(Mistake::new(AT, format!("`at` is too late: {text}"), help));
        }
        Ok(Instant::from_nanos(nanos - first))
    }

    /// Nanoseconds from the origin of the file, or from 1970 if it has dates.
    fn moment(&mut self, column: usize, text: &str) -> Result<u64, Mistake> {
        let is_dated = is_date(text);
        if self.first.is_none() {
            self.is_dated = is_dated;
        }
        if is_dated != self.is_dated {
            let (this, first) = if is_dated { ("a date", "none") } else { ("no date", "one") };
            let message = format!("`{text}` is {this}, and the first row has {first}");
            let help = "times of one file have one origin: write all of them as dates, or none";
            return Err(Mistake::new(column, message, help));
        }
        if is_dated { date(column, text) } else { nanos(column, text) }
    }

    /// What is due before the first row is due at once.
    fn due(&mut self, text: &str) -> Result<Instant, Mistake> {
        let moment = self.moment(NOT_BEFORE, text)?;
        let since_first = moment.saturating_sub(self.first.unwrap_or_default());
        if since_first > Span::MAX.nanos() {
            let help = "a message is due at most 36500d after the first row";
            let message = format!("`not_before` is too late: {text}");
            return Err(Mistake::new(NOT_BEFORE, message, help));
        }
        Ok(Instant::from_nanos(since_first))
    }

    fn key(&mut self, name: &str) -> Key {
        if let Some(key) = self.numbers.get(name) {
            return *key;
        }
        let key = Key(self.rows.keys.len() as u32);
        self.rows.keys.push(name.to_owned());
        self.numbers.insert(name.to_owned(), key);
        key
    }

    /// The problem of a field that begins at a byte of the text.
    fn problem(&self, offset: usize, message: String, help: Option<String>) -> Problem {
        Problem { help, ..Problem::at(self.file, self.text, offset, message) }
    }
}

/// Whether a time is written as a date: `2026-03-01T09:00:00+01:00`.
fn is_date(text: &str) -> bool {
    let mut bytes = text.bytes();
    let year = bytes.by_ref().take(4).filter(u8::is_ascii_digit).count();
    year == 4 && bytes.next() == Some(b'-')
}

/// Nanoseconds since 1970 of a date with a time and an offset from UTC.
fn date(column: usize, text: &str) -> Result<u64, Mistake> {
    let moment: Timestamp = text.parse().map_err(|_| {
        let help = "a date has a time and an offset from UTC, as 2026-03-01T09:00:00.5Z or \
                    2026-03-01T10:00:00+01:00";
        Mistake::new(column, format!("`{text}` is no date with a time and an offset"), help)
    })?;
    u64::try_from(moment.as_nanosecond()).map_err(|_| {
        let help = "dates lie between 1970 and 2554";
        Mistake::new(column, format!("`{text}` is no date that can be read"), help)
    })
}

/// Nanoseconds of decimal seconds or of a span with a unit.
fn nanos(column: usize, text: &str) -> Result<u64, Mistake> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let read = if plain {
        scaled(text, 1_000_000_000)
    } else {
        text.parse().map(|span: Span| span.nanos())
    };
    let help = if column == SERVICE_TIME {
        "seconds as 12.345, or a duration as 250ms"
    } else {
        "seconds as 12.345, a duration as 250ms, or a date as 2026-03-01T09:00:00Z"
    };
    read.map_err(|_| Mistake::new(column, format!("`{text}` is no time"), help))
}

fn size(text: &str) -> Result<u32, Mistake> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let read = text.parse().ok().filter(|bytes| digits && *bytes <= 1 << 30);
    let help = "a whole number of bytes, at most 1073741824";
    read.ok_or_else(|| Mistake::new(BYTES, format!("`{text}` is no size"), help))
}

fn column_named(name: &str) -> Result<usize, (String, String)> {
    let found = COLUMNS.iter().position(|column| *column == name);
    found.ok_or_else(|| (format!("unknown column `{name}`"), suggestion(name, &COLUMNS)))
}

fn csv_rows(file: &str, text: &str) -> Result<Rows, Problem> {
    if text.matches('"').count() % 2 == 1 {
        let offset = text.rfind('"').unwrap_or(0);
        let problem = Problem::at(file, text, offset, "this quote has no other end");
        return Err(
            problem.with_help("quotes come in pairs; a quote inside quotes is written twice")
        );
    }
    let mut reader = Reader { file, text, ..Reader::default() };
    let mut builder = csv::ReaderBuilder::new();
    let mut table = builder.trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = table.headers().map_err(|error| csv_problem(&reader, &error))?.clone();
    let columns = csv_columns(&reader, &header)?;
    let mut record = csv::StringRecord::new();
    while table.read_record(&mut record).map_err(|error| csv_problem(&reader, &error))? {
        let mut fields = [None; COLUMNS.len()];
        for (column, field) in columns.iter().zip(&record) {
            fields[*column] = Some(field);
        }
        reader.push(fields).map_err(|mistake| {
            let index = columns.iter().position(|column| *column == mistake.column);
            let start = start_of(text, record.position());
            let offset = start + field_offset(&text[start..], index.unwrap_or(0));
            reader.problem(offset, mistake.message, mistake.help)
        })?;
    }
    Ok(reader.rows)
}

/// The place among [`COLUMNS`] of each field of a record.
fn csv_columns(reader: &Reader<'_>, header: &csv::StringRecord) -> Result<Vec<usize>, Problem> {
    let start = start_of(reader.text, header.position());
    let mut columns = Vec::new();
    for (index, name) in header.iter().enumerate() {
        let offset = start + field_offset(&reader.text[start..], index);
        let column = column_named(name)
            .map_err(|(message, help)| reader.problem(offset, message, Some(help)))?;
        if columns.contains(&column) {
            return Err(reader.problem(offset, format!("two columns are named `{name}`"), None));
        }
        columns.push(column);
    }
    for (column, name) in COLUMNS.iter().enumerate().take(REQUIRED) {
        if !columns.contains(&column) {
            let help = Some(
                "the first line names the columns: at,key,id,bytes,service_time,not_before".into(),
            );
            return Err(reader.problem(start, format!("there is no column `{name}`"), help));
        }
    }
    Ok(columns)
}

fn csv_problem(reader: &Reader<'_>, error: &csv::Error) -> Problem {
    let offset = start_of(reader.text, error.position());
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("this row has {len} fields and the header {expected_len}")
        }
        _ => format!("this is no CSV: {error}"),
    };
    reader.problem(offset, message, None)
}

/// The byte at which a record begins, after blank lines.
fn start_of(text: &str, position: Option<&csv::Position>) -> usize {
    let byte = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
    let rest = text.get(byte..).unwrap_or_default();
    text.len().min(byte) + rest.len() - rest.trim_start_matches(['\r', '\n', '\u{feff}']).len()
}

/// The byte at which the `index`-th field of a record begins.
fn field_offset(record: &str, index: usize) -> usize {
    let mut quoted = false;
    let mut commas = record.bytes().enumerate().filter(|(_, byte)| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    });
    match index.checked_sub(1) {
        None => 0,
        Some(before) => commas.nth(before).map_or(0, |(offset, _)| offset + 1),
    }
}

fn json_rows(file: &str, text: &str) -> Result<Rows, Problem> {
    let mut reader = Reader { file, text, ..Reader::default() };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            json_row(&mut reader, line, start)?;
        }
        start += line.len();
    }
    Ok(reader.rows)
}

fn json_row(reader: &mut Reader<'_>, line: &str, start: usize) -> Result<(), Problem> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line.trim_end())
        .map_err(|error| {
            let message = format!("this line is no JSON object: {}", without_place(&error));
            let help = Some("one object a line, as in {\"at\": 0.5, \"key\": \"anna\"}".to_owned());
            reader.problem(start + error.column().saturating_sub(1), message, help)
        })?;
    let place = |name: &str| start + line.find(&format!("\"{name}\"")).unwrap_or(0);
    let mut texts: [Option<String>; COLUMNS.len()] = Default::default();
    for (name, value) in object {
        let column = column_named(&name)
            .map_err(|(message, help)| reader.problem(place(&name), message, Some(help)))?;
        texts[column] = match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => {
                let message = format!("`{name}` is neither a string nor a number");
                return Err(reader.problem(place(&name), message, None));
            }
        };
    }
    reader.push(texts.each_ref().map(Option::as_deref)).map_err(|mistake| {
        reader.problem(place(COLUMNS[mistake.column]), mistake.message, mistake.help)
    })
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}
