//! Thing groups.

use super::tags::Tag;
use super::things::Payload;
use super::{done, each, expected, flag, object, page, paging};
use crate::registry::groups::{self, Filter, Group, Properties};
use crate::registry::{Place, Refusal, Registry, tags};
use crate::state::Rows;
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const GROUP: &str = "/thing-groups/{thingGroupName}";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::POST, GROUP, "CreateThingGroup", create),
    Operation::new(Method::GET, GROUP, "DescribeThingGroup", describe),
    Operation::new(Method::PATCH, GROUP, "UpdateThingGroup", update),
    Operation::new(Method::DELETE, GROUP, "DeleteThingGroup", delete),
    Operation::new(Method::GET, "/thing-groups", "ListThingGroups", list),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    parent_group_name: Option<String>,
    #[serde(default)]
    thing_group_properties: AskedProperties,
    expected_version: Option<u64>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedProperties {
    thing_group_description: Option<String>,
    attribute_payload: Option<Payload>,
}

impl From<AskedProperties> for Properties {
    fn from(asked: AskedProperties) -> Self {
        let merge = asked.attribute_payload.as_ref().is_some_and(|payload| payload.merge);
        let attributes = asked.attribute_payload.map(|payload| payload.attributes);
        Self { description: asked.thing_group_description, attributes, merge }
    }
}

/// A name and an ARN, as lists have them.
pub(super) fn name_and_arn(place: &Place, name: &str) -> Value {
    json!({ "groupName": name, "groupArn": groups::arn(place, name) })
}

fn create(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (name, asked) = (call.part("thingGroupName"), call.json::<Asked>()?);
    let (parent, now) = (asked.parent_group_name, registry.clock.now());
    let properties = asked.thing_group_properties.into();
    let (arn, tags) = (groups::arn(&registry.place, name), super::tags::read(asked.tags));
    let made = registry.state.change(|tx| {
        let made = groups::create(tx, name, parent.as_deref(), properties, now)?;
        tags::put(tx, &arn, &tags)?;
        Ok::<_, Refusal>(made)
    })?;
    Ok(Answer::ok(json!({
        "thingGroupName": made.name,
        "thingGroupArn": groups::arn(&registry.place, &made.name),
        "thingGroupId": made.id,
    })))
}

fn describe(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let group = groups::require(rows.as_ref(), call.part("thingGroupName"))?;
    let mut shown = json!({
        "thingGroupName": group.name,
        "thingGroupArn": groups::arn(&registry.place, &group.name),
        "thingGroupId": group.id,
        "version": group.version,
        "thingGroupProperties": object(json!({
            "thingGroupDescription": group.description,
            "attributePayload": { "attributes": group.attributes },
        })),
    });
    shown["thingGroupMetadata"] = metadata(rows.as_ref(), &registry.place, &group)?;
    Ok(Answer::ok(shown))
}

/// When it was made, and the groups that it is in, the root first.
fn metadata(rows: &dyn Rows, place: &Place, group: &Group) -> Result<Value, Refusal> {
    let above = groups::above(rows, &group.name)?;
    let above: Vec<Value> = above.iter().rev().map(|name| name_and_arn(place, name)).collect();
    let mut metadata = json!({
        "creationDate": group.created.fractional_seconds(),
        "parentGroupName": group.parent,
    });
    if !above.is_empty() {
        metadata["rootToParentThingGroups"] = above.into();
    }
    Ok(object(metadata))
}

fn update(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (name, asked) = (call.part("thingGroupName"), call.json::<Asked>()?);
    let properties = asked.thing_group_properties.into();
    let expected = asked.expected_version;
    let group = registry.state.change(|tx| groups::update(tx, name, properties, expected))?;
    Ok(Answer::ok(json!({ "version": group.version })))
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (name, expected, now) =
        (call.part("thingGroupName"), expected(call)?, registry.clock.now());
    registry.state.change(|tx| groups::delete(tx, name, expected, now))?;
    done()
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let filter = Filter {
        parent: call.query.get("parentGroup").map(str::to_owned),
        prefix: call.query.get("namePrefixFilter").unwrap_or_default().to_owned(),
        recursive: flag(call, "recursive", true)?,
    };
    let rows = registry.state.snapshot()?;
    let found = groups::list(rows.as_ref(), &filter, &paging(call, "maxResults", "nextToken")?)?;
    let found = each(found, |name| name_and_arn(&registry.place, &name));
    Ok(page("thingGroups", "nextToken", found))
}
