//! What a device keeps of its provisioning, so that a power cut at any moment leaves all of an
//! identity or none.
//!
//! ```text
//! ROOT/state/claim.json      what the cloud gave so far, until all is done
//! ROOT/privKey.key           the key, unless it is the device's own
//! ROOT/thingCert.crt         the certificate
//! ROOT/state/identity.json   the thing's name, and where these two are: written last, and with it
//!                            the device is provisioned
//! ```

use super::ClaimError;
use crate::clock::Clock;
use crate::private_file;
use gg_model::nucleus::Pkcs11Uri;
use gg_model::{ClaimSettings, NucleusFile, ThingName};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the cloud remembers whose a certificate is that belongs to no thing yet.
const TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);

/// Largest file, in bytes.
const LONGEST: u64 = 1 << 20;

/// The identity of a device that was provisioned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Provisioned {
    /// Its name.
    pub thing: ThingName,
    /// The file of its certificate.
    pub certificate: String,
    /// The file of its key, or the key's URI.
    pub private_key: String,
}

/// What the cloud gave so far.
pub(super) struct Progress {
    pub(super) certificate: String,
    pub(super) key: Option<String>,
    pub(super) token: String,
}

/// Where it is kept.
pub(super) struct Kept {
    state: PathBuf,
    certificate: PathBuf,
    /// Where the key is to be, or is: a file, or the URI of one in a token.
    private_key: String,
    /// Whether the key is the device's own.
    has_key: bool,
}

impl Provisioned {
    /// That of the device with this root folder, if it was provisioned.
    ///
    /// # Errors
    /// What is there cannot be read.
    pub fn read(root: &Path) -> Result<Option<Self>, ClaimError> {
        let path = root.join("state").join("identity.json");
        let Some(value) = json_of(&path)? else { return Ok(None) };
        let text = |name: &str| {
            let text = value.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
            text.ok_or_else(|| failed(&path, format!("it has no {name}")))
        };
        Ok(Some(Self {
            thing: text("thingName")?.parse().map_err(|error| failed(&path, error))?,
            certificate: text("certificateFilePath")?,
            private_key: text("privateKeyPath")?,
        }))
    }

    /// Have it be that of the device that is configured by this file.
    pub fn take_on(self, file: &mut NucleusFile) {
        file.thing = Some(self.thing);
        file.identity.certificate = Some(self.certificate);
        file.identity.private_key = Some(self.private_key);
    }
}

impl Kept {
    pub(super) fn new(root: &Path, settings: &ClaimSettings) -> Self {
        let below = |name: &str| root.join(name).display().to_string();
        let certificate = settings.new_certificate.clone();
        let new = || settings.new_private_key.clone().unwrap_or_else(|| below("privKey.key"));
        Self {
            state: root.join("state"),
            certificate: certificate.unwrap_or_else(|| below("thingCert.crt")).into(),
            private_key: settings.request_key.clone().unwrap_or_else(new),
            has_key: settings.request_key.is_some(),
        }
    }

    fn begun(&self) -> PathBuf {
        self.state.join("claim.json")
    }

    /// What the cloud gave so far, if that is still of use, and the thing's name once there is one.
    pub(super) fn progress(&self) -> Result<Option<(Progress, Option<ThingName>)>, ClaimError> {
        let path = self.begun();
        let Some(value) = json_of(&path)? else { return Ok(None) };
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let thing = text("thingName").and_then(|thing| thing.parse().ok());
        let (Some(certificate), Some(token)) =
            (text("certificatePem"), text("certificateOwnershipToken"))
        else {
            return Ok(None);
        };
        let age = fs::metadata(&path).and_then(|metadata| metadata.modified());
        let age = age.map_err(|error| failed(&path, error))?;
        let is_fresh = Clock::system().now().duration_since(age).is_ok_and(|age| age < TOKEN_LIFE);
        let key = text("privateKey");
        let is_of_use = (thing.is_some() || is_fresh) && key.is_none() == self.has_key;
        Ok(is_of_use.then_some((Progress { certificate, key, token }, thing)))
    }

    /// Keep what the cloud gave.
    pub(super) fn keep(
        &self,
        progress: &Progress,
        thing: Option<&ThingName>,
    ) -> Result<(), ClaimError> {
        let value = json!({
            "certificatePem": progress.certificate,
            "privateKey": progress.key,
            "certificateOwnershipToken": progress.token,
            "thingName": thing.map(ToString::to_string),
        });
        write(&self.begun(), value.to_string().as_bytes())
    }

    /// Keep nothing of it: the cloud does not know it any more.
    pub(super) fn forget(&self) -> Result<(), ClaimError> {
        match fs::remove_file(self.begun()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed(&self.begun(), error))
            }
            _ => Ok(()),
        }
    }

    /// Nothing is lost when key and certificate are written.
    pub(super) fn is_free(&self) -> Result<(), ClaimError> {
        let key = Path::new(&self.private_key);
        let key = Some(key).filter(|_| !self.has_key);
        let there = key.into_iter().chain([self.certificate.as_path()]).find(|path| path.exists());
        there.map_or(Ok(()), |path| Err(ClaimError::Occupied(path.to_owned())))
    }

    /// The device is this thing, with what the cloud gave.
    pub(super) fn finish(
        &self,
        thing: ThingName,
        progress: &Progress,
    ) -> Result<Provisioned, ClaimError> {
        if let Some(key) = &progress.key {
            write(Path::new(&self.private_key), key.as_bytes())?;
        }
        write(&self.certificate, progress.certificate.as_bytes())?;
        let provisioned = Provisioned {
            thing,
            certificate: self.certificate.display().to_string(),
            private_key: self.private_key.clone(),
        };
        let value = json!({
            "thingName": provisioned.thing.to_string(),
            "certificateFilePath": provisioned.certificate,
            "privateKeyPath": provisioned.private_key,
        });
        write(&self.state.join("identity.json"), value.to_string().as_bytes())?;
        self.forget()?;
        Ok(provisioned)
    }
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, ClaimError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| failed(path, error))
}

/// `None`: there is none.
fn json_of(path: &Path) -> Result<Option<Value>, ClaimError> {
    if !path.exists() {
        return Ok(None);
    }
    // What the reader says of a text may show some of it.
    let value = serde_json::from_str(&read(path)?);
    value.map(Some).map_err(|_| failed(path, "it is not JSON; move it away to begin anew"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ClaimError> {
    private_file::write(path, bytes).map_err(|error| failed(path, error))
}

fn failed(path: &Path, reason: impl ToString) -> ClaimError {
    ClaimError::File { path: path.to_owned(), reason: reason.to_string() }
}

/// Whether a certificate and a key are there.
pub(super) fn is_there(place: &str) -> bool {
    Pkcs11Uri::is_meant_by(place) || Path::new(place).exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn progress() -> Progress {
        Progress {
            certificate: "certificate".into(),
            key: Some("key".into()),
            token: "token".into(),
        }
    }

    fn place() -> (tempfile::TempDir, Kept) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        let kept = Kept::new(folder.path(), &ClaimSettings::default());
        (folder, kept)
    }

    #[test]
    fn what_is_kept_is_its_owners_alone_and_goes_when_all_is_done() {
        let (folder, kept) = place();
        assert!(kept.progress().unwrap().is_none());
        kept.keep(&progress(), None).unwrap();
        assert_eq!(kept.progress().unwrap().unwrap().0.token, "token");
        assert_eq!(Provisioned::read(folder.path()).unwrap(), None);
        let done = kept.finish("me".parse().unwrap(), &progress()).unwrap();
        assert_eq!(Provisioned::read(folder.path()).unwrap(), Some(done));
        assert!(kept.progress().unwrap().is_none());
        for name in ["privKey.key", "thingCert.crt", "state/identity.json"] {
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_token_is_of_no_use_after_an_hour_and_a_name_is() {
        let (_folder, kept) = place();
        for (thing, is_of_use) in [(None, false), (Some("me"), true)] {
            let thing = thing.map(|thing: &str| thing.parse().unwrap());
            kept.keep(&progress(), thing.as_ref()).unwrap();
            let file = File::options().write(true).open(kept.begun()).unwrap();
            file.set_modified(Clock::system().now() - TOKEN_LIFE).unwrap();
            assert_eq!(kept.progress().unwrap().is_some(), is_of_use);
        }
    }

    #[test]
    fn a_key_that_is_there_is_not_written_over() {
        let (folder, kept) = place();
        assert!(kept.is_free().is_ok());
        fs::write(folder.path().join("privKey.key"), "").unwrap();
        let error = kept.is_free().unwrap_err().to_string();
        assert!(error.contains("privKey.key is there already"), "{error}");
        let own =
            ClaimSettings { request_key: Some("pkcs11:object=key".into()), ..Default::default() };
        assert!(Kept::new(folder.path(), &own).is_free().is_ok());
    }
}
