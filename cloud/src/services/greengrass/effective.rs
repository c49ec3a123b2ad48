//! What has become of deployments on core devices.

use super::page::Page;
use crate::registry::deployments::{self, Effective};
use crate::registry::{Refusal, Registry};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde_json::{Value, json};

const ALL: &str = "/greengrass/v2/coreDevices/{coreDeviceThingName}/effectiveDeployments";

pub(super) static OPERATIONS: &[Operation] =
    &[Operation::new(Method::GET, ALL, "ListEffectiveDeployments", list)];

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (page, rows) = (Page::of(call)?, registry.state.snapshot()?);
    let thing = call.part("coreDeviceThingName");
    let found = deployments::effective(rows.as_ref(), &registry.place, thing)?;
    let begin = match &page.after {
        None => 0,
        Some(after) => {
            found.iter().position(|one| one.deployment.id == *after).map_or(0, |at| at + 1)
        }
    };
    let mut left = found.iter().skip(begin);
    let found: Vec<&Effective> = left.by_ref().take(page.size).collect();
    let shown: Value = found.iter().map(|one| show(registry, one)).collect();
    let mut answer = json!({ "effectiveDeployments": shown });
    if let (Some(last), Some(_)) = (found.last(), left.next()) {
        answer["nextToken"] = Page::token(&last.deployment.id).into();
    }
    Ok(Answer::ok(answer))
}

fn show(registry: &Registry, effective: &Effective) -> Value {
    let Effective { deployment, status, modified, details } = effective;
    let place = &registry.place;
    let mut shape = json!({
        "deploymentId": deployment.id,
        "targetArn": deployment.target.arn(place),
        "iotJobId": deployment.job_id,
        "iotJobArn": place.arn("iot", &format!("job/{}", deployment.job_id)),
        "coreDeviceExecutionStatus": status.word(),
        "creationTimestamp": deployment.created.fractional_seconds(),
        "modifiedTimestamp": modified,
        "statusDetails": { "errorStack": details.error_stack, "errorTypes": details.error_types },
    });
    if let Some(name) = &deployment.content.deployment_name {
        shape["deploymentName"] = name.as_str().into();
    }
    let reason = effective.reason();
    if !reason.is_empty() {
        shape["reason"] = reason.into();
    }
    shape
}
