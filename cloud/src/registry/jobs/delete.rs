//! Deleting a job with all that has become of it (AWS IoT API reference, `DeleteJob`).

use super::rows::{self, CLOSED, DOCUMENTS, EXECUTIONS, JOBS, OPEN, group_key, job_key};
use super::{JobStatus, job, notice, roster};
use crate::clock::Time;
use crate::registry::{Kind, Refusal};
use crate::state::Transaction;

/// Delete a job. Things that still have it before them are told that they do not.
///
/// # Errors
/// There is none, or it is in progress and it is not forced.
pub fn delete(tx: &mut dyn Transaction, id: &str, force: bool, now: Time) -> Result<(), Refusal> {
    let job = job(tx, id)?;
    if job.status == JobStatus::InProgress && !force {
        let message = format!("the job {id} is in progress; cancel it first, or force this");
        return Err(Refusal::new(Kind::Transition, message));
    }
    let mut things = match job.status {
        JobStatus::InProgress => rows::untouched(tx, &job)?,
        JobStatus::Canceled | JobStatus::Completed => Vec::new(),
    };
    let prefix = job_key(id);
    for (key, execution) in EXECUTIONS.scan(tx, &prefix, None, usize::MAX)? {
        let Some(thing) = key.last_after(&prefix) else { continue };
        rows::erase(tx, &job, &thing, &execution)?;
        if execution.status.is_open() {
            things.push(thing);
        }
    }
    for group in job.groups() {
        OPEN.delete(tx, &group_key(&job, group))?;
        CLOSED.delete(tx, &group_key(&job, group))?;
    }
    roster::delete(tx, id)?;
    DOCUMENTS.delete(tx, &prefix)?;
    JOBS.delete(tx, &prefix)?;
    if job.is_told {
        notice::tell(tx, &things, job.namespace.as_deref(), now)?;
    }
    Ok(())
}
