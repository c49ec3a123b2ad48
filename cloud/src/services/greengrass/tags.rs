//! Operations on tags.

use crate::registry::{Refusal, Registry, tags};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::POST, "/tags/{resourceArn}", "TagResource", tag),
    Operation::new(Method::DELETE, "/tags/{resourceArn}", "UntagResource", untag),
    Operation::new(Method::GET, "/tags/{resourceArn}", "ListTagsForResource", list),
];

#[derive(Debug, Deserialize)]
struct Tagging {
    tags: tags::Tags,
}

fn tag(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (arn, tagging) = (call.part("resourceArn"), call.json::<Tagging>()?);
    registry.state.change(|transaction| {
        tags::check_greengrass(transaction, &registry.place, arn)?;
        tags::put(transaction, arn, &tagging.tags)
    })?;
    Ok(Answer::ok(json!({})))
}

fn untag(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let arn = call.part("resourceArn");
    registry.state.change(|transaction| {
        tags::check_greengrass(transaction, &registry.place, arn)?;
        tags::remove(transaction, arn, call.query.all("tagKeys")).map_err(Refusal::from)
    })?;
    Ok(Answer::ok(json!({})))
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (arn, rows) = (call.part("resourceArn"), registry.state.snapshot()?);
    tags::check_greengrass(rows.as_ref(), &registry.place, arn)?;
    Ok(Answer::ok(json!({ "tags": tags::of(rows.as_ref(), arn)? })))
}
