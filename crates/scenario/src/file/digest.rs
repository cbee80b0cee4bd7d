//! The short name of a scenario in replay strings.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The first 32 bits of the SHA-256 of a scenario and of the workload file that it names.
///
/// It does not depend on formatting, comments, the order of keys, the narration, what is compared
/// or what is expected; nor on overrides, which a replay string names itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScenarioDigest(pub u32);

/// Eight hexadecimal digits.
impl fmt::Display for ScenarioDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl Serialize for ScenarioDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScenarioDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(&text, 16).ok().filter(|_| digits);
        let wrong = || de::Error::custom(format_args!("`{text}` is no digest of a scenario"));
        number.map(Self).ok_or_else(wrong)
    }
}
