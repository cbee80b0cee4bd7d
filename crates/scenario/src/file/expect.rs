//! What a scenario says will come out: the tables `[[expect]]`, which make every scenario a test.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use entrega_clients::Strategy;
use entrega_model::Model;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Conditions on the counts of every run that the filters select.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Expectation {
    /// Only runs on this model.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::model_schema")]
    pub model: Option<Model>,
    /// Only the counts of this subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// Only runs of this strategy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::strategy_schema")]
    pub strategy: Option<Strategy>,
    /// The verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ExpectedVerdict>,
    /// Acknowledged messages with exactly one effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<Condition>,
    /// Acknowledged messages without any effect, and nothing can bring them back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<Condition>,
    /// Messages with more than one effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicated: Option<Condition>,
    /// Messages with an effect and in the dead letters as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Condition>,
    /// Messages in the dead letters only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_lettered: Option<Condition>,
    /// Messages without an effect that could still be delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Condition>,
    /// Messages of indeterminate sends that had an effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<Condition>,
    /// Messages of indeterminate sends without an effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent: Option<Condition>,
    /// Effects of messages that were never sent, or whose send failed for certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phantom: Option<Condition>,
    /// Messages whose send failed for certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Condition>,
    /// Messages whose first effect came after that of a later message of their key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reordered: Option<Condition>,
    /// Deliveries beyond the first of each stored copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redeliveries: Option<Condition>,
}

impl Expectation {
    /// The conditions that are stated, by the name of the count.
    pub fn conditions(&self) -> impl Iterator<Item = (&'static str, Condition)> {
        [
            ("exact", self.exact),
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("split", self.split),
            ("dead_lettered", self.dead_lettered),
            ("pending", self.pending),
            ("recovered", self.recovered),
            ("absent", self.absent),
            ("phantom", self.phantom),
            ("refused", self.refused),
            ("reordered", self.reordered),
            ("redeliveries", self.redeliveries),
        ]
        .into_iter()
        .filter_map(|(name, condition)| Some((name, condition?)))
    }

    /// Whether the filters select what such a run shows of a subscription.
    pub fn selects(&self, model: Model, strategy: Strategy, subscription: &str) -> bool {
        self.model.is_none_or(|only| only == model)
            && self.strategy.is_none_or(|only| only == strategy)
            && self.subscription.as_deref().is_none_or(|only| only == subscription)
    }
}

/// A verdict that a scenario expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectedVerdict {
    /// The strategy keeps its promise.
    Valid,
    /// It does not.
    Invalid,
    /// It cannot be said: nothing was put to the test, or the drain did not end.
    Unknown,
}

impl fmt::Display for ExpectedVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unknown => "unknown",
        })
    }
}

/// A condition on a count: `"0"`, `">0"`, `"<=5"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    relation: Relation,
    bound: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    AtMost,
    AtLeast,
    Not,
    Below,
    Above,
    Equal,
}

/// The text is no condition: write a number, or one of `=`, `!=`, `<`, `<=`, `>`, `>=` before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a condition is a number, or one of = != < <= > >= and a number, as in \">0\"")]
pub struct ConditionError;

impl Condition {
    /// Whether `value` meets the condition.
    pub const fn holds(self, value: u64) -> bool {
        match self.relation {
            Relation::Equal => value == self.bound,
            Relation::Not => value != self.bound,
            Relation::Below => value < self.bound,
            Relation::AtMost => value <= self.bound,
            Relation::Above => value > self.bound,
            Relation::AtLeast => value >= self.bound,
        }
    }
}

/// The largest number in a condition: 19 digits, so that a schema can say it.
const MOST: u64 = 9_999_999_999_999_999_999;

/// The relations by their signs, longer signs first; equality comes last and needs none.
const SIGNS: [(&str, Relation); 6] = [
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("!=", Relation::Not),
    ("<", Relation::Below),
    (">", Relation::Above),
    ("=", Relation::Equal),
];

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let signed = SIGNS.iter().find_map(|(sign, relation)| {
            text.trim().strip_prefix(sign).map(|number| (*relation, number))
        });
        let (relation, number) = signed.unwrap_or((Relation::Equal, text));
        let number = number.trim();
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ConditionError);
        }
        let bound = number.parse().ok().filter(|bound| *bound <= MOST).ok_or(ConditionError)?;
        Ok(Self { relation, bound })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.relation {
            Relation::Equal => "",
            Relation::Not => "!=",
            Relation::Below => "<",
            Relation::AtMost => "<=",
            Relation::Above => ">",
            Relation::AtLeast => ">=",
        };
        write!(f, "{sign}{}", self.bound)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConditionVisitor)
    }
}

struct ConditionVisitor;

impl de::Visitor<'_> for ConditionVisitor {
    type Value = Condition;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a condition such as \"0\", \">0\" or \"<=5\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Condition, E> {
        text.parse().map_err(|error| E::custom(format_args!("invalid condition `{text}`: {error}")))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Condition, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Condition, E> {
        self.visit_str(&number.to_string())
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A condition on a count: \"0\", \">0\", \"<=5\".",
            "anyOf": [
                {
                    "type": "string",
                    "pattern": "^\\s*(=|!=|<|<=|>|>=)?\\s*0*[0-9]{1,19}\\s*$",
                },
                { "type": "integer", "minimum": 0, "maximum": MOST },
            ],
            "examples": ["0"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_or_do_not() {
        let check = |text: &str, yes: &[u64], no: &[u64]| {
            let condition: Condition = text.parse().expect("a condition");
            assert_eq!(condition.to_string().parse(), Ok(condition));
            assert!(yes.iter().all(|value| condition.holds(*value)), "{text}");
            assert!(!no.iter().any(|value| condition.holds(*value)), "{text}");
        };
        check("0", &[0], &[1, u64::MAX]);
        check("=3", &[3], &[2, 4]);
        check("!=3", &[2, 4], &[3]);
        check(">0", &[1, u64::MAX], &[0]);
        check(" >= 2 ", &[2, 3], &[1]);
        check("<2", &[0, 1], &[2]);
        check("<=5", &[0, 5], &[6]);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", ">", "=>1", "-1", "<-1", "1.5", "one", "99999999999999999999"] {
            assert_eq!(text.parse::<Condition>(), Err(ConditionError), "{text}");
        }
    }

    #[test]
    fn an_expectation_speaks_only_of_what_it_names() {
        let expect: Expectation =
            toml::from_str("model = 'log'\nlost = 0\nduplicated = '>0'").expect("an expectation");
        let shown: Vec<_> =
            expect.conditions().map(|(name, one)| format!("{name} {one}")).collect();
        assert_eq!(shown, ["lost 0", "duplicated >0"]);
        assert!(expect.selects(Model::Log, Strategy::DeadLetter, "mailer"));
        assert!(!expect.selects(Model::Queue, Strategy::DeadLetter, "mailer"));
        let expect = Expectation { subscription: Some("mailer".to_owned()), ..expect };
        assert!(expect.selects(Model::Log, Strategy::DeadLetter, "mailer"));
        assert!(!expect.selects(Model::Log, Strategy::DeadLetter, "analytics"));
    }
}
