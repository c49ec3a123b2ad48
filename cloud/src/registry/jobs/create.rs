//! Making a job (AWS IoT API reference, `CreateJob`).

use super::execution::MOST_MINUTES;
use super::job::check_id;
use super::rows::{self, DOCUMENTS, JOBS, OPEN, OfGroup, group_key, job_key};
use super::{
    AbortCriterion, Counts, Execution, Job, JobStatus, Rollout, Selection, Status, Target,
};
use super::{abort, notice, order, rollout, roster};
use crate::clock::Time;
use crate::registry::{Kind, Refusal, groups, things};
use crate::state::Transaction;
use std::collections::BTreeSet;

/// Most targets.
const MOST_TARGETS: usize = 100;
/// Most bytes of a document.
const LARGEST_DOCUMENT: usize = 32 * 1024;
/// Most bytes of a description.
const LONGEST_DESCRIPTION: usize = 2028;

/// A job that is to be.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id.
    pub id: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Whom it is for.
    pub targets: Vec<Target>,
    /// Whether those who come later get it too.
    pub selection: Selection,
    /// What is to be done, as JSON.
    pub document: String,
    /// What it is, for people.
    pub description: Option<String>,
    /// How many minutes a thing may take.
    pub timeout_minutes: Option<u64>,
    /// How fast things get it; all at once if this is none.
    pub rollout: Option<Rollout>,
    /// When it is to be taken back.
    pub abort: Vec<AbortCriterion>,
    /// Whether things are told of it; otherwise who makes it tells them.
    pub is_told: bool,
}

/// Make a job, and tell the things that it is for.
///
/// # Errors
/// There is one of that name, a target is not there, or something is not well formed.
pub fn create(tx: &mut dyn Transaction, new: NewJob, now: Time) -> Result<Job, Refusal> {
    let (job, things) = make(tx, new, now)?;
    if job.is_told {
        notice::tell(tx, &things, job.namespace.as_deref(), now)?;
    }
    Ok(job)
}

/// Make a job, and give the things that are to be told, in order.
pub(super) fn make(
    tx: &mut dyn Transaction,
    new: NewJob,
    now: Time,
) -> Result<(Job, Vec<String>), Refusal> {
    check(&new)?;
    if JOBS.get(tx, &job_key(&new.id))?.is_some() {
        let message = format!("there is a job {} already", new.id);
        return Err(Refusal::new(Kind::Exists, message).about("job", &new.id));
    }
    let (mut of_groups, mut single) = (BTreeSet::new(), BTreeSet::new());
    for target in &new.targets {
        match target {
            Target::Group(group) => of_groups.extend(groups::things_in(tx, group, true)?),
            Target::Thing(thing) => {
                things::require(tx, thing)?;
                single.insert(thing.clone());
            }
        }
    }
    if new.rollout.is_some() {
        of_groups.append(&mut single);
    }
    single.retain(|thing| !of_groups.contains(thing));
    let of_groups: Vec<String> = of_groups.into_iter().collect();
    let mut job = Job {
        id: new.id,
        namespace: new.namespace,
        targets: new.targets,
        selection: new.selection,
        status: JobStatus::InProgress,
        description: new.description,
        reason_code: None,
        comment: None,
        force_canceled: false,
        created_at: now,
        updated_at: now,
        completed_at: None,
        timeout_minutes: new.timeout_minutes,
        rollout: new.rollout,
        waiting: 0,
        abort: new.abort,
        is_told: new.is_told,
        queued: order::next(tx, now)?,
        counts: Counts::default(),
    };
    DOCUMENTS.put(tx, &job_key(&job.id), &new.document)?;
    for group in job.groups() {
        let is_told = job.is_told && job.rollout.is_none();
        let (id, queued) = (job.id.clone(), job.queued);
        OPEN.put(tx, &group_key(&job, group), &OfGroup { job: id, queued, is_told })?;
    }
    roster::write(tx, &job.id, &of_groups)?;
    if job.rollout.is_some() {
        job.waiting = of_groups.len() as u64;
        rollout::begin(tx, &job.id, now)?;
        rows::settle(tx, &mut job, now)?;
        return Ok((job, Vec::new()));
    }
    job.counts.add(Status::Queued, of_groups.len() as u64);
    let queued = Execution::queued(job.queued);
    for thing in &single {
        rows::write(tx, &mut job, thing, None, &queued, now)?;
    }
    rows::settle(tx, &mut job, now)?;
    let mut all = of_groups;
    all.extend(single);
    Ok((job, all))
}

fn check(new: &NewJob) -> Result<(), Refusal> {
    abort::check(&new.abort)?;
    new.rollout.as_ref().map_or(Ok(()), Rollout::check)?;
    check_id("job", &new.id)?;
    if let Some(namespace) = &new.namespace {
        check_id("namespace", namespace)?;
    }
    if !(1..=MOST_TARGETS).contains(&new.targets.len()) {
        return Err(Refusal::invalid(format!("a job has 1 to {MOST_TARGETS} targets")));
    }
    if new.document.len() > LARGEST_DOCUMENT {
        let message = format!("the document of a job has at most {LARGEST_DOCUMENT} bytes");
        return Err(Refusal::invalid(message));
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&new.document) {
        return Err(Refusal::invalid(format!("the document of a job is JSON: {error}")));
    }
    if new.description.as_ref().is_some_and(|text| text.len() > LONGEST_DESCRIPTION) {
        let message = format!("a description has at most {LONGEST_DESCRIPTION} bytes");
        return Err(Refusal::invalid(message));
    }
    if new.timeout_minutes.is_some_and(|minutes| !(1..=MOST_MINUTES).contains(&minutes)) {
        let message = format!("inProgressTimeoutInMinutes is from 1 to {MOST_MINUTES}");
        return Err(Refusal::invalid(message));
    }
    Ok(())
}
