//! Keys that one has made and the other uses.

use crate::tools::{Bench, Cosign, Key, PASSWORD};
use gg_trust::{KeyError, PrivateKey};

#[test]
fn keys_that_cosign_made_are_ours_too() {
    let bench = Bench::new();
    for key in bench.keys() {
        assert_eq!(*bench.private(&key).public(), key.public);
    }
    bench.cosign(Cosign::Two, &["generate-key-pair", "--output-key-prefix", "two"]);
    let pem = String::from_utf8(bench.read("two.key")).unwrap();
    assert!(PrivateKey::from_pem(&pem, Some(PASSWORD.as_bytes())).is_ok());
    assert_eq!(PrivateKey::from_pem(&pem, Some(b"another")).unwrap_err(), KeyError::Password);
}

#[test]
fn keys_that_we_made_are_cosigns_too() {
    let bench = Bench::new();
    for key in [PrivateKey::generate().unwrap(), PrivateKey::generate_ed25519().unwrap()] {
        let public = key.public().clone();
        bench.write("our.key", key.to_encrypted_pem(PASSWORD.as_bytes()).unwrap().as_bytes());
        bench.write("our.pub", public.to_pem().as_bytes());
        bench.write("file", b"what is signed");
        let our = Key { name: "our", public };
        bench.sign_offline("sign-blob", &our, &["--bundle", "bundle.json", "file"]);
        let content = gg_trust::Content::of(b"what is signed");
        crate::policy::accepted(&our, &content, &bench.signature("bundle.json"));
    }
}
