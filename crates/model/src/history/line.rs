//! A line as an object whose fields know where they stand, so that an error can point at them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::Mistake;
use super::reading::Notes;
use super::shape::Shape;

/// Where fields are noted that the format does not know, unless they are refused.
pub(super) type Unknown<'a> = Option<&'a mut Notes>;

/// A mistake at a byte of the line.
#[derive(Debug)]
pub(super) struct Slip {
    /// Bytes from the start of the line.
    pub(super) offset: usize,
    /// What is wrong there.
    pub(super) mistake: Mistake,
}

/// A JSON object within a line. A field that is `null` counts as left out.
#[derive(Debug)]
pub(super) struct Object<'l> {
    line: &'l str,
    offset: usize,
    fields: Vec<Field<'l>>,
}

#[derive(Debug)]
struct Field<'l> {
    name: Cow<'l, str>,
    value: &'l RawValue,
}

impl<'l> Object<'l> {
    /// The object that `text`, a part of `line`, consists of.
    pub(super) fn parse(line: &'l str, text: &'l str) -> Result<Self, Slip> {
        let offset = offset_of(line, text);
        let fields: Fields<'l> = serde_json::from_str(text).map_err(|error| {
            if error.is_eof() {
                return Slip { offset: line.len(), mistake: Mistake::Incomplete };
            }
            let suffix = format!(" at line {} column {}", error.line(), error.column());
            let why = error.to_string();
            let why = why.strip_suffix(&suffix).unwrap_or(&why).to_owned();
            Slip {
                offset: offset + error.column().saturating_sub(1),
                mistake: Mistake::NotJson { why },
            }
        })?;
        Ok(Self { line, offset, fields: fields.0 })
    }

    /// Whether the object has this field, even if it is `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// Whether the fields are those that `shape` wants, besides the `common` ones. Others are
    /// noted in `unknown` if there is one.
    pub(super) fn check(
        &self,
        shape: &Shape,
        common: &[&str],
        unknown: &mut Unknown<'_>,
    ) -> Result<(), Slip> {
        let allowed = || shape.required.iter().chain(shape.optional).chain(common);
        for (index, field) in self.fields.iter().enumerate() {
            if !allowed().any(|name| *name == field.name) {
                if let Some(notes) = unknown {
                    notes.unknown_field(&field.name);
                    continue;
                }
                let valid = allowed().map(|name| (*name).to_owned()).collect();
                let name = field.name.clone().into_owned();
                let mistake = Mistake::UnknownField { name, of: shape.name, valid };
                return Err(Slip { offset: self.offset_of_name(field), mistake });
            }
            if self.fields[..index].iter().any(|before| before.name == field.name) {
                let mistake = Mistake::RepeatedField { name: field.name.clone().into_owned() };
                return Err(Slip { offset: self.offset_of_name(field), mistake });
            }
        }
        match shape.required.iter().find(|name| self.value(name).is_none()) {
            Some(name) => Err(self.missing(name, shape.name)),
            None => Ok(()),
        }
    }

    /// A mistake in the value of this field.
    pub(super) fn slip(&self, name: &str, mistake: Mistake) -> Slip {
        let offset = self.value(name).map_or(self.offset, |value| offset_of(self.line, value));
        Slip { offset, mistake }
    }

    /// The mistake that this field is not there.
    pub(super) fn missing(&self, name: &'static str, of: &'static str) -> Slip {
        self.slip(name, Mistake::MissingField { name, of })
    }

    /// An integer in the range of `T`, which `expected` describes.
    pub(super) fn integer<T: TryFrom<u64>>(
        &self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, Slip> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.parse().ok().and_then(|number: u64| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| self.wrong(name, expected))
    }

    /// Whether the field is a string.
    pub(super) fn is_string(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value.starts_with('"'))
    }

    /// A name: a string, or the digits of an integer.
    pub(super) fn name(&self, name: &'static str) -> Result<Option<Cow<'l, str>>, Slip> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let digits = value.strip_prefix('-').unwrap_or(value);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Some(Cow::Borrowed(value)));
        }
        match serde_json::from_str::<Text<'l>>(value) {
            Ok(text) => Ok(Some(text.0)),
            Err(_) => Err(self.wrong(name, "a string or an integer")),
        }
    }

    /// A word of the enumeration `T`.
    pub(super) fn word<T: DeserializeOwned>(&self, name: &'static str) -> Result<Option<T>, Slip> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let text: Text<'_> =
            serde_json::from_str(value).map_err(|_| self.wrong(name, "a string"))?;
        T::deserialize(StrDeserializer::new(&text.0)).map(Some).map_err(|WordError { valid }| {
            let valid = valid.iter().map(|word| (*word).to_owned()).collect();
            let word = text.0.clone().into_owned();
            self.slip(name, Mistake::UnknownWord { field: name, word, valid })
        })
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, Slip> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.parse().map(Some).map_err(|_| self.wrong(name, "true or false"))
    }

    /// The objects of an array.
    pub(super) fn objects(&self, name: &'static str) -> Result<Vec<Self>, Slip> {
        let value = self.value(name).unwrap_or("[]");
        let items: Vec<&'l RawValue> =
            serde_json::from_str(value).map_err(|_| self.wrong(name, "an array of objects"))?;
        items.into_iter().map(|item| Self::parse(self.line, item.get())).collect()
    }

    /// The mistake that this field has a value of another type or range.
    pub(super) fn wrong(&self, name: &'static str, expected: &'static str) -> Slip {
        let value = self.value(name).unwrap_or_default();
        let mut found: String = value.chars().take(40).collect();
        if found.len() < value.len() {
            found.push('…');
        }
        self.slip(name, Mistake::WrongType { field: name, found, expected })
    }

    fn value(&self, name: &str) -> Option<&'l str> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        Some(field.value.get()).filter(|value| *value != "null")
    }

    /// Where the field's name stands, or its value if the name is written with escapes.
    fn offset_of_name(&self, field: &Field<'l>) -> usize {
        match field.name {
            Cow::Borrowed(name) => offset_of(self.line, name).saturating_sub(1),
            Cow::Owned(_) => offset_of(self.line, field.value.get()),
        }
    }
}

/// How far into `line` its part `text` begins.
fn offset_of(line: &str, text: &str) -> usize {
    (text.as_ptr() as usize).saturating_sub(line.as_ptr() as usize).min(line.len())
}

/// A string that borrows from the line if it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

/// The fields of an object in the order in which they stand, repeated ones included.
struct Fields<'l>(Vec<Field<'l>>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(8);
                while let Some((Text(name), value)) = map.next_entry()? {
                    fields.push(Field { name, value });
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// That a word is not one of an enumeration's, and which ones are.
#[derive(Debug)]
pub(super) struct WordError {
    /// The enumeration's words.
    pub(super) valid: &'static [&'static str],
}

impl fmt::Display for WordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "valid here: {}", self.valid.join(", "))
    }
}

impl std::error::Error for WordError {}

impl serde::de::Error for WordError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self { valid: &[] }
    }

    fn unknown_variant(_: &str, valid: &'static [&'static str]) -> Self {
        Self { valid }
    }
}
