//! Files: `cosign sign-blob` and `cosign verify-blob`.

use crate::policy::{accepted, refused};
use crate::tools::{Bench, Cosign, Key};
use gg_trust::{Annotations, Content, Digest, KeyKind, Signature};

const FILE: &[u8] = b"\0asm, and so on";

/// All forms in which a cosign of these versions writes a signature of a file.
fn sign_in_all_forms(bench: &Bench, key: &Key) -> Vec<&'static str> {
    let private = format!("{}.key", key.name);
    let common = ["sign-blob", "--yes", "--key", &private, "--tlog-upload=false"];
    let old = ["--bundle", "two.old", "--output-signature", "two.sig", "file"];
    bench.cosign(Cosign::Two, &[&common[..], &old].concat());
    let new = ["--new-bundle-format", "--bundle", "two.new", "file"];
    bench.cosign(Cosign::Two, &[&common[..], &new].concat());
    let alone = ["--use-signing-config=false", "--new-bundle-format=false"];
    let old = ["--bundle", "three.old", "--output-signature", "three.sig", "file"];
    bench.cosign(Cosign::Three, &[&common[..], &alone, &old].concat());
    let new = ["--use-signing-config=false", "--bundle", "three.new", "file"];
    bench.cosign(Cosign::Three, &[&common[..], &new].concat());
    bench.sign_offline("sign-blob", key, &["--bundle", "three.default", "file"]);
    vec!["two.old", "two.sig", "two.new", "three.old", "three.sig", "three.new", "three.default"]
}

#[test]
fn what_cosign_signs_in_any_form_is_accepted() {
    let bench = Bench::new();
    bench.write("file", FILE);
    let keys = bench.keys();
    for key in &keys {
        for form in sign_in_all_forms(&bench, key) {
            let signature = bench.signature(form);
            accepted(key, &Content::of(FILE), &signature);
            for other in keys.iter().filter(|other| other.name != key.name) {
                refused(other, &Content::of(FILE), &signature);
            }
        }
    }
}

#[test]
fn what_was_changed_after_cosign_signed_it_is_refused() {
    let bench = Bench::new();
    bench.write("file", FILE);
    let key = bench.generate("ecdsa");
    for form in sign_in_all_forms(&bench, &key) {
        for index in 0..FILE.len() {
            let mut changed = FILE.to_vec();
            changed[index] ^= 0x80;
            refused(&key, &Content::of(&changed), &bench.signature(form));
        }
        let text = bench.read(form);
        for end in 0..text.trim_ascii_end().len() {
            refused(&key, &Content::of(FILE), &Signature::read(&text[..end]));
        }
    }
}

#[test]
fn what_we_sign_cosign_accepts() {
    let bench = Bench::new();
    bench.write("file", FILE);
    bench.write("changed", b"\0asm, and so off");
    for key in bench.keys() {
        let signature = Signature::on_file(FILE, &bench.private(&key)).unwrap();
        bench.write("our.json", signature.to_bundle().as_bytes());
        bench.write("our.sig", signature.to_base64().as_bytes());
        accepted(&key, &Content::of(FILE), &bench.signature("our.json"));
        let public = format!("{}.pub", key.name);
        let common = ["verify-blob", "--key", &public, "--insecure-ignore-tlog"];
        let alone = ["--signature", "our.sig"];
        let bundles: [(Cosign, &[&str]); 2] = [
            (Cosign::Three, &["--bundle", "our.json"]),
            (
                Cosign::Two,
                &[
                    "--new-bundle-format",
                    "--trusted-root",
                    "trusted-root.json",
                    "--bundle",
                    "our.json",
                ],
            ),
        ];
        for (cosign, form) in
            bundles.into_iter().chain([(Cosign::Three, &alone[..]), (Cosign::Two, &alone[..])])
        {
            let right = bench.try_cosign(cosign, &[&common[..], form, &["file"]].concat());
            let said = String::from_utf8_lossy(&right.stderr);
            assert!(right.status.success(), "{cosign:?} {} {form:?}\n{said}", key.name);
            let wrong = bench.try_cosign(cosign, &[&common[..], form, &["changed"]].concat());
            assert!(!wrong.status.success(), "{cosign:?} {} {form:?}", key.name);
        }
    }
}

/// Large files are signed by their digest; cosign takes that for an attestation.
#[test]
fn files_are_signed_by_their_digest_too() {
    let bench = Bench::new();
    bench.write("file", FILE);
    bench.write("predicate.json", b"{}");
    let key = bench.generate("ecdsa");
    let kind = "https://sigstore.dev/cosign/sign/v1";
    let content = Content::known_by(Digest::of(FILE));
    let rest = ["--type", kind, "--predicate", "predicate.json", "--bundle", "digest.json", "file"];
    bench.sign_offline("attest-blob", &key, &rest);
    accepted(&key, &content, &bench.signature("digest.json"));
    // Any other statement of the same key is not a signature.
    let other = "https://cosign.sigstore.dev/attestation/vuln/v1";
    let rest = ["--type", other, "--predicate", "predicate.json", "--bundle", "other.json", "file"];
    bench.sign_offline("attest-blob", &key, &rest);
    refused(&key, &content, &bench.signature("other.json"));

    let private = bench.private(&key);
    let ours = Signature::on_digest(content.digest(), &Annotations::default(), &private).unwrap();
    bench.write("our.json", ours.to_bundle().as_bytes());
    let common = ["verify-blob-attestation", "--key", "ecdsa.pub", "--insecure-ignore-tlog"];
    let rest = ["--type", kind, "--bundle", "our.json", "file"];
    bench.cosign(Cosign::Three, &[&common[..], &rest].concat());
}

/// cosign 3 writes no digest beside signatures of Ed25519, and then does not accept its own. We write one.
#[test]
fn bundles_of_ed25519_say_the_digest() {
    let bench = Bench::new();
    bench.write("file", FILE);
    let key = bench.keys().into_iter().find(|key| key.public.kind() == KeyKind::Ed25519).unwrap();
    bench.sign_offline("sign-blob", &key, &["--bundle", "theirs.json", "file"]);
    accepted(&key, &Content::of(FILE), &bench.signature("theirs.json"));
    let common = ["verify-blob", "--key", "ed25519.pub", "--insecure-ignore-tlog", "--bundle"];
    let theirs = bench.try_cosign(Cosign::Three, &[&common[..], &["theirs.json", "file"]].concat());
    let said = String::from_utf8_lossy(&theirs.stderr);
    assert!(said.contains("message is missing artifact digest"), "{said}");
}
