//! What stands in a certificate: whose it is, and from when until when it counts.

use crate::logs::presentable;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// What a certificate says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Validity {
    /// Whose it is, as X.500 writes it.
    pub subject: String,
    /// Its first moment.
    pub from: SystemTime,
    /// Its last.
    pub to: SystemTime,
}

impl Validity {
    /// Read it from DER; `None`: that is no certificate.
    pub(super) fn of(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let at = |seconds: i64| {
            let since = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
            UNIX_EPOCH.checked_add(since)
        };
        let validity = certificate.validity();
        Some(Self {
            subject: presentable(&certificate.subject().to_string(), 100).into_owned(),
            from: at(validity.not_before.timestamp())?,
            to: at(validity.not_after.timestamp())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::utc;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    #[test]
    fn a_certificate_says_whose_it_is_and_when() {
        let mut params = CertificateParams::new(vec!["a".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "kettle");
        // One year is written with two digits, the other with four.
        params.not_before = date_time_ymd(2001, 2, 3);
        params.not_after = date_time_ymd(2061, 4, 5);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = Validity::of(certificate.der()).unwrap();
        assert!(read.subject.contains("CN=kettle"), "{read:?}");
        assert_eq!(utc(read.from).to_string(), "2001-02-03T00:00:00.000Z");
        assert_eq!(utc(read.to).to_string(), "2061-04-05T00:00:00.000Z");
        // Any part of it, and any byte that is another, is no certificate or one; nothing worse.
        for end in 0..certificate.der().len() {
            assert_eq!(Validity::of(&certificate.der()[..end]), None);
            for other in [0, 0x7f, 0x80, 0xff] {
                let mut bytes = certificate.der().to_vec();
                bytes[end] = other;
                let _either = Validity::of(&bytes);
            }
        }
    }
}
