//! Whether a server's certificate holds, on a machine whose clock may have lost the time.
//!
//! A device without a battery for its clock begins each start in 1970, or when its image was made, and
//! whoever could tell it the time may be reached by TLS alone. By such a clock no certificate is valid
//! yet. Where the clock says what has surely passed, a certificate is judged by the latest time that
//! has: one that has expired by then is refused, and one that begins later has begun.

use crate::clock::utc;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::{Arc, LazyLock, Once};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// The latest time that has surely passed, as far as this process knows.
static PASSED: LazyLock<watch::Sender<SystemTime>> =
    LazyLock::new(|| watch::Sender::new(UNIX_EPOCH));

/// The operator has heard that the clock is wrong.
static TOLD: Once = Once::new();

/// This time has surely passed.
pub fn has_passed(at: SystemTime) {
    note(&PASSED, at);
}

/// The latest time that has surely passed, now and from now on.
pub fn passed() -> watch::Receiver<SystemTime> {
    PASSED.subscribe()
}

fn note(passed: &watch::Sender<SystemTime>, at: SystemTime) {
    passed.send_if_modified(|latest| {
        let later = at > *latest;
        if later {
            *latest = at;
        }
        later
    });
}

/// Verifies as webpki does, at the right time.
#[derive(Debug)]
pub(super) struct Verifier {
    webpki: Arc<WebPkiServerVerifier>,
    passed: watch::Sender<SystemTime>,
}

impl Verifier {
    /// One that trusts these.
    ///
    /// # Errors
    /// It is given none.
    pub(super) fn trusting(
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let webpki = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
        let webpki = webpki.map_err(|error| Error::General(error.to_string()))?;
        Ok(Self { webpki, passed: PASSED.clone() })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |at| {
            self.webpki.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                at,
            )
        };
        let passed = unix(*self.passed.borrow());
        let mut at = now;
        loop {
            match verify(at) {
                Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
                    not_before,
                    ..
                })) if now < passed && at < passed.max(not_before) => at = passed.max(not_before),
                Ok(verified) => {
                    if at > now {
                        TOLD.call_once(|| warn(now, at));
                    }
                    note(&self.passed, system(at));
                    return Ok(verified);
                }
                failed => return failed,
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

fn unix(at: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn system(at: UnixTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(at.as_secs())
}

fn warn(now: UnixTime, at: UnixTime) {
    let [says, at] = [now, at].map(|time| utc(system(time)).to_string());
    tracing::warn!(
        says,
        "the clock of this device has gone back; certificates count by {at}, which has passed, until \
         it is set (timedatectl set-ntp true)"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

    const DAY: Duration = Duration::from_secs(86_400);

    fn year(year: u64) -> SystemTime {
        UNIX_EPOCH + DAY * 365 * u32::try_from(year - 1970).unwrap()
    }

    /// A verifier that knows that a time has passed, and a certificate that counts from 2026 to 2027.
    fn scene(passed: SystemTime) -> (Verifier, CertificateDer<'static>) {
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = root.self_signed(&key).unwrap();
        let issuer = Issuer::new(root, key);
        let mut params = CertificateParams::new(vec!["broker".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, 6, 1);
        params.not_after = date_time_ymd(2027, 6, 1);
        let certificate = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut verifier = Verifier::trusting(roots.into(), provider).unwrap();
        verifier.passed = watch::Sender::new(passed);
        (verifier, certificate.der().clone())
    }

    fn judged(
        (verifier, certificate): &(Verifier, CertificateDer<'_>),
        now: SystemTime,
    ) -> Result<(), CertificateError> {
        let name = ServerName::try_from("broker").unwrap();
        match verifier.verify_server_cert(certificate, &[], &name, &[], unix(now)) {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_right_clock_counts_and_is_remembered() {
        let scene = scene(year(2020));
        let early = judged(&scene, year(2021));
        assert!(matches!(early, Err(CertificateError::NotValidYetContext { .. })), "{early:?}");
        assert_eq!(*scene.0.passed.borrow(), year(2020));
        judged(&scene, year(2027)).unwrap();
        assert_eq!(*scene.0.passed.borrow(), year(2027));
        let late = judged(&scene, year(2028));
        assert!(matches!(late, Err(CertificateError::ExpiredContext { .. })), "{late:?}");
        assert_eq!(*scene.0.passed.borrow(), year(2027));
    }

    #[test]
    fn a_clock_that_went_back_is_not_believed() {
        // The certificate began since, or had begun.
        for passed in [year(2021), year(2027)] {
            judged(&scene(passed), year(1970)).unwrap();
        }
        let late = judged(&scene(year(2028)), year(1970));
        assert!(matches!(late, Err(CertificateError::ExpiredContext { .. })), "{late:?}");
    }

    #[test]
    fn a_wrong_memory_spoils_no_right_clock() {
        judged(&scene(year(2040)), year(2027)).unwrap();
    }
}
