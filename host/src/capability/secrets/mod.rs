//! Secrets: what the operator's [`file`] gives, and what comes from the cloud. They are kept sealed
//! ([`vault`]) until a component that may have one asks for its value.

mod catalogue;
mod cloud;
mod file;
pub(crate) mod ipc;
mod keep;
#[cfg(test)]
mod tests;
pub mod vault;
pub mod wit;

pub use catalogue::{Held, Selector, settle};
pub use file::{FileError, SecretFile};
pub use keep::key_file;

use super::caller::{Caller, Operation};
use crate::cloud::DeviceKey;
use crate::cloud::secrets::SecretsManager;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{SecretKeyRow, SecretRow, Store, StoreError};
use catalogue::Catalogue;
use cloud::Cloud;
use gg_model::secret::{CloudSecret, LONGEST_SECRET_ID};
use gg_model::{SecretHead, SecretValue, SecretVersion};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vault::Vault;

/// The operation of all that is here.
const GET: Operation = Operation::GetSecretValue;

/// The secrets of the device. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Secrets(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    vault: Vault,
    known: Mutex<Catalogue>,
    file: Option<SecretFile>,
    cloud: Option<Cloud>,
    /// Where those of the cloud are kept; nowhere when `None`.
    store: Option<Store>,
    /// The vault's key, until it is kept: together with what is sealed first.
    new: tokio::sync::Mutex<Option<SecretKeyRow>>,
}

/// A secret that was found and not looked at.
#[derive(Clone, Debug)]
pub struct Found(Arc<Held>);

impl Found {
    /// What may be told of it.
    pub fn head(&self) -> &SecretHead {
        &self.0.head
    }
}

impl Secrets {
    /// Those that the operator's file gives, if there is to be one.
    ///
    /// # Errors
    /// There is nothing random.
    pub fn new(file: Option<PathBuf>) -> io::Result<Self> {
        let (vault, known, file) = (Vault::new()?, Mutex::default(), file.map(SecretFile::new));
        let new = tokio::sync::Mutex::default();
        let this = Self(Arc::new(Inner { vault, known, file, cloud: None, store: None, new }));
        // So that who has made a mistake there hears of it now.
        this.look_at_file();
        Ok(this)
    }

    /// Those of a device: what its store keeps, what the operator's file gives, and what the cloud
    /// has, if it can be asked. Of the device's keys the first counts.
    ///
    /// # Errors
    /// The store fails, or there is nothing random.
    pub async fn kept(
        store: Store,
        keys: &[Box<dyn DeviceKey>],
        cloud: Option<SecretsManager>,
        file: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let (vault, new) = keep::open(&store, keys).await?;
        let mut known = Catalogue::default();
        // With a new key none of them can be opened, which was said.
        let rows = if new.is_some() { Vec::new() } else { store.secrets().await? };
        for row in rows {
            let arn = row.arn.clone();
            match cloud::held(row).filter(|held| vault.open(&held.head, &held.sealed).is_ok()) {
                Some(held) => known.cloud.push(Arc::new(held)),
                None => tracing::error!(
                    secret = arn,
                    "what is kept of a secret was changed; it is of no use until it is fetched anew"
                ),
            }
        }
        if !known.cloud.is_empty() {
            dump_no_core();
        }
        let (known, file) = (Mutex::new(known), file.map(SecretFile::new));
        let (cloud, store) = (cloud.map(Cloud::new), Some(store));
        let new = tokio::sync::Mutex::new(new);
        let this = Self(Arc::new(Inner { vault, known, file, cloud, store, new }));
        this.look_at_file();
        Ok(this)
    }

    /// Find a secret by its name or ARN.
    ///
    /// # Errors
    /// Unauthorized; no such secret, or no such version of it.
    pub async fn get(&self, caller: &Caller, id: &str, which: &Selector) -> Result<Found> {
        if id.is_empty() || id.len() > LONGEST_SECRET_ID {
            let rule = format!("a secret's name has 1 to {LONGEST_SECRET_ID} bytes");
            return Err(Error::invalid(rule));
        }
        self.look_at_file();
        let found = self.find(caller, id, which);
        match (&found, which, &self.0.cloud) {
            // A version that is named by its id is here or is not wanted.
            (Err(error), Selector::Stage(_), Some(cloud))
                if error.kind() == ErrorKind::NotFound =>
            {
                let Some((secret, _)) = cloud.wanted(id) else { return found };
                if !cloud.may_ask_for_missed() {
                    return found;
                }
                self.ask_cloud(&secret).await;
                self.find(caller, id, which)
            }
            _ => found,
        }
    }

    /// Find a secret among those that are here.
    fn find(&self, caller: &Caller, id: &str, which: &Selector) -> Result<Found> {
        let known = self.lock();
        let Some(secret) = known.secret(id) else {
            // Whether there is one is told to those alone who may have it.
            match self.0.cloud.as_ref().and_then(|cloud| cloud.wanted(id)) {
                Some((_, head)) => authorize(caller, &head)?,
                None => caller.authorize(GET, id)?,
            }
            return Err(Error::not_found(format!("there is no secret {id:?} on this device")));
        };
        authorize(caller, secret)?;
        let found = known.version(secret.key(), which).ok_or_else(|| {
            let version = match which {
                Selector::Stage(stage) => format!("with the label {stage:?}"),
                Selector::Version(version) => format!("with the id {version:?}"),
            };
            Error::not_found(format!("the secret {id:?} has no version {version} on this device"))
        })?;
        Ok(Found(Arc::clone(found)))
    }

    /// Gives whether it could be asked; what is here stays when it could not.
    async fn ask_cloud(&self, secret: &CloudSecret) -> bool {
        let asked = self.fetch(secret).await;
        if let Err(error) = &asked {
            tracing::warn!(secret = secret.arn, "a secret stays as it was: {error}");
        }
        asked.is_ok()
    }

    /// Find a secret as [`Secrets::get`] does, and ask the cloud first if it is from there.
    ///
    /// # Errors
    /// As [`Secrets::get`]. That the cloud cannot be asked is none.
    pub async fn refresh(&self, caller: &Caller, id: &str, which: &Selector) -> Result<Found> {
        let found = self.get(caller, id, which).await;
        let refused = |error: &Error| error.kind() != ErrorKind::NotFound;
        let wanted = self.0.cloud.as_ref().and_then(|cloud| cloud.wanted(id));
        let Some((secret, _)) = wanted.filter(|_| !found.as_ref().is_err_and(refused)) else {
            return found;
        };
        self.ask_cloud(&secret).await;
        self.find(caller, id, which)
    }

    /// The value of a secret that was found, if the caller may still have it.
    ///
    /// # Errors
    /// Unauthorized; it was changed since it was sealed.
    pub fn reveal(&self, caller: &Caller, found: &Found) -> Result<SecretValue> {
        authorize(caller, found.head())?;
        let Held { head, sealed } = &*found.0;
        self.0.vault.open(head, sealed).map_err(|error| {
            tracing::error!(secret = head.key(), %error, "a secret cannot be opened");
            Error::internal(format!("the secret {} cannot be opened: {error}", head.name))
        })
    }

    /// Take in what has changed in the operator's file. What is wrong with it is logged, and what
    /// it gave before goes on to count.
    fn look_at_file(&self) {
        let Some(file) = &self.0.file else { return };
        let sealed = match file.changed() {
            Ok(None) => return,
            Ok(Some(versions)) => self.seal(versions),
            Err(error) => {
                tracing::error!("{error}; the secrets that it gave before are kept");
                return;
            }
        };
        match sealed {
            Ok(held) => {
                tracing::info!(path = %file.path().display(), versions = held.len(), "secrets read");
                self.lock().set_file(held);
            }
            Err(error) => tracing::error!(%error, "secrets cannot be sealed"),
        }
    }

    fn seal(&self, versions: Vec<SecretVersion>) -> io::Result<Vec<Held>> {
        if !versions.is_empty() {
            dump_no_core();
        }
        let seal = |SecretVersion { head, value }| {
            let sealed = self.0.vault.seal(&head, &value)?;
            Ok(Held { head, sealed })
        };
        versions.into_iter().map(seal).collect()
    }

    /// Keep these versions of a secret.
    async fn keep(
        &self,
        store: &Store,
        arn: String,
        rows: Vec<SecretRow>,
    ) -> Result<(), StoreError> {
        let mut new = self.0.new.lock().await;
        if let Some(key) = new.clone() {
            store.replace_secret_key(key).await?;
            *new = None;
        }
        store.set_secret(arn, rows).await
    }

    fn lock(&self) -> MutexGuard<'_, Catalogue> {
        lock(&self.0.known)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn authorize(caller: &Caller, secret: &SecretHead) -> Result<()> {
    caller.authorize_either(GET, [secret.key(), &secret.name])
}

/// From now on this process leaves no core dump and cannot be traced: what a door sends is in its
/// memory for a moment.
fn dump_no_core() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "a core dump of this process would hold secrets");
    }
}
