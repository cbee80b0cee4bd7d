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
    table: DeTable<'t>,
    nodes: Vec<Node>,
}

/// A key or a value of the tree. Its index replaces its span.
pub(crate) struct Node {
    /// The names from the top to here, separated by dots.
    pub(crate) path: String,
    /// The text of a key, or of a value that is a word or a number.
    pub(crate) text: String,
    /// Whether this is a key.
    pub(crate) is_key: bool,
    origin: Origin,
}

#[derive(Clone, Copy)]
enum Origin {
    Text(usize),
    Override(usize),
}

impl<'t> Document<'t> {
    /// Parses `text` and applies the overrides to it, in their order.
    pub(crate) fn parse(
        file: &'t str,
        text: &'t str,
        overrides: &'t [(String, String)],
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
        let mut numbering = Numbering { text, nodes: vec![Node::root()] };
        let table = numbering.table(table, "");
        Ok(Self { file, text, overrides, table, nodes: numbering.nodes })
    }

    /// The tree, for the deserialiser.
    pub(crate) fn spanned_table(&self) -> Spanned<DeTable<'t>> {
        Spanned::new(0..0, self.table.clone())
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
        let keys = self.nodes.iter().filter(|node| node.is_key);
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
        Self { path: String::new(), text: String::new(), is_key: false, origin: Origin::Text(0) }
    }
}

fn override_name(path: &str, value: &str) -> String {
    format!("--set {path}={value}")
}

/// The path without its last name.
pub(crate) fn parent_of(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}

/// Replaces spans by numbers.
struct Numbering<'t> {
    text: &'t str,
    nodes: Vec<Node>,
}

impl<'t> Numbering<'t> {
    fn add<T>(&mut self, spanned: &Spanned<T>, path: &str, text: &str, is_key: bool) -> usize {
        let start = spanned.span().start;
        let origin = match start.checked_sub(self.text.len() + 1) {
            Some(index) => Origin::Override(index),
            None => Origin::Text(start),
        };
        self.nodes.push(Node { path: path.to_owned(), text: text.to_owned(), is_key, origin });
        self.nodes.len() - 1
    }

    fn table(&mut self, table: DeTable<'t>, path: &str) -> DeTable<'t> {
        let numbered = table.into_iter().map(|(key, value)| {
            let path = join(path, key.get_ref());
            let number = self.add(&key, &path, key.get_ref(), true);
            (Spanned::new(number..number, key.into_inner()), self.value(value, &path))
        });
        numbered.collect()
    }

    fn value(&mut self, value: Spanned<DeValue<'t>>, path: &str) -> Spanned<DeValue<'t>> {
        let text = plain_text(value.get_ref());
        let number = self.add(&value, path, &text, false);
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

fn join(path: &str, name: &str) -> String {
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
