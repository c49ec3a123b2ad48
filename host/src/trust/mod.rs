//! Whom the device trusts: what its policy says of a component, before anything of that is used.
//!
//! The policy is a file of the operator's, `ROOT/trust.yaml` ([`gg_trust::TrustPolicy::parse`]),
//! read anew for each deployment. Without it nothing is asked. It is no part of the nucleus's
//! configuration, which any deployment may change; a deployment may bring the next policy where a
//! key of this one has signed that.

mod judge;

pub use judge::{Judge, Kept};

use crate::clock::Clock;
use crate::private_file;
use crate::store::{Store, StoreError};
use crate::tasks::Tasks;
use gg_model::{ComponentName, ComponentVersion};
use gg_trust::policy::MAX_POLICY_BYTES;
use gg_trust::{Digest, NextError, PolicyError, Refusal, Signature, TrustPolicy};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// A version of a component.
type Id = (ComponentName, ComponentVersion);

/// The name of the policy's file.
const FILE: &str = "trust.yaml";

/// Why nothing can be said of whether a component is trusted, or why it is not.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The policy's file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The policy is none.
    #[error("{path}: {error}; nothing is deployed until it is mended")]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: PolicyError,
    },
    /// A deployment brings a policy that may not take the place of the one there is.
    #[error("{0}")]
    Next(#[from] NextError),
    /// A deployment brings a policy, and there is none whose keys could have signed it.
    #[error(
        "a deployment brings a trust policy, and {path} is not there; put the first one there by hand"
    )]
    First {
        /// The file.
        path: PathBuf,
    },
    /// The recipe is not trusted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What was accepted before cannot be looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TrustError {
    /// The code of a deployment that fails with it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Policy { .. } | Self::Next(_) | Self::First { .. } => "TRUST_POLICY_NOT_VALID",
            Self::Refused(_) => "RECIPE_NOT_TRUSTED",
            Self::Io { .. } | Self::Store(_) => "IO_READ_ERROR",
        }
    }
}

/// Reads the policy and asks it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Trust {
    file: Arc<Path>,
    clock: Clock,
    store: Store,
    tasks: Tasks,
}

impl Trust {
    /// That of the device with this root folder.
    pub fn new(root: &Path, clock: &Clock, store: &Store, tasks: &Tasks) -> Self {
        let (clock, store, tasks) = (clock.clone(), store.clone(), tasks.clone());
        Self { file: root.join(FILE).into(), clock, store, tasks }
    }

    /// The policy, if there is one.
    ///
    /// # Errors
    /// There is one, and it cannot be used.
    pub async fn policy(&self) -> Result<Option<Arc<TrustPolicy>>, TrustError> {
        let file = Arc::clone(&self.file);
        let text = self.blocking(move || read(&file)).await?;
        let Some(text) = text else { return Ok(None) };
        let path = || self.file.to_path_buf();
        let policy = TrustPolicy::parse(&text);
        let policy = policy.map_err(|error| TrustError::Policy { path: path(), error })?;
        Ok(Some(Arc::new(policy)))
    }

    /// Have a policy that a deployment brings take the place of the one there is. `false`: it is
    /// the one there is.
    ///
    /// # Errors
    /// It may not; the one there is stays.
    pub async fn replace(&self, text: &str, signature: &str) -> Result<bool, TrustError> {
        let file = Arc::clone(&self.file);
        let before = self.blocking(move || read(&file)).await?;
        if before.as_deref() == Some(text.as_bytes()) {
            return Ok(false);
        }
        let current = self.policy().await?;
        let current = current.ok_or_else(|| TrustError::First { path: self.file.to_path_buf() })?;
        let signatures = [Signature::read(signature.as_bytes())];
        let next = current.next(text.as_bytes(), &signatures, self.clock.now())?;
        let (file, text) = (Arc::clone(&self.file), text.to_owned());
        self.blocking(move || private_file::write(&file, text.as_bytes())).await?;
        tracing::info!(version = next.version(), "the trust policy is replaced");
        Ok(true)
    }

    /// Judge a version of a component by what is kept of its recipe. Once it was accepted, keys
    /// that have expired since do not count against it. `remember`: it is accepted from now on.
    /// `None`: there is no policy.
    ///
    /// # Errors
    /// It may not be used.
    pub async fn judge(
        &self,
        id: &Id,
        kept: Kept,
        remember: bool,
    ) -> Result<Option<Judge>, TrustError> {
        let Some(policy) = self.policy().await? else { return Ok(None) };
        let digest = Digest::of(kept.text.as_bytes()).to_string();
        let accepted = self.store.accepted(&id.0, &id.1.to_string()).await?;
        let since = accepted.filter(|(recipe, _)| *recipe == digest).map(|(_, since)| since);
        let at = since.map_or_else(|| self.clock.now(), time);
        let judge = Judge::new(policy, id.clone(), &kept, at)?;
        if since.is_none() && remember {
            let (name, version) = (id.0.to_string(), id.1.to_string());
            self.store.accept(name, version, digest, self.clock.unix_millis()).await?;
        }
        Ok(Some(judge))
    }

    /// Forget that a version was accepted, which is removed from the device.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn forget(&self, (name, version): &Id) -> Result<(), StoreError> {
        self.store.forget_accepted(name.to_string(), version.to_string()).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, TrustError> {
        let done = self.tasks.spawn_blocking_host(work).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error.to_string())))
            .map_err(|error| TrustError::Io { path: self.file.to_path_buf(), error })
    }
}

fn time(millis: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut text = Vec::new();
    // One byte more than allowed is enough to be refused.
    file.take(MAX_POLICY_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(Some(text))
}
