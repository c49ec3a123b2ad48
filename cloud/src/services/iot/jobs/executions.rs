//! Executions of jobs, as those who make jobs see them (AWS IoT API reference,
//! `DescribeJobExecution` and its kin).

use super::{chosen, forced, page};
use crate::registry::jobs::{self, Change, Execution, ExecutionFilter, Target};
use crate::registry::{Refusal, Registry};
use crate::services::parsed;
use crate::web::{Answer, Call};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn of_job(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let status = chosen(call, "status")?;
    let rows = registry.state.snapshot()?;
    page(call, "executionSummaries", |after, limit| {
        let found = jobs::of_job(rows.as_ref(), call.part("jobId"), status, after, limit)?;
        let shapes = found.into_iter().map(|(thing, execution)| {
            let arn = Target::Thing(thing.clone()).arn(&registry.place);
            (thing, json!({ "thingArn": arn, "jobExecutionSummary": times(&execution) }))
        });
        Ok(shapes.collect())
    })
}

pub(super) fn of_thing(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let filter = ExecutionFilter {
        status: chosen(call, "status")?,
        namespace: call.query.get("namespaceId").map(str::to_owned),
        job: call.query.get("jobId").map(str::to_owned),
    };
    let (thing, rows) = (call.part("thingName"), registry.state.snapshot()?);
    page(call, "executionSummaries", |after, limit| {
        let before = after.map(parsed).transpose()?;
        let found = jobs::of_thing(rows.as_ref(), thing, &filter, before, limit)?;
        let shapes = found.into_iter().map(|(job, execution)| {
            let place = execution.queued.order.to_string();
            (place, json!({ "jobId": job, "jobExecutionSummary": times(&execution) }))
        });
        Ok(shapes.collect())
    })
}

/// An execution without what is said of it.
fn times(execution: &Execution) -> Value {
    let mut shape = json!({
        "status": execution.status,
        "queuedAt": execution.queued.at,
        "lastUpdatedAt": execution.updated_at,
        "executionNumber": execution.number,
    });
    if let Some(at) = execution.started_at {
        shape["startedAt"] = at.into();
    }
    shape
}

pub(super) fn describe_execution(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (id, thing) = (call.part("jobId"), call.part("thingName"));
    let execution = jobs::execution(registry.state.snapshot()?.as_ref(), id, thing)?;
    let number: Option<u64> = call.query.get("executionNumber").map(parsed).transpose()?;
    if number.is_some_and(|number| number != execution.number) {
        return Err(Refusal::not_found("job execution", id));
    }
    let mut shape = times(&execution);
    shape["jobId"] = id.into();
    shape["thingArn"] = Target::Thing(thing.to_owned()).arn(&registry.place).into();
    shape["versionNumber"] = execution.version.into();
    shape["statusDetails"] = json!({ "detailsMap": execution.details });
    shape["forceCanceled"] = execution.force_canceled.into();
    if let Some(at) = execution.times_out() {
        let left = at.saturating_sub(registry.clock.now().seconds());
        shape["approximateSecondsBeforeTimedOut"] = left.into();
    }
    Ok(Answer::ok(json!({ "execution": shape })))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelExecution {
    expected_version: Option<u64>,
    status_details: Option<BTreeMap<String, String>>,
}

pub(super) fn cancel_execution(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let CancelExecution { expected_version, status_details } = call.json()?;
    let change = Change { expected_version, details: status_details, ..Change::default() };
    let (id, thing) = (call.part("jobId"), call.part("thingName"));
    let (force, now) = (forced(call), registry.clock.now());
    let ended = |tx: &mut dyn crate::state::Transaction| {
        jobs::cancel_execution(tx, id, thing, force, &change, now)
    };
    registry.state.change(ended)?;
    Ok(Answer::ok(json!({})))
}
