//! Reads a scenario from the tree of its text.
//!
//! > **The rule.** A table is a table, a list a list and a word a word: nothing stands for anything
//! > else. A mistake is kept as data, with the number of the node in which it was found, and
//! > becomes a sentence in `words`.

use std::fmt::Display;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, Expected, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use thiserror::Error as ThisError;
use toml::Spanned;
use toml::de::{DeArray, DeFloat, DeInteger, DeString, DeTable, DeValue};

/// What is wrong, and in which node.
#[derive(Debug, ThisError)]
#[error("{what:?}")]
pub(super) struct Mistake {
    /// The number of the node, unless it is not known yet.
    pub(super) node: Option<usize>,
    pub(super) what: What,
}

/// What can be wrong.
#[derive(Debug)]
pub(super) enum What {
    /// A key that has no meaning there.
    UnknownField { name: String, valid: &'static [&'static str] },
    /// A key that has to be there.
    MissingField(&'static str),
    /// A word that is none of those that are valid.
    UnknownValue { value: String, valid: &'static [&'static str] },
    /// A value of another type.
    Type { found: String, expected: String },
    /// What a type says of its own text.
    Other(String),
}

impl From<What> for Mistake {
    fn from(what: What) -> Self {
        Self { node: None, what }
    }
}

impl Mistake {
    /// The same mistake in this node, unless it was found further inside.
    fn at(self, node: usize) -> Self {
        Self { node: self.node.or(Some(node)), ..self }
    }
}

impl Error for Mistake {
    fn custom<T: Display>(message: T) -> Self {
        What::Other(message.to_string()).into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        What::Type { found: found.to_string(), expected: expected.to_string() }.into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(value: &str, valid: &'static [&'static str]) -> Self {
        What::UnknownValue { value: value.to_owned(), valid }.into()
    }

    fn unknown_field(name: &str, valid: &'static [&'static str]) -> Self {
        What::UnknownField { name: name.to_owned(), valid }.into()
    }

    fn missing_field(name: &'static str) -> Self {
        What::MissingField(name).into()
    }
}

/// A value of the tree and the number of its node.
pub(super) struct Reader<'v, 't> {
    value: Given<'v, 't>,
    node: usize,
}

#[derive(Clone, Copy)]
enum Given<'v, 't> {
    Table(&'v DeTable<'t>),
    Value(&'v DeValue<'t>),
}

impl<'v, 't> Reader<'v, 't> {
    /// The whole document.
    pub(super) fn of(table: &'v DeTable<'t>) -> Self {
        Self { value: Given::Table(table), node: 0 }
    }

    fn new(value: &'v Spanned<DeValue<'t>>) -> Self {
        Self { value: Given::Value(value.get_ref()), node: value.span().start }
    }

    fn table(&self) -> Option<&'v DeTable<'t>> {
        match self.value {
            Given::Table(table) | Given::Value(DeValue::Table(table)) => Some(table),
            Given::Value(_) => None,
        }
    }

    fn array(&self) -> Option<&'v DeArray<'t>> {
        match self.value {
            Given::Value(DeValue::Array(array)) => Some(array),
            _ => None,
        }
    }

    fn text(&self) -> Option<&'v str> {
        match self.value {
            Given::Value(DeValue::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The value is not what the visitor expects.
    fn wrong(&self, expected: &dyn Expected) -> Mistake {
        let found = match self.value {
            Given::Table(_) | Given::Value(DeValue::Table(_)) => Unexpected::Map,
            Given::Value(DeValue::Array(_)) => Unexpected::Seq,
            Given::Value(DeValue::String(text)) => Unexpected::Str(text),
            Given::Value(DeValue::Boolean(value)) => Unexpected::Bool(*value),
            Given::Value(_) => Unexpected::Other("this value"),
        };
        Mistake::invalid_type(found, expected).at(self.node)
    }

    fn visit_plain<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Mistake> {
        match self.value {
            Given::Value(DeValue::String(text)) => visitor.visit_str(text),
            Given::Value(DeValue::Boolean(value)) => visitor.visit_bool(*value),
            Given::Value(DeValue::Integer(number)) => match whole(number) {
                Some(number) => match i64::try_from(number) {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => visitor.visit_u64(number as u64),
                },
                None => Err(self.wrong(&visitor)),
            },
            Given::Value(DeValue::Float(number)) => match real(number) {
                Some(number) => visitor.visit_f64(number),
                None => Err(self.wrong(&visitor)),
            },
            _ => Err(self.wrong(&visitor)),
        }
    }
}

/// The number, if 64 bits hold it.
fn whole(number: &DeInteger<'_>) -> Option<i128> {
    let number = i128::from_str_radix(number.as_str(), number.radix()).ok()?;
    (i64::MIN.into()..=u64::MAX.into()).contains(&number).then_some(number)
}

fn real(number: &DeFloat<'_>) -> Option<f64> {
    number.as_str().parse().ok()
}

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.table() {
            Some(_) => self.deserialize_map(visitor),
            None => self.visit_plain(visitor).map_err(|mistake| mistake.at(self.node)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let Some(table) = self.table() else { return Err(self.wrong(&visitor)) };
        let entries = Entries { entries: table.iter(), value: None };
        visitor.visit_map(entries).map_err(|mistake| mistake.at(self.node))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let Some(array) = self.array() else { return Err(self.wrong(&visitor)) };
        visitor.visit_seq(Items(array.iter())).map_err(|mistake| mistake.at(self.node))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let Some(text) = self.text() else { return Err(self.wrong(&"a word")) };
        let word = StrDeserializer::new(text);
        visitor.visit_enum(word).map_err(|mistake: Mistake| mistake.at(self.node))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// The entries of a table.
struct Entries<'v, 't, I> {
    entries: I,
    value: Option<&'v Spanned<DeValue<'t>>>,
}

impl<'de, 'v, 't: 'v, I> MapAccess<'de> for Entries<'v, 't, I>
where
    I: Iterator<Item = (&'v Spanned<DeString<'t>>, &'v Spanned<DeValue<'t>>)>,
{
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mistake> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(value);
        let name = StrDeserializer::new(key.get_ref());
        seed.deserialize(name).map(Some).map_err(|mistake: Mistake| mistake.at(key.span().start))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mistake> {
        let value = self.value.take().ok_or_else(|| Mistake::custom("a value without a key"))?;
        seed.deserialize(Reader::new(value)).map_err(|mistake| mistake.at(value.span().start))
    }
}

/// The items of a list.
struct Items<'v, 't>(std::slice::Iter<'v, Spanned<DeValue<'t>>>);

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mistake> {
        let Some(item) = self.0.next() else { return Ok(None) };
        let read = seed.deserialize(Reader::new(item));
        read.map(Some).map_err(|mistake| mistake.at(item.span().start))
    }
}
