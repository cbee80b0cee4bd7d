//! Reads `[faults]`: sections, the points in them, and their alternatives, as the table has them.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::{Faults, PointFaults};
use crate::file::Probability;
use crate::points::{FaultInfo, SECTIONS, Section};

impl<'de> de::Deserialize<'de> for Faults {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut faults = Self::default();
        deserializer.deserialize_map(Sections(&mut faults))?;
        Ok(faults)
    }
}

/// `[faults]`.
struct Sections<'f>(&'f mut Faults);

impl<'de> Visitor<'de> for Sections<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(A_TABLE)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<(), A::Error> {
        let names = SECTIONS.map(|section| section.name);
        while let Some(number) = table.next_key_seed(Key(&names))? {
            let section = SECTIONS[number];
            table.next_value_seed(Points { faults: self.0, section })?;
        }
        Ok(())
    }
}

/// `[faults.effect]`.
struct Points<'f> {
    faults: &'f mut Faults,
    section: Section,
}

impl<'de> DeserializeSeed<'de> for Points<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Points<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(A_TABLE)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<(), A::Error> {
        let points: Vec<&FaultInfo> = self.section.points().collect();
        let names: Vec<&str> = points.iter().map(|info| info.name_in_section()).collect();
        while let Some(number) = table.next_key_seed(Key(&names))? {
            let info = points[number];
            let odds = table.next_value_seed(Odds { info })?;
            if self.faults.points.insert(info.fault, odds).is_some() {
                return Err(twice(info.name_in_section()));
            }
        }
        Ok(())
    }
}

/// `[faults.effect.before]`.
struct Odds {
    info: &'static FaultInfo,
}

impl<'de> DeserializeSeed<'de> for Odds {
    type Value = PointFaults;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<PointFaults, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Odds {
    type Value = PointFaults;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(A_TABLE)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<PointFaults, A::Error> {
        let names = self.info.chances();
        let mut odds = PointFaults::new();
        while let Some(number) = table.next_key_seed(Key(names))? {
            let probability: Probability = table.next_value()?;
            if odds.insert(number as u32 + 1, probability).is_some() {
                return Err(twice(names[number]));
            }
        }
        Ok(odds)
    }
}

/// What each level is.
const A_TABLE: &str = "a table";

/// One of these names, by its place among them. An unknown one is a mistake at the place of the
/// key.
struct Key<'n>(&'n [&'n str]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("field identifier")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        self.0.iter().position(|known| *known == name).ok_or_else(|| unknown(name, self.0))
    }
}

/// As `serde` says it of a struct.
fn unknown<E: de::Error>(name: &str, valid: &[&str]) -> E {
    let valid: Vec<String> = valid.iter().map(|name| format!("`{name}`")).collect();
    let expected = match valid.as_slice() {
        [one] => one.clone(),
        [one, other] => format!("{one} or {other}"),
        more => format!("one of {}", more.join(", ")),
    };
    E::custom(format_args!("unknown field `{name}`, expected {expected}"))
}

fn twice<E: de::Error>(name: &str) -> E {
    E::custom(format_args!("duplicate field `{name}`"))
}
