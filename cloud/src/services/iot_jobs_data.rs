//! AWS IoT Jobs Data Plane: a thing's jobs as it sees them (AWS IoT Jobs data plane API reference).
//! Lists are of jobs without a namespace, as there is none in their requests.

use super::parsed;
use crate::registry::{Kind, Refusal, Registry, jobs};
use crate::web::protocol::{Protocol, rest_json};
use crate::web::{Answer, Call, Fault, Operation, Service};
use gg_model::ThingName;
use http::{Method, StatusCode};
use jobs::{Change, Pending, Status, shape};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const JOBS: &str = "/things/{thingName}/jobs";
const JOB: &str = "/things/{thingName}/jobs/{jobId}";

static OPERATIONS: &[Operation] = &[
    Operation::new(Method::GET, JOBS, "GetPendingJobExecutions", pending),
    Operation::new(Method::GET, JOB, "DescribeJobExecution", describe),
    Operation::new(Method::PUT, JOB, "StartNextPendingJobExecution", start_next),
    Operation::new(Method::POST, JOB, "UpdateJobExecution", update),
    Operation::unserved(Method::POST, "/command-executions", "StartCommandExecution"),
];

/// The service.
pub(super) fn service(registry: &Registry) -> Service {
    let router = rest_json::router(registry, OPERATIONS, fault);
    Service { name: "iot-jobs-data", protocol: Protocol::RestJson, router }
}

/// Names of operations, and whether they are served.
#[cfg(test)]
pub(super) fn operations() -> Vec<(&'static str, bool)> {
    OPERATIONS.iter().map(|operation| (operation.name, operation.is_served)).collect()
}

fn fault(refusal: &Refusal) -> Fault {
    let (status, code) = match refusal.kind {
        Kind::Conflict => (StatusCode::CONFLICT, "ConflictException"),
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException"),
        Kind::NotFound => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        Kind::Transition => (StatusCode::CONFLICT, "InvalidStateTransitionException"),
        Kind::Terminal => (StatusCode::GONE, "TerminalStateException"),
        Kind::Throttled => (StatusCode::TOO_MANY_REQUESTS, "ThrottlingException"),
        _ => (StatusCode::BAD_REQUEST, "InvalidRequestException"),
    };
    Fault::new(status, code, refusal.message.clone())
}

/// What a thing says of an execution.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    status: Option<String>,
    status_details: Option<BTreeMap<String, String>>,
    step_timeout_in_minutes: Option<i64>,
    expected_version: Option<u64>,
    execution_number: Option<u64>,
    #[serde(default)]
    include_job_execution_state: bool,
    #[serde(default)]
    include_job_document: bool,
}

impl Said {
    fn change(self) -> Result<Change, Refusal> {
        let unknown = |word| Refusal::invalid(format!("there is no status {word:?}"));
        let status = self.status.map(|word| Status::parse(&word).ok_or_else(|| unknown(word)));
        Ok(Change {
            status: status.transpose()?,
            details: self.status_details,
            expected_version: self.expected_version,
            number: self.execution_number,
            step_minutes: self.step_timeout_in_minutes,
        })
    }
}

fn pending(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (thing, rows) = (thing(call)?, registry.state.snapshot()?);
    let list = jobs::pending(rows.as_ref(), thing.as_ref(), None)?;
    Ok(Answer::ok(Value::Object(shape::lists(&list))))
}

fn describe(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (thing, rows) = (thing(call)?, registry.state.snapshot()?);
    let number = call.query.get("executionNumber").map(parsed).transpose()?;
    let id = call.part("jobId");
    let found = jobs::describe(rows.as_ref(), thing.as_ref(), None, id, number)?;
    let with_document = call.query.get("includeJobDocument") != Some("false");
    let Some(Pending { job, execution }) = found else { return Ok(Answer::ok(json!({}))) };
    let document = match with_document {
        true => Some(jobs::document(rows.as_ref(), &job)?.into()),
        false => None,
    };
    let now = registry.clock.now();
    let shape = shape::execution(&job, Some(thing.as_ref()), &execution, document, now);
    Ok(Answer::ok(json!({ "execution": shape })))
}

fn start_next(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    if call.part("jobId") != "$next" {
        return Err(Refusal::invalid("only $next can be started"));
    }
    let (thing, now) = (thing(call)?, registry.clock.now());
    let change = call.json::<Said>()?.change()?;
    let shape = registry.state.change(|tx| {
        let next = jobs::start_next(tx, thing.as_ref(), None, &change, now)?;
        let Some(Pending { job, execution }) = next else { return Ok::<_, Refusal>(json!({})) };
        let document = Some(jobs::document(tx, &job)?.into());
        let shape = shape::execution(&job, Some(thing.as_ref()), &execution, document, now);
        Ok(json!({ "execution": shape }))
    })?;
    Ok(Answer::ok(shape))
}

fn update(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (thing, now, id) = (thing(call)?, registry.clock.now(), call.part("jobId"));
    let said: Said = call.json()?;
    let (with_state, with_document) = (said.include_job_execution_state, said.include_job_document);
    let change = said.change()?;
    if change.status.is_none() {
        return Err(Refusal::invalid("status is missing"));
    }
    let answer = registry.state.change(|tx| {
        let after = jobs::update(tx, thing.as_ref(), id, &change, now)?;
        let mut answer = json!({});
        if with_state {
            answer["executionState"] = shape::state(&after);
        }
        if with_document {
            answer["jobDocument"] = jobs::document(tx, id)?.into();
        }
        Ok::<_, Refusal>(answer)
    })?;
    Ok(Answer::ok(answer))
}

fn thing(call: &Call) -> Result<ThingName, Refusal> {
    parsed(call.part("thingName"))
}
