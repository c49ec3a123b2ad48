//! Taking back a job, or an execution of one (AWS IoT API reference, `CancelJob`,
//! `CancelJobExecution`).

use super::execution::check_details;
use super::rows::{self, EXECUTIONS, OPEN, job_key};
use super::{
    Change, Execution, Job, JobStatus, NewJob, Status, Target, abort, create, job, notice,
};
use crate::clock::Time;
use crate::registry::{Kind, Refusal};
use crate::state::{Key, Transaction};
use std::collections::BTreeSet;

/// The reason for which a job is taken back with which too many things have failed.
pub const ABORTED: &str = "ABORTED_BY_CRITERIA";

/// How a job is taken back.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    /// What things are at, too.
    pub force: bool,
    /// Why, for programs.
    pub reason_code: Option<String>,
    /// Why, for people.
    pub comment: Option<String>,
}

/// Take back a job, and tell the things that had it before them.
///
/// # Errors
/// There is none, or it is over.
pub fn cancel(tx: &mut dyn Transaction, id: &str, how: &Cancel, now: Time) -> Result<Job, Refusal> {
    let (job, things) = end(tx, id, how, now)?;
    if job.is_told {
        notice::tell(tx, &things, job.namespace.as_deref(), now)?;
    }
    Ok(job)
}

/// Make a job in the place of another of its namespace, which is taken back although things may be at
/// it: they are told of both together. One that is over already is left as it is.
///
/// # Errors
/// There is no former one, or those of [`create`](super::create()).
pub fn replace(
    tx: &mut dyn Transaction,
    former: &str,
    new: NewJob,
    now: Time,
) -> Result<Job, Refusal> {
    let how = Cancel { force: true, ..Cancel::default() };
    let mut things: BTreeSet<String> = match job(tx, former)?.status {
        JobStatus::InProgress => end(tx, former, &how, now)?.1.into_iter().collect(),
        JobStatus::Canceled | JobStatus::Completed => BTreeSet::new(),
    };
    let (job, of_new) = create::make(tx, new, now)?;
    things.extend(of_new);
    let things: Vec<String> = things.into_iter().collect();
    notice::tell(tx, &things, job.namespace.as_deref(), now)?;
    Ok(job)
}

/// How jobs are taken back whose group is deleted.
pub fn deleted_group() -> Cancel {
    let comment = Some("the thing group was deleted".to_owned());
    Cancel { force: true, reason_code: Some("THING_GROUP_DELETED".to_owned()), comment }
}

/// A group is deleted: jobs that are for it alone are taken back. Others go on for their other targets.
///
/// # Errors
/// The state fails.
pub fn end_of_group(tx: &mut dyn Transaction, group: &str, now: Time) -> Result<(), Refusal> {
    for (_, of_group) in OPEN.scan(tx, &Key::new().text(group), None, usize::MAX)? {
        let is_alone = |target: &Target| matches!(target, Target::Group(name) if name == group);
        if job(tx, &of_group.job)?.targets.iter().all(is_alone) {
            cancel(tx, &of_group.job, &deleted_group(), now)?;
        }
    }
    Ok(())
}

/// Take back a job with which too many things have failed.
pub(super) fn abort(tx: &mut dyn Transaction, job: &Job, now: Time) -> Result<(), Refusal> {
    if job.status == JobStatus::InProgress && abort::is_due(&job.abort, &job.counts) {
        let comment = Some("as many things failed as abortConfig says".to_owned());
        let reason_code = Some(ABORTED.to_owned());
        cancel(tx, &job.id, &Cancel { force: false, reason_code, comment }, now)?;
    }
    Ok(())
}

/// Take back a job, and give the things that had it before them.
fn end(
    tx: &mut dyn Transaction,
    id: &str,
    how: &Cancel,
    now: Time,
) -> Result<(Job, Vec<String>), Refusal> {
    let mut job = job(tx, id)?;
    if job.status == JobStatus::Completed || (job.status == JobStatus::Canceled && !how.force) {
        return Err(Refusal::invalid(format!("the job {id} is over")));
    }
    let mut things = match job.status {
        JobStatus::InProgress => rows::untouched(tx, &job)?,
        JobStatus::Canceled | JobStatus::Completed => Vec::new(),
    };
    job.counts.take(Status::Queued, things.len() as u64);
    job.counts.add(Status::Canceled, things.len() as u64);
    job.status = JobStatus::Canceled;
    job.force_canceled = how.force;
    (job.reason_code, job.comment) = (how.reason_code.clone(), how.comment.clone());
    job.completed_at = Some(now);
    rows::close(tx, &job)?;
    let prefix = job_key(id);
    for (key, execution) in EXECUTIONS.scan(tx, &prefix, None, usize::MAX)? {
        let ends = match execution.status {
            Status::Queued => true,
            Status::InProgress => how.force,
            _ => false,
        };
        if let (true, Some(thing)) = (ends, key.last_after(&prefix)) {
            let ended = execution.ended(Status::Canceled, now.seconds());
            rows::write(tx, &mut job, &thing, Some(&execution), &ended, now)?;
            things.push(thing);
        }
    }
    rows::settle(tx, &mut job, now)?;
    Ok((job, things))
}

/// Take back an execution, and tell its thing.
///
/// # Errors
/// There is none, it has another version or has come to its end, or the thing is at it and it is not
/// forced.
pub fn cancel_execution(
    tx: &mut dyn Transaction,
    id: &str,
    thing: &str,
    force: bool,
    change: &Change,
    now: Time,
) -> Result<(), Refusal> {
    let before = super::execution(tx, id, thing)?;
    before.check(change.expected_version, change.number)?;
    if !before.status.is_open() || (before.status == Status::InProgress && !force) {
        let message = format!("the execution is {}", before.status.word());
        return Err(Refusal::new(Kind::Transition, message));
    }
    let mut job = job(tx, id)?;
    let mut ended: Execution = before.ended(Status::Canceled, now.seconds());
    if let Some(details) = &change.details {
        check_details(details)?;
        ended.details.clone_from(details);
    }
    rows::write(tx, &mut job, thing, Some(&before), &ended, now)?;
    notice::tell_one(tx, thing, job.namespace.as_deref(), now)
}
