use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const EC: &str = include_str!("../../tests/data/ec.pub");
const ED: &str = include_str!("../../tests/data/ed.pub");
const RSA_KEY: &str = include_str!("../../tests/data/rsa.pub");

fn der(pem: &str) -> Vec<u8> {
    pem::read(pem).unwrap().bytes.to_vec()
}

fn refused(der: &[u8]) {
    let error = PublicKey::from_pem(&pem::write(LABEL, der)).unwrap_err();
    assert_eq!(error, KeyError::Kind);
}

#[test]
fn keys_of_cosign_are_read_and_written_the_same() {
    for (text, kind) in [(EC, KeyKind::EcdsaP256), (ED, KeyKind::Ed25519), (RSA_KEY, KeyKind::Rsa)]
    {
        let key = PublicKey::from_pem(text).unwrap();
        assert_eq!(key.kind(), kind);
        assert_eq!(key.to_pem(), text);
    }
}

/// `openssl pkey -pubin -in ec.pub -outform DER | sha256sum`, and what cosign hints with.
#[test]
fn a_key_is_named_by_the_digest_of_its_public_key_info() {
    let id = PublicKey::from_pem(EC).unwrap().id();
    assert_eq!(id.to_hint(), "lMgsISfJhmBQjTeOv6rn2PY0LsDKaRR/mceYUE28UR4=");
    assert_eq!(KeyId::from_hint(&id.to_hint()), Some(id));
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!(KeyId::from_hint("my key"), None);
}

#[test]
fn a_key_has_no_second_form() {
    for text in [EC, ED, RSA_KEY] {
        let right = der(text);
        refused(&right[..right.len() - 1]);
        refused(&[&right[..], &[0]].concat());
        // Something more within the outer sequence.
        let mut input = &right[..];
        let content = der::read(SEQUENCE, &mut input).unwrap();
        refused(&der::write(SEQUENCE, &[content, &[5, 0]].concat()));
    }
    // A compressed point.
    let point = [&[2], &der(EC)[27..59]].concat();
    refused(&spki(KeyKind::EcdsaP256, &point));
}

/// Keys made with `openssl ecparam -name secp384r1`, `openssl genrsa 1024`, and with exponent 3.
#[test]
fn other_kinds_and_sizes_are_refused() {
    let integer = |bytes: &[u8]| der::write(INTEGER, bytes);
    let rsa = |modulus: usize, exponent: &[u8]| {
        let modulus = integer(&[&[0], &vec![0xff; modulus][..]].concat());
        spki(KeyKind::Rsa, &der::write(SEQUENCE, &[modulus, integer(exponent)].concat()))
    };
    assert!(PublicKey::from_der(&rsa(256, EXPONENT)).is_some());
    assert!(PublicKey::from_der(&rsa(512, EXPONENT)).is_some());
    refused(&rsa(128, EXPONENT));
    refused(&rsa(255, EXPONENT));
    refused(&rsa(513, EXPONENT));
    refused(&rsa(256, &[3]));
    refused(&rsa(256, &[0, 1, 0, 1]));
    let p384 = "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqLzm3SHyEVPHtQ/Xb1YMN8fGAV0fgjIDmGRDHsJgyUDy5z3sfEbS2pYDLRMlVMBq\
                qfNXR2BbYQkS1YxJhMOmoMtKsUKUXVdrXyxCS7Iq1s6sSCZQOvJpcg0m5CJMOmYy";
    refused(&STANDARD.decode(p384).unwrap());
    refused(b"");
}

#[test]
fn what_is_no_public_key_says_what_it_must_be() {
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let error = PublicKey::from_pem(private).unwrap_err();
    assert_eq!(error, KeyError::Label { expected: "a public key", label: LABEL });
    assert_eq!(PublicKey::from_pem("ssh-ed25519 AAAA"), Err(KeyError::NotPem));
}

#[test]
fn a_key_off_the_curve_verifies_nothing() {
    let key = PublicKey::from_der(&spki(KeyKind::EcdsaP256, &[4; 65])).unwrap();
    assert!(!key.verifies(b"", &[0x30, 6, 2, 1, 1, 2, 1, 1]));
}
