//! A job: what is to be done, by whom, and how far that has come.

use super::order::Queued;
use super::{AbortCriterion, Rollout, Status};
use crate::clock::Time;
use crate::registry::{Place, Refusal};
use serde::{Deserialize, Serialize};

/// Most characters in the id of a job, and of a namespace.
const LONGEST_ID: usize = 64;

/// Whom a job is for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The things of a group.
    Group(String),
    /// A thing.
    Thing(String),
}

/// Whether those who come later get it too.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Selection {
    /// Things that join a group get its jobs.
    Continuous,
    /// Those that were there when it was made.
    #[default]
    Snapshot,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobStatus {
    /// It was taken back.
    Canceled,
    /// Every thing has come to an end with it.
    Completed,
    /// Things have it before them, or can still get it.
    InProgress,
}

/// A job.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Jobs of a namespace are told of at topics of their own.
    pub namespace: Option<String>,
    /// Whom it is for.
    pub targets: Vec<Target>,
    /// Whether those who come later get it too.
    pub selection: Selection,
    /// How far it is.
    pub status: JobStatus,
    /// What it is, for people.
    pub description: Option<String>,
    /// Why it was canceled, for programs.
    pub reason_code: Option<String>,
    /// Why it was canceled, for people.
    pub comment: Option<String>,
    /// Whether what was under way was canceled too.
    pub force_canceled: bool,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// When it came to its end.
    pub completed_at: Option<Time>,
    /// How many minutes a thing may take.
    pub timeout_minutes: Option<u64>,
    /// How fast things get it; all at once if this is none.
    pub rollout: Option<Rollout>,
    /// How many things wait for their turn.
    pub waiting: u64,
    /// When it is to be taken back.
    pub abort: Vec<AbortCriterion>,
    /// Whether things are told of it; otherwise who made it tells them.
    pub is_told: bool,
    /// The place of those executions that nothing has happened to.
    pub queued: Queued,
    /// How many executions are in which state.
    pub counts: Counts,
}

/// How many executions are in which state.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counts([u64; Status::ALL.len()]);

impl Counts {
    /// So many are.
    pub fn of(&self, status: Status) -> u64 {
        self.0.get(status as usize).copied().unwrap_or_default()
    }

    /// How many have not come to an end.
    pub fn open(&self) -> u64 {
        self.of(Status::Queued) + self.of(Status::InProgress)
    }

    pub(super) fn add(&mut self, status: Status, number: u64) {
        if let Some(count) = self.0.get_mut(status as usize) {
            *count += number;
        }
    }

    pub(super) fn take(&mut self, status: Status, number: u64) {
        if let Some(count) = self.0.get_mut(status as usize) {
            *count = count.saturating_sub(number);
        }
    }
}

impl Job {
    /// Whether a thing is among its targets, being in these groups.
    pub(super) fn is_for(&self, thing: &str, is_in: impl Fn(&String) -> bool) -> bool {
        self.targets.iter().any(|target| match target {
            Target::Group(group) => is_in(group),
            Target::Thing(target) => target == thing,
        })
    }

    /// The groups among its targets.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().filter_map(|target| match target {
            Target::Group(name) => Some(name.as_str()),
            Target::Thing(_) => None,
        })
    }

    /// Its ARN.
    pub fn arn(&self, place: &Place) -> String {
        place.arn("iot", &format!("job/{}", self.id))
    }
}

impl Target {
    /// Read an ARN.
    ///
    /// # Errors
    /// It is of nothing that a job can be for.
    pub fn parse(arn: &str, place: &Place) -> Result<Self, Refusal> {
        let what = arn.strip_prefix(&place.arn("iot", "")).and_then(|what| what.split_once('/'));
        match what {
            Some(("thing", name)) => Ok(Self::Thing(name.to_owned())),
            Some(("thinggroup", name)) => Ok(Self::Group(name.to_owned())),
            _ => {
                Err(Refusal::invalid(format!("{arn:?} is not the ARN of a thing or a group here")))
            }
        }
    }

    /// Its ARN.
    pub fn arn(&self, place: &Place) -> String {
        match self {
            Self::Group(name) => place.arn("iot", &format!("thinggroup/{name}")),
            Self::Thing(name) => place.arn("iot", &format!("thing/{name}")),
        }
    }
}

/// The id of a job or a namespace is letters, digits, `_` and `-` (AWS IoT API reference, `CreateJob`).
pub(super) fn check_id(noun: &str, id: &str) -> Result<(), Refusal> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(letter) {
        let id: String = id.chars().take(2 * LONGEST_ID).collect();
        return Err(Refusal::invalid(format!(
            "the id of a {noun} is 1 to {LONGEST_ID} letters, digits and any of `_-`, not {id:?}"
        )));
    }
    Ok(())
}
