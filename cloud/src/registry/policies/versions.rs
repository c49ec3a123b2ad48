//! What policies said, and which of it counts.

use super::{Document, POLICIES, key, require};
use crate::clock::Time;
use crate::registry::{Kind, Refusal};
use crate::state::{Rows, Table, Transaction};
use serde::{Deserialize, Serialize};

/// Under their policy's name and their number.
pub(in crate::registry) const VERSIONS: Table<Version> = Table::new("policy-versions");

/// Most versions of a policy (AWS IoT quotas).
const MOST: usize = 5;

/// What a policy said at a time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Version {
    /// Its number; the first is 1.
    pub number: u64,
    /// The text, as it was given.
    pub text: String,
    /// When.
    pub created: Time,
}

/// Let a policy say something else, at once or once it is made the default.
///
/// # Errors
/// There is no such policy, it has too many versions, or the text is none of a policy.
pub fn add_version(
    transaction: &mut dyn Transaction,
    name: &str,
    text: &str,
    default: bool,
    now: Time,
) -> Result<Version, Refusal> {
    let mut policy = require(transaction, name)?;
    Document::parse(text)?;
    if versions(transaction, name)?.len() >= MOST {
        let message = format!("the policy {name} has {MOST} versions; delete one first");
        return Err(Refusal::new(Kind::Limit, message).about("policy version", name));
    }
    policy.newest += 1;
    if default {
        (policy.default, policy.modified) = (policy.newest, now);
    }
    let version = Version { number: policy.newest, text: text.to_owned(), created: now };
    VERSIONS.put(transaction, &key(name).number(version.number), &version)?;
    POLICIES.put(transaction, &key(name), &policy)?;
    Ok(version)
}

/// A version of a policy.
///
/// # Errors
/// There is none.
pub fn require_version(rows: &dyn Rows, name: &str, number: u64) -> Result<Version, Refusal> {
    require(rows, name)?;
    let found = VERSIONS.get(rows, &key(name).number(number))?;
    found.ok_or_else(|| Refusal::not_found("policy version", format!("{name}:{number}")))
}

/// All versions of a policy, the oldest first.
///
/// # Errors
/// There is no such policy.
pub fn versions(rows: &dyn Rows, name: &str) -> Result<Vec<Version>, Refusal> {
    require(rows, name)?;
    let found = VERSIONS.scan(rows, &key(name), None, usize::MAX)?;
    Ok(found.into_iter().map(|(_, version)| version).collect())
}

/// Let another version count.
///
/// # Errors
/// There is none.
pub fn set_default(
    transaction: &mut dyn Transaction,
    name: &str,
    number: u64,
    now: Time,
) -> Result<(), Refusal> {
    require_version(transaction, name, number)?;
    let mut policy = require(transaction, name)?;
    (policy.default, policy.modified) = (number, now);
    Ok(POLICIES.put(transaction, &key(name), &policy)?)
}

/// Remove a version.
///
/// # Errors
/// There is none, or it is the one that counts.
pub fn delete_version(
    transaction: &mut dyn Transaction,
    name: &str,
    number: u64,
) -> Result<(), Refusal> {
    require_version(transaction, name, number)?;
    if require(transaction, name)?.default == number {
        let message = format!("version {number} of the policy {name} is its default");
        return Err(Refusal::new(Kind::InUse, message).about("policy", name));
    }
    forget(transaction, name, number)
}

pub(super) fn forget(tx: &mut dyn Transaction, name: &str, number: u64) -> Result<(), Refusal> {
    Ok(VERSIONS.delete(tx, &key(name).number(number))?)
}
