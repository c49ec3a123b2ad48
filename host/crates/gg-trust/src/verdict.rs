//! What is said of a subject: why it may be used, or why not and what would help.

use crate::digest::Digest;
use crate::error::FormatError;
use crate::key::KeyId;
use gg_model::ComponentName;
use gg_model::recipe::{ArtifactUri, RecipeError};
use gg_model::version::ComponentVersion;
use std::fmt;

/// Why something may be used.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A key that may sign it did.
    Signed {
        /// What the policy calls the key.
        by: String,
        /// Its name.
        key: KeyId,
        /// How many entries of a transparency log came with the signature; they are not verified.
        log_entries: usize,
    },
    /// A recipe that is signed has its digest.
    Vouched,
    /// It does not hold, and the policy only wants to be told.
    Tolerated(Box<Refusal>),
    /// The policy does not ask for signatures where it came from.
    NotAsked,
}

/// Something may not be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{subject} may not be used: {reason}")]
pub struct Refusal {
    /// What: the component, its version and which part of it; or the policy.
    pub subject: String,
    /// Why.
    pub reason: Reason,
}

/// Why something may not be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Reason {
    /// There is no signature.
    #[error("it has no signature; sign it with {may}")]
    Unsigned {
        /// The keys that may.
        may: Signers,
    },
    /// There is something that is no signature.
    #[error("its signature cannot be read: {fault}")]
    Unreadable {
        /// What is wrong with the first of them.
        fault: FormatError,
    },
    /// It is signed by a key that the policy does not know.
    #[error(
        "it is signed with {}, which the trust policy does not know; sign it with {may}, or add the \
         key to the policy",
        Hinted(hint)
    )]
    UnknownKey {
        /// The key that the signature names, if it does.
        hint: Option<KeyId>,
        /// The keys that may.
        may: Signers,
    },
    /// The key is known, and did not sign these bytes.
    #[error(
        "its signature by `{key}` does not hold; it or the signature was changed, or the signature \
         is for something else"
    )]
    Changed {
        /// What the policy calls the key.
        key: String,
    },
    /// The signature is over other bytes.
    #[error("its signature by `{key}` is for {signed}, and this is {found}")]
    OtherContent {
        /// What the policy calls the key.
        key: String,
        /// What was signed.
        signed: Digest,
        /// What there is.
        found: Digest,
    },
    /// The signature says that it is for another component or version.
    #[error("its signature by `{key}` is for `{other}` alone")]
    OtherSubject {
        /// What the policy calls the key.
        key: String,
        /// For whom.
        other: String,
    },
    /// The key may sign others.
    #[error("`{key}` signed it, which may sign {patterns}; sign it with {may}")]
    NotItsKey {
        /// What the policy calls the key.
        key: String,
        /// What it may sign.
        patterns: String,
        /// The keys that may.
        may: Signers,
    },
    /// The key was revoked.
    #[error("it is signed with `{key}`, which is revoked; sign it with {may}")]
    KeyRevoked {
        /// What the policy calls the key.
        key: String,
        /// The keys that may.
        may: Signers,
    },
    /// The key's time is over.
    #[error("it is signed with `{key}`, which was valid until {end}; sign it with {may}")]
    KeyExpired {
        /// What the policy calls the key.
        key: String,
        /// Until when.
        end: String,
        /// The keys that may.
        may: Signers,
    },
    /// The key's time has not come.
    #[error("it is signed with `{key}`, which is valid from {begin}; is the clock right?")]
    KeyNotYet {
        /// What the policy calls the key.
        key: String,
        /// From when.
        begin: String,
    },
    /// The signature is over bytes that are not at hand.
    #[error(
        "its signature is over its bytes, and it is too large or an image; sign it by its digest \
         (`cosign sign`, `gg-host sign --digest`), or sign a recipe that has its digest"
    )]
    NoBytes,
    /// It was revoked itself.
    #[error("it is revoked: the trust policy lists {digest}")]
    Revoked {
        /// Its digest.
        digest: Digest,
    },
    /// The version is one that must not be used any more.
    #[error("the trust policy wants {least} or later of it")]
    TooOld {
        /// The least version.
        least: ComponentVersion,
    },
    /// The signed recipe has another digest.
    #[error("it is {found}, and the signed recipe says {pinned}; it was changed on its way")]
    NotAsPinned {
        /// What there is.
        found: Digest,
        /// What there should be.
        pinned: Digest,
    },
    /// A recipe does not say what one of its artifacts must be.
    #[error(
        "its artifact {uri} has no SHA-256, or two; add `Digest` and `Algorithm: SHA-256` (of an image: \
         `docker:image@sha256:…`) and sign it again"
    )]
    Unpinned {
        /// The artifact.
        uri: ArtifactUri,
    },
    /// The recipe is another's.
    #[error("it is signed, and is that of {name} {version}")]
    OtherRecipe {
        /// Whose it is.
        name: ComponentName,
        /// Of which version.
        version: ComponentVersion,
    },
    /// The recipe is none.
    #[error("{fault}")]
    NoRecipe {
        /// What is wrong with it.
        fault: RecipeError,
    },
}

/// Keys of the policy, as a message names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers(pub Vec<String>);

impl fmt::Display for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 5;
        match &*self.0 {
            [] => f.write_str("a key that the trust policy lets sign it (there is none)"),
            [one] => write!(f, "`{one}`"),
            several => {
                f.write_str("one of ")?;
                for (index, name) in several.iter().take(MOST).enumerate() {
                    write!(f, "{}`{name}`", if index == 0 { "" } else { ", " })?;
                }
                f.write_str(if several.len() > MOST { " and others" } else { "" })
            }
        }
    }
}

/// The key that a signature hints at.
struct Hinted<'a>(&'a Option<KeyId>);

impl fmt::Display for Hinted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(key) => write!(f, "the key {key}"),
            None => f.write_str("a key"),
        }
    }
}
