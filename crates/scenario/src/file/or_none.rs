//! Settings that may be left out, and that `"none"` leaves out although a profile has them, or the
//! file below a `--set`.
//!
//! > **The rule.** Every setting that may be left out takes the word, and the schema says so.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The word.
pub(super) const NONE: &str = "none";

pub(super) fn deserialize<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + JsonSchema,
{
    deserializer.deserialize_any(OrNone(PhantomData))
}

pub(super) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    either(generator.subschema_for::<T>().to_value())
}

/// The schema of such a setting, whose values have this one.
pub(super) fn either(value: Value) -> Schema {
    json_schema!({ "anyOf": [value, { "const": NONE }] })
}

/// What the schema says of such a setting where it is not left out.
pub(super) fn is_set() -> Value {
    json!({ "not": { "const": NONE } })
}

/// What it says where it has to be left out.
pub(super) fn is_left_out() -> Value {
    json!({ "const": NONE })
}

struct OrNone<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + JsonSchema> Visitor<'de> for OrNone<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, or \"{NONE}\"", T::schema_name())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        if text == NONE { Ok(None) } else { T::deserialize(text.into_deserializer()).map(Some) }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        T::deserialize(number.into_deserializer()).map(Some)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        T::deserialize(number.into_deserializer()).map(Some)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        T::deserialize(number.into_deserializer()).map(Some)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Some)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}
