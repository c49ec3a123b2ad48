//! Policies: what devices may do (AWS IoT developer guide, "AWS IoT Core policies").
//!
//! Here is how they are kept, in [`versions`] what they said and say, in [`targets`] whom they are
//! for. [`Document`] is a policy's text once read, and [`authorize`] the question that it answers;
//! both are pure.

mod condition;
mod context;
mod document;
mod evaluate;
mod filter;
mod pattern;
mod targets;
#[cfg(test)]
mod tests;
mod versions;

pub use context::{Decision, Request, Subject, Thing};
pub use document::Document;
pub use evaluate::authorize;
pub(super) use targets::POLICIES_OF;
pub use targets::{Target, attach, attached_to, detach, detach_all, targets_of};
pub(super) use versions::VERSIONS;
pub use versions::{Version, add_version, delete_version, require_version, set_default, versions};

use super::page::{self, Page, Paging};
use super::{Kind, Place, Refusal, names, tags};
use crate::clock::Time;
use crate::state::{Key, Rows, Table, Transaction};
use serde::{Deserialize, Serialize};

pub(super) const POLICIES: Table<Policy> = Table::new("policies");

/// A policy, without what it says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Policy {
    /// What it is called.
    pub name: String,
    /// The version that counts.
    pub default: u64,
    /// The newest version that there ever was.
    pub newest: u64,
    /// When it was made.
    pub created: Time,
    /// When another version began to count.
    pub modified: Time,
}

fn key(name: &str) -> Key {
    Key::new().text(name)
}

/// What a policy is called in ARNs.
pub fn arn(place: &Place, name: &str) -> String {
    place.arn("iot", &format!("policy/{name}"))
}

/// Make one.
///
/// # Errors
/// There is one, it cannot be called so, or its text is none of a policy.
pub fn create(
    transaction: &mut dyn Transaction,
    name: &str,
    text: &str,
    now: Time,
) -> Result<Policy, Refusal> {
    names::check("policy", name, "+=,.@_-")?;
    if POLICIES.get(transaction, &key(name))?.is_some() {
        let message = format!("there is a policy {name} already");
        return Err(Refusal::new(Kind::Exists, message).about("policy", name));
    }
    let name = name.to_owned();
    let policy = Policy { name, default: 1, newest: 0, created: now, modified: now };
    POLICIES.put(transaction, &key(&policy.name), &policy)?;
    add_version(transaction, &policy.name, text, true, now)?;
    require(transaction, &policy.name)
}

/// The one with this name.
///
/// # Errors
/// There is none.
pub fn require(rows: &dyn Rows, name: &str) -> Result<Policy, Refusal> {
    POLICIES.get(rows, &key(name))?.ok_or_else(|| Refusal::not_found("policy", name))
}

/// Remove one.
///
/// # Errors
/// There is none, it is attached, or it has several versions.
pub fn delete(transaction: &mut dyn Transaction, name: &str) -> Result<(), Refusal> {
    let policy = require(transaction, name)?;
    let used = |why: &str| {
        let message = format!("the policy {name} {why}");
        Err(Refusal::new(Kind::InUse, message).about("policy", name))
    };
    if !targets_of(transaction, name, &Paging::all())?.items.is_empty() {
        return used("is attached; detach it first");
    }
    if versions(transaction, name)?.len() > 1 {
        return used("has other versions; delete them first");
    }
    versions::forget(transaction, name, policy.default)?;
    tags::forget_iot(transaction, &format!("policy/{name}"))?;
    Ok(POLICIES.delete(transaction, &key(name))?)
}

/// All of them, by name.
///
/// # Errors
/// The state cannot be read.
pub fn list(rows: &dyn Rows, paging: &Paging) -> Result<Page<Policy>, Refusal> {
    page::of(&POLICIES, rows, &Key::new(), paging, |_, policy| Some(policy))
}
