//! Which version of a secret is which: labels, each on one version at most (Secrets Manager user guide,
//! "Secret versions"). What decides is pure.

use super::{Secret, find_kept, put};
use crate::clock::Time;
use crate::registry::{Kind, Place, Refusal};
use crate::state::Transaction;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The version that is given where none is asked for.
pub const CURRENT: &str = "AWSCURRENT";

/// The one that was current before.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// One that is being made.
pub const PENDING: &str = "AWSPENDING";

/// Most labels of a secret (Secrets Manager quotas).
const MOST: usize = 20;

/// Most letters of a label.
const LONGEST: usize = 256;

/// A version. One without labels is deprecated, and goes when there are many.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Version {
    /// When it was made.
    pub created: Time,
    /// Its labels.
    pub stages: BTreeSet<String>,
}

impl Secret {
    /// The version that has a label.
    pub fn staged(&self, stage: &str) -> Option<&str> {
        let mut versions = self.versions.iter();
        versions.find(|(_, one)| one.stages.contains(stage)).map(|(id, _)| id.as_str())
    }

    /// Take a label off the version that has it.
    fn take(&mut self, stage: &str) -> Option<String> {
        let (id, version) = self.versions.iter_mut().find(|(_, one)| one.stages.contains(stage))?;
        version.stages.remove(stage);
        Some(id.clone())
    }

    fn label(&mut self, id: &str, stage: &str) {
        if let Some(version) = self.versions.get_mut(id) {
            version.stages.insert(stage.to_owned());
        }
    }

    /// Put a label on a version, off the one that has it. What was current is the previous one then.
    pub(super) fn stage(&mut self, id: &str, stage: &str) {
        let before = self.take(stage);
        self.label(id, stage);
        if let Some(before) = before.filter(|before| stage == CURRENT && before != id) {
            self.take(PREVIOUS);
            self.label(&before, PREVIOUS);
        }
    }
}

/// Whether these can be labels.
///
/// # Errors
/// They cannot.
pub(super) fn check(stages: &[String]) -> Result<(), Refusal> {
    let fine = |stage: &String| (1..=LONGEST).contains(&stage.chars().count());
    match (1..=MOST).contains(&stages.len()) && stages.iter().all(fine) {
        true => Ok(()),
        false => {
            let message =
                format!("VersionStages has 1 to {MOST} labels of 1 to {LONGEST} letters each");
            Err(Refusal::invalid(message))
        }
    }
}

/// Whether a secret has not too many labels.
///
/// # Errors
/// It has.
pub(super) fn check_count(secret: &Secret) -> Result<(), Refusal> {
    let count: usize = secret.versions.values().map(|version| version.stages.len()).sum();
    match count <= MOST {
        true => Ok(()),
        false => {
            let message = format!("a secret has at most {MOST} staging labels");
            Err(Refusal::new(Kind::Limit, message))
        }
    }
}

/// Move a label from one version to another, off one, or to one.
///
/// # Errors
/// There is no such secret or version, or the label is on another version than is said.
pub fn move_stage(
    tx: &mut dyn Transaction,
    place: &Place,
    id: &str,
    stage: &str,
    (from, to): (Option<&str>, Option<&str>),
    now: Time,
) -> Result<Secret, Refusal> {
    check(&[stage.to_owned()])?;
    let mut secret = find_kept(tx, place, id)?;
    for version in [from, to].into_iter().flatten() {
        require(&secret, version)?;
    }
    let has = secret.staged(stage).map(str::to_owned);
    match (&has, from, to) {
        (_, None, None) => {
            let message = "name RemoveFromVersionId, MoveToVersionId or both";
            return Err(Refusal::invalid(message));
        }
        (Some(has), None, Some(to)) if has == to => return Ok(secret),
        (Some(has), from, _) if from != Some(has) => {
            let message = format!(
                "The parameter RemoveFromVersionId can't be empty or another version. Staging label \
                 {stage} is currently attached to version {has}, so you must explicitly reference \
                 that version in RemoveFromVersionId."
            );
            return Err(Refusal::invalid(message));
        }
        (None, Some(from), _) => {
            let message = format!("the staging label {stage} is not attached to version {from}");
            return Err(Refusal::invalid(message));
        }
        _ => {}
    }
    match to {
        Some(to) => secret.stage(to, stage),
        None if stage == CURRENT => {
            let message = format!("{CURRENT} can be moved to another version, and not removed");
            return Err(Refusal::invalid(message));
        }
        None => drop(secret.take(stage)),
    }
    check_count(&secret)?;
    secret.changed = now;
    put(tx, &secret)?;
    Ok(secret)
}

fn require(secret: &Secret, version: &str) -> Result<(), Refusal> {
    match secret.versions.contains_key(version) {
        true => Ok(()),
        false => Err(absent("VersionId", version)),
    }
}

/// There is no version of that id or label.
pub(super) fn absent(what: &str, which: &str) -> Refusal {
    let message =
        format!("Secrets Manager can't find the specified secret value for {what}: {which}");
    Refusal::not_found("version", which).saying(message)
}
