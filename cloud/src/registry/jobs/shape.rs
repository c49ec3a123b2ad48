//! Executions as JSON has them: on a thing's side (AWS IoT developer guide, "Jobs device MQTT and
//! HTTPS API data types") and on that of those who make jobs (AWS IoT API reference).

use super::{Execution, Pending, Status};
use crate::clock::Time;
use serde_json::{Map, Value, json};

/// Most executions of one status in a list of what is pending.
const MOST_LISTED: usize = 15;

/// The document of a job as a value; one that is no JSON, of which there is none, as a text.
fn value(document: String) -> Value {
    serde_json::from_str(&document).unwrap_or(Value::String(document))
}

/// An execution with its job's document, for its thing.
pub fn execution(
    job: &str,
    thing: Option<&str>,
    execution: &Execution,
    document: Option<Value>,
    now: Time,
) -> Value {
    let mut shape = summary(job, execution);
    shape.insert("status".into(), execution.status.word().into());
    if !execution.details.is_empty() {
        shape.insert("statusDetails".into(), json!(execution.details));
    }
    if let Some(thing) = thing {
        shape.insert("thingName".into(), thing.into());
    }
    if let Some(at) = execution.times_out() {
        let left = at.saturating_sub(now.seconds());
        shape.insert("approximateSecondsBeforeTimedOut".into(), left.into());
    }
    if let Some(document) = document {
        shape.insert("jobDocument".into(), document);
    }
    shape.into()
}

/// With the document as an object, as in messages.
pub(super) fn with_document(
    pending: &Pending,
    thing: Option<&str>,
    document: Option<String>,
    now: Time,
) -> Value {
    execution(&pending.job, thing, &pending.execution, document.map(value), now)
}

/// An execution in a list for its thing.
fn summary(job: &str, execution: &Execution) -> Map<String, Value> {
    let mut shape = Map::new();
    shape.insert("jobId".into(), job.into());
    shape.insert("queuedAt".into(), execution.queued.at.into());
    if let Some(at) = execution.started_at {
        shape.insert("startedAt".into(), at.into());
    }
    shape.insert("lastUpdatedAt".into(), execution.updated_at.into());
    shape.insert("executionNumber".into(), execution.number.into());
    shape.insert("versionNumber".into(), execution.version.into());
    shape
}

fn summaries(list: &[Pending], status: Status) -> Vec<Value> {
    let of_status = list.iter().filter(|pending| pending.execution.status == status);
    let shapes = of_status.map(|pending| summary(&pending.job, &pending.execution).into());
    shapes.take(MOST_LISTED).collect()
}

/// Where an execution stands.
pub fn state(execution: &Execution) -> Value {
    json!({
        "status": execution.status.word(),
        "statusDetails": execution.details,
        "versionNumber": execution.version,
    })
}

/// What a thing has before it, as the answer to who asks for it.
pub fn lists(list: &[Pending]) -> Map<String, Value> {
    let mut shape = Map::new();
    shape.insert("inProgressJobs".into(), summaries(list, Status::InProgress).into());
    shape.insert("queuedJobs".into(), summaries(list, Status::Queued).into());
    shape
}

/// What a thing has before it, as it is told.
pub(super) fn notify(list: &[Pending], now: Time) -> Value {
    let mut jobs = Map::new();
    for status in [Status::InProgress, Status::Queued] {
        let of_status = summaries(list, status);
        if !of_status.is_empty() {
            jobs.insert(status.word().into(), of_status.into());
        }
    }
    json!({ "timestamp": now.seconds(), "jobs": jobs })
}

/// What is next for a thing, as it is told.
pub(super) fn notify_next(next: Option<(&Pending, String)>, now: Time) -> Value {
    let mut message = json!({ "timestamp": now.seconds() });
    if let Some((pending, document)) = next {
        message["execution"] = with_document(pending, None, Some(document), now);
    }
    message
}
