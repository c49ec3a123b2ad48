//! Things.

use super::{done, each, expected, object, page, paging};
use crate::registry::things::{self, Change, Filter, Thing};
use crate::registry::{Place, Refusal, Registry};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const THING: &str = "/things/{thingName}";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::POST, THING, "CreateThing", create),
    Operation::new(Method::GET, THING, "DescribeThing", describe),
    Operation::new(Method::PATCH, THING, "UpdateThing", update),
    Operation::new(Method::DELETE, THING, "DeleteThing", delete),
    Operation::new(Method::GET, "/things", "ListThings", list),
];

/// `AttributePayload`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) merge: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    thing_type_name: Option<String>,
    attribute_payload: Option<Payload>,
    expected_version: Option<u64>,
    #[serde(default)]
    remove_thing_type: bool,
}

fn show(place: &Place, thing: &Thing) -> Value {
    json!({
        "thingName": thing.name,
        "thingArn": things::arn(place, &thing.name),
        "thingTypeName": thing.kind,
        "attributes": thing.attributes,
        "version": thing.version,
    })
}

fn create(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (name, asked) = (call.part("thingName"), call.json::<Asked>()?);
    let attributes = asked.attribute_payload.unwrap_or_default().attributes;
    let thing = registry
        .state
        .change_with_others(|tx| things::create(tx, name, asked.thing_type_name, attributes))?;
    Ok(Answer::ok(json!({
        "thingName": thing.name,
        "thingArn": things::arn(&registry.place, &thing.name),
        "thingId": thing.id,
    })))
}

fn describe(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let thing = things::require(rows.as_ref(), call.part("thingName"))?;
    let mut shown = show(&registry.place, &thing);
    shown["defaultClientId"] = thing.name.into();
    shown["thingId"] = thing.id.into();
    Ok(Answer::ok(object(shown)))
}

fn update(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (name, asked) = (call.part("thingName"), call.json::<Asked>()?);
    let kind = match (asked.thing_type_name, asked.remove_thing_type) {
        (Some(_), true) => {
            return Err(Refusal::invalid("a thing type is either set or removed"));
        }
        (kind, removed) => (kind.is_some() || removed).then_some(kind),
    };
    let merge = asked.attribute_payload.as_ref().is_some_and(|payload| payload.merge);
    let attributes = asked.attribute_payload.map(|payload| payload.attributes);
    let change = Change { kind, attributes, merge, expected: asked.expected_version };
    registry.state.change(|tx| things::update(tx, name, change))?;
    done()
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (expected, now) = (expected(call)?, registry.clock.now());
    registry.state.change(|tx| things::delete(tx, call.part("thingName"), expected, now))?;
    done()
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let text = |name| call.query.get(name).map(str::to_owned);
    let attribute = match (text("attributeName"), text("attributeValue")) {
        (None, Some(_)) => {
            return Err(Refusal::invalid("attributeValue is given without attributeName"));
        }
        (name, value) => name.map(|name| (name, value)),
    };
    let by_prefix = super::flag(call, "usePrefixAttributeValue", false)?;
    let filter = Filter { attribute, by_prefix, kind: text("thingTypeName") };
    let rows = registry.state.snapshot()?;
    let found = things::list(rows.as_ref(), &filter, &paging(call, "maxResults", "nextToken")?)?;
    let found = each(found, |thing| object(show(&registry.place, &thing)));
    Ok(page("things", "nextToken", found))
}
