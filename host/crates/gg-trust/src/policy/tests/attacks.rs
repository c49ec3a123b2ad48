//! What somebody may try who can write to a registry, to a server, or on the way.

use super::*;
use crate::claim::Annotations;
use crate::oci;

fn image_signature(
    digest: &Digest,
    annotations: &Annotations,
    key: &PrivateKey,
) -> [Result<Signature, FormatError>; 1] {
    [Ok(Signature::on_digest(digest, annotations, key).unwrap())]
}

fn judge_image(
    policy: &TrustPolicy,
    (component, its_version): (&str, &str),
    digest: Digest,
    signatures: &[Result<Signature, FormatError>],
) -> Result<Verdict, Refusal> {
    let (component, version) = (name(component), version(its_version));
    let uri = "docker:registry/image".parse().unwrap();
    let subject = Subject {
        component: &component,
        version: &version,
        part: Part::Artifact(&uri),
        source: Source::Oci,
    };
    policy.judge(&subject, &Content::known_by(digest), None, signatures, now())
}

#[test]
fn a_changed_byte_is_refused() {
    let (policy, key) = one_key("");
    let signatures = sign(FILE, &key);
    for index in 0..FILE.len() {
        let mut changed = FILE.to_vec();
        changed[index] ^= 1;
        let refused = reason(judge(&policy, &changed, &signatures));
        assert_eq!(refused, Reason::Changed { key: "build".into() });
    }
    for changed in [&FILE[1..], &[FILE, b"\0"].concat(), b""] {
        assert!(judge(&policy, changed, &signatures).is_err());
    }
}

#[test]
fn a_changed_byte_of_a_bundle_never_helps() {
    let (policy, key) = one_key("");
    let bundle = Signature::on_file(FILE, &key).unwrap().to_bundle().into_bytes();
    let other = b"other bytes of a component";
    for index in 0..bundle.len() {
        let mut changed = bundle.clone();
        changed[index] ^= 1;
        // It may be read, and even hold: of the hint, nothing is believed.
        assert!(judge(&policy, other, &[Signature::read(&changed)]).is_err(), "{index}");
        assert!(Signature::read(&bundle[..index]).is_err(), "{index}");
    }
}

#[test]
fn a_key_that_is_not_trusted_is_named() {
    let (policy, _) = one_key("");
    let other = PrivateKey::generate().unwrap();
    let refusal = judge(&policy, FILE, &sign(FILE, &other)).unwrap_err();
    let id = other.public().id();
    let expected = format!(
        "it is signed with the key {id}, which the trust policy does not know; sign it with \
         `build`, or add the key to the policy"
    );
    assert!(refusal.to_string().ends_with(&expected), "{refusal}");
    // Who hints at a trusted key has not signed with it.
    let mut lying = Signature::on_file(FILE, &other).unwrap();
    lying.hint = Some(policy.keys[0].key.id());
    let refused = reason(judge(&policy, FILE, &[Ok(lying)]));
    assert_eq!(refused, Reason::Changed { key: "build".into() });
}

#[test]
fn a_key_signs_only_the_components_that_it_may() {
    let (a, b) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    let policy = policy(
        "",
        &[
            entry("a", &a, "components: [com.example.A]"),
            entry("b", &b, "components: [com.example.B]\n    policies: true"),
        ],
    );
    assert!(judge_for(&policy, "com.example.A", FILE, &sign(FILE, &a)).is_ok());
    let refusal = judge_for(&policy, "com.example.A", FILE, &sign(FILE, &b)).unwrap_err();
    let expected = "`b` signed it, which may sign com.example.B, policies; sign it with `a`";
    assert!(refusal.to_string().ends_with(expected), "{refusal}");
    for near in ["com.example.AB", "com.example.a", "xcom.example.A", "com.exampleXA"] {
        let refused = reason(judge_for(&policy, near, FILE, &sign(FILE, &a)));
        assert!(matches!(refused, Reason::NotItsKey { .. }), "{near}");
    }
}

#[test]
fn a_revoked_key_signs_nothing() {
    let (policy, key) = one_key("");
    let revoked = format!("revoked: {{keys: ['{}']}}", key.public().id());
    let text = text(&revoked, &[entry("build", &key, "components: ['*']")]);
    let revoked = TrustPolicy::parse(text.as_bytes()).unwrap();
    assert!(judge(&policy, FILE, &sign(FILE, &key)).is_ok());
    let refused = reason(judge(&revoked, FILE, &sign(FILE, &key)));
    assert!(matches!(refused, Reason::KeyRevoked { .. }));
}

#[test]
fn an_images_signature_is_for_that_image_alone() {
    let (policy, key) = one_key("");
    let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
    let signatures = image_signature(&one, &Annotations::default(), &key);
    let of_a = ("com.example.A", "1.0.0");
    assert!(judge_image(&policy, of_a, one, &signatures).is_ok());
    let refused = reason(judge_image(&policy, of_a, other, &signatures));
    assert_eq!(refused, Reason::OtherContent { key: "build".into(), signed: one, found: other });
    // One on bytes says nothing of an image.
    let refused = reason(judge_image(&policy, of_a, one, &sign(b"one", &key)));
    assert_eq!(refused, Reason::NoBytes);
}

#[test]
fn annotations_keep_an_image_to_its_component_and_version() {
    let (policy, key) = one_key("");
    let digest = Digest::of(b"image");
    let annotations =
        Annotations { component: Some("com.example.A".into()), version: Some("1.0.0".into()) };
    let signatures = image_signature(&digest, &annotations, &key);
    assert!(judge_image(&policy, ("com.example.A", "1.0.0"), digest, &signatures).is_ok());
    for (component, version, other) in
        [("com.example.B", "1.0.0", "com.example.A"), ("com.example.A", "2.0.0", "1.0.0")]
    {
        let refused = reason(judge_image(&policy, (component, version), digest, &signatures));
        assert_eq!(refused, Reason::OtherSubject { key: "build".into(), other: other.into() });
    }
}

/// Bytes that are signed in one place mean nothing in another.
#[test]
fn what_is_signed_as_one_thing_is_not_taken_for_another() {
    let (policy, key) = one_key("");
    let digest = Digest::of(b"image");
    let of_a = ("com.example.A", "1.0.0");
    let payload = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":""}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"TYPE"}},"optional":null}}"#
    );
    let layer = |payload: &str| {
        let annotation = Signature::on_file(payload.as_bytes(), &key).unwrap().to_base64();
        [Signature::of_layer(payload.as_bytes(), &annotation)]
    };
    let right = payload.replace("TYPE", "cosign container image signature");
    assert!(judge_image(&policy, of_a, digest, &layer(&right)).is_ok());
    let twice = right.replace("\"type\"", "\"type\":\"atomic container signature\",\"type\"");
    let other = payload.replace("TYPE", "atomic container signature");
    for wrong in [other, twice, "{}".into(), digest.to_string(), right.replace("sha256:", "")] {
        let refused = reason(judge_image(&policy, of_a, digest, &layer(&wrong)));
        assert!(matches!(refused, Reason::Unreadable { .. }), "{wrong}: {refused:?}");
    }
    // The signature of an envelope is not one of its payload.
    let [Ok(statement)] = image_signature(&digest, &Annotations::default(), &key) else {
        panic!("it is signed");
    };
    let crate::signature::Form::Statement { payload } = &statement.form else {
        panic!("it is a statement")
    };
    let bare =
        Signature { form: crate::signature::Form::Content { said: None }, ..statement.clone() };
    assert!(judge(&policy, payload, &[Ok(bare)]).is_err());
}

#[test]
fn what_a_registry_lists_is_bounded_and_checked() {
    let digest = Digest::of(b"layer");
    let descriptor = format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","digest":"{digest}","size":5}}"#
    );
    let manifest = format!(r#"{{"layers":[{descriptor}]}}"#);
    let layers = oci::layers(manifest.as_bytes()).unwrap();
    assert_eq!((layers[0].digest, layers[0].size), (digest, 5));
    assert!(matches!(layers[0].signature(b"other"), Err(FormatError::Digests { .. })));
    assert!(layers[0].signature(b"layer").is_err());
    let many = vec![descriptor; 1000].join(",");
    let layers = oci::layers(format!(r#"{{"layers":[{many}]}}"#).as_bytes()).unwrap();
    assert_eq!(layers.len(), oci::MAX_SIGNATURES);
    let index = format!(r#"{{"manifests":[{many}]}}"#);
    assert_eq!(oci::referrers(index.as_bytes()).unwrap().len(), oci::MAX_SIGNATURES);
    for wrong in ["", "{}", "[]", "{\"layers\":[],\"layers\":[]}", "{\"layers\":[{}]}"] {
        assert!(oci::layers(wrong.as_bytes()).is_err(), "{wrong}");
        assert!(oci::referrers(wrong.as_bytes()).is_err(), "{wrong}");
    }
}
