//! The schema of `[faults]`, with the sentences of the table.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::Faults;
use crate::file::{Probability, or_none};
use crate::points::{FaultInfo, SECTIONS, Section};

/// The faults of one subscription: no point that all share.
pub(crate) fn of_subscription(generator: &mut SchemaGenerator) -> Schema {
    let mut all = Faults::json_schema(generator).to_value();
    for section in SECTIONS.iter().filter(|one| !one.points().any(|info| info.per_subscription)) {
        all["properties"][section.name] = json!({ "type": "object", "maxProperties": 0 });
        all["properties"][section.name]["description"] = json!(section.about);
    }
    define(generator, "SubscriptionFaults", Schema::try_from(all).unwrap_or_default());
    or_none::either(json!(reference("SubscriptionFaults")))
}

impl JsonSchema for Faults {
    fn schema_name() -> Cow<'static, str> {
        "Faults".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        for section in SECTIONS {
            let mut property = reference(section.schema);
            property.insert("default".to_owned(), json!({}));
            property.insert("description".to_owned(), json!(section.about));
            properties.insert(section.name.to_owned(), property.into());
            define_section(generator, section);
        }
        let description = "Probabilities for every fault point. What a subscription says in its \
            own `faults` replaces what\nstands here, point by point.";
        table(description, properties)
    }
}

/// Defines the type of a section, and the types of its points.
fn define_section(generator: &mut SchemaGenerator, section: Section) {
    let mut properties = Map::new();
    for info in section.points() {
        let type_of_point = reference(info.alternatives.schema).into();
        properties.insert(info.name_in_section().to_owned(), optional(type_of_point, info.about));
        define_point(generator, info);
    }
    define(generator, section.schema, table(section.schema_about, properties));
}

/// Defines the type of a point.
fn define_point(generator: &mut SchemaGenerator, info: &FaultInfo) {
    let mut properties = Map::new();
    for one in info.alternatives.all {
        if let Some(about) = one.about {
            let probability = generator.subschema_for::<Probability>().to_value();
            properties.insert(one.name.to_owned(), optional(probability, about));
        }
    }
    define(generator, info.alternatives.schema, table(info.alternatives.about, properties));
}

fn define(generator: &mut SchemaGenerator, name: &str, schema: Schema) {
    generator.definitions_mut().insert(name.to_owned(), schema.to_value());
}

fn reference(name: &str) -> Map<String, Value> {
    Map::from_iter([("$ref".to_owned(), json!(format!("#/$defs/{name}")))])
}

fn optional(schema: Value, description: &str) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }], "description": description })
}

/// A table with these keys and no others.
fn table(description: &str, properties: Map<String, Value>) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": false,
        "description": description,
        "properties": properties,
    })
}
