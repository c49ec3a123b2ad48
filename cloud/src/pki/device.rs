//! Certificates of devices, signed by the authority.

use super::{Authority, hold};
use anyhow::{Context as _, Result, ensure};
use rcgen::{
    CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

/// How long a device's certificate holds, in days.
const DEVICE_DAYS: u64 = 20 * 365;

/// A certificate and the key that was made for it, as PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its public key.
    pub public_key: String,
    /// Its private key (PKCS #8), which is nowhere else.
    pub private_key: Zeroizing<String>,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Authority {
    /// Make a key (P-256), and a certificate for it with this name.
    ///
    /// # Errors
    /// The kernel gives no random bytes.
    pub fn issue(&self, name: &str) -> Result<Issued> {
        let key = KeyPair::generate().context("failed to make a key")?;
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, name);
        let private_key = Zeroizing::new(key.serialize_pem());
        let certificate = self.certify(subject, &key)?.pem();
        Ok(Issued { certificate, public_key: key.public_key_pem(), private_key })
    }

    /// Sign what a request (PKCS #10) asks for, as PEM. Of the request, whose signature must hold, the
    /// key and the subject are taken, and nothing else.
    ///
    /// # Errors
    /// It is no request, or one that cannot be met.
    pub fn sign(&self, request: &str) -> Result<String> {
        let request = CertificateSigningRequestDer::from_pem_slice(request.as_bytes());
        let request = request.context("the request is no PEM")?;
        let read = CertificateSigningRequestParams::from_der(&request);
        let read = read.context("the request cannot be read")?;
        let signed = self.certify(read.params.distinguished_name, &read.public_key)?;
        // A key of one curve can be signed with the digest of another, which rcgen mixes up.
        let (_, request) = X509CertificationRequest::from_der(&request)?;
        let (_, made) = X509Certificate::from_der(signed.der())?;
        let is_same = request.certification_request_info.subject_pki.raw == made.public_key().raw;
        ensure!(is_same, "its key is of a kind that is not signed here; use RSA or P-256");
        Ok(signed.pem())
    }

    fn certify(
        &self,
        subject: DistinguishedName,
        key: &impl PublicKeyData,
    ) -> Result<rcgen::Certificate> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject;
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        hold(&mut params, self.clock.now(), DEVICE_DAYS)?;
        params.signed_by(key, &self.issuer).context("failed to sign")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use rcgen::{BasicConstraints, IsCa};

    #[test]
    fn a_request_cannot_ask_to_be_an_authority() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::open(folder.path(), &Clock::system()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "press");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let request = params.serialize_request(&key).unwrap().pem().unwrap();
        let signed = authority.sign(&request).unwrap();
        let der = pem(&signed);
        let (_, read) = X509Certificate::from_der(&der).unwrap();
        assert!(!read.is_ca());
        assert!(read.subject().to_string().contains("press"));
        assert_eq!(read.public_key().raw, key.subject_public_key_info());
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::open(folder.path(), &Clock::system()).unwrap();
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap();
        let mut broken = request.der().to_vec();
        *broken.last_mut().unwrap() ^= 1;
        let broken = rcgen_pem("CERTIFICATE REQUEST", &broken);
        for text in
            ["", "-----BEGIN CERTIFICATE REQUEST-----", &broken, authority.certificate_pem()]
        {
            assert!(authority.sign(text).is_err(), "{text}");
        }
    }

    fn pem(text: &str) -> Vec<u8> {
        rustls::pki_types::CertificateDer::from_pem_slice(text.as_bytes()).unwrap().to_vec()
    }

    fn rcgen_pem(label: &str, der: &[u8]) -> String {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    }
}
