//! Executions that have taken too long (AWS IoT developer guide, "Job execution timeout").

use super::rows::{self, EXECUTIONS, TIMERS, execution_key};
use super::{Status, cancel, job, notice};
use crate::clock::Time;
use crate::registry::Refusal;
use crate::state::{Key, Transaction};

/// Most at a time.
const BLOCK: usize = 250;

/// End executions whose time has run out. Whether there may be more.
///
/// # Errors
/// The state fails.
pub fn expire(tx: &mut dyn Transaction, now: Time) -> Result<bool, Refusal> {
    let due = TIMERS.scan(tx, &Key::new(), None, BLOCK)?;
    let until = Key::new().number(now.seconds() + 1);
    let is_full = due.len() == BLOCK;
    for (key, timer) in due {
        if key >= until {
            return Ok(false);
        }
        TIMERS.delete(tx, &key)?;
        let key = execution_key(&timer.job, &timer.thing);
        let Some(before) = EXECUTIONS.get(tx, &key)? else { continue };
        if before.times_out().is_some_and(|at| at <= now.seconds()) {
            let mut job = job(tx, &timer.job)?;
            let ended = before.ended(Status::TimedOut, now.seconds());
            rows::write(tx, &mut job, &timer.thing, Some(&before), &ended, now)?;
            cancel::abort(tx, &job, now)?;
            if job.is_told {
                notice::tell_one(tx, &timer.thing, job.namespace.as_deref(), now)?;
            }
        }
    }
    Ok(is_full)
}
