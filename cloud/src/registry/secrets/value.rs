//! Values of secrets: sealed when they are put, opened when they are asked for.

use super::stages::{self, CURRENT, Version};
use super::vault::{Sealed, Vault};
use super::{Secret, find_kept, put};
use crate::clock::Time;
use crate::registry::{Kind, Place, Refusal};
use crate::state::{Key, Rows, Table, Transaction};
use std::collections::BTreeSet;
use std::fmt;
use zeroize::Zeroizing;

/// By their secret's name and their version's id.
const VALUES: Table<Sealed> = Table::new("secret-values");

/// Most bytes of a value (Secrets Manager quotas).
const LARGEST: usize = 65_536;

/// Most versions of a secret. Of those without labels the oldest go first.
const MOST_VERSIONS: usize = 100;

/// Fewest and most letters of a version's id.
const ID: std::ops::RangeInclusive<usize> = 32..=64;

/// A value. `Debug` does not show it.
#[derive(Clone, Eq, PartialEq)]
pub enum Value {
    /// Bytes.
    Binary(Zeroizing<Vec<u8>>),
    /// A text.
    Text(Zeroizing<String>),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary(_) => "Binary",
            Self::Text(_) => "Text",
        })
    }
}

impl Value {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Binary(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// As it is sealed: what it is, and its bytes.
    fn write(&self) -> Zeroizing<Vec<u8>> {
        let kind = match self {
            Self::Binary(_) => b'b',
            Self::Text(_) => b't',
        };
        let mut written = Zeroizing::new(Vec::with_capacity(1 + self.bytes().len()));
        written.push(kind);
        written.extend_from_slice(self.bytes());
        written
    }

    fn read(written: &[u8]) -> Option<Self> {
        match written.split_first()? {
            (b'b', bytes) => Some(Self::Binary(bytes.to_vec().into())),
            (b't', text) => Some(Self::Text(str::from_utf8(text).ok()?.to_owned().into())),
            _ => None,
        }
    }
}

/// Which version is asked for. Both must hold of it.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Its id.
    pub version: Option<String>,
    /// A label of it; the current one if nothing is said.
    pub stage: Option<String>,
}

/// A value that was asked for.
#[derive(Clone, Debug)]
pub struct Found {
    /// The secret.
    pub secret: Secret,
    /// The version's id.
    pub id: String,
    /// The version.
    pub version: Version,
    /// The value.
    pub value: Value,
}

/// What a sealed value belongs to.
fn owner(secret: &Secret, id: &str) -> String {
    format!("{}-{}/{id}", secret.name, secret.suffix)
}

fn key(name: &str, id: &str) -> Key {
    Key::new().text(name).text(id)
}

/// The id of the version that is current.
///
/// # Errors
/// There is none.
pub fn current(secret: &Secret) -> Result<&str, Refusal> {
    secret.staged(CURRENT).ok_or_else(|| stages::absent("staging label", CURRENT))
}

/// The value of a version.
///
/// # Errors
/// There is none, the secret was deleted, or its key is not here.
pub fn get_value(
    rows: &dyn Rows,
    place: &Place,
    vault: &Vault,
    id: &str,
    which: &Which,
) -> Result<Found, Refusal> {
    let secret = find_kept(rows, place, id)?;
    let id = match (&which.version, &which.stage) {
        (Some(id), _) => id.as_str(),
        (None, Some(stage)) => {
            secret.staged(stage).ok_or_else(|| stages::absent("staging label", stage))?
        }
        (None, None) => current(&secret)?,
    };
    let version = secret.versions.get(id).ok_or_else(|| stages::absent("VersionId", id))?;
    if let Some(stage) = which.stage.as_ref().filter(|stage| !version.stages.contains(*stage)) {
        return Err(stages::absent("staging label", stage));
    }
    let value = open(rows, vault, &secret, id)?;
    Ok(Found { id: id.to_owned(), version: version.clone(), value, secret })
}

fn open(rows: &dyn Rows, vault: &Vault, secret: &Secret, id: &str) -> Result<Value, Refusal> {
    let sealed = VALUES.get(rows, &key(&secret.name, id))?;
    let opened = sealed.and_then(|sealed| vault.unseal(&sealed, &owner(secret, id)));
    opened.and_then(|opened| Value::read(&opened)).ok_or_else(|| {
        let message = "Secrets Manager can't decrypt the secret: the key it was sealed with is not \
                       in this server's folder.";
        tracing::error!(secret = secret.name, "a secret cannot be opened: its key is not here");
        Refusal::new(Kind::Damaged, message).about("secret", secret.name.clone())
    })
}

/// Whether there is a version with this value; `None`: there is no such version.
pub(super) fn is_same(
    rows: &dyn Rows,
    vault: &Vault,
    secret: &Secret,
    id: &str,
    value: &Value,
) -> Result<Option<bool>, Refusal> {
    match secret.versions.contains_key(id) {
        true => Ok(Some(open(rows, vault, secret, id)? == *value)),
        false => Ok(None),
    }
}

/// Put a value as a version that has these labels, off the versions that have them.
///
/// # Errors
/// There is no such secret, it was deleted, there is that version with another value, or the value
/// cannot be one.
pub fn put_value(
    tx: &mut dyn Transaction,
    place: &Place,
    vault: &Vault,
    id: &str,
    (version, value): (&str, &Value),
    stages: Option<Vec<String>>,
    now: Time,
) -> Result<Secret, Refusal> {
    let mut secret = find_kept(tx, place, id)?;
    let stages = stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    add(tx, vault, &mut secret, version, value, &stages, now)?;
    put(tx, &secret)?;
    Ok(secret)
}

/// Add a version to a secret, which is for the caller to put. One that is there and the same stays.
pub(super) fn add(
    tx: &mut dyn Transaction,
    vault: &Vault,
    secret: &mut Secret,
    id: &str,
    value: &Value,
    stages: &[String],
    now: Time,
) -> Result<(), Refusal> {
    stages::check(stages)?;
    if !ID.contains(&id.chars().count()) {
        let (least, most) = ID.into_inner();
        let message = format!("ClientRequestToken has {least} to {most} letters");
        return Err(Refusal::invalid(message));
    }
    if !(1..=LARGEST).contains(&value.bytes().len()) {
        return Err(Refusal::invalid(format!("a secret value has 1 to {LARGEST} bytes")));
    }
    match is_same(tx, vault, secret, id, value)? {
        Some(true) => return Ok(()),
        Some(false) => {
            let message = format!(
                "You can't use ClientRequestToken {id} because that value is already in use for a \
                 version of secret {}.",
                secret.name
            );
            return Err(Refusal::new(Kind::Exists, message).about("version", id));
        }
        None => {}
    }
    let sealed = vault.seal(&value.write(), &owner(secret, id))?;
    VALUES.put(tx, &key(&secret.name, id), &sealed)?;
    let is_first = secret.staged(CURRENT).is_none();
    secret.versions.insert(id.to_owned(), Version { created: now, stages: BTreeSet::new() });
    for stage in stages {
        secret.stage(id, stage);
    }
    if is_first {
        secret.stage(id, CURRENT);
    }
    stages::check_count(secret)?;
    secret.changed = now;
    thin(tx, secret)
}

/// Have only so many versions.
fn thin(tx: &mut dyn Transaction, secret: &mut Secret) -> Result<(), Refusal> {
    while secret.versions.len() > MOST_VERSIONS {
        let unused = secret.versions.iter().filter(|(_, version)| version.stages.is_empty());
        let oldest = unused.min_by_key(|(_, version)| version.created).map(|(id, _)| id.clone());
        // There are fewer labels than versions.
        let Some(oldest) = oldest else { break };
        secret.versions.remove(&oldest);
        VALUES.delete(tx, &key(&secret.name, &oldest))?;
    }
    Ok(())
}

/// Remove all values of a secret.
pub(super) fn forget(tx: &mut dyn Transaction, secret: &Secret) -> Result<(), Refusal> {
    let ids = secret.versions.keys();
    ids.map(|id| key(&secret.name, id)).try_for_each(|key| Ok(VALUES.delete(tx, &key)?))
}
