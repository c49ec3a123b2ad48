//! How TLS is spoken.

mod verifier;

pub use verifier::{has_passed, passed};

use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder, Error, RootCertStore};
use std::sync::Arc;
use verifier::Verifier;

/// Whom browsers trust.
pub fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() }
}

/// TLS that trusts these; what remains to be said is whether the client shows a certificate.
///
/// # Errors
/// The library of TLS lacks what it needs.
pub fn trusting(
    roots: impl Into<Arc<RootCertStore>>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::trusting(roots.into(), Arc::clone(&provider))?;
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
}

/// TLS that trusts those whom browsers trust, for a client without a certificate.
///
/// # Errors
/// As of [`trusting`].
pub fn public() -> Result<Arc<ClientConfig>, Error> {
    Ok(Arc::new(trusting(public_roots())?.with_no_client_auth()))
}
