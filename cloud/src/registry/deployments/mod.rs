//! Deployments: which components the devices of a target are to have (Greengrass developer guide,
//! "Deploy AWS IoT Greengrass components to devices").
//!
//! A target has revisions, of which the latest counts. Each is a job: one of a group goes on for those
//! who join it, one of a thing is put before it in a shadow ([`delivery`]).
//!
//! * [`content`]: what a deployment says. [`document`]: the same as devices read it.
//! * [`create`], [`cancel`]: what happens to deployments. [`effective`]: what has become of them on a
//!   device. [`delivery`]: what devices of the Java nucleus read and say in a shadow.

mod cancel;
mod content;
mod create;
mod delivery;
mod document;
mod effective;
#[cfg(test)]
mod tests;

pub use cancel::{cancel, delete, end_of_group};
pub use content::{
    Component, ConfigurationUpdate, Content, FailureHandling, Policies, UpdateAction, UpdatePolicy,
    ValidationPolicy,
};
pub use create::{Creation, Pace, create};
pub use delivery::{SHADOW, heard};
pub use effective::{Effective, effective};

use super::jobs::{self, Job, JobStatus, Target};
use super::{Kind, Place, Refusal};
use crate::artifacts::Digest;
use crate::clock::Time;
use crate::state::{Key, Rows, StateError, Table, Transaction};
use serde::{Deserialize, Serialize};

/// The namespace of their jobs.
pub const NAMESPACE: &str = "aws-gg-deployment";

/// By their ids.
const DEPLOYMENTS: Table<Deployment> = Table::new("deployments");
/// The same, by when they were made.
const BY_TIME: Table<String> = Table::new("deployments-by-time");
/// The ids of deployments by those of their jobs.
const OF_JOBS: Table<String> = Table::new("deployments-of-jobs");
/// The targets that there were deployments to.
const TARGETS: Table<Revisions> = Table::new("deployments-targets");

/// A deployment.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// The id of the job that brings it.
    pub job_id: String,
    /// Whom it is for.
    pub target: Target,
    /// The how manieth of its target.
    pub revision: u64,
    /// When it was made, as its devices are told: later than any other of its target.
    pub created: Time,
    /// What it says.
    pub content: Content,
    /// Whether it was taken back.
    pub is_canceled: bool,
    /// What it was made of, by which a repeated request is known.
    request: Option<(String, Digest)>,
}

/// What is remembered of a target.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Revisions {
    /// The number of the last.
    last: u64,
    /// The time of the last.
    at: Option<Time>,
    /// The id of the last, if it was not deleted.
    latest: Option<String>,
}

/// How far a deployment is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Devices get it.
    Active,
    /// It was taken back.
    Canceled,
    /// Its device has come to an end with it.
    Completed,
    /// It failed on too many devices.
    Failed,
    /// There is a later one.
    Inactive,
}

impl Status {
    /// As AWS writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Canceled => "CANCELED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Inactive => "INACTIVE",
        }
    }
}

impl Deployment {
    /// Its ARN, by which it has tags.
    pub fn arn(&self, place: &Place) -> String {
        arn(place, &self.id)
    }

    /// How devices name it.
    fn configuration_arn(&self, place: &Place) -> String {
        let target = match &self.target {
            Target::Group(name) => format!("thinggroup/{name}"),
            Target::Thing(name) => format!("thing/{name}"),
        };
        place.arn("greengrass", &format!("configuration:{target}:{}", self.revision))
    }

    /// Whether no later one is for its target.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn is_latest(&self, rows: &dyn Rows) -> Result<bool, StateError> {
        Ok(revisions(rows, &self.target)?.latest.as_ref() == Some(&self.id))
    }

    /// How far it is.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn status(&self, rows: &dyn Rows) -> Result<Status, Refusal> {
        if self.is_canceled {
            return Ok(Status::Canceled);
        }
        if !self.is_latest(rows)? {
            return Ok(Status::Inactive);
        }
        Ok(match self.job(rows)?.map(|job| job.status) {
            Some(JobStatus::Canceled) => Status::Failed,
            Some(JobStatus::Completed) => Status::Completed,
            Some(JobStatus::InProgress) => Status::Active,
            None => Status::Canceled,
        })
    }

    /// The job that brings it, unless that was deleted as a job.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn job(&self, rows: &dyn Rows) -> Result<Option<Job>, Refusal> {
        match jobs::job(rows, &self.job_id) {
            Err(refusal) if refusal.kind == Kind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }
}

/// The ARN of a deployment.
pub fn arn(place: &Place, id: &str) -> String {
    place.arn("greengrass", &format!("deployments:{id}"))
}

/// The one with this id.
///
/// # Errors
/// There is none.
pub fn find(rows: &dyn Rows, id: &str) -> Result<Deployment, Refusal> {
    let found = DEPLOYMENTS.get(rows, &key(id))?;
    found.ok_or_else(|| Refusal::not_found("deployment", id))
}

/// Which deployments are listed.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of a target.
    pub target: Option<Target>,
    /// The latest of each target.
    pub latest: bool,
}

/// The newest first, so many at most, that come after one by its id.
///
/// # Errors
/// There is none of that id.
pub fn list(
    rows: &dyn Rows,
    filter: &Filter,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Deployment>, Refusal> {
    let mut found = Vec::new();
    let mut after = match after {
        Some(id) => Some(time_key(&find(rows, id)?)),
        None => None,
    };
    while found.len() < limit {
        let block = BY_TIME.scan(rows, &Key::new(), after.as_ref(), BLOCK)?;
        let Some((last, _)) = block.last() else { break };
        after = Some(last.clone());
        for (_, id) in block {
            let Some(deployment) = DEPLOYMENTS.get(rows, &key(&id))? else { continue };
            let of_target = filter.target.as_ref().is_none_or(|one| *one == deployment.target);
            if of_target && (!filter.latest || deployment.is_latest(rows)?) {
                found.push(deployment);
            }
            if found.len() == limit {
                break;
            }
        }
    }
    Ok(found)
}

/// Rows that are read at a time.
const BLOCK: usize = 200;

fn key(id: &str) -> Key {
    Key::new().text(id)
}

/// The newest comes first.
fn time_key(deployment: &Deployment) -> Key {
    Key::new().number(u64::MAX - deployment.created.millis()).text(&deployment.id)
}

fn target_key(target: &Target) -> Key {
    match target {
        Target::Group(name) => Key::new().text("group").last(name),
        Target::Thing(name) => Key::new().text("thing").last(name),
    }
}

fn revisions(rows: &dyn Rows, target: &Target) -> Result<Revisions, StateError> {
    Ok(TARGETS.get(rows, &target_key(target))?.unwrap_or_default())
}

fn put(tx: &mut dyn Transaction, deployment: &Deployment) -> Result<(), StateError> {
    DEPLOYMENTS.put(tx, &key(&deployment.id), deployment)?;
    BY_TIME.put(tx, &time_key(deployment), &deployment.id)?;
    OF_JOBS.put(tx, &key(&deployment.job_id), &deployment.id)
}
