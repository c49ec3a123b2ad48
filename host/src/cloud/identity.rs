//! Who the device is to the broker, and whom it trusts: a certificate and its key, and the roots of
//! the broker's. They are read anew for each connection, so that files that were replaced count from
//! the next one on.

use crate::network::tls;
use gg_model::IdentityFiles;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// What TLS is to negotiate on port 443 so that AWS IoT takes it for MQTT with a certificate (AWS IoT
/// developer guide, "Device communication protocols").
const ALPN: &[u8] = b"x-amzn-mqtt-ca";

/// Largest file of certificates.
const LONGEST: u64 = 1 << 20;

/// The files. Without a certificate the broker has to take the device by its name alone; without
/// roots those count whom browsers trust.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    roots: Option<PathBuf>,
    port: u16,
}

/// Why there is no identity.
#[derive(Debug, Error)]
pub(super) enum IdentityError {
    /// A file cannot be read.
    #[error("system.{key}: cannot use {path}: {reason}")]
    File {
        /// The key of the configuration that names it.
        key: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// One of two is not configured.
    #[error("system.{0} is not set in the configuration")]
    Missing(&'static str),
    /// Certificate and key do not belong together, or TLS cannot use them.
    #[error("system.certificateFilePath and privateKeyPath: {0}")]
    Unusable(rustls::Error),
}

impl Identity {
    /// By these files, for this port of the broker.
    pub(super) fn new(files: &IdentityFiles, port: u16) -> Self {
        let path = |text: &Option<String>| text.as_ref().map(PathBuf::from);
        Self {
            certificate: path(&files.certificate),
            key: path(&files.private_key),
            roots: path(&files.root_ca),
            port,
        }
    }

    /// Its files.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        [&self.certificate, &self.key, &self.roots].into_iter().flatten().cloned()
    }

    /// The device's certificate with those above it, and the roots, as far as they are configured: by
    /// which key, from which file.
    pub(super) fn certificates(
        &self,
    ) -> impl Iterator<Item = (&'static str, &Path, Result<Vec<CertificateDer<'static>>, IdentityError>)>
    {
        let named = [("certificateFilePath", &self.certificate), ("rootCaPath", &self.roots)];
        named.into_iter().filter_map(|(key, path)| {
            let path = path.as_deref()?;
            Some((key, path, certificates(key, path)))
        })
    }

    /// The file of the device's key.
    pub(super) fn key(&self) -> Option<&Path> {
        self.key.as_deref()
    }

    /// How TLS is spoken to the broker, and to a proxy before it, which need not know the device.
    ///
    /// # Errors
    /// A file is not there, or not what it should be.
    pub(super) fn load(&self) -> Result<[Arc<ClientConfig>; 2], IdentityError> {
        let roots = Arc::new(match &self.roots {
            Some(path) => roots(path)?,
            None => tls::public_roots(),
        });
        let builder = || tls::trusting(Arc::clone(&roots)).map_err(IdentityError::Unusable);
        let mut broker = match (&self.certificate, &self.key) {
            (None, None) => builder()?.with_no_client_auth(),
            (Some(_), None) => return Err(IdentityError::Missing("privateKeyPath")),
            (None, Some(_)) => return Err(IdentityError::Missing("certificateFilePath")),
            (Some(certificate), Some(key)) => {
                let chain = certificates("certificateFilePath", certificate)?;
                let key = private_key(key)?;
                let builder = builder()?.with_client_auth_cert(chain, key);
                builder.map_err(IdentityError::Unusable)?
            }
        };
        if self.port == 443 {
            broker.alpn_protocols = vec![ALPN.to_vec()];
        }
        Ok([Arc::new(broker), Arc::new(builder()?.with_no_client_auth())])
    }
}

fn roots(path: &Path) -> Result<RootCertStore, IdentityError> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates("rootCaPath", path)?);
    if added == 0 {
        return Err(failed("rootCaPath", path, "none of its certificates can be used"));
    }
    Ok(roots)
}

fn certificates(
    key: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let text = read(key, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.map_err(|error| failed(key, path, error))?;
    if certificates.is_empty() {
        return Err(failed(key, path, "it holds no certificate in PEM"));
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, IdentityError> {
    let key = "privateKeyPath";
    let text = read(key, path)?;
    // What the parser would say of a broken key might show some of it.
    let reason = "it holds no private key in PEM (PKCS#8, PKCS#1 or SEC1, without a password)";
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| failed(key, path, reason))
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, IdentityError> {
    let length = fs::metadata(path).map_err(|error| failed(key, path, error))?.len();
    if length > LONGEST {
        return Err(failed(key, path, "it is longer than 1 MiB"));
    }
    fs::read(path).map_err(|error| failed(key, path, error))
}

fn failed(key: &'static str, path: &Path, reason: impl ToString) -> IdentityError {
    IdentityError::File { key, path: path.to_owned(), reason: reason.to_string() }
}
