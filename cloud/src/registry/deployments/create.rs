//! Making a deployment, which takes the place of the latest of its target.

use super::document::document;
use super::{Content, Deployment, NAMESPACE, TARGETS, delivery, find, put, target_key};
use crate::artifacts::Digest;
use crate::clock::Time;
use crate::registry::jobs::{self, AbortCriterion, NewJob, Rollout, Selection, Target};
use crate::registry::{Kind, Place, Refusal, components, groups, tags, things};
use crate::state::{Key, Table, Transaction};
use std::collections::BTreeMap;

/// The ids of deployments by the tokens of the requests that made them.
const TOKENS: Table<String> = Table::new("deployments-tokens");

/// Most letters in a token.
const LONGEST_TOKEN: usize = 64;

/// How a deployment comes to its devices.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// How many minutes a device may take.
    pub minutes: Option<u64>,
    /// How fast devices get it; all at once if this is none.
    pub rollout: Option<Rollout>,
    /// When it is taken back.
    pub abort: Vec<AbortCriterion>,
}

/// What a deployment is made of.
#[derive(Clone, Debug)]
pub struct Creation {
    /// Whom it is for.
    pub target: Target,
    /// What it says.
    pub content: Content,
    /// How it comes to its devices.
    pub pace: Pace,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What is alike in a request that is sent again, and what all of it is.
    pub request: Option<(String, Digest)>,
}

/// Make a deployment, and tell the devices of its target. One that was made of the same request is given
/// as it is.
///
/// # Errors
/// There is no such target, a component is not there, or it says what cannot be.
pub fn create(
    tx: &mut dyn Transaction,
    place: &Place,
    creation: Creation,
    now: Time,
) -> Result<Deployment, Refusal> {
    let Creation { target, content, pace, tags, request } = creation;
    if let Some(made) = repeated(tx, request.as_ref())? {
        return Ok(made);
    }
    content.check()?;
    match &target {
        Target::Group(name) => drop(groups::require(tx, name)?),
        Target::Thing(name) => drop(things::require(tx, name)?),
    }
    for (name, component) in &content.components {
        components::require(tx, name, &component.component_version)?;
    }
    let mut revisions = super::revisions(tx, &target)?;
    let former = revisions.latest.take();
    revisions.last += 1;
    let created = match revisions.at {
        Some(at) if at >= now => at.plus_millis(1),
        _ => now,
    };
    let (id, job_id) = (crate::random::uuid()?, crate::random::uuid()?);
    let revision = revisions.last;
    let deployment =
        Deployment { id, job_id, target, revision, created, content, is_canceled: false, request };
    let document = document(&deployment, place)?;
    let is_of_group = matches!(deployment.target, Target::Group(_));
    let new = NewJob {
        id: deployment.job_id.clone(),
        namespace: Some(NAMESPACE.to_owned()),
        targets: vec![deployment.target.clone()],
        selection: if is_of_group { Selection::Continuous } else { Selection::Snapshot },
        document: document.clone(),
        description: None,
        timeout_minutes: pace.minutes,
        rollout: pace.rollout,
        abort: pace.abort,
        is_told: is_of_group,
    };
    let former = former.map(|id| find(tx, &id)).transpose()?;
    match former.map(|former| former.job(tx)).transpose()?.flatten() {
        Some(former) => jobs::replace(tx, &former.id, new, now)?,
        None => jobs::create(tx, new, now)?,
    };
    if let Target::Thing(thing) = &deployment.target {
        delivery::say(tx, thing, &document, "SUCCEEDED", now)?;
    }
    tags::put(tx, &deployment.arn(place), &tags)?;
    if let Some((token, _)) = &deployment.request {
        TOKENS.put(tx, &Key::new().text(token), &deployment.id)?;
    }
    (revisions.latest, revisions.at) = (Some(deployment.id.clone()), Some(created));
    TARGETS.put(tx, &target_key(&deployment.target), &revisions)?;
    put(tx, &deployment)?;
    Ok(deployment)
}

/// What a request has made before.
fn repeated(
    tx: &mut dyn Transaction,
    request: Option<&(String, Digest)>,
) -> Result<Option<Deployment>, Refusal> {
    let Some((token, _)) = request else { return Ok(None) };
    if !(1..=LONGEST_TOKEN).contains(&token.chars().count()) {
        let message = format!("clientToken has 1 to {LONGEST_TOKEN} letters");
        return Err(Refusal::invalid(message).about("field", "clientToken"));
    }
    let Some(id) = TOKENS.get(tx, &Key::new().text(token))? else { return Ok(None) };
    let made = find(tx, &id)?;
    if made.request.as_ref() == request {
        return Ok(Some(made));
    }
    let message = "another deployment was made with this clientToken";
    Err(Refusal::new(Kind::Exists, message).about("deployment", id))
}

/// Forget the token of a deployment that goes.
pub(super) fn forget_token(
    tx: &mut dyn Transaction,
    deployment: &Deployment,
) -> Result<(), Refusal> {
    if let Some((token, _)) = &deployment.request {
        TOKENS.delete(tx, &Key::new().text(token))?;
    }
    Ok(())
}
