//! Signatures, keys and policies, and what is signed: bytes that somebody trusted has signed may be
//! wrong too.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gg_model::ComponentName;
use gg_model::recipe::ArtifactUri;
use gg_model::version::ComponentVersion;
use gg_trust::{
    Content, Digest, FormatError, Part, PrivateKey, PublicKey, Signature, Source, Subject,
    TrustPolicy, oci,
};
use std::sync::LazyLock;
use std::time::SystemTime;

/// Who is trusted here.
struct Trust {
    key: PrivateKey,
    policy: TrustPolicy,
    component: ComponentName,
    version: ComponentVersion,
}

static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let pem = include_str!("../../host/crates/gg-trust/tests/data/ed.pem");
    let key = PrivateKey::from_pem(pem, None).unwrap();
    let policy = format!(
        "format: gg-host/trust/1\nversion: 7\nkeys: [{{name: a, publicKey: {:?}, components: ['*'], policies: true}}]",
        key.public().to_pem()
    );
    let policy = TrustPolicy::parse(policy.as_bytes()).unwrap();
    let (component, version) = ("com.example.A".parse().unwrap(), "1.0.0".parse().unwrap());
    Trust { key, policy, component, version }
});

type Signatures = [Result<Signature, FormatError>];

impl Trust {
    fn accepts(&self, content: &Content<'_>, signatures: &Signatures) -> bool {
        let (component, version) = (&self.component, &self.version);
        let uri = ArtifactUri::Docker { image: "a".into() };
        let subject =
            Subject { component, version, part: Part::Artifact(&uri), source: Source::Oci };
        let now = SystemTime::UNIX_EPOCH;
        self.policy.judge(&subject, content, None, signatures, now).is_ok()
    }

    /// A statement as it would be signed.
    fn statement(&self, payload: &[u8]) -> Result<Signature, FormatError> {
        let kind = "application/vnd.in-toto+json";
        let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
        let signature = self.key.sign(&[head.as_bytes(), payload].concat()).unwrap();
        let bundle = serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "dsseEnvelope": {
                "payload": STANDARD.encode(payload),
                "payloadType": kind,
                "signatures": [{"sig": STANDARD.encode(signature)}],
            },
        });
        Signature::read(bundle.to_string().as_bytes())
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let trust = &*TRUST;
    let nobody_signed = Content::of(b"nobody signed this");
    // What comes from outside.
    if let Ok(signature) = Signature::read(bytes) {
        assert!(Signature::read(signature.to_bundle().as_bytes()).is_ok());
        assert!(!trust.accepts(&nobody_signed, &[Ok(signature)]));
    }
    let _ = oci::referrers(bytes);
    for layer in oci::layers(bytes).unwrap_or_default() {
        assert!(layer.signature(bytes).is_err());
    }
    if let Ok(text) = str::from_utf8(bytes) {
        if let Ok(key) = PublicKey::from_pem(text) {
            assert_eq!(PublicKey::from_pem(&key.to_pem()).unwrap(), key);
        }
        let _ = PrivateKey::from_pem(text, None);
    }
    if let Ok(policy) = TrustPolicy::parse(bytes) {
        assert!(policy.version() > 0);
    }
    // What somebody trusted has signed.
    let signature = Signature::on_file(bytes, &trust.key).unwrap();
    let layer = Signature::of_layer(bytes, &signature.to_base64());
    assert!(!trust.accepts(&nobody_signed, &[layer, trust.statement(bytes)]));
    assert!(trust.accepts(&Content::of(bytes), &[Ok(signature.clone())]));
    assert!(!trust.accepts(&Content::known_by(Digest::of(bytes)), &[Ok(signature.clone())]));
    let (wanted, now) = ((&trust.component, &trust.version), SystemTime::UNIX_EPOCH);
    let signatures = [Ok(signature)];
    if let Ok(signed) = trust.policy.judge_recipe(wanted, Source::Local, bytes, &signatures, now) {
        assert_eq!(signed.recipe.name, trust.component);
        assert!(signed.vouched.is_some());
    }
    if let Ok(next) = trust.policy.next(bytes, &signatures, now) {
        assert!(next.version() > trust.policy.version());
    }
});
