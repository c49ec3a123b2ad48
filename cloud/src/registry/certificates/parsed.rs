//! What stands in a certificate.

use crate::artifacts::Digest;
use crate::clock::Time;
use crate::registry::Refusal;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Most bytes of PEM (AWS IoT API reference, `CertificatePem`).
const LONGEST: usize = 65_536;

/// Most letters of what is taken from a subject.
const LONGEST_NAME: usize = 256;

/// A certificate, read.
#[derive(Clone, Debug)]
pub(super) struct Parsed {
    pub(super) id: String,
    pub(super) facts: Facts,
}

/// What is known of a certificate beside its bytes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Facts {
    /// Of its subject: `CommonName` and others, as policies call them.
    pub subject: BTreeMap<String, String>,
    /// Its first moment.
    pub not_before: Time,
    /// Its last.
    pub not_after: Time,
}

impl Parsed {
    /// Read PEM with one certificate.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn of(pem: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::invalid("certificatePem is no certificate");
        if pem.len() > LONGEST {
            return Err(wrong());
        }
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong())?;
        let (rest, read) = X509Certificate::from_der(&der).map_err(|_| wrong())?;
        if !rest.is_empty() {
            return Err(wrong());
        }
        let at = |seconds: i64| Time::from_seconds(u64::try_from(seconds).unwrap_or_default());
        let validity = read.validity();
        let facts = Facts {
            subject: subject(read.subject()),
            not_before: at(validity.not_before.timestamp()),
            not_after: at(validity.not_after.timestamp()),
        };
        Ok(Self { id: id(&der), facts })
    }
}

/// What AWS calls a certificate: the SHA-256 of its DER, in hexadecimal digits.
pub fn id(der: &[u8]) -> String {
    Digest::of(der).to_string()
}

/// AWS IoT developer guide, "X.509 certificate AWS IoT Core policy variables".
fn subject(name: &X509Name<'_>) -> BTreeMap<String, String> {
    fn first<'a, 'b: 'a>(
        mut found: impl Iterator<Item = &'a AttributeTypeAndValue<'b>>,
    ) -> Option<String> {
        let text = found.next()?.as_str().ok()?;
        (text.len() <= LONGEST_NAME).then(|| text.to_owned())
    }
    let known = [
        ("CommonName", first(name.iter_common_name())),
        ("Country", first(name.iter_country())),
        ("Organization", first(name.iter_organization())),
        ("OrganizationalUnit", first(name.iter_organizational_unit())),
        ("State", first(name.iter_state_or_province())),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    #[test]
    fn a_certificate_says_whose_it_is() {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "press");
        params.distinguished_name.push(DnType::OrganizationName, "ACME");
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let parsed = Parsed::of(&certificate.pem()).unwrap();
        assert_eq!(parsed.id, id(certificate.der()));
        assert_eq!(parsed.id.len(), 64);
        let said: Vec<_> = parsed.facts.subject.into_iter().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(said, [pair("CommonName", "press"), pair("Organization", "ACME")]);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let long = "x".repeat(LONGEST + 1);
        let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
        for text in ["", "x", empty, &long] {
            assert!(Parsed::of(text).is_err());
        }
    }
}
