//! The JSON Schema of scenario files, for editors; and what it says of a place in a file.
//!
//! > **The rule.** What a JSON Schema can say, it says: a file that it accepts breaks no rule but
//! > those in [`NOT_SAID`], which it lists. The bounds come from `bounds`, the fault points from
//! > their table.

use std::sync::LazyLock;

use entrega_clients::Strategy;
use entrega_model::Model;
use serde_json::{Map, Value, json};

use super::{Scenario, bounds, or_none};
use crate::points::{FAULTS, FaultInfo};

/// The rules that no JSON Schema can state, as the schema lists them.
pub const NOT_SAID: [&str; 13] = [
    "the probabilities of one fault point add up to at most 1",
    "the messages of a workload are sent within 100 years, at its rate or in its bursts",
    "the `min` of a service time is at most its `max`",
    "two subscriptions have different names",
    "[[script]] names a subscription of this scenario, and [[expect]] also its models and strategies",
    "a number within a text is neither too large nor too fine: a duration is at most 36500d and a \
     whole number of nanoseconds, a probability at most 1 and exact within 64 bits",
    "a workload file exists, and each of its rows has a time and a key",
    "TOML has values that JSON has not: no setting takes a date, a time, nan or inf, and a whole \
     number has no point",
    "`to` of `log.partitions_added` is more than `log.partitions`",
    "what [queue] says fits together: a lease or a consumer timeout, dead_letter or at_limit, a delay \
     and its longest one, something that counts towards a limit, a claim and no lease, the lock of a \
     key and what would break its order, a cap and how it is looked at, a redrive, its dead letters, \
     the dedup window and what a restart forgets, a queue that holds copies for `retry-topic`, and \
     faults of transfers that there are",
    "a profile exists, and what it sets is valid",
    "replicas fit together: no more in sync than there are, no other leader without one, acks that the \
     strategy waits for, and faults of replicas that there are",
    "`changes` name consumers that there are, each in order of time, and who is there does not join",
];

/// A duration of zero.
const NO_TIME: &str = "^[0.]+\\s*[a-zµ]+$";

/// The schema.
pub fn schema() -> Value {
    shared().clone()
}

/// The schema, made once.
pub(super) fn shared() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(made);
    &SCHEMA
}

fn made() -> Value {
    let mut root = schemars::schema_for!(Scenario).to_value();
    leave_out_null(&mut root);
    state_types(&mut root);
    for (path, least, most) in bounds::WHOLE {
        state(&mut root, path, &json!({ "minimum": least, "maximum": most }));
    }
    for (path, least, most) in bounds::REAL {
        state(&mut root, path, &json!({ "minimum": least, "maximum": most }));
    }
    for (path, least, most) in bounds::ITEMS {
        state(&mut root, path, &json!({ "minItems": least, "maxItems": most }));
    }
    for path in bounds::NOT_ZERO {
        state(&mut root, path, &json!({ "not": { "pattern": NO_TIME } }));
    }
    for (path, more) in rules(&root) {
        state(&mut root, path, &more);
    }
    let listed = NOT_SAID.map(|rule| format!("\n- {rule}"));
    root["$comment"] =
        json!(format!("Scenarios obey some rules that no schema can state:{}", listed.concat()));
    root
}

/// The rules that are no bounds, by the path of what they are about.
fn rules(root: &Value) -> Vec<(&'static str, Value)> {
    vec![
        (
            "",
            json!({ "allOf": [
            never_on_a_log("on_error", &json!("requeue")),
            never_on_a_log("on_error", &json!("reject")),
            never_on_a_log("on_error", &json!("retry-topic")),
            never_on_a_log("batch_on_failure", &json!("abandon")),
            never_on_a_log("worker_lost", &json!("settle")),
            never_on_a_log("worker_lost", &json!("requeue")),
            no_memory_of_workers(),
            no_keys_beside_progress(),
            no_transactions_beside("consumer", "on_error", &json!("dead-letter"), false),
            no_transactions_beside("consumer", "on_error", &json!("retry-topic"), false),
            no_transactions_beside("queue", "atomic_publish", &json!(false), true),
            no_growth_beside_idempotence(),
        ] }),
        ),
        ("models", json!({ "uniqueItems": true })),
        ("strategies", json!({ "uniqueItems": true })),
        ("log", reset()),
        ("consumer", static_members()),
        ("log.commit_checks", json!({ "uniqueItems": true })),
        ("queue.broker_restart.forgets", json!({ "uniqueItems": true, "minItems": 1 })),
        ("workload", workload()),
        ("producer", json!({ "allOf": [idempotence(), outbox(), publish_id()] })),
        ("workload.from", text("\\.([cC][sS][vV]|[jJ][sS][oO][nN][lL])$|^none$", "orders.csv")),
        ("subscriptions.*.name", text("^[a-z][a-z0-9-]{0,63}$", "mailer")),
        ("script.*.point", json!({ "examples": ["mailer.effect.after"] })),
        ("script.*.alternative", json!({ "examples": ["crash"] })),
        ("script.*", script()),
        ("expect.*", expectation(root)),
    ]
}

fn text(pattern: &str, example: &str) -> Value {
    json!({ "pattern": pattern, "examples": [example] })
}

/// That a setting is there and not left out by its word.
fn is_set(setting: &str) -> Value {
    json!({ "required": [setting], "properties": { setting: or_none::is_set() } })
}

/// A static member does not leave when its application takes too long.
fn static_members() -> Value {
    json!({
        "if": {
            "required": ["group_instance_id"],
            "properties": { "group_instance_id": { "const": true } },
        },
        "then": { "properties": { "max_poll_interval": or_none::is_left_out() } },
    })
}

/// A reset by duration says how far back.
fn reset() -> Value {
    json!({
        "if": {
            "required": ["auto_offset_reset"],
            "properties": { "auto_offset_reset": { "const": "by-duration" } },
        },
        "then": is_set("auto_offset_reset_duration"),
    })
}

/// A log cannot take a message back, and leaves none alone. A profile may be that of a queue.
fn never_on_a_log(setting: &str, value: &Value) -> Value {
    let is_set = json!({
        "not": is_set("profile"),
        "required": ["consumer"],
        "properties": { "consumer": {
            "required": [setting], "properties": { setting: { "const": value } },
        } },
    });
    let no_log = json!({
        "required": ["models"],
        "properties": { "models": { "not": { "contains": { "const": "log" } } } },
    });
    json!({ "if": is_set, "then": no_log })
}

/// A process that remembers what it has done does not outlive its workers.
fn no_memory_of_workers() -> Value {
    let outlives = json!({
        "required": ["consumer"],
        "properties": { "consumer": is_set("worker_lost") },
    });
    let of_others = json!({
        "properties": { "sink": {
            "properties": { "dedup": { "not": { "const": "process-memory" } } },
        } },
    });
    json!({ "if": outlives, "then": of_others })
}

/// A sink that keeps progress looks for no keys.
fn no_keys_beside_progress() -> Value {
    let keeps_progress = Strategy::ALL.into_iter().filter(|one| {
        let sink = one.spec().sink;
        sink.keeps_progress() || sink.is_broker()
    });
    let names: Vec<&str> = keeps_progress.map(Strategy::name).collect();
    let recognises = json!({
        "required": ["sink"],
        "properties": { "sink": {
            "required": ["dedup"], "properties": { "dedup": { "not": { "const": "none" } } },
        } },
    });
    let without = json!({
        "properties": { "strategies": { "not": { "contains": { "enum": names } } } },
    });
    json!({ "if": recognises, "then": without })
}

/// What a transaction cannot hold, and what a queue needs for one.
fn no_transactions_beside(table: &str, setting: &str, value: &Value, on_queue: bool) -> Value {
    let writers = Strategy::ALL.into_iter().filter(|one| one.spec().sink.is_broker());
    let names: Vec<&str> = writers.map(Strategy::name).collect();
    let is_set = json!({
        "required": [table],
        "properties": { table: {
            "required": [setting], "properties": { setting: { "const": value } },
        } },
    });
    let without = json!({
        "properties": { "strategies": { "not": { "contains": { "enum": names } } } },
    });
    let no_queue = json!({
        "required": ["models"],
        "properties": { "models": { "not": { "contains": { "const": "queue" } } } },
    });
    let either = if on_queue { json!([without, no_queue]) } else { json!([without]) };
    json!({ "if": is_set, "then": { "anyOf": either } })
}

/// What an idempotent producer needs.
fn idempotence() -> Value {
    let is_set = json!({
        "required": ["enable_idempotence"],
        "properties": { "enable_idempotence": { "const": true } },
    });
    let needs = json!({ "properties": {
        "strategy": { "const": "confirmed" },
        "retries": { "minimum": 1 },
        "max_in_flight": { "maximum": bounds::MOST_IDEMPOTENT },
    } });
    json!({ "if": is_set, "then": needs })
}

/// What an outbox needs, and what needs one.
fn outbox() -> Value {
    let is_kept = json!({ "required": ["outbox"], "properties": { "outbox": { "const": true } } });
    json!({
        "if": is_kept,
        "then": { "properties": { "strategy": { "const": "confirmed" } } },
        "anyOf": [is_kept, { "properties": { "resend_after": or_none::is_left_out() } }],
    })
}

/// A batch has one id for all of its messages.
fn publish_id() -> Value {
    json!({
        "if": {
            "required": ["publish_id"],
            "properties": { "publish_id": { "const": "send" } },
        },
        "then": { "properties": { "linger": { "pattern": NO_TIME } } },
    })
}

/// How an idempotent producer goes on in a growing topic is not simulated.
fn no_growth_beside_idempotence() -> Value {
    json!({
        "if": {
            "required": ["producer"],
            "properties": { "producer": {
                "required": ["enable_idempotence"],
                "properties": { "enable_idempotence": { "const": true } },
            } },
        },
        "then": { "properties": { "log": { "properties": {
            "partitions_added": or_none::is_left_out(),
        } } } },
    })
}

/// What a recorded workload leaves no room for, and what an order has no use for.
fn workload() -> Value {
    let made_up = ["messages", "keys", "key_distribution", "arrivals", "due_after"];
    let absent: Map<String, Value> =
        made_up.iter().map(|name| ((*name).to_owned(), or_none::is_left_out())).collect();
    let opaque = json!({
        "required": ["body"], "properties": { "body": { "const": "opaque" } },
    });
    json!({ "allOf": [
        { "if": is_set("from"), "then": { "properties": absent } },
        { "if": is_set("bytes"), "then": opaque },
    ] })
}

/// A time or an occurrence, and what can happen at each point.
fn script() -> Value {
    let at_point = |info: &FaultInfo| {
        let shared = json!({ "const": info.name });
        let point = if info.per_subscription { own_point(info) } else { shared };
        json!({ "properties": { "point": point, "alternative": { "enum": info.chances() } } })
    };
    let points: Vec<Value> =
        FAULTS.iter().filter(|info| info.can_happen_by_chance()).map(at_point).collect();
    let when = json!([{ "required": ["nth"] }, { "required": ["at"] }]);
    let lasts = FAULTS.iter().filter(|info| info.is_outage()).map(|info| info.name);
    let lasts = lasts.collect::<Vec<_>>().join("|").replace('.', "\\.");
    let outage = json!({ "required": ["at"], "properties": {
        "point": { "pattern": format!("^(.*\\.)?({lasts})$") },
    } });
    json!({ "oneOf": when, "anyOf": points, "dependentSchemas": { "for": outage } })
}

fn own_point(info: &FaultInfo) -> Value {
    let name = info.name.replace('.', "\\.");
    json!({ "pattern": format!("^[a-z][a-z0-9-]{{0,63}}\\.{name}$") })
}

/// Something is expected, of a strategy on a model that it runs on.
fn expectation(root: &Value) -> Value {
    let all = root.pointer("/$defs/Expectation/properties").and_then(Value::as_object);
    let is_filter = |name: &&String| ["model", "strategy", "subscription"].contains(&name.as_str());
    let said = all.into_iter().flat_map(Map::keys).filter(|name| !is_filter(name));
    let said: Vec<Value> = said.map(|name| json!({ "required": [name] })).collect();
    let missing = |model: Model| {
        let strategies = Strategy::ALL.into_iter().filter(|one| !one.supports(model));
        let names: Vec<&str> = strategies.map(Strategy::name).collect();
        json!({ "not": {
            "required": ["model", "strategy"],
            "properties": {
                "model": { "const": model.to_string() }, "strategy": { "enum": names },
            },
        } })
    };
    json!({ "anyOf": said, "allOf": [missing(Model::Log), missing(Model::Queue)] })
}

/// TOML has no null, so no setting is null.
fn leave_out_null(schema: &mut Value) {
    let is_null = |one: &Value| one == "null" || *one == json!({ "type": "null" });
    match schema {
        Value::Object(entries) => {
            if let Some(Value::Array(types)) = entries.get_mut("type") {
                types.retain(|one| !is_null(one));
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    entries.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(either)) = entries.get_mut("anyOf") {
                either.retain(|one| !is_null(one));
                if let [Value::Object(one)] = either.as_slice() {
                    let one = one.clone();
                    entries.remove("anyOf");
                    entries.extend(one);
                }
            }
            if entries.get("default").is_some_and(Value::is_null) {
                entries.remove("default");
            }
            entries.values_mut().for_each(leave_out_null);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_null),
        _ => {}
    }
}

/// A `format` such as `uint32` is a remark; a number that does not fit is refused by its bound.
fn state_types(schema: &mut Value) {
    let most = match schema["format"].as_str() {
        Some("uint16") => Some(u64::from(u16::MAX)),
        Some("uint32") => Some(u64::from(u32::MAX)),
        Some("uint64") => Some(u64::MAX),
        _ => None,
    };
    if let Some(most) = most {
        schema["maximum"] = json!(most);
    }
    match schema {
        Value::Object(entries) => entries.values_mut().for_each(state_types),
        Value::Array(items) => items.iter_mut().for_each(state_types),
        _ => {}
    }
}

/// Adds `more` to every schema at a path.
fn state(root: &mut Value, path: &str, more: &Value) {
    let names: Vec<&str> = path.split('.').filter(|name| !name.is_empty()).collect();
    let places = places(root, "", &names);
    debug_assert!(!places.is_empty(), "the schema has no {path}");
    for place in places {
        if let (Some(Value::Object(schema)), Value::Object(more)) = (root.pointer_mut(&place), more)
        {
            schema.extend(more.clone());
        }
    }
}

/// What the schema says of the value at a path: of alternatives, the first that has it.
#[cfg(feature = "toml")]
pub(super) fn at(path: &str) -> Option<&'static Value> {
    let root = shared();
    let names: Vec<&str> = path.split('.').filter(|name| !name.is_empty()).collect();
    let names: Vec<&str> =
        names.iter().map(|name| if is_number(name) { "*" } else { name }).collect();
    root.pointer(places(root, "", &names).first()?)
}

/// Whether a schema takes a word that leaves its setting out.
#[cfg(feature = "toml")]
pub(super) fn takes_none(schema: &Value) -> bool {
    schema["anyOf"][1]["const"] == or_none::NONE
}

/// The schema that another refers to, or that it is but for `"none"`.
#[cfg(feature = "toml")]
pub(super) fn resolved(schema: &'static Value) -> &'static Value {
    let schema = if takes_none(schema) { &schema["anyOf"][0] } else { schema };
    let named = schema["$ref"].as_str();
    let named = named.and_then(|name| shared().pointer(name.trim_start_matches('#')));
    named.unwrap_or(schema)
}

#[cfg(feature = "toml")]
fn is_number(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

/// The places of the schemas to which `names` lead from the one at `place`.
fn places(root: &Value, place: &str, names: &[&str]) -> Vec<String> {
    let Some(schema) = root.pointer(place) else { return Vec::new() };
    let Some((name, rest)) = names.split_first() else { return vec![place.to_owned()] };
    if let Some(elsewhere) = schema["$ref"].as_str() {
        return places(root, elsewhere.trim_start_matches('#'), names);
    }
    let step = if *name == "*" { "items".to_owned() } else { format!("properties/{name}") };
    let below = places(root, &format!("{place}/{step}"), rest);
    let either = ["oneOf", "anyOf"].into_iter().flat_map(|either| {
        let of = 0..schema[either].as_array().map_or(0, Vec::len);
        of.flat_map(move |one| places(root, &format!("{place}/{either}/{one}"), names))
    });
    below.into_iter().chain(either).collect()
}
