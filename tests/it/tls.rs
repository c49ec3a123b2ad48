//! Servers before a broker that speak TLS by themselves.

use crate::broker::Authority;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// How a server speaks TLS that has this certificate and key, and asks for a certificate of `devices`.
pub(crate) fn tls([certificate, key]: [PathBuf; 2], devices: Option<&Authority>) -> ServerConfig {
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&crypto));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match devices {
        None => builder.with_no_client_auth(),
        Some(devices) => {
            let mut roots = RootCertStore::empty();
            let root = CertificateDer::from_pem_slice(devices.certificate.as_bytes()).unwrap();
            roots.add(root).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), crypto);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    builder.with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
}

/// Take a connection, end its TLS, and lead what is in it to a port; gives the protocol agreed on.
pub(crate) async fn lead(
    listener: &TcpListener,
    config: ServerConfig,
    port: u16,
) -> Option<Vec<u8>> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
    let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    let mut broker = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no host here whose end it would outlive"
    )]
    tokio::spawn(async move {
        let _ended = tokio::io::copy_bidirectional(&mut stream, &mut broker).await;
    });
    agreed
}
