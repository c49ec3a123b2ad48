//! The certificate authority of this control plane: whom devices and clients trust.
//!
//! Its key never leaves the folder. The server's own key is made anew at each start and is never
//! written down: clients know the authority, not the certificate.

mod clients;
mod device;
mod server;

pub use clients::Clients;
pub use device::Issued;
pub use server::Server;

use crate::clock::{Clock, Time};
use crate::private_file;
use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// How long the authority's certificate holds, in days.
const AUTHORITY_DAYS: u64 = 20 * 365;

/// How long the server's certificate holds, in days; a process that runs longer must be started again.
const SERVER_DAYS: u64 = 5 * 365;

/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;

/// The authority.
pub struct Authority {
    certificate: PathBuf,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    clock: Clock,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Authority {
    /// The one in the folder; it is made if there is none. Blocks.
    ///
    /// # Errors
    /// A file cannot be read or written, or holds something else.
    pub fn open(folder: &Path, clock: &Clock) -> Result<Self> {
        let (certificate, key_file) = (folder.join("ca.pem"), folder.join("ca.key"));
        // The certificate is written last: where it is, its key is.
        if !certificate.exists() {
            let key = KeyPair::generate().context("failed to make a key")?;
            let made = authority(clock)?.self_signed(&key).context("failed to make a CA")?;
            fs::create_dir_all(folder)
                .with_context(|| format!("failed to make {}", folder.display()))?;
            private_file::write(&key_file, key.serialize_pem().as_bytes())
                .with_context(|| format!("failed to write {}", key_file.display()))?;
            private_file::write(&certificate, made.pem().as_bytes())
                .with_context(|| format!("failed to write {}", certificate.display()))?;
        }
        let read = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))
        };
        let key = zeroize::Zeroizing::new(read(&key_file)?);
        let key = KeyPair::from_pem(&key)
            .with_context(|| format!("{} holds no private key", key_file.display()))?;
        let pem = read(&certificate)?;
        let issuer = Issuer::from_ca_cert_pem(&pem, key)
            .with_context(|| format!("{} holds no CA's certificate", certificate.display()))?;
        Ok(Self { certificate, pem, issuer, clock: clock.clone() })
    }

    /// The file with its certificate.
    pub fn certificate_file(&self) -> &Path {
        &self.certificate
    }

    /// Its certificate.
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// What a server needs to be known by these names and addresses.
    ///
    /// # Errors
    /// One of the names can be in no certificate.
    pub fn server(&self, names: &[String]) -> Result<Server> {
        let mut params = CertificateParams::new(names)
            .with_context(|| format!("{} cannot be in a certificate", names.join(", ")))?;
        params.distinguished_name.push(DnType::CommonName, "gg-cloud");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        hold(&mut params, self.clock.now(), SERVER_DAYS)?;
        let key = KeyPair::generate().context("failed to make a key")?;
        let certificate = params.signed_by(&key, &self.issuer).context("failed to sign")?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Server::new(certificate.der().clone(), key)
    }
}

fn authority(clock: &Clock) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    // Two authorities have two names, or clients that trust both take one for the other.
    let number = crate::hexadecimal::hexadecimal(&crate::random::bytes::<4>()?);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("gg-cloud CA {number}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    hold(&mut params, clock.now(), AUTHORITY_DAYS)?;
    Ok(params)
}

/// Let it hold from a day ago, since clocks of devices are not exact.
fn hold(params: &mut CertificateParams, now: Time, days: u64) -> Result<()> {
    let at = |seconds: u64| (UNIX_EPOCH + Duration::from_secs(seconds)).into();
    params.not_before = at(now.seconds().saturating_sub(DAY));
    params.not_after = at(now.seconds() + days * DAY);
    let mut serial = crate::random::bytes::<16>()?;
    // Serial numbers are positive (RFC 5280, 4.1.2.2).
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn an_authority_is_made_once_and_its_key_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let made = Authority::open(folder.path(), &Clock::system()).unwrap();
        let found = Authority::open(folder.path(), &Clock::system()).unwrap();
        assert_eq!(made.certificate_pem(), found.certificate_pem());
        let mode = fs::metadata(folder.path().join("ca.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        found.server(&["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    }

    #[test]
    fn a_file_that_holds_something_else_is_named() {
        let folder = tempfile::tempdir().unwrap();
        drop(Authority::open(folder.path(), &Clock::system()).unwrap());
        fs::write(folder.path().join("ca.key"), "no key").unwrap();
        let error = Authority::open(folder.path(), &Clock::system()).unwrap_err();
        assert!(format!("{error:#}").contains("ca.key holds no private key"), "{error:#}");
    }
}
