//! Says whether a device may use a recipe or an artifact: by signatures that people make with
//! cosign or with `gg-host sign`, by keys that a policy on the device trusts, and offline.
//!
//! Bytes in, verdicts out: nothing here reads files, asks a network or knows what time it is. What
//! comes from outside is bounded before it is read, and what is signed is read after its signature
//! holds.
//!
//! What a signature binds: one on a recipe, on its bytes or on its [`statement`], binds the component's name, its version, how it runs,
//! and by their digests all of its artifacts, so that nothing can be exchanged, mixed or passed for
//! another version. One on a file or an image binds bytes alone, unless it has [`Annotations`]. So
//! a recipe that is signed vouches for its artifacts, and an artifact never for a recipe.
//!
//! In reading order:
//!
//! * [`digest`], [`key`], [`private`]: what things and keys are named by, who verifies, who signs.
//! * [`signature`]: a signature in any form, and what is signed in its place (`bundle`, `dsse`,
//!   `simple_signing`); [`oci`]: where registries keep them.
//! * [`mod@statement`]: what a recipe means, in bytes that are signed in place of its own.
//! * [`subject`], [`policy`]: what is judged, and by what.
//! * [`verdict`], [`error`]: what is said of it.
#![forbid(unsafe_code)]

mod bundle;
mod claim;
mod der;
mod dsse;
mod json;
mod pem;
mod simple_signing;

pub mod digest;
pub mod error;
pub mod key;
pub mod oci;
pub mod policy;
pub mod private;
pub mod signature;
pub mod statement;
pub mod subject;
pub mod verdict;

pub use claim::Annotations;
pub use digest::Digest;
pub use error::{FormatError, KeyError};
pub use key::{KeyId, KeyKind, PublicKey};
pub use policy::{NextError, PolicyError, Requirement, SignedRecipe, TrustPolicy, Vouched};
pub use private::PrivateKey;
pub use signature::{Flaw, Signature};
pub use subject::{Content, Part, Source, Subject};
pub use verdict::{Reason, Refusal, Verdict};
