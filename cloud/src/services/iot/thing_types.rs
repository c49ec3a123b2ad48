//! Thing types.

use super::tags::Tag;
use super::{done, each, object, page, paging};
use crate::registry::thing_types::{self, ThingType};
use crate::registry::{Refusal, Registry, tags};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TYPES: &str = "/thing-types";
const TYPE: &str = "/thing-types/{thingTypeName}";
const DEPRECATE: &str = "/thing-types/{thingTypeName}/deprecate";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::POST, TYPE, "CreateThingType", create),
    Operation::new(Method::GET, TYPE, "DescribeThingType", describe),
    Operation::new(Method::POST, DEPRECATE, "DeprecateThingType", deprecate),
    Operation::new(Method::DELETE, TYPE, "DeleteThingType", delete),
    Operation::new(Method::GET, TYPES, "ListThingTypes", list),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    #[serde(default)]
    thing_type_properties: Properties,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    thing_type_description: Option<String>,
    searchable_attributes: BTreeSet<String>,
}

fn name(call: &Call) -> &str {
    call.part("thingTypeName")
}

fn show(registry: &Registry, found: &ThingType) -> Value {
    json!({
        "thingTypeName": found.name,
        "thingTypeArn": thing_types::arn(&registry.place, &found.name),
        "thingTypeProperties": object(json!({
            "thingTypeDescription": found.description,
            "searchableAttributes": found.searchable,
        })),
        "thingTypeMetadata": object(json!({
            "deprecated": found.deprecated.is_some(),
            "deprecationDate": found.deprecated.map(crate::clock::Time::fractional_seconds),
            "creationDate": found.created.fractional_seconds(),
        })),
    })
}

fn create(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let Create { thing_type_properties: properties, tags } = call.json()?;
    let (arn, tags) = (thing_types::arn(&registry.place, name(call)), super::tags::read(tags));
    let (description, searchable) =
        (properties.thing_type_description, properties.searchable_attributes);
    let now = registry.clock.now();
    let made = registry.state.change(|tx| {
        let made = thing_types::create(tx, name(call), description, searchable, now)?;
        tags::put(tx, &arn, &tags)?;
        Ok::<_, Refusal>(made)
    })?;
    Ok(Answer::ok(json!({
        "thingTypeName": made.name, "thingTypeArn": arn, "thingTypeId": made.id,
    })))
}

fn describe(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let found = thing_types::require(registry.state.snapshot()?.as_ref(), name(call))?;
    let mut shown = show(registry, &found);
    shown["thingTypeId"] = found.id.into();
    Ok(Answer::ok(shown))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deprecate {
    #[serde(default)]
    undo_deprecate: bool,
}

fn deprecate(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (asked, now) = (call.json::<Deprecate>()?, registry.clock.now());
    let is_over = !asked.undo_deprecate;
    registry.state.change(|tx| thing_types::deprecate(tx, name(call), is_over, now))?;
    done()
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    registry.state.change(|tx| thing_types::delete(tx, name(call)))?;
    done()
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (rows, wanted) = (registry.state.snapshot()?, call.query.get("thingTypeName"));
    let paging = paging(call, "maxResults", "nextToken")?;
    let found = thing_types::list(rows.as_ref(), wanted, &paging)?;
    Ok(page("thingTypes", "nextToken", each(found, |found| show(registry, &found))))
}
