//! Who refers to what is stored: how often, so that what nobody refers to can be removed.
//!
//! References are counted in the transactions that make and drop them. A file gets its name in the
//! transaction of its first reference, and loses it in one ([`collect`]) that finds none. Since such
//! transactions are done one at a time, what is referred to is there, whenever a process is killed.

use super::Refusal;
use crate::artifacts::{Artifacts, Digest, Whole};
use crate::state::{Key, Rows, StateError, Table, Transaction};

const REFERENCES: Table<u64> = Table::new("references");

/// What may have no reference left.
const UNUSED: Table<Digest> = Table::new("unused");

/// Most files that are removed in one transaction.
const MOST_AT_ONCE: usize = 100;

fn key(digest: &Digest) -> Key {
    Key::new().text(&digest.to_string())
}

/// Keep what arrived, and refer to it.
///
/// # Errors
/// The state or the folder cannot be written.
pub fn keep(
    transaction: &mut dyn Transaction,
    artifacts: &Artifacts,
    whole: Whole,
) -> Result<Digest, Refusal> {
    let digest = artifacts.keep(whole)?;
    add(transaction, &digest)?;
    Ok(digest)
}

/// Refer once more to what is there.
///
/// # Errors
/// The state cannot be written.
pub fn add(transaction: &mut dyn Transaction, digest: &Digest) -> Result<(), StateError> {
    let count = REFERENCES.get(transaction, &key(digest))?.unwrap_or_default();
    REFERENCES.put(transaction, &key(digest), &(count + 1))
}

/// Refer to it once less.
///
/// # Errors
/// The state cannot be written.
pub fn release(transaction: &mut dyn Transaction, digest: &Digest) -> Result<(), StateError> {
    match REFERENCES.get(transaction, &key(digest))? {
        Some(count) if count > 1 => REFERENCES.put(transaction, &key(digest), &(count - 1)),
        _ => {
            REFERENCES.delete(transaction, &key(digest))?;
            UNUSED.put(transaction, &key(digest), digest)
        }
    }
}

/// Everything that is referred to.
///
/// # Errors
/// The state cannot be read.
pub fn all(rows: &dyn Rows) -> Result<Vec<Digest>, StateError> {
    let found = REFERENCES.scan(rows, &Key::new(), None, usize::MAX)?;
    let digest = |(key, _): (Key, u64)| Digest::try_from(key.first_text()?).ok();
    Ok(found.into_iter().filter_map(digest).collect())
}

/// Remove some of what has no reference. Gives whether there may be more.
///
/// # Errors
/// The state or the folder cannot be written.
pub fn collect(transaction: &mut dyn Transaction, artifacts: &Artifacts) -> Result<bool, Refusal> {
    let unused = UNUSED.scan(transaction, &Key::new(), None, MOST_AT_ONCE)?;
    for (key, digest) in &unused {
        if REFERENCES.get(transaction, key)?.is_none() {
            artifacts.remove(digest)?;
        }
        UNUSED.delete(transaction, key)?;
    }
    Ok(unused.len() == MOST_AT_ONCE)
}
