//! Looking at jobs and executions, a page at a time.

use super::rows::{
    CLOSED, EXECUTIONS, HISTORY, JOBS, OPEN, execution_key, find, job_key, unwritten,
};
use super::{Execution, Job, JobStatus, Selection, Status, job, roster};
use crate::registry::{Refusal, groups};
use crate::state::{Key, Rows};
use std::collections::BTreeMap;

/// Rows that are read at a time.
const BLOCK: usize = 500;

/// Which jobs.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Of a status.
    pub status: Option<JobStatus>,
    /// Of a selection.
    pub selection: Option<Selection>,
    /// Of a namespace.
    pub namespace: Option<String>,
    /// With a group among their targets.
    pub group: Option<String>,
}

/// Which executions.
#[derive(Clone, Debug, Default)]
pub struct ExecutionFilter {
    /// Of a status.
    pub status: Option<Status>,
    /// Of jobs of a namespace.
    pub namespace: Option<String>,
    /// Of one job.
    pub job: Option<String>,
}

/// Jobs whose ids come after one, in the order of their ids, so many at most.
///
/// # Errors
/// The state cannot be read.
pub fn jobs(
    rows: &dyn Rows,
    filter: &JobFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Job>, Refusal> {
    let mut found = Vec::new();
    let mut after = after.map(job_key);
    loop {
        let block = JOBS.scan(rows, &Key::new(), after.as_ref(), BLOCK)?;
        let Some((last, _)) = block.last() else { return Ok(found) };
        after = Some(last.clone());
        for (_, job) in block {
            let is_meant = filter.status.is_none_or(|status| job.status == status)
                && filter.selection.is_none_or(|selection| job.selection == selection)
                && (filter.namespace.is_none() || job.namespace == filter.namespace)
                && filter.group.as_ref().is_none_or(|group| job.groups().any(|one| one == group));
            if is_meant {
                found.push(job);
            }
            if found.len() == limit {
                return Ok(found);
            }
        }
    }
}

/// What has become of a job on things whose names come after one, in the order of their names, so
/// many at most.
///
/// # Errors
/// There is no such job.
pub fn of_job(
    rows: &dyn Rows,
    id: &str,
    status: Option<Status>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Execution)>, Refusal> {
    let (job, prefix) = (job(rows, id)?, job_key(id));
    let untouched = unwritten(&job);
    let names = match job.rollout {
        None => roster::names(rows, id, after)?,
        Some(_) => Vec::new(),
    };
    let mut all: BTreeMap<String, Option<Execution>> =
        names.into_iter().map(|name| (name, None)).collect();
    let after = after.map(|after| execution_key(id, after));
    for (key, execution) in EXECUTIONS.scan(rows, &prefix, after.as_ref(), usize::MAX)? {
        if let Some(thing) = key.last_after(&prefix) {
            all.insert(thing, Some(execution));
        }
    }
    let all = all
        .into_iter()
        .map(|(thing, execution)| (thing, execution.unwrap_or_else(|| untouched.clone())));
    let meant = all.filter(|(_, execution)| status.is_none_or(|one| execution.status == one));
    Ok(meant.take(limit).collect())
}

/// What has become of a thing's jobs, those that were queued last first; so many at most, queued
/// before a place. Of jobs that were canceled before it did anything, those of its groups are there.
///
/// # Errors
/// The state cannot be read.
pub fn of_thing(
    rows: &dyn Rows,
    thing: &str,
    filter: &ExecutionFilter,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(String, Execution)>, Refusal> {
    let mut found: BTreeMap<String, Execution> = BTreeMap::new();
    let prefix = Key::new().text(thing);
    for (key, ()) in HISTORY.scan(rows, &prefix, None, usize::MAX)? {
        let Some(id) = key.last_after(&prefix) else { continue };
        if let Some(execution) = EXECUTIONS.get(rows, &execution_key(&id, thing))? {
            found.insert(id, execution);
        }
    }
    for group in groups::all_of(rows, thing)? {
        for table in [OPEN, CLOSED] {
            for (_, of_group) in table.scan(rows, &Key::new().text(&group), None, usize::MAX)? {
                if found.contains_key(&of_group.job) {
                    continue;
                }
                if let Some(of_thing) = find(rows, &job(rows, &of_group.job)?, thing)? {
                    found.insert(of_group.job, of_thing.execution);
                }
            }
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, execution)| std::cmp::Reverse(execution.queued.order));
    let mut page = Vec::new();
    for (id, execution) in found {
        let is_meant = filter.status.is_none_or(|status| execution.status == status)
            && filter.job.as_ref().is_none_or(|job| *job == id)
            && before.is_none_or(|before| execution.queued.order < before)
            && (filter.namespace.is_none() || job(rows, &id)?.namespace == filter.namespace);
        if is_meant {
            page.push((id, execution));
        }
        if page.len() == limit {
            break;
        }
    }
    Ok(page)
}
