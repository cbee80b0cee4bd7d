//! Reads `[faults]`: sections, the points in them, and their alternatives, as the table has them.

use std::fmt;
use std::sync::LazyLock;

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
        while let Some(number) = table.next_key_seed(Key(&NAMES.sections))? {
            table.next_value_seed(Points { faults: self.0, number })?;
        }
        Ok(())
    }
}

/// `[faults.effect]`.
struct Points<'f> {
    faults: &'f mut Faults,
    number: usize,
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
        let points: Vec<&FaultInfo> = SECTIONS[self.number].points().collect();
        while let Some(number) = table.next_key_seed(Key(&NAMES.points[self.number]))? {
            let info = points[number];
            let odds = table.next_value_seed(Odds { info })?;
            if self.faults.points.insert(info.fault, odds).is_some() {
                return Err(de::Error::duplicate_field(info.name_in_section()));
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
                return Err(de::Error::duplicate_field(names[number]));
            }
        }
        Ok(odds)
    }
}

/// What each level is.
const A_TABLE: &str = "a table";

/// What the sections are called, and the points in each.
struct Names {
    sections: Vec<&'static str>,
    points: Vec<Vec<&'static str>>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let points = |section: Section| section.points().map(FaultInfo::name_in_section).collect();
    let (sections, points) =
        SECTIONS.map(|section| (section.name, points(section))).into_iter().unzip();
    Names { sections, points }
});

/// One of these names, by its place among them. An unknown one is a mistake at the place of the
/// key.
struct Key(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("field identifier")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        self.0.iter().position(|known| *known == name).ok_or_else(|| E::unknown_field(name, self.0))
    }
}
