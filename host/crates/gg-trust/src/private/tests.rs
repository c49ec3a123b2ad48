use super::*;

const COSIGN: &str = include_str!("../../tests/data/ec.key");
const ED: &str = include_str!("../../tests/data/ed.pem");

#[test]
fn a_key_of_cosign_takes_its_password() {
    let key = PrivateKey::from_pem(COSIGN, Some(b"secret")).unwrap();
    let public = PublicKey::from_pem(include_str!("../../tests/data/ec.pub")).unwrap();
    assert_eq!(*key.public(), public);
    assert!(public.verifies(b"message", &key.sign(b"message").unwrap()));
    assert_eq!(PrivateKey::from_pem(COSIGN, None).unwrap_err(), KeyError::NoPassword);
    let wrong = PrivateKey::from_pem(COSIGN, Some(b"Secret")).unwrap_err();
    assert_eq!(wrong, KeyError::Password);
}

#[test]
fn a_key_is_written_and_read_again() {
    for key in [PrivateKey::generate().unwrap(), PrivateKey::generate_ed25519().unwrap()] {
        let plain = PrivateKey::from_pem(&key.to_pem(), None).unwrap();
        assert_eq!(plain.public(), key.public());
        let encrypted = key.to_encrypted_pem(b"").unwrap();
        assert!(encrypted.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
        let opened = PrivateKey::from_pem(&encrypted, Some(b"")).unwrap();
        assert_eq!(opened.public(), key.public());
        assert!(key.public().verifies(b"message", &opened.sign(b"message").unwrap()));
    }
}

#[test]
fn a_key_of_openssl_is_read() {
    let key = PrivateKey::from_pem(ED, None).unwrap();
    let public = PublicKey::from_pem(include_str!("../../tests/data/ed.pub")).unwrap();
    assert_eq!(*key.public(), public);
}

#[test]
fn a_private_key_is_not_shown() {
    let key = PrivateKey::from_pem(ED, None).unwrap();
    let shown = format!("{key:?}");
    assert_eq!(shown, format!("PrivateKey(of {:?})", key.public()));
}

/// A file could ask for all the memory there is.
#[test]
fn costs_that_cosign_never_has_are_refused() {
    let file = |costs: &str, nonce: &str| {
        let json = format!(
            r#"{{"kdf":{{"name":"scrypt","params":{costs},"salt":""}},"cipher":{{"name":"nacl/secretbox","nonce":"{nonce}"}},"ciphertext":""}}"#
        );
        let text = pem::write(ENCRYPTED, json.as_bytes());
        PrivateKey::from_pem(&text, Some(b"")).unwrap_err()
    };
    let nonce = "A".repeat(32);
    for costs in [
        r#"{"N":1099511627776,"r":8,"p":1}"#,
        r#"{"N":65536,"r":4294967295,"p":1}"#,
        r#"{"N":65536,"r":8,"p":100000}"#,
        r#"{"N":0,"r":8,"p":1}"#,
    ] {
        assert_eq!(file(costs, &nonce), KeyError::Encryption);
    }
    assert_eq!(file(r#"{"N":32768,"r":8,"p":1}"#, "AAAA"), KeyError::Encryption);
    assert_eq!(file(r#"{"N":32768,"r":8,"p":1}"#, &nonce), KeyError::Password);
    let garbage = pem::write(ENCRYPTED, b"garbage");
    assert_eq!(PrivateKey::from_pem(&garbage, Some(b"")).unwrap_err(), KeyError::Encryption);
}

#[test]
fn what_is_no_private_key_is_refused() {
    let garbage = pem::write(PLAIN, b"garbage");
    assert_eq!(PrivateKey::from_pem(&garbage, None).unwrap_err(), KeyError::Kind);
    let public = PrivateKey::generate().unwrap().public().to_pem();
    let error = PrivateKey::from_pem(&public, None).unwrap_err();
    assert_eq!(error, KeyError::Label { expected: "a private key", label: PLAIN });
}
