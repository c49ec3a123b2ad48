//! Whom a device trusts: keys, what each may sign and when, what was revoked, and where it matters.

mod file;
mod judge;
mod next;
mod recipe;
#[cfg(test)]
mod tests;

pub use file::PolicyError;
pub use next::NextError;
pub(crate) use recipe::pinned;
pub use recipe::{SignedRecipe, Vouched};

use crate::digest::Digest;
use crate::key::{KeyId, PublicKey};
use crate::subject::Source;
use gg_model::version::ComponentVersion;
use gg_model::{ComponentName, NamePattern};
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

/// Most bytes of a policy's text.
pub const MAX_POLICY_BYTES: usize = 256 * 1024;

/// Most keys in a policy.
pub const MAX_KEYS: usize = 64;

/// Most entries in each other list of a policy.
pub const MAX_ENTRIES: usize = 4096;

/// Whom a device trusts. Without a policy nothing is asked; with one, what it does not say is
/// asked for. Read it with [`TrustPolicy::parse`].
#[derive(Debug, Clone, PartialEq)]
pub struct TrustPolicy {
    version: u64,
    requirements: BTreeMap<Source, Requirement>,
    keys: Vec<TrustedKey>,
    revoked_keys: BTreeSet<KeyId>,
    revoked: BTreeSet<Digest>,
    least: BTreeMap<ComponentName, ComponentVersion>,
}

/// What is asked of what comes from a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Requirement {
    /// Without a signature that holds it may not be used.
    #[default]
    Required,
    /// It may be used, and what is wrong is said.
    Warn,
    /// Signatures are not looked at. What is revoked or too old is refused all the same.
    Off,
}

/// A key and what it may do.
#[derive(Debug, Clone, PartialEq)]
struct TrustedKey {
    name: String,
    key: PublicKey,
    components: Vec<NamePattern>,
    /// Whether it may sign the next policy.
    policies: bool,
    not_before: Option<SystemTime>,
    not_after: Option<SystemTime>,
}

impl TrustPolicy {
    /// Its number; the next one has a higher one.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether what has this digest was revoked.
    pub fn revokes(&self, digest: &Digest) -> bool {
        self.revoked.contains(digest)
    }

    /// What it asks of what comes from there.
    pub fn requirement(&self, source: Source) -> Requirement {
        self.requirements.get(&source).copied().unwrap_or_default()
    }
}
