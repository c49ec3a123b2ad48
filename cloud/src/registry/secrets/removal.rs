//! Deleting secrets: at once, or after some days in which it can be taken back (Secrets Manager API
//! reference, `DeleteSecret`).

use super::{COUNT, SECRETS, Secret, find, find_kept, key, put, value};
use crate::clock::Time;
use crate::registry::{Kind, Place, Refusal, tags};
use crate::state::{Key, Table, Transaction};

/// Names of deleted secrets, by when they go.
const DUE: Table<String> = Table::new("secrets-due");

/// Days in which deleting can be taken back.
const DAYS: std::ops::RangeInclusive<u64> = 7..=30;

/// Days, unless they are said.
const USUAL_DAYS: u64 = 30;

/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;

/// Most that go in one transaction.
const MOST_AT_ONCE: usize = 100;

/// How a secret is deleted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delete {
    /// So many days from now.
    pub days: Option<u64>,
    /// At once.
    pub force: bool,
}

fn due_key(secret: &Secret, at: Time) -> Key {
    Key::new().number(at.millis()).text(&secret.name)
}

/// Delete a secret. Gives it as it was, and when it goes.
///
/// # Errors
/// There is none, it was deleted before, or that many days cannot be.
pub fn delete(
    tx: &mut dyn Transaction,
    place: &Place,
    id: &str,
    how: Delete,
    now: Time,
) -> Result<(Secret, Time), Refusal> {
    let invalid = |message: String| Err(Refusal::invalid(message));
    match how {
        Delete { days: Some(_), force: true } => {
            return invalid(
                "You can't use ForceDeleteWithoutRecovery in conjunction with \
                 RecoveryWindowInDays."
                    .to_owned(),
            );
        }
        Delete { days: Some(days), .. } if !DAYS.contains(&days) => {
            let (least, most) = DAYS.into_inner();
            return invalid(format!(
                "The RecoveryWindowInDays value must be between {least} and {most} days \
                 (inclusive)."
            ));
        }
        Delete { force: true, .. } => {
            let secret = find(tx, place, id)?;
            forget(tx, place, &secret)?;
            return Ok((secret, now));
        }
        Delete { .. } => {}
    }
    let mut secret = find_kept(tx, place, id)?;
    let at = now.plus_seconds(how.days.unwrap_or(USUAL_DAYS) * DAY);
    secret.deleted = Some((now, at));
    DUE.put(tx, &due_key(&secret, at), &secret.name)?;
    put(tx, &secret)?;
    Ok((secret, at))
}

/// Take back that a secret was deleted; it may not have been.
///
/// # Errors
/// There is none.
pub fn restore(tx: &mut dyn Transaction, place: &Place, id: &str) -> Result<Secret, Refusal> {
    let mut secret = find(tx, place, id)?;
    if let Some((_, at)) = secret.deleted.take() {
        DUE.delete(tx, &due_key(&secret, at))?;
        put(tx, &secret)?;
    }
    Ok(secret)
}

/// Have those go whose time has come. Gives whether there may be more.
///
/// # Errors
/// The state cannot be written.
pub fn expire(tx: &mut dyn Transaction, place: &Place, now: Time) -> Result<bool, Refusal> {
    let due = DUE.scan(tx, &Key::new(), None, MOST_AT_ONCE)?;
    let (end, all) = (Key::new().number(now.millis()).past(), due.len() < MOST_AT_ONCE);
    for (key, name) in due {
        if key > end {
            return Ok(false);
        }
        match find(tx, place, &name) {
            Ok(secret) => forget(tx, place, &secret)?,
            Err(refusal) if refusal.kind == Kind::NotFound => DUE.delete(tx, &key)?,
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(!all)
}

/// Remove all there is of a secret.
fn forget(tx: &mut dyn Transaction, place: &Place, secret: &Secret) -> Result<(), Refusal> {
    if let Some((_, at)) = secret.deleted {
        DUE.delete(tx, &due_key(secret, at))?;
    }
    value::forget(tx, secret)?;
    tags::forget(tx, &secret.arn(place))?;
    let count = COUNT.get(tx, &Key::new())?.unwrap_or_default();
    COUNT.put(tx, &Key::new(), &count.saturating_sub(1))?;
    Ok(SECRETS.delete(tx, &key(&secret.name))?)
}
