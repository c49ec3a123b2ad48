//! What things say of their executions (AWS IoT developer guide, "Jobs device MQTT and HTTPS APIs").

use super::{Change, Execution, Pending, Status, cancel, execution, job, notice, pending, rows};
use crate::clock::Time;
use crate::registry::{Kind, Refusal};
use crate::state::{Rows, Transaction};

/// The id by which a thing asks for what is next.
pub(super) const NEXT: &str = "$next";

/// An execution that a thing asks for by the job's id or `$next`; `None`: there is no next one.
///
/// # Errors
/// There is none of that id, or it has come to its end.
pub fn describe(
    rows: &dyn Rows,
    thing: &str,
    namespace: Option<&str>,
    id: &str,
    number: Option<u64>,
) -> Result<Option<Pending>, Refusal> {
    if id == NEXT {
        return Ok(pending(rows, thing, namespace)?.into_iter().next());
    }
    let execution = execution(rows, id, thing)?;
    execution.check(None, number)?;
    if !execution.status.is_open() {
        let message = format!("the execution is {}", execution.status.word());
        return Err(Refusal::new(Kind::Terminal, message));
    }
    Ok(Some(Pending { job: id.to_owned(), execution }))
}

/// A thing says where it stands with a job.
///
/// # Errors
/// It has no such job, or those of [`Execution::changed`].
pub fn update(
    tx: &mut dyn Transaction,
    thing: &str,
    id: &str,
    change: &Change,
    now: Time,
) -> Result<Execution, Refusal> {
    let before = execution(tx, id, thing)?;
    let mut job = job(tx, id)?;
    let after = before.changed(change, job.timeout_minutes, now.seconds())?;
    rows::write(tx, &mut job, thing, Some(&before), &after, now)?;
    cancel::abort(tx, &job, now)?;
    if job.is_told {
        notice::tell_one(tx, thing, job.namespace.as_deref(), now)?;
    }
    Ok(after)
}

/// A thing begins with what is next. What it is at already is left as it is.
///
/// # Errors
/// What it says of it is not well formed.
pub fn start_next(
    tx: &mut dyn Transaction,
    thing: &str,
    namespace: Option<&str>,
    change: &Change,
    now: Time,
) -> Result<Option<Pending>, Refusal> {
    let next = pending(tx, thing, namespace)?.into_iter().next();
    match next {
        Some(Pending { job, execution }) if execution.status == Status::Queued => {
            let change = Change { status: Some(Status::InProgress), ..change.clone() };
            let execution = update(tx, thing, &job, &change, now)?;
            Ok(Some(Pending { job, execution }))
        }
        next => Ok(next),
    }
}
