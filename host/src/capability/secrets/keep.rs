//! Where the key that secrets are sealed with comes from when the device starts, and with which key of
//! the device it is kept from then on.

use super::Secrets;
use super::vault::Vault;
use crate::cloud::DeviceKey;
use crate::cloud::credentials::Credentials;
use crate::private_file;
use crate::random;
use crate::store::{SecretKeyRow, Store};
use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Bytes of a key that is made here.
const LENGTH: usize = 32;

/// The vault of a device, whose keys these are: the first is the one that counts, and others are
/// those that it had before. What was sealed with another is of no use, which the log says, and the
/// cloud still has it. It stays until something else is to be kept, since the key may come back: for
/// that the key of the new vault is given, to be kept first.
///
/// # Errors
/// The store fails, or there is nothing random.
pub(super) async fn open(
    store: &Store,
    keys: &[Box<dyn DeviceKey>],
) -> Result<(Vault, Option<SecretKeyRow>)> {
    let first = keys.first().context("a device has a key")?;
    if let Some(row) = store.secret_key().await? {
        match keys.iter().find(|key| key.id() == row.by) {
            Some(key) => match Vault::unwrap(key.as_ref(), &row) {
                Ok(vault) => {
                    if key.id() != first.id() {
                        store.set_secret_key(vault.wrap(first.as_ref())?).await?;
                    }
                    return Ok((vault, None));
                }
                Err(error) => tracing::error!(
                    "the secrets that are kept cannot be opened, and are fetched anew: {error}"
                ),
            },
            None => tracing::error!(
                "the secrets that are kept were sealed with another key of the device, and are \
                 fetched anew"
            ),
        }
    }
    let vault = Vault::new()?;
    let row = vault.wrap(first.as_ref())?;
    Ok((vault, Some(row)))
}

impl Secrets {
    /// Stay with the device when its identity is renewed: what is kept can be opened by its new key
    /// and by no other, and the cloud is asked anew. Never returns.
    pub(crate) async fn follow(&self, credentials: &Credentials) {
        let mut renewals = credentials.renewals();
        loop {
            if let Some(key) = credentials.device_key().await
                && let Err(error) = self.bind(key.as_ref()).await
            {
                tracing::error!(
                    "secrets stay with the key that the device had, and are lost when it starts \
                     again: {error:#}"
                );
            }
            renewals.next().await;
            credentials.forget_refusal();
        }
    }

    /// Have the vault's key kept for this key of the device and no other.
    pub(super) async fn bind(&self, device: &dyn DeviceKey) -> Result<()> {
        let Some(store) = &self.0.store else { return Ok(()) };
        let mut new = self.0.new.lock().await;
        if let Some(row) = new.as_mut() {
            *row = self.0.vault.wrap(device)?;
        } else if store.secret_key().await?.is_none_or(|row| row.by != device.id()) {
            store.set_secret_key(self.0.vault.wrap(device)?).await?;
            tracing::info!("secrets are kept with the device's new key from now on");
        }
        Ok(())
    }
}

/// The key in a file, which is made if it is not there.
///
/// # Errors
/// It cannot be read or made.
pub fn key_file(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; LENGTH]);
    match File::open(path) {
        Ok(mut file) => {
            file.read_exact(&mut key)?;
            return Ok(key);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    random::fill(&mut key)?;
    private_file::write(path, &key)?;
    Ok(key)
}
