//! Shadows: one engine behind REST and MQTT (AWS IoT developer guide, "Device Shadow service").
//!
//! The documents and their rules are `gg_model::shadow`'s. Here they are kept, and every change puts
//! the messages that it is told by into the outbox, however it came.

mod door;
#[cfg(test)]
mod tests;

pub use door::handle;

use super::{Kind, Refusal, deployments, things};
use crate::clock::Time;
use crate::state::{Key, Rows, StateError, Table, Transaction, outbox};
use gg_model::ThingName;
use gg_model::shadow::{
    self, Before, ShadowId, ShadowName, ShadowOperation, ShadowTopic, Suffix, UpdateRequest,
};
use serde_json::Value;
use thiserror::Error;

/// A thing's shadows by their names; the classic one has none. Of one that was deleted the version
/// stays.
const SHADOWS: Table<Before> = Table::new("shadows");

/// Most bytes of both sections (AWS IoT endpoints and quotas, "Maximum size of a JSON state document").
const LARGEST: usize = 8 * 1024;

/// Most named shadows of a thing, deleted ones included.
const MOST_NAMED: usize = 256;

/// Why something is not done with a shadow.
#[derive(Debug, Error)]
pub enum ShadowError {
    /// For a reason that the service has.
    #[error(transparent)]
    Refused(#[from] shadow::Refusal),
    /// For any other.
    #[error(transparent)]
    Failed(#[from] Refusal),
}

impl From<StateError> for ShadowError {
    fn from(error: StateError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ShadowError> for Refusal {
    fn from(error: ShadowError) -> Self {
        let refusal = match error {
            ShadowError::Failed(refusal) => return refusal,
            ShadowError::Refused(refusal) => refusal,
        };
        let kind = match refusal.code() {
            401 => Kind::Denied,
            404 => Kind::NotFound,
            409 => Kind::Conflict,
            413 => Kind::TooLarge,
            415 => Kind::Encoding,
            429 => Kind::Throttled,
            _ => Kind::Invalid,
        };
        Self::new(kind, refusal.to_string())
    }
}

/// The document of a shadow.
///
/// # Errors
/// There is none.
pub fn get(
    rows: &dyn Rows,
    id: &ShadowId,
    token: Option<&str>,
    now: Time,
) -> Result<Value, ShadowError> {
    let shadow = before(rows, id)?.present(id.name.as_ref())?;
    Ok(shadow.document(now.seconds(), token))
}

/// Change a shadow, which is made if there is none. The answer tells of what was asked for.
///
/// # Errors
/// There is no such thing, the request is for another version, or the shadow would be too large.
pub fn update(
    tx: &mut dyn Transaction,
    id: &ShadowId,
    request: &UpdateRequest,
    now: Time,
) -> Result<Value, ShadowError> {
    let before = before(tx, id)?;
    if before.version() == 0 {
        admit(tx, id)?;
    }
    let (at, token) = (now.seconds(), request.client_token.as_deref());
    let updated = before.update(request, at, LARGEST)?;
    SHADOWS.put(tx, &key(id), &Before::Present(updated.shadow.clone()))?;
    if id.name.as_ref().is_some_and(|name| name.as_ref() == deployments::SHADOW) {
        let reported = Value::Object(updated.shadow.reported.clone().into_iter().collect());
        deployments::heard(tx, id.thing.as_ref(), &reported, now)?;
    }
    let accepted = updated.accepted(at, token);
    say(tx, id, ShadowOperation::Update, Suffix::Accepted, &accepted)?;
    if let Some(delta) = updated.shadow.delta_message(at, token) {
        say(tx, id, ShadowOperation::Update, Suffix::Delta, &delta)?;
    }
    let documents = updated.documents(at, token);
    say(tx, id, ShadowOperation::Update, Suffix::Documents, &documents)?;
    Ok(accepted)
}

/// Delete a shadow. Its version goes on if it is made again.
///
/// # Errors
/// There is none.
pub fn delete(
    tx: &mut dyn Transaction,
    id: &ShadowId,
    token: Option<&str>,
    now: Time,
) -> Result<Value, ShadowError> {
    let shadow = before(tx, id)?.present(id.name.as_ref())?;
    SHADOWS.put(tx, &key(id), &Before::Absent(shadow.version + 1))?;
    let deleted = shadow.deleted_message(now.seconds(), token);
    say(tx, id, ShadowOperation::Delete, Suffix::Accepted, &deleted)?;
    Ok(deleted)
}

/// The names of a thing's named shadows that come after a name, so many at most.
///
/// # Errors
/// There is no such thing.
pub fn named(
    rows: &dyn Rows,
    thing: &ThingName,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, Refusal> {
    things::require(rows, thing.as_ref())?;
    let prefix = Key::new().text(thing.as_ref());
    // The classic one, without a name, is before all others.
    let after = prefix.clone().last(after.unwrap_or_default());
    let found = SHADOWS.scan(rows, &prefix, Some(&after), MOST_NAMED)?;
    let there = found.into_iter().filter(|(_, shadow)| matches!(shadow, Before::Present(_)));
    Ok(there.filter_map(|(key, _)| key.last_after(&prefix)).take(limit).collect())
}

/// Forget the shadows of a thing that is deleted, versions and all.
///
/// # Errors
/// The state cannot be written.
pub fn forget(tx: &mut dyn Transaction, thing: &str) -> Result<(), StateError> {
    for (key, _) in SHADOWS.scan(tx, &Key::new().text(thing), None, usize::MAX)? {
        SHADOWS.delete(tx, &key)?;
    }
    Ok(())
}

/// Whether a shadow can be made where there never was one.
fn admit(rows: &dyn Rows, id: &ShadowId) -> Result<(), ShadowError> {
    match things::require(rows, id.thing.as_ref()) {
        Err(refusal) if refusal.kind == Kind::NotFound => {
            return Err(shadow::Refusal::NoThing(id.thing.clone()).into());
        }
        required => {
            required?;
        }
    }
    let classic = Key::new().text(id.thing.as_ref());
    let named = SHADOWS.scan(rows, &classic, Some(&classic), MOST_NAMED)?;
    if id.name.is_some() && named.len() == MOST_NAMED {
        return Err(shadow::Refusal::TooMany(MOST_NAMED).into());
    }
    Ok(())
}

fn before(rows: &dyn Rows, id: &ShadowId) -> Result<Before, StateError> {
    Ok(SHADOWS.get(rows, &key(id))?.unwrap_or_default())
}

fn key(id: &ShadowId) -> Key {
    Key::new().text(id.thing.as_ref()).last(id.name.as_ref().map_or("", ShadowName::as_ref))
}

fn say(
    tx: &mut dyn Transaction,
    id: &ShadowId,
    operation: ShadowOperation,
    suffix: Suffix,
    message: &Value,
) -> Result<(), StateError> {
    let topic = ShadowTopic { shadow: id.clone(), operation, suffix: Some(suffix) };
    outbox::publish(tx, &topic.to_string(), &message.to_string())
}
