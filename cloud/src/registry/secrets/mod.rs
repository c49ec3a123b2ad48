//! Secrets: values under names, in versions that have stages (Secrets Manager user guide, "What's in a
//! Secrets Manager secret?").
//!
//! * [`vault`]: what values are sealed with. [`value`]: putting and getting them. [`stages`]: which
//!   version is which.
//! * [`list`]: listing. [`removal`]: deleting a secret, and taking that back.
//!
//! A value is in the state sealed and nowhere else. No message has one, and nothing that can be shown.

mod list;
mod removal;
mod stages;
#[cfg(test)]
mod tests;
mod value;
mod vault;

pub use list::{Field, Filter, Order, Sort, list};
pub use removal::{Delete, delete, expire, restore};
pub use stages::{CURRENT, PENDING, PREVIOUS, Version, move_stage};
pub use value::{Found, Value, Which, current, get_value, put_value};
pub use vault::Vault;

use super::{Kind, Place, Refusal, tags};
use crate::clock::Time;
use crate::state::{Key, Rows, StateError, Table, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By their names.
const SECRETS: Table<Secret> = Table::new("secrets");

/// Most secrets. They are looked through for a listing.
const MOST: u64 = 50_000;

/// How many there are.
const COUNT: Table<u64> = Table::new("secrets-count");

/// Most letters of a name (Secrets Manager API reference, `CreateSecret`).
const LONGEST_NAME: usize = 512;

/// Most letters of a description, and of a key's id.
const LONGEST_TEXT: usize = 2048;

/// Two letters are there twice, so that there are 64.
const SUFFIX: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789aZ";

/// What is known of a secret besides its values.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Six letters that tell it from others that were called alike.
    pub suffix: String,
    /// For people.
    pub description: Option<String>,
    /// What its maker said that it is to be sealed with, which it is not.
    pub kms_key: Option<String>,
    /// When it was made.
    pub created: Time,
    /// When it was last changed.
    pub changed: Time,
    /// When it was deleted, and when it goes for good.
    pub deleted: Option<(Time, Time)>,
    /// Its versions, by their ids.
    pub versions: BTreeMap<String, Version>,
}

impl Secret {
    /// Its ARN.
    pub fn arn(&self, place: &Place) -> String {
        arn(place, &format!("{}-{}", self.name, self.suffix))
    }
}

/// What a secret is made of.
#[derive(Clone, Debug, Default)]
pub struct Creation {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Kept and shown, and not used.
    pub kms_key: Option<String>,
    /// Names and values.
    pub tags: tags::Tags,
    /// The first version's id and value.
    pub value: Option<(String, Value)>,
}

fn arn(place: &Place, what: &str) -> String {
    place.arn("secretsmanager", &format!("secret:{what}"))
}

fn key(name: &str) -> Key {
    Key::new().text(name)
}

/// Make a secret. One that was made of the same request is given as it is.
///
/// # Errors
/// There is one of that name, or it cannot be.
pub fn create(
    tx: &mut dyn Transaction,
    place: &Place,
    vault: &Vault,
    creation: Creation,
    now: Time,
) -> Result<Secret, Refusal> {
    let Creation { name, description, kms_key, tags, value } = creation;
    check_name(&name)?;
    check_text("Description", description.as_deref())?;
    check_text("KmsKeyId", kms_key.as_deref())?;
    if let Some(found) = SECRETS.get(tx, &key(&name))? {
        if found.deleted.is_some() {
            let message = "You can't create this secret because a secret with this name is already \
                           scheduled for deletion.";
            return Err(Refusal::new(Kind::State, message).about("secret", name));
        }
        if let Some((id, value)) = &value
            && value::is_same(tx, vault, &found, id, value)? == Some(true)
        {
            return Ok(found);
        }
        let message = format!("The operation failed because the secret {name} already exists.");
        return Err(Refusal::new(Kind::Exists, message).about("secret", name));
    }
    let count = COUNT.get(tx, &Key::new())?.unwrap_or_default();
    if count >= MOST {
        return Err(Refusal::new(Kind::Limit, format!("there are {MOST} secrets already")));
    }
    COUNT.put(tx, &Key::new(), &(count + 1))?;
    let mut secret = Secret {
        suffix: crate::random::text::<6>(SUFFIX)?,
        name,
        description,
        kms_key,
        created: now,
        changed: now,
        deleted: None,
        versions: BTreeMap::new(),
    };
    if let Some((id, value)) = &value {
        value::add(tx, vault, &mut secret, id, value, &[CURRENT.to_owned()], now)?;
    }
    tags::put(tx, &secret.arn(place), &tags)?;
    put(tx, &secret)?;
    Ok(secret)
}

fn put(tx: &mut dyn Transaction, secret: &Secret) -> Result<(), Refusal> {
    Ok(SECRETS.put(tx, &key(&secret.name), secret)?)
}

/// What is to be changed of a secret.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// For people.
    pub description: Option<String>,
    /// Kept and shown, and not used.
    pub kms_key: Option<String>,
    /// The id and the value of a version that is the current one from now on.
    pub value: Option<(String, Value)>,
}

/// Change a secret.
///
/// # Errors
/// There is none, it was deleted, or it cannot be so.
pub fn update(
    tx: &mut dyn Transaction,
    place: &Place,
    vault: &Vault,
    id: &str,
    change: Change,
    now: Time,
) -> Result<Secret, Refusal> {
    check_text("Description", change.description.as_deref())?;
    check_text("KmsKeyId", change.kms_key.as_deref())?;
    let mut secret = find_kept(tx, place, id)?;
    secret.description = change.description.or(secret.description);
    secret.kms_key = change.kms_key.or(secret.kms_key);
    secret.changed = now;
    if let Some((id, value)) = &change.value {
        value::add(tx, vault, &mut secret, id, value, &[CURRENT.to_owned()], now)?;
    }
    put(tx, &secret)?;
    Ok(secret)
}

/// Put tags on a secret.
///
/// # Errors
/// There is none, it was deleted, or the tags cannot be.
pub fn tag(
    tx: &mut dyn Transaction,
    place: &Place,
    id: &str,
    tags: &tags::Tags,
) -> Result<(), Refusal> {
    let arn = find_kept(tx, place, id)?.arn(place);
    tags::put(tx, &arn, tags)
}

/// Take tags off a secret.
///
/// # Errors
/// There is none, or it was deleted.
pub fn untag(
    tx: &mut dyn Transaction,
    place: &Place,
    id: &str,
    names: &[String],
) -> Result<(), Refusal> {
    let arn = find_kept(tx, place, id)?.arn(place);
    Ok(tags::remove(tx, &arn, names.iter().map(String::as_str))?)
}

/// Whether there are any, deleted or not.
///
/// # Errors
/// The state cannot be read.
pub fn any(rows: &dyn Rows) -> Result<bool, StateError> {
    Ok(!SECRETS.scan(rows, &Key::new(), None, 1)?.is_empty())
}

/// A secret by its name, its ARN, or its ARN without the letters at its end, deleted or not.
///
/// # Errors
/// There is none.
pub fn find(rows: &dyn Rows, place: &Place, id: &str) -> Result<Secret, Refusal> {
    let get = |name: &str| SECRETS.get(rows, &key(name));
    let found = match id.strip_prefix(&arn(place, "")) {
        None => get(id)?,
        Some(rest) => {
            let whole = match rest.rsplit_once('-') {
                Some((name, suffix)) => get(name)?.filter(|found| found.suffix == suffix),
                None => None,
            };
            match whole {
                Some(found) => Some(found),
                None => get(rest)?,
            }
        }
    };
    found.ok_or_else(|| {
        let message = "Secrets Manager can't find the specified secret.";
        Refusal::not_found("secret", id).saying(message)
    })
}

/// The same, if it was not deleted.
///
/// # Errors
/// There is none, or it was deleted.
pub fn find_kept(rows: &dyn Rows, place: &Place, id: &str) -> Result<Secret, Refusal> {
    let found = find(rows, place, id)?;
    match found.deleted {
        None => Ok(found),
        Some(_) => {
            let message = "You can't perform this operation on the secret because it was marked \
                           for deletion.";
            Err(Refusal::new(Kind::State, message).about("secret", found.name))
        }
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let letter = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    match (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(letter) {
        true => Ok(()),
        false => Err(Refusal::invalid(format!(
            "Invalid name. Must be a valid name containing 1 to {LONGEST_NAME} alphanumeric \
             characters, or any of the following: -/_+=.@"
        ))),
    }
}

fn check_text(what: &str, text: Option<&str>) -> Result<(), Refusal> {
    match text.is_none_or(|text| text.chars().count() <= LONGEST_TEXT) {
        true => Ok(()),
        false => Err(Refusal::invalid(format!("{what} has more than {LONGEST_TEXT} letters"))),
    }
}
