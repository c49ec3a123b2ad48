//! Things that join groups, leave them, and go. Each is called after the membership has changed.

use super::rows::{self, EXECUTIONS, Found, HISTORY, OPEN, execution_key};
use super::{Execution, Job, Selection, Status, job, notice, order};
use crate::clock::Time;
use crate::registry::{Refusal, groups};
use crate::state::{Key, Transaction};

/// A thing is now of a group, itself or by a group in it: it gets what the group has for those who
/// come later.
///
/// # Errors
/// The state fails.
pub fn joined(
    tx: &mut dyn Transaction,
    thing: &str,
    group: &str,
    now: Time,
) -> Result<(), Refusal> {
    for (_, of_group) in OPEN.scan(tx, &Key::new().text(group), None, usize::MAX)? {
        let mut job = job(tx, &of_group.job)?;
        if job.selection != Selection::Continuous {
            continue;
        }
        let before = rows::find(tx, &job, thing)?.map(|found| found.execution);
        let after = match &before {
            Some(execution) if execution.status.is_open() => continue,
            Some(execution) => execution.again(order::next(tx, now)?),
            None => Execution::queued(order::next(tx, now)?),
        };
        rows::write(tx, &mut job, thing, before.as_ref(), &after, now)?;
        tell(tx, &job, thing, now)?;
    }
    Ok(())
}

/// A thing is no longer of a group: it loses what it has of it for those who come and go. What it
/// has for those who were there, it keeps.
///
/// # Errors
/// The state fails.
pub fn left(tx: &mut dyn Transaction, thing: &str, group: &str, now: Time) -> Result<(), Refusal> {
    let groups = groups::all_of(tx, thing)?;
    for (_, of_group) in OPEN.scan(tx, &Key::new().text(group), None, usize::MAX)? {
        let mut job = job(tx, &of_group.job)?;
        if job.is_for(thing, |group| groups.contains(group)) {
            continue;
        }
        let Some(Found { execution, is_written }) = rows::find(tx, &job, thing)? else { continue };
        let after = match job.selection {
            Selection::Continuous if execution.status.is_open() => {
                execution.ended(Status::Removed, now.seconds())
            }
            // No index of the group leads to it any more.
            Selection::Snapshot if !is_written => execution.clone(),
            _ => continue,
        };
        rows::write(tx, &mut job, thing, Some(&execution), &after, now)?;
        tell(tx, &job, thing, now)?;
    }
    Ok(())
}

/// A thing is deleted, having left its groups: nothing is before it any more.
///
/// # Errors
/// The state fails.
pub fn forget(tx: &mut dyn Transaction, thing: &str, now: Time) -> Result<(), Refusal> {
    let prefix = Key::new().text(thing);
    for (key, ()) in HISTORY.scan(tx, &prefix, None, usize::MAX)? {
        let Some(id) = key.last_after(&prefix) else { continue };
        let Some(execution) = EXECUTIONS.get(tx, &execution_key(&id, thing))? else { continue };
        if execution.status.is_open() {
            let (mut job, ended) = (job(tx, &id)?, execution.ended(Status::Removed, now.seconds()));
            rows::write(tx, &mut job, thing, Some(&execution), &ended, now)?;
        }
        HISTORY.delete(tx, &key)?;
    }
    Ok(notice::forget(tx, thing)?)
}

fn tell(tx: &mut dyn Transaction, job: &Job, thing: &str, now: Time) -> Result<(), Refusal> {
    match job.is_told {
        true => notice::tell_one(tx, thing, job.namespace.as_deref(), now),
        false => Ok(()),
    }
}
