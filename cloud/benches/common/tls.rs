//! TLS as clients of gg-cloud have it: they trust its authority, and devices have certificates.

use anyhow::{Context as _, Result};
use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A device's certificate and key, as they are on the wire.
#[derive(Debug)]
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// From PEM.
    pub(crate) fn parse(certificate: &str, key: &str) -> Result<Self> {
        Ok(Self {
            certificate: CertificateDer::from_pem_slice(certificate.as_bytes())?,
            key: PrivateKeyDer::from_pem_slice(key.as_bytes())?,
        })
    }
}

/// Whom clients trust. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Trust(Arc<RootCertStore>);

impl Trust {
    /// The authority of a file.
    pub(crate) fn read(ca: &Path) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).context("the authority's certificate")?)?;
        Ok(Self(Arc::new(roots)))
    }

    /// A connection of somebody without a certificate, or of a device.
    pub(crate) async fn connect(
        &self,
        port: u16,
        identity: Option<&Identity>,
    ) -> Result<TlsStream<TcpStream>> {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(Arc::clone(&self.0));
        let mut config = match identity {
            Some(Identity { certificate, key }) => {
                config.with_client_auth_cert(vec![certificate.clone()], key.clone_key())?
            }
            None => config.with_no_client_auth(),
        };
        // Each device connects once.
        config.resumption = Resumption::disabled();
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
    }
}
