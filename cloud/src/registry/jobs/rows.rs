//! Executions as they are kept, and what has to change with each: its thing's indices, the time at
//! which it runs out, and its job's counts.

use super::{Execution, Job, JobStatus, Queued, Selection, Status, roster};
use crate::clock::Time;
use crate::registry::Refusal;
use crate::state::{Key, Rows, StateError, Table, Transaction};
use serde::{Deserialize, Serialize};

/// By their ids.
pub(super) const JOBS: Table<Job> = Table::new("jobs");
/// The documents by the ids of their jobs.
pub(super) const DOCUMENTS: Table<String> = Table::new("jobs-documents");
/// Executions that something has happened to, by job and thing.
pub(super) const EXECUTIONS: Table<Execution> = Table::new("jobs-executions");
/// The ids of jobs that a thing has before it, by thing, namespace and place.
pub(super) const PENDING: Table<String> = Table::new("jobs-pending");
/// The ids of jobs that a thing has had rows of, by thing and job.
pub(super) const HISTORY: Table<()> = Table::new("jobs-history");
/// Jobs of groups that are in progress, by group, namespace and place.
pub(super) const OPEN: Table<OfGroup> = Table::new("jobs-of-groups");
/// Jobs of groups that are over, alike.
pub(super) const CLOSED: Table<OfGroup> = Table::new("jobs-of-groups-closed");
/// Executions by the second in which they have taken too long.
pub(super) const TIMERS: Table<Timer> = Table::new("jobs-timers");

/// A job of a group.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct OfGroup {
    pub(super) job: String,
    pub(super) queued: Queued,
    pub(super) is_told: bool,
}

/// Whose time runs out.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Timer {
    pub(super) job: String,
    pub(super) thing: String,
}

pub(super) fn job_key(job: &str) -> Key {
    Key::new().text(job)
}

pub(super) fn execution_key(job: &str, thing: &str) -> Key {
    Key::new().text(job).last(thing)
}

pub(super) fn in_namespace(of: &str, namespace: Option<&str>) -> Key {
    Key::new().text(of).text(namespace.unwrap_or_default())
}

fn timer_key(at: u64, job: &str, thing: &str) -> Key {
    Key::new().number(at).text(job).text(thing)
}

/// A job.
///
/// # Errors
/// There is none.
pub fn job(rows: &dyn Rows, id: &str) -> Result<Job, Refusal> {
    JOBS.get(rows, &job_key(id))?.ok_or_else(|| Refusal::not_found("job", id))
}

/// The document of a job.
///
/// # Errors
/// There is none.
pub fn document(rows: &dyn Rows, id: &str) -> Result<String, Refusal> {
    DOCUMENTS.get(rows, &job_key(id))?.ok_or_else(|| Refusal::not_found("job", id))
}

/// What has become of a job on a thing.
///
/// # Errors
/// There is no such job, or it is not for this thing.
pub fn execution(rows: &dyn Rows, job_id: &str, thing: &str) -> Result<Execution, Refusal> {
    let found = find(rows, &job(rows, job_id)?, thing)?.map(|found| found.execution);
    found.ok_or_else(|| {
        let message = format!("the thing {thing} has no job {job_id}");
        Refusal::new(crate::registry::Kind::NotFound, message).about("job execution", job_id)
    })
}

/// An execution, and whether it is a row.
pub(super) struct Found {
    pub(super) execution: Execution,
    pub(super) is_written: bool,
}

pub(super) fn find(rows: &dyn Rows, job: &Job, thing: &str) -> Result<Option<Found>, StateError> {
    if let Some(execution) = EXECUTIONS.get(rows, &execution_key(&job.id, thing))? {
        return Ok(Some(Found { execution, is_written: true }));
    }
    let is_there = job.rollout.is_none() && roster::has(rows, &job.id, thing)?;
    Ok(is_there.then(|| Found { execution: unwritten(job), is_written: false }))
}

/// What has become of a job on things to which nothing else has happened.
pub(super) fn unwritten(job: &Job) -> Execution {
    let queued = Execution::queued(job.queued);
    match job.status {
        JobStatus::Canceled => queued.ended(Status::Canceled, job.updated_at.seconds()),
        _ => queued,
    }
}

/// Things with an execution that is no row, in order.
pub(super) fn untouched(rows: &dyn Rows, job: &Job) -> Result<Vec<String>, StateError> {
    let mut names = roster::names(rows, &job.id, None)?;
    if job.rollout.is_some() {
        names.clear();
    }
    if names.is_empty() {
        return Ok(names);
    }
    let prefix = job_key(&job.id);
    let written = EXECUTIONS.scan(rows, &prefix, None, usize::MAX)?;
    let mut written = written.into_iter().filter_map(|(key, _)| key.last_after(&prefix)).peekable();
    // Both are in order.
    names.retain(|name| {
        while written.next_if(|written| written < name).is_some() {}
        written.peek() != Some(name)
    });
    Ok(names)
}

/// Write what has become of an execution; the job is written too, with its counts.
pub(super) fn write(
    tx: &mut dyn Transaction,
    job: &mut Job,
    thing: &str,
    before: Option<&Execution>,
    after: &Execution,
    now: Time,
) -> Result<(), StateError> {
    EXECUTIONS.put(tx, &execution_key(&job.id, thing), after)?;
    HISTORY.put(tx, &Key::new().text(thing).last(&job.id), &())?;
    index(tx, job, thing, before, after)?;
    if let Some(before) = before {
        job.counts.take(before.status, 1);
    }
    job.counts.add(after.status, 1);
    settle(tx, job, now)
}

/// Put an execution where it is looked for.
fn index(
    tx: &mut dyn Transaction,
    job: &Job,
    thing: &str,
    before: Option<&Execution>,
    after: &Execution,
) -> Result<(), StateError> {
    let place = |execution: &Execution| {
        in_namespace(thing, job.namespace.as_deref()).number(execution.queued.order)
    };
    if job.is_told && after.status.is_open() {
        PENDING.put(tx, &place(after), &job.id)?;
    } else {
        PENDING.delete(tx, &place(before.unwrap_or(after)))?;
    }
    let (was, is) = (before.and_then(Execution::times_out), after.times_out());
    if was != is {
        if let Some(was) = was {
            TIMERS.delete(tx, &timer_key(was, &job.id, thing))?;
        }
        if let Some(is) = is {
            let timer = Timer { job: job.id.clone(), thing: thing.to_owned() };
            TIMERS.put(tx, &timer_key(is, &job.id, thing), &timer)?;
        }
    }
    Ok(())
}

/// Take an execution from where it is looked for, and away.
pub(super) fn erase(
    tx: &mut dyn Transaction,
    job: &Job,
    thing: &str,
    execution: &Execution,
) -> Result<(), StateError> {
    let gone = execution.ended(Status::Removed, execution.updated_at);
    index(tx, job, thing, Some(execution), &gone)?;
    HISTORY.delete(tx, &Key::new().text(thing).last(&job.id))?;
    EXECUTIONS.delete(tx, &execution_key(&job.id, thing))
}

/// Write a job, which is over once every thing has come to an end with it and no other can come.
pub(super) fn settle(tx: &mut dyn Transaction, job: &mut Job, now: Time) -> Result<(), StateError> {
    let is_done = job.selection == Selection::Snapshot && job.counts.open() + job.waiting == 0;
    if job.status == JobStatus::InProgress && is_done {
        job.status = JobStatus::Completed;
        job.completed_at = Some(now);
        close(tx, job)?;
    }
    job.updated_at = job.updated_at.max(now);
    JOBS.put(tx, &job_key(&job.id), job)
}

/// It is no longer among those of its groups that are in progress.
pub(super) fn close(tx: &mut dyn Transaction, job: &Job) -> Result<(), StateError> {
    for group in job.groups() {
        let key = group_key(job, group);
        if let Some(row) = OPEN.get(tx, &key)? {
            OPEN.delete(tx, &key)?;
            CLOSED.put(tx, &key, &row)?;
        }
    }
    Ok(())
}

pub(super) fn group_key(job: &Job, group: &str) -> Key {
    in_namespace(group, job.namespace.as_deref()).number(job.queued.order)
}
