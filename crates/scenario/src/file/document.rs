//! A TOML text as a tree in which every key and value knows where it comes from.
//!
//! Each node carries a number in place of its span, and the deserialiser reports that number with
//! an error. The number leads back to path and place, whether the mistake is in the file or in a
//! `--set` override.

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::{Problem, Written, overrides};

/// A parsed scenario file with its overrides applied.
pub(crate) struct Document<'t> {
    file: &'t str,
    text: &'t str,
    overrides: &'t [(String, String)],
    profile: Option<&'t Beneath>,
    table: DeTable<'t>,
    nodes: Vec<Node>,
}

/// Settings that hold where a scenario gives none.
pub(crate) struct Beneath {
    /// Paths with their values; of two with one path the first counts.
    pub(crate) settings: Vec<(String, String)>,
    /// The profile that each is from.
    pub(crate) names: Vec<String>,
}

/// A key or a value of the tree. Its index replaces its span.
pub(crate) struct Node {
    /// The names from the top to here, separated by dots.
    pub(crate) path: String,
    /// The text of a key, or of a value that is a word or a number.
    pub(crate) text: String,
    /// What a message calls it: a value as it is written, or what kind of value it is.
    pub(crate) shown: String,
    /// Whether this is a key.
    pub(crate) is_key: bool,
    origin: Origin,
}

#[derive(Clone, Copy)]
enum Origin {
    Text(usize),
    Override(usize),
    Profile(usize),
}

impl<'t> Document<'t> {
    /// Parses `text` and applies the overrides to it, in their order, and below them the settings
    /// of a profile.
    pub(crate) fn parse(
        file: &'t str,
        text: &'t str,
        overrides: &'t [(String, String)],
        profile: Option<&'t Beneath>,
    ) -> Result<Self, Problem> {
        let parsed = DeTable::parse(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            Problem::at(file, text, offset, error.message().replace('\n', ", "))
        })?;
        let mut table = parsed.into_inner();
        for (index, (path, value)) in overrides.iter().enumerate() {
            let mark = text.len() + 1 + index;
            overrides::apply(&mut table, path, value, mark)
                .map_err(|message| Problem::new(override_name(path, value), message))?;
        }
        let beneath = profile.map_or(&[][..], |profile| &profile.settings);
        for (index, (path, value)) in beneath.iter().enumerate() {
            let mark = text.len() + 1 + overrides.len() + index;
            if !overrides::has(&table, path) {
                overrides::apply(&mut table, path, value, mark)
                    .map_err(|message| Problem::new(profile_name(profile, index), message))?;
            }
        }
        let nodes = vec![Node::root()];
        let mut numbering = Numbering { text, overrides: overrides.len(), nodes };
        let table = numbering.table(table, "");
        Ok(Self { file, text, overrides, profile, table, nodes: numbering.nodes })
    }

    /// The tree.
    pub(crate) fn table(&self) -> &DeTable<'t> {
        &self.table
    }

    /// The node with this number; the whole document if there is none.
    pub(crate) fn node(&self, number: usize) -> &Node {
        self.nodes.get(number).unwrap_or(&self.nodes[0])
    }

    /// The node below `parent` that reads `text`: a key if there is one, else a value.
    pub(crate) fn child(&self, parent: &str, text: &str) -> Option<&Node> {
        let below = |node: &&Node| node.text == text && parent_of(&node.path) == parent;
        let mut found = self.nodes.iter().filter(below);
        let first = found.next()?;
        Some(if first.is_key { first } else { found.find(|node| node.is_key).unwrap_or(first) })
    }

    /// Every key that was written.
    pub(crate) fn written(&self) -> Vec<Written> {
        let is_written = |node: &&Node| node.is_key && !matches!(node.origin, Origin::Profile(_));
        let keys = self.nodes.iter().filter(is_written);
        let written = |node: &Node| Written {
            path: node.path.clone(),
            is_override: matches!(node.origin, Origin::Override(_)),
            place: self.problem_at(node, String::new()),
        };
        keys.map(written).collect()
    }

    /// A problem with a node.
    pub(crate) fn problem_at(&self, node: &Node, message: impl Into<String>) -> Problem {
        match node.origin {
            Origin::Text(offset) => Problem::at(self.file, self.text, offset, message),
            Origin::Override(index) => {
                let (path, value) = &self.overrides[index];
                Problem::new(override_name(path, value), message)
            }
            Origin::Profile(index) => Problem::new(profile_name(self.profile, index), message),
        }
    }

    /// A problem with the value at `path`, or with the nearest table around it.
    pub(crate) fn problem_with(&self, path: &str, message: impl Into<String>) -> Problem {
        let mut path = path;
        loop {
            let found = self.nodes.iter().rfind(|node| node.path == path);
            if let Some(node) = found.or_else(|| path.is_empty().then(|| &self.nodes[0])) {
                return self.problem_at(node, message);
            }
            path = parent_of(path);
        }
    }
}

impl Node {
    fn root() -> Self {
        let (path, text, shown) = (String::new(), String::new(), String::new());
        Self { path, text, shown, is_key: false, origin: Origin::Text(0) }
    }
}

fn override_name(path: &str, value: &str) -> String {
    format!("--set {path}={value}")
}

fn profile_name(profile: Option<&Beneath>, index: usize) -> String {
    let of = |profile: &Beneath| {
        let ((path, value), name) = (&profile.settings[index], &profile.names[index]);
        format!("profile {name}, {path} = {value}")
    };
    profile.map(of).unwrap_or_default()
}

/// The path without its last name.
pub(crate) fn parent_of(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}

/// Replaces spans by numbers.
struct Numbering<'t> {
    text: &'t str,
    /// How many overrides there are.
    overrides: usize,
    nodes: Vec<Node>,
}

impl<'t> Numbering<'t> {
    fn add(&mut self, start: usize, path: &str, text: &str, shown: Option<String>) -> usize {
        let origin = match start.checked_sub(self.text.len() + 1) {
            Some(index) if index < self.overrides => Origin::Override(index),
            Some(index) => Origin::Profile(index - self.overrides),
            None => Origin::Text(start),
        };
        let (path, text, is_key) = (path.to_owned(), text.to_owned(), shown.is_none());
        let shown = shown.unwrap_or_default();
        self.nodes.push(Node { path, text, shown, is_key, origin });
        self.nodes.len() - 1
    }

    fn table(&mut self, table: DeTable<'t>, path: &str) -> DeTable<'t> {
        let numbered = table.into_iter().map(|(key, value)| {
            let path = join(path, key.get_ref());
            let number = self.add(key.span().start, &path, key.get_ref(), None);
            (Spanned::new(number..number, key.into_inner()), self.value(value, &path))
        });
        numbered.collect()
    }

    fn value(&mut self, value: Spanned<DeValue<'t>>, path: &str) -> Spanned<DeValue<'t>> {
        let text = plain_text(value.get_ref());
        let shown = shown(value.get_ref(), &text);
        let number = self.add(value.span().start, path, &text, Some(shown));
        let inner = match value.into_inner() {
            DeValue::Table(table) => DeValue::Table(self.table(table, path)),
            DeValue::Array(array) => DeValue::Array(self.array(array, path)),
            plain => plain,
        };
        Spanned::new(number..number, inner)
    }

    fn array(&mut self, array: DeArray<'t>, path: &str) -> DeArray<'t> {
        let items = array.into_iter().enumerate();
        items.map(|(index, item)| self.value(item, &join(path, &index.to_string()))).collect()
    }
}

/// The last name of a path.
pub(crate) fn last_of(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_, last)| last)
}

/// The path of what is called `name` there.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn plain_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        _ => String::new(),
    }
}

/// What a message calls a value; a long text is cut.
fn shown(value: &DeValue<'_>, text: &str) -> String {
    match value {
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Datetime(time) => format!("the date or time {time}"),
        DeValue::String(_) if text.chars().count() > LONGEST_SHOWN => {
            let begin: String = text.chars().take(LONGEST_SHOWN).collect();
            format!("\"{begin}…\"")
        }
        DeValue::String(_) => format!("\"{text}\""),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => text.to_owned(),
    }
}

/// How many characters of a text a message shows.
const LONGEST_SHOWN: usize = 40;
