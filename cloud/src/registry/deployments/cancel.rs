//! Taking back a deployment, and deleting it (API reference, `CancelDeployment`, `DeleteDeployment`).
//! Devices keep what they have.

use super::document::document;
use super::{BY_TIME, DEPLOYMENTS, Deployment, OF_JOBS, TARGETS};
use super::{create, delivery, find, key, put, revisions, target_key, time_key};
use crate::clock::Time;
use crate::registry::jobs::{self, Cancel, JobStatus, Target};
use crate::registry::{Kind, Place, Refusal, tags};
use crate::state::Transaction;

/// Take back a deployment, and tell the devices that have not come to an end with it.
///
/// # Errors
/// There is none, there is a later one, or it is over.
pub fn cancel(
    tx: &mut dyn Transaction,
    place: &Place,
    id: &str,
    now: Time,
) -> Result<Deployment, Refusal> {
    let mut deployment = find(tx, id)?;
    if deployment.is_canceled || !deployment.is_latest(tx)? {
        let message = format!("the deployment {id} is not in progress");
        return Err(Refusal::new(Kind::State, message).about("deployment", id));
    }
    let how = Cancel { force: true, ..Cancel::default() };
    if let Some(job) = deployment.job(tx)? {
        jobs::cancel(tx, &job.id, &how, now)?;
    }
    if let Target::Thing(thing) = &deployment.target {
        delivery::say(tx, thing, &document(&deployment, place)?, "CANCELED", now)?;
    }
    deployment.is_canceled = true;
    put(tx, &deployment)?;
    Ok(deployment)
}

/// A group is deleted: its latest deployment is taken back.
///
/// # Errors
/// The state fails.
pub fn end_of_group(tx: &mut dyn Transaction, group: &str, now: Time) -> Result<(), Refusal> {
    let Some(id) = revisions(tx, &Target::Group(group.to_owned()))?.latest else { return Ok(()) };
    let mut deployment = find(tx, &id)?;
    if deployment.is_canceled {
        return Ok(());
    }
    if let Some(job) = deployment.job(tx)?.filter(|job| job.status == JobStatus::InProgress) {
        jobs::cancel(tx, &job.id, &jobs::deleted_group(), now)?;
    }
    deployment.is_canceled = true;
    Ok(put(tx, &deployment)?)
}

/// Delete a deployment with its job.
///
/// # Errors
/// There is none, or it is the latest of its target and was not taken back.
pub fn delete(tx: &mut dyn Transaction, place: &Place, id: &str, now: Time) -> Result<(), Refusal> {
    let deployment = find(tx, id)?;
    let is_latest = deployment.is_latest(tx)?;
    if is_latest && !deployment.is_canceled {
        let message = format!("the deployment {id} is the latest of its target; cancel it first");
        return Err(Refusal::new(Kind::State, message).about("deployment", id));
    }
    if is_latest {
        let mut revisions = revisions(tx, &deployment.target)?;
        revisions.latest = None;
        TARGETS.put(tx, &target_key(&deployment.target), &revisions)?;
    }
    if let Some(job) = deployment.job(tx)? {
        jobs::delete(tx, &job.id, true, now)?;
    }
    create::forget_token(tx, &deployment)?;
    tags::forget(tx, &deployment.arn(place))?;
    OF_JOBS.delete(tx, &key(&deployment.job_id))?;
    BY_TIME.delete(tx, &time_key(&deployment))?;
    Ok(DEPLOYMENTS.delete(tx, &key(id))?)
}
