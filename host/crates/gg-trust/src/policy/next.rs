//! A policy that takes the place of another.

use super::judge::Asked;
use super::{PolicyError, TrustPolicy};
use crate::error::FormatError;
use crate::signature::Signature;
use crate::subject::Content;
use crate::verdict::Reason;
use std::time::SystemTime;

/// Why a policy may not take the place of the one there is.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NextError {
    /// It is none.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Nobody signed it who may.
    #[error("the trust policy may not be replaced: {0}")]
    Untrusted(Reason),
    /// It is not newer.
    #[error(
        "the new trust policy has the version {found}, and {current} is in force; give it a \
         higher one and sign it again"
    )]
    NotNewer {
        /// Its version.
        found: u64,
        /// That of the one there is.
        current: u64,
    },
    /// Nobody could sign the one after it.
    #[error(
        "no key of the new trust policy may sign the next one; let one do so (`policies: true`) \
         that is valid and not revoked"
    )]
    Last,
}

impl TrustPolicy {
    /// Read the policy that is to take this one's place. A key that may sign policies must have
    /// signed its bytes, by what *this* policy says of keys; and its version must be higher.
    ///
    /// # Errors
    /// It must not take its place.
    pub fn next(
        &self,
        bytes: &[u8],
        signatures: &[Result<Signature, FormatError>],
        now: SystemTime,
    ) -> Result<Self, NextError> {
        let content = Content::of(bytes);
        self.find(Asked::Policy, &content, signatures, now).map_err(NextError::Untrusted)?;
        let next = Self::parse(bytes)?;
        if next.version <= self.version {
            let (found, current) = (next.version, self.version);
            return Err(NextError::NotNewer { found, current });
        }
        if next.signers(Asked::Policy, now).0.is_empty() {
            return Err(NextError::Last);
        }
        Ok(next)
    }
}
