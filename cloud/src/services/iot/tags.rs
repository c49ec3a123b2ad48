//! Tags of what has a name: thing groups and types, policies, role aliases and provisioning templates.

use super::{done, object};
use crate::registry::tags::{self, Tags};
use crate::registry::{Refusal, Registry};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::POST, "/tags", "TagResource", tag),
    Operation::new(Method::POST, "/untag", "UntagResource", untag),
    Operation::new(Method::GET, "/tags", "ListTagsForResource", list),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

/// Lists of pairs as tags.
pub(super) fn read(tags: Vec<Tag>) -> Tags {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tagging {
    resource_arn: String,
    tags: Vec<Tag>,
}

fn tag(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let Tagging { resource_arn: arn, tags } = call.json()?;
    let tags = read(tags);
    registry.state.change(|tx| {
        tags::check_iot(tx, &registry.place, &arn)?;
        tags::put(tx, &arn, &tags)
    })?;
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Untagging {
    resource_arn: String,
    tag_keys: Vec<String>,
}

fn untag(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let Untagging { resource_arn: arn, tag_keys } = call.json()?;
    registry.state.change(|tx| {
        tags::check_iot(tx, &registry.place, &arn)?;
        tags::remove(tx, &arn, tag_keys.iter().map(String::as_str)).map_err(Refusal::from)
    })?;
    done()
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (arn, rows) =
        (call.query.get("resourceArn").unwrap_or_default(), registry.state.snapshot()?);
    tags::check_iot(rows.as_ref(), &registry.place, arn)?;
    let tags = tags::of(rows.as_ref(), arn)?;
    let shown: Value =
        tags.iter().map(|(name, value)| json!({ "Key": name, "Value": value })).collect();
    Ok(Answer::ok(object(json!({ "tags": shown }))))
}
