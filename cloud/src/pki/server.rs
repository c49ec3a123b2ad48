//! What the server is known by, for each of its ports.

use super::clients::{AnyCertificate, Clients};
use anyhow::Result;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::sync::Arc;

/// The server's certificate and its key.
#[derive(Clone, Debug)]
pub struct Server(Arc<SingleCertAndKey>);

impl Server {
    pub(super) fn new(
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self> {
        let key = CertifiedKey::from_der(vec![certificate], key, &default_provider())?;
        Ok(Self(Arc::new(SingleCertAndKey::from(key))))
    }

    /// TLS for a port: which clients have certificates, and which protocols are spoken (RFC 7301).
    ///
    /// # Errors
    /// TLS cannot be had.
    pub fn port(&self, clients: Clients, protocols: &[&str]) -> Result<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(AnyCertificate::new(clients)))
            .with_cert_resolver(Arc::<SingleCertAndKey>::clone(&self.0));
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(config)
    }
}
