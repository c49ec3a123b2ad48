//! What a registry holds: `cosign sign` and `cosign verify`.

use crate::policy::{accepted, judge, refused};
use crate::registry::Registry;
use crate::tools::{Bench, Cosign, Key};
use gg_trust::{Annotations, Content, Digest, FormatError, KeyKind, Reason, Signature, oci};

type Signatures = Vec<Result<Signature, FormatError>>;

/// The signatures under the tag of cosign 2.
fn tagged(registry: &Registry<'_>, repository: &str, digest: &Digest) -> Signatures {
    signatures(registry, repository, &oci::signature_tag(digest))
}

/// The bundles that refer to an artifact.
fn referring(registry: &Registry<'_>, repository: &str, digest: &Digest) -> Signatures {
    let index = registry.manifest(repository, &oci::referrers_tag(digest));
    let manifests = oci::referrers(&index).unwrap().into_iter();
    manifests.flat_map(|manifest| signatures(registry, repository, &manifest.to_string())).collect()
}

fn signatures(registry: &Registry<'_>, repository: &str, manifest: &str) -> Signatures {
    let layers = oci::layers(&registry.manifest(repository, manifest)).unwrap().into_iter();
    layers.map(|layer| layer.signature(&registry.blob(repository, &layer.digest))).collect()
}

/// Sign with the payload of simple signing, which both versions can.
fn sign_by_tag(bench: &Bench, which: Cosign, key: &Key, rest: &[&str]) {
    let key = format!("{}.key", key.name);
    let common = ["sign", "--yes", "--key", &key, "--tlog-upload=false"];
    let three = ["--use-signing-config=false", "--new-bundle-format=false"];
    let three = if which == Cosign::Three { &three[..] } else { &[] };
    bench.cosign(which, &[&common[..], three, rest].concat());
}

#[test]
fn images_that_cosign_signed_are_accepted() {
    let bench = Bench::new();
    let registry = Registry::start(&bench);
    let other = registry.push("other", b"something else");
    for key in bench.keys() {
        let repository = key.name;
        let digest = registry.push(repository, format!("signed with {repository}").as_bytes());
        let name = registry.reference(repository, &digest);
        sign_by_tag(&bench, Cosign::Two, &key, &[&name]);
        sign_by_tag(&bench, Cosign::Three, &key, &["-a", "by=three", &name]);
        bench.sign_offline("sign", &key, &[&name]);
        let tagged = tagged(&registry, repository, &digest);
        let referring = referring(&registry, repository, &digest);
        let [two, three] = &*tagged else { panic!("{tagged:?}") };
        let [bundle] = &*referring else { panic!("{referring:?}") };
        let mut right = vec![two];
        // cosign 3 signs images by Ed25519ph, and then does not verify its own bundles.
        if key.public.kind() == KeyKind::Ed25519 {
            refused(&key, &Content::known_by(digest), three);
            refused(&key, &Content::known_by(digest), bundle);
            let verify = ["verify", "--key", "ed25519.pub", "--insecure-ignore-tlog", &name];
            assert!(!bench.try_cosign(Cosign::Three, &verify).status.success());
        } else {
            right.extend([three, bundle]);
        }
        for signature in right {
            accepted(&key, &Content::known_by(digest), signature);
            accepted(&key, &Content::of(&registry.manifest(repository, "1")), signature);
            refused(&key, &Content::known_by(other), signature);
        }
    }
}

#[test]
fn an_image_may_be_signed_for_one_component_alone() {
    let bench = Bench::new();
    let registry = Registry::start(&bench);
    let key = bench.generate("ecdsa");
    let sign = |repository: &str, component: &str| {
        let digest = registry.push(repository, repository.as_bytes());
        let name = registry.reference(repository, &digest);
        let component = format!("gg.component={component}");
        let annotations = ["-a", &component, "-a", "gg.version=1.0.0", &name];
        sign_by_tag(&bench, Cosign::Two, &key, &annotations);
        bench.sign_offline("sign", &key, &annotations);
        let mut signatures = tagged(&registry, repository, &digest);
        signatures.extend(referring(&registry, repository, &digest));
        assert_eq!(signatures.len(), 2);
        (digest, signatures)
    };
    let (digest, signatures) = sign("right", "com.example.A");
    for signature in &signatures {
        accepted(&key, &Content::known_by(digest), signature);
    }
    let (digest, signatures) = sign("wrong", "com.example.B");
    for signature in signatures {
        let refusal = judge(&key, &Content::known_by(digest), &[signature]).unwrap_err();
        let other = "com.example.B".to_owned();
        assert_eq!(refusal.reason, Reason::OtherSubject { key: "ecdsa".into(), other });
    }
}

/// The bundle is put where cosign looks for it.
#[test]
fn images_that_we_sign_cosign_accepts() {
    let bench = Bench::new();
    let registry = Registry::start(&bench);
    for key in
        [bench.generate("ecdsa"), bench.import("rsa2048", include_str!("../data/rsa2048.pem"))]
    {
        let digest = registry.push(key.name, key.name.as_bytes());
        let annotations =
            Annotations { component: Some("com.example.A".into()), version: Some("1.0.0".into()) };
        let private = bench.private(&key);
        let signature = Signature::on_digest(&digest, &annotations, &private).unwrap();
        bench.write("bundle.json", signature.to_bundle().as_bytes());
        let media_type = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let name = registry.reference(key.name, &digest);
        let file = format!("bundle.json:{media_type}");
        let content = "dev.sigstore.bundle.content=dsse-envelope";
        let predicate = "dev.sigstore.bundle.predicateType=https://sigstore.dev/cosign/sign/v1";
        let annotated = ["--annotation", content, "--annotation", predicate];
        let attach = ["attach", "--artifact-type", media_type];
        registry.oras(&[&attach[..], &annotated, &[&name, &file]].concat());
        let signatures = referring(&registry, key.name, &digest);
        assert_eq!(signatures, [Ok(signature)]);
        accepted(&key, &Content::known_by(digest), &signatures[0]);
        let public = format!("{}.pub", key.name);
        let verify = ["verify", "--key", &public, "--insecure-ignore-tlog"];
        bench.cosign(Cosign::Three, &[&verify[..], &[&name]].concat());
    }
}
