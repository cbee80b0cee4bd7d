//! Writes `[faults]`: all sections, and in them the points and alternatives that are named.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Faults, PointFaults};
use crate::points::{FaultInfo, SECTIONS, Section};

impl Serialize for Faults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_map(Some(SECTIONS.len()))?;
        for section in SECTIONS {
            table.serialize_entry(section.name, &Points { faults: self, section })?;
        }
        table.end()
    }
}

struct Points<'f> {
    faults: &'f Faults,
    section: Section,
}

impl Serialize for Points<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = |info: &'static FaultInfo| Some((info, self.faults.point(info.fault)?));
        let named: Vec<_> = self.section.points().filter_map(named).collect();
        let mut table = serializer.serialize_map(Some(named.len()))?;
        for (info, odds) in named {
            table.serialize_entry(info.name_in_section(), &Odds { info, odds })?;
        }
        table.end()
    }
}

struct Odds<'f> {
    info: &'static FaultInfo,
    odds: &'f PointFaults,
}

impl Serialize for Odds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = |value: u32| self.info.alternative_name(value).unwrap_or_default();
        serializer.collect_map(self.odds.iter().map(|(&value, odds)| (name(value), odds)))
    }
}
