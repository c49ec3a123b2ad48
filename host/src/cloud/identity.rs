//! Who the device is to the broker, and whom it trusts: a certificate and its key, and the roots of
//! the broker's. They are read anew for each connection, so that files that were replaced count from
//! the next one on.

use super::device_key::{DeviceKey, FileKey};
use super::token::{TokenError, TokenKey, TokenObject};
use crate::network::tls;
use crate::tasks::Tasks;
use crate::watched::files::Watch;
use gg_model::IdentityFiles;
use gg_model::nucleus::{Pkcs11Settings, Pkcs11Uri};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, fs};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::task::JoinError;

/// What TLS is to negotiate on port 443 so that AWS IoT takes it for MQTT with a certificate (AWS IoT
/// developer guide, "Device communication protocols").
const MQTT: &[u8] = b"x-amzn-mqtt-ca";

/// The same for HTTPS with a certificate.
const HTTPS: &[u8] = b"x-amzn-http-ca";

/// Largest file of certificates.
const LONGEST: u64 = 1 << 20;

/// Where the parts are. Without a certificate the broker has to take the device by its name alone; without
/// roots those count whom browsers trust.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    certificate: Option<Place>,
    key: Option<Place>,
    roots: Option<PathBuf>,
    /// By which library tokens are spoken to.
    pkcs11: Option<Pkcs11Settings>,
    /// What TLS is to negotiate.
    alpn: Option<&'static [u8]>,
}

/// Where a certificate or a key is.
#[derive(Clone, Eq, PartialEq)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// In a token, by its URI.
    Token(String),
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
    /// A token does not give what it should.
    #[error("system.{key}: {error}")]
    Token {
        /// The key of the configuration that names it.
        key: &'static str,
        /// Why.
        error: TokenError,
    },
    /// One of two is not configured.
    #[error("system.{0} is not set in the configuration")]
    Missing(&'static str),
    /// Certificate and key do not belong together, or TLS cannot use them.
    #[error("system.certificateFilePath and privateKeyPath: {0}")]
    Unusable(rustls::Error),
}

impl Identity {
    /// By these files, for this port of the broker; 0 for servers of HTTPS.
    pub fn new(files: &IdentityFiles, port: u16) -> Self {
        Self {
            certificate: files.certificate.as_deref().map(Place::of),
            key: files.private_key.as_deref().map(Place::of),
            roots: files.root_ca.as_ref().map(PathBuf::from),
            pkcs11: files.pkcs11.clone(),
            alpn: (port == 443).then_some(MQTT),
        }
    }

    /// The same for a server of HTTPS at this port, which may be that of the broker.
    #[must_use]
    pub(super) fn for_https(self, port: u16) -> Self {
        Self { alpn: (port == 443).then_some(HTTPS), ..self }
    }

    /// How TLS is spoken to servers that only bring files: those whom browsers trust, and those whom
    /// this device trusts.
    pub(crate) fn to_servers_of_files(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let mut all = tls::public_roots();
        if let Some(Ok(own)) = self.roots.as_deref().map(roots) {
            all.roots.extend(own.roots);
        }
        Ok(Arc::new(tls::trusting(all)?.with_no_client_auth()))
    }

    /// The device's private key, if it is within reach and can answer. Blocks, if it is in a token.
    pub fn device_key(&self) -> Option<Box<dyn DeviceKey>> {
        let uri = match self.key.as_ref()? {
            Place::File(path) => {
                let key = private_key(path).ok()?;
                return Some(Box::new(FileKey::new(key.secret_der())));
            }
            Place::Token(uri) => uri,
        };
        let answering = || {
            let key = self.key_in_token(uri).map_err(|error| error.to_string())?;
            let answer = key.challenge().and_then(|challenge| key.answer(&challenge));
            answer.map_err(|error| format!("system.privateKeyPath: {error}"))?;
            Ok::<_, String>(Box::new(key) as Box<dyn DeviceKey>)
        };
        match answering() {
            Ok(key) => Some(key),
            Err(error) => {
                tracing::warn!("secrets cannot be bound to the device's key: {error}");
                None
            }
        }
    }

    /// Tells when it was renewed, from now on.
    pub(crate) fn watch(&self, tasks: &Tasks) -> Renewals {
        let watch = Watch::new(self.files());
        if let Err(error) = &watch {
            tracing::warn!(%error, "cannot watch the identity's files; they are read again when they are needed next");
        }
        Renewals { identity: self.clone(), tasks: tasks.clone(), watch: watch.ok() }
    }

    /// Its files.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let places = [&self.certificate, &self.key].into_iter().flatten();
        let files = places.filter_map(|place| match place {
            Place::File(path) => Some(path),
            Place::Token(_) => None,
        });
        files.chain(&self.roots).cloned()
    }

    /// Whether a token takes part, which may keep its user waiting: [`load`](Self::load), and
    /// whatever is done with what it gives, then blocks.
    fn is_in_token(&self) -> bool {
        let mut places = [&self.certificate, &self.key].into_iter().flatten();
        places.any(|place| matches!(place, Place::Token(_)))
    }

    /// Do what uses the identity. A token keeps whoever asks waiting, which no other task is to notice.
    ///
    /// # Errors
    /// The nucleus is about to end.
    pub(super) async fn using<T: Send + 'static, F: Future<Output = T>>(
        &self,
        tasks: &Tasks,
        act: impl FnOnce() -> F + Send + 'static,
    ) -> Result<T, JoinError> {
        if !self.is_in_token() {
            return Ok(act().await);
        }
        let here = Handle::current();
        tasks.spawn_blocking_host(move || here.block_on(act())).await
    }

    /// The device's certificate with those above it, and the roots, as far as they are configured: by
    /// which key, from where.
    pub(super) fn certificates(
        &self,
    ) -> impl Iterator<Item = (&'static str, Place, Result<Vec<CertificateDer<'static>>, IdentityError>)>
    {
        let roots = self.roots.clone().map(Place::File);
        let named = [("certificateFilePath", self.certificate.clone()), ("rootCaPath", roots)];
        named.into_iter().filter_map(|(key, place)| {
            let place = place?;
            let found = self.chain(key, &place);
            Some((key, place, found))
        })
    }

    /// Where the device's key is.
    pub(super) fn key(&self) -> Option<&Place> {
        self.key.as_ref()
    }

    /// How TLS is spoken to the broker, and to a proxy before it, which need not know the device.
    ///
    /// # Errors
    /// A file or an object in a token is not there, or not what it should be.
    pub(super) fn load(&self) -> Result<[Arc<ClientConfig>; 2], IdentityError> {
        let roots = self.trusted()?;
        let builder = || tls::trusting(Arc::clone(&roots)).map_err(IdentityError::Unusable);
        let mut broker = match (&self.certificate, &self.key) {
            (None, None) => builder()?.with_no_client_auth(),
            (Some(_), None) => return Err(IdentityError::Missing("privateKeyPath")),
            (None, Some(_)) => return Err(IdentityError::Missing("certificateFilePath")),
            (Some(certificate), Some(key)) => {
                let chain = self.chain("certificateFilePath", certificate)?;
                match key {
                    Place::File(path) => builder()?
                        .with_client_auth_cert(chain, private_key(path)?)
                        .map_err(IdentityError::Unusable)?,
                    Place::Token(uri) => {
                        let key = CertifiedKey::new(chain, Arc::new(self.key_in_token(uri)?));
                        let always = Arc::new(SingleCertAndKey::from(key));
                        builder()?.with_client_cert_resolver(always)
                    }
                }
            }
        };
        broker.alpn_protocols.extend(self.alpn.map(<[u8]>::to_vec));
        Ok([Arc::new(broker), Arc::new(builder()?.with_no_client_auth())])
    }

    /// Whether it is there and can be used. Blocks, if a token takes part.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn check(&self) -> Result<(), String> {
        self.load().map(drop).map_err(|error| error.to_string())
    }

    /// How TLS is spoken to a proxy alone.
    ///
    /// # Errors
    /// The roots are not there, or not what they should be.
    pub(super) fn to_proxy(&self) -> Result<Arc<ClientConfig>, IdentityError> {
        let builder = tls::trusting(self.trusted()?).map_err(IdentityError::Unusable)?;
        Ok(Arc::new(builder.with_no_client_auth()))
    }

    fn trusted(&self) -> Result<Arc<RootCertStore>, IdentityError> {
        Ok(Arc::new(match &self.roots {
            Some(path) => roots(path)?,
            None => tls::public_roots(),
        }))
    }

    /// The certificates that are there.
    fn chain(
        &self,
        key: &'static str,
        place: &Place,
    ) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
        match place {
            Place::File(path) => certificates(key, path),
            Place::Token(uri) => {
                let object = TokenObject::new(uri, self.pkcs11.as_ref());
                let certificate = object.and_then(|object| object.certificate());
                Ok(vec![certificate.map_err(|error| IdentityError::Token { key, error })?])
            }
        }
    }

    fn key_in_token(&self, uri: &str) -> Result<TokenKey, IdentityError> {
        let object = TokenObject::new(uri, self.pkcs11.as_ref());
        let key = object.and_then(TokenKey::find);
        key.map_err(|error| IdentityError::Token { key: "privateKeyPath", error })
    }
}

impl Place {
    fn of(text: &str) -> Self {
        match Pkcs11Uri::is_meant_by(text) {
            true => Self::Token(text.to_owned()),
            false => Self::File(PathBuf::from(text)),
        }
    }
}

/// A URI may hold a PIN: what is shown is that it is one.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Token(_) => f.write_str("the token"),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Tells when the files of an identity were replaced by others that can be used.
#[derive(Debug)]
pub(crate) struct Renewals {
    identity: Identity,
    tasks: Tasks,
    watch: Option<Watch>,
}

impl Renewals {
    /// Wait until they were.
    pub(crate) async fn next(&mut self) {
        let Some(watch) = &mut self.watch else { return std::future::pending().await };
        loop {
            let _files = watch.changed().await;
            // One is replaced after the other: they may not belong together yet.
            let identity = self.identity.clone();
            match self.tasks.spawn_blocking_host(move || identity.load()).await {
                Err(_gone) => return std::future::pending().await,
                Ok(Ok(_)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(
                        "the identity's files have changed, and cannot be used: {error}"
                    );
                }
            }
        }
    }
}

/// Whether a certificate and a private key, in PEM, belong together.
///
/// # Errors
/// They do not, or they are none; for people, without the key.
pub(crate) fn check_pair(certificate: &[u8], key: &[u8]) -> Result<(), String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|error| format!("the certificate is none in PEM: {error}"))?;
    if chain.is_empty() {
        return Err("the certificate is none in PEM".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key);
    let key = key.map_err(|_| "the private key is none in PEM".to_owned())?;
    let client = tls::trusting(tls::public_roots())
        .and_then(|builder| builder.with_client_auth_cert(chain, key));
    client.map(drop).map_err(|error| format!("certificate and private key: {error}"))
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
