//! Jobs, as those who make them see them (AWS IoT API reference, `CreateJob` and its kin).

pub(in crate::services) mod config;
mod executions;

use crate::registry::jobs::{self, Cancel, Job, JobFilter, NewJob, Status, Target};
use crate::registry::{Refusal, Registry};
use crate::web::{Answer, Call, Operation};
use config::{AbortConfig, AbortCriteria, RolloutConfig, TimeoutConfig};
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

const JOB: &str = "/jobs/{jobId}";
const OF_THING: &str = "/things/{thingName}/jobs";
const ON_THING: &str = "/things/{thingName}/jobs/{jobId}";

/// Most results in a page.
const PAGE: usize = 250;

/// The operations of jobs.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::PUT, JOB, "CreateJob", create),
    Operation::new(Method::GET, JOB, "DescribeJob", describe),
    Operation::new(Method::DELETE, JOB, "DeleteJob", delete),
    Operation::new(Method::GET, "/jobs/{jobId}/job-document", "GetJobDocument", document),
    Operation::new(Method::PUT, "/jobs/{jobId}/cancel", "CancelJob", cancel),
    Operation::new(Method::GET, "/jobs", "ListJobs", list),
    Operation::new(
        Method::GET,
        "/jobs/{jobId}/things",
        "ListJobExecutionsForJob",
        executions::of_job,
    ),
    Operation::new(Method::GET, OF_THING, "ListJobExecutionsForThing", executions::of_thing),
    Operation::new(Method::GET, ON_THING, "DescribeJobExecution", executions::describe_execution),
    Operation::new(
        Method::PUT,
        "/things/{thingName}/jobs/{jobId}/cancel",
        "CancelJobExecution",
        executions::cancel_execution,
    ),
    Operation::unserved(Method::PATCH, JOB, "UpdateJob"),
    Operation::unserved(Method::POST, "/jobs/{jobId}/targets", "AssociateTargetsWithJob"),
    Operation::unserved(
        Method::DELETE,
        "/things/{thingName}/jobs/{jobId}/executionNumber/{executionNumber}",
        "DeleteJobExecution",
    ),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    targets: Vec<String>,
    document: Option<String>,
    description: Option<String>,
    #[serde(default)]
    target_selection: jobs::Selection,
    timeout_config: Option<TimeoutConfig>,
    job_executions_rollout_config: Option<RolloutConfig>,
    abort_config: Option<AbortConfig>,
    namespace_id: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

fn create(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let create: Create = call.json()?;
    if let Some(name) = create.rest.keys().next() {
        return Err(Refusal::invalid(format!("gg-cloud does not act upon {name} of a job")));
    }
    let targets = create.targets.iter().map(|arn| Target::parse(arn, &registry.place));
    let abort = create.abort_config.unwrap_or_default().criteria_list;
    let new = NewJob {
        id: call.part("jobId").to_owned(),
        namespace: create.namespace_id,
        targets: targets.collect::<Result<_, _>>()?,
        selection: create.target_selection,
        document: create.document.ok_or_else(|| Refusal::invalid("the document is missing"))?,
        description: create.description,
        timeout_minutes: create.timeout_config.unwrap_or_default().in_progress_timeout_in_minutes,
        rollout: create.job_executions_rollout_config.map(RolloutConfig::read),
        abort: abort.into_iter().map(AbortCriteria::read).collect::<Result<_, _>>()?,
        is_told: true,
    };
    let now = registry.clock.now();
    let job = registry.state.change(|tx| jobs::create(tx, new, now))?;
    Ok(Answer::ok(named(registry, &job)))
}

/// What names a job in an answer.
fn named(registry: &Registry, job: &Job) -> Value {
    let mut shape = json!({ "jobArn": job.arn(&registry.place), "jobId": job.id });
    if let Some(description) = &job.description {
        shape["description"] = description.as_str().into();
    }
    shape
}

fn describe(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let job = jobs::job(registry.state.snapshot()?.as_ref(), call.part("jobId"))?;
    let targets = job.targets.iter().map(|target| target.arn(&registry.place));
    let targets: Vec<String> = targets.collect();
    let count = |status| job.counts.of(status);
    let mut shape = summary(registry, &job);
    shape["targets"] = targets.into();
    shape["jobProcessDetails"] = json!({
        "numberOfCanceledThings": count(Status::Canceled),
        "numberOfFailedThings": count(Status::Failed),
        "numberOfInProgressThings": count(Status::InProgress),
        "numberOfQueuedThings": count(Status::Queued),
        "numberOfRejectedThings": count(Status::Rejected),
        "numberOfRemovedThings": count(Status::Removed),
        "numberOfSucceededThings": count(Status::Succeeded),
        "numberOfTimedOutThings": count(Status::TimedOut),
    });
    let texts = [
        ("description", &job.description),
        ("namespaceId", &job.namespace),
        ("reasonCode", &job.reason_code),
        ("comment", &job.comment),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            shape[name] = text.as_str().into();
        }
    }
    if job.force_canceled {
        shape["forceCanceled"] = true.into();
    }
    if let Some(minutes) = job.timeout_minutes {
        shape["timeoutConfig"] = json!({ "inProgressTimeoutInMinutes": minutes });
    }
    if let Some(rollout) = &job.rollout {
        shape["jobExecutionsRolloutConfig"] = RolloutConfig::show(rollout);
    }
    if !job.abort.is_empty() {
        let criteria: Vec<_> = job.abort.iter().map(AbortCriteria::show).collect();
        shape["abortConfig"] = json!(AbortConfig { criteria_list: criteria });
    }
    Ok(Answer::ok(json!({ "job": shape })))
}

/// A job in a list.
fn summary(registry: &Registry, job: &Job) -> Value {
    let mut shape = json!({
        "jobArn": job.arn(&registry.place),
        "jobId": job.id,
        "targetSelection": job.selection,
        "status": job.status,
        "createdAt": job.created_at.fractional_seconds(),
        "lastUpdatedAt": job.updated_at.fractional_seconds(),
    });
    if let Some(at) = job.completed_at {
        shape["completedAt"] = at.fractional_seconds().into();
    }
    shape
}

fn document(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let document = jobs::document(registry.state.snapshot()?.as_ref(), call.part("jobId"))?;
    Ok(Answer::ok(json!({ "document": document })))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reason {
    reason_code: Option<String>,
    comment: Option<String>,
}

fn cancel(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let Reason { reason_code, comment } = call.json()?;
    let how = Cancel { force: forced(call), reason_code, comment };
    let now = registry.clock.now();
    let job = registry.state.change(|tx| jobs::cancel(tx, call.part("jobId"), &how, now))?;
    Ok(Answer::ok(named(registry, &job)))
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (force, now) = (forced(call), registry.clock.now());
    registry.state.change(|tx| jobs::delete(tx, call.part("jobId"), force, now))?;
    Ok(Answer::ok(json!({})))
}

fn forced(call: &Call) -> bool {
    call.query.get("force") == Some("true")
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let filter = JobFilter {
        status: chosen(call, "status")?,
        selection: chosen(call, "targetSelection")?,
        namespace: call.query.get("namespaceId").map(str::to_owned),
        group: call.query.get("thingGroupName").map(str::to_owned),
    };
    let rows = registry.state.snapshot()?;
    page(call, "jobs", |after, limit| {
        let jobs = jobs::jobs(rows.as_ref(), &filter, after, limit)?;
        let shapes = jobs.iter().map(|job| (job.id.clone(), summary(registry, job)));
        Ok(shapes.collect())
    })
}

/// A page of a list: what is found after a token, each with the token of the rest.
fn page(
    call: &Call,
    name: &str,
    find: impl Fn(Option<&str>, usize) -> Result<Vec<(String, Value)>, Refusal>,
) -> Result<Answer, Refusal> {
    let size = call.page_size("maxResults", PAGE)?;
    let mut found = find(call.query.get("nextToken"), size + 1)?;
    let is_more = found.len() > size;
    found.truncate(size);
    let mut answer = json!({});
    if let (true, Some((last, _))) = (is_more, found.last()) {
        answer["nextToken"] = last.as_str().into();
    }
    answer[name] = found.into_iter().map(|(_, shape)| shape).collect();
    Ok(Answer::ok(answer))
}

/// A word of a query that is one of an enumeration.
fn chosen<T: DeserializeOwned>(call: &Call, name: &str) -> Result<Option<T>, Refusal> {
    let read = |word: &str| {
        let value = serde_json::from_value(word.into());
        value.map_err(|error| Refusal::invalid(format!("{name}: {error}")))
    };
    call.query.get(name).map(read).transpose()
}
