//! What a thing has before it: what it is at, then what is queued, each in its order, within a
//! namespace (AWS IoT developer guide, "Jobs device MQTT API", `GetPendingJobExecutions`).

use super::rows::{EXECUTIONS, OPEN, PENDING, execution_key, in_namespace};
use super::{Execution, Status, roster};
use crate::registry::{Refusal, groups};
use crate::state::Rows;

/// Most that are looked at, of each group and of the thing itself.
const MOST: usize = 200;

/// An execution that has not come to an end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pending {
    /// The id of the job.
    pub job: String,
    /// Where it stands.
    pub execution: Execution,
}

/// What a thing has before it, the first first.
///
/// # Errors
/// The state cannot be read.
pub fn pending(
    rows: &dyn Rows,
    thing: &str,
    namespace: Option<&str>,
) -> Result<Vec<Pending>, Refusal> {
    let mut found: Vec<Pending> = Vec::new();
    for (_, job) in PENDING.scan(rows, &in_namespace(thing, namespace), None, MOST)? {
        if let Some(execution) = EXECUTIONS.get(rows, &execution_key(&job, thing))? {
            found.push(Pending { job, execution });
        }
    }
    for group in groups::all_of(rows, thing)? {
        for (_, of_group) in OPEN.scan(rows, &in_namespace(&group, namespace), None, MOST)? {
            let is_new = of_group.is_told
                && found.iter().all(|pending| pending.job != of_group.job)
                && EXECUTIONS.get(rows, &execution_key(&of_group.job, thing))?.is_none()
                && roster::has(rows, &of_group.job, thing)?;
            if is_new {
                let execution = Execution::queued(of_group.queued);
                found.push(Pending { job: of_group.job, execution });
            }
        }
    }
    found.sort_by_key(|pending| {
        (pending.execution.status != Status::InProgress, pending.execution.queued)
    });
    Ok(found)
}
