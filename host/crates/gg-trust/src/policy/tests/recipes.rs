//! Recipes that are signed, and the artifacts for which they vouch.

use super::*;
use crate::statement::statement;
use gg_model::Recipe;
use gg_model::recipe::SIGNATURES;

const A: &str = "com.example.A";
const URI: &str = "https://example.com/a.wasm";
const IMAGE: &str = "docker:registry.example/a";

fn recipe(component: &str, its_version: &str, artifacts: &str) -> String {
    format!(
        "RecipeFormatVersion: 2020-01-25\nComponentName: {component}\nComponentVersion: {its_version}\n\
         Manifests:\n  - Platform: {{runtime: wasm}}\n    Lifecycle: {{run: '{{artifacts:path}}/a.wasm'}}\n    \
         Artifacts: [{artifacts}]\n"
    )
}

fn pinned(content: &[u8]) -> String {
    let digest = Digest::of(content).to_base64();
    format!("{{URI: '{URI}', Digest: '{digest}', Algorithm: SHA-256}}")
}

fn judge_recipe(
    policy: &TrustPolicy,
    (component, its_version): (&str, &str),
    text: &str,
    signatures: &[Result<Signature, FormatError>],
) -> Result<SignedRecipe, Refusal> {
    let wanted = (&name(component), &version(its_version));
    policy.judge_recipe(wanted, Source::Cloud, text.as_bytes(), signatures, now())
}

fn judge_artifact(
    policy: &TrustPolicy,
    (component, its_version): (&str, &str),
    uri: &str,
    content: &[u8],
    vouched: Option<&Vouched>,
) -> Result<Verdict, Refusal> {
    let (component, version) = (name(component), version(its_version));
    let uri = uri.parse().unwrap();
    let part = Part::Artifact(&uri);
    let subject = Subject { component: &component, version: &version, part, source: Source::Web };
    policy.judge(&subject, &Content::of(content), vouched, &[], now())
}

#[test]
fn a_signed_recipe_vouches_for_its_artifacts() {
    let (policy, key) = one_key("");
    let text = recipe(A, "1.0.0", &pinned(FILE));
    let signed = judge_recipe(&policy, (A, "1.0.0"), &text, &sign(text.as_bytes(), &key)).unwrap();
    assert_eq!(signed.recipe.name.as_str(), A);
    let vouched = signed.vouched.as_ref();
    let verdict = judge_artifact(&policy, (A, "1.0.0"), URI, FILE, vouched);
    assert_eq!(verdict, Ok(Verdict::Vouched));
    let refused = reason(judge_artifact(&policy, (A, "1.0.0"), URI, b"other", vouched));
    assert!(matches!(refused, Reason::NotAsPinned { .. }));
}

#[test]
fn a_changed_byte_of_a_recipe_is_refused() {
    let (policy, key) = one_key("");
    let text = recipe(A, "1.0.0", &pinned(FILE));
    let signatures = sign(text.as_bytes(), &key);
    for index in (0..text.len()).step_by(7) {
        let mut changed = text.clone().into_bytes();
        changed[index] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        let refused = reason(judge_recipe(&policy, (A, "1.0.0"), &changed, &signatures));
        assert_eq!(refused, Reason::Changed { key: "build".into() });
    }
    assert!(judge_recipe(&policy, (A, "1.0.0"), &format!("{text}\n"), &signatures).is_err());
}

/// Its name and its version are signed: one that is signed for another component, or an older
/// one in the place of the one that is wanted, does not pass.
#[test]
fn a_recipe_does_not_pass_for_another_component_or_version() {
    let (policy, key) = one_key("");
    let text = recipe(A, "1.0.0", &pinned(FILE));
    let signatures = sign(text.as_bytes(), &key);
    for wanted in [("com.example.B", "1.0.0"), (A, "1.0.1"), (A, "0.9.0")] {
        let refused = reason(judge_recipe(&policy, wanted, &text, &signatures));
        let (name, version) = (name(A), version("1.0.0"));
        assert_eq!(refused, Reason::OtherRecipe { name, version }, "{wanted:?}");
    }
}

/// Each is signed, and each is right in its own recipe.
#[test]
fn artifacts_of_several_recipes_are_not_mixed() {
    let (policy, key) = one_key("");
    let vouched = |component: &str, version: &str, content: &[u8]| {
        let text = recipe(component, version, &pinned(content));
        let signatures = sign(text.as_bytes(), &key);
        judge_recipe(&policy, (component, version), &text, &signatures).unwrap().vouched
    };
    let old = vouched(A, "1.0.0", b"old");
    let new = vouched(A, "2.0.0", b"new");
    let other = vouched("com.example.B", "2.0.0", b"other");
    let judge = |content: &[u8], vouched: &Option<Vouched>| {
        judge_artifact(&policy, (A, "2.0.0"), URI, content, vouched.as_ref())
    };
    assert_eq!(judge(b"new", &new), Ok(Verdict::Vouched));
    for (content, vouched) in
        [(&b"old"[..], &new), (b"other", &new), (b"old", &old), (b"other", &other), (b"new", &None)]
    {
        assert!(judge(content, vouched).is_err(), "{content:?}");
    }
    // Nor does a recipe vouch for a file that it does not have.
    let elsewhere = "https://example.com/b.wasm";
    let refused = judge_artifact(&policy, (A, "2.0.0"), elsewhere, b"new", new.as_ref());
    assert!(matches!(reason(refused), Reason::Unsigned { .. }));
}

#[test]
fn every_artifact_of_a_signed_recipe_has_its_digest() {
    let (policy, key) = one_key("");
    let (digest, image) = (Digest::of(FILE).to_base64(), Digest::of(b"image"));
    let judge = |artifacts: &str| {
        let text = recipe(A, "1.0.0", artifacts);
        judge_recipe(&policy, (A, "1.0.0"), &text, &sign(text.as_bytes(), &key))
    };
    for artifacts in [
        format!("{{URI: '{URI}'}}"),
        format!("{{URI: '{URI}', Digest: 'AAAA', Algorithm: SHA-256}}"),
        format!("{{URI: '{URI}', Digest: '{digest}', Algorithm: MD5}}"),
        format!("{}, {{URI: '{URI}.2'}}", pinned(FILE)),
        format!("{}, {}", pinned(FILE), pinned(b"other")),
        format!("{{URI: '{IMAGE}:1.0'}}"),
        format!("{{URI: '{IMAGE}:1.0', Digest: '{digest}', Algorithm: SHA-256}}"),
        format!("{{URI: '{IMAGE}@sha256:abc'}}"),
        format!("{{URI: '{IMAGE}@{}'}}", image.to_string().replace("sha256", "sha512")),
    ] {
        let refused = reason(judge(&artifacts));
        assert!(matches!(refused, Reason::Unpinned { .. }), "{artifacts}: {refused:?}");
    }
    let pinned = format!("{}, {}, {{URI: '{IMAGE}:1.0@{image}'}}", pinned(FILE), pinned(FILE));
    let vouched = judge(&pinned).unwrap().vouched.unwrap();
    let uri = format!("{IMAGE}:1.0@{image}");
    let verdict = judge_artifact(&policy, (A, "1.0.0"), &uri, b"image", Some(&vouched));
    assert_eq!(verdict, Ok(Verdict::Vouched));
    assert!(judge("").unwrap().vouched.is_some());
}

#[test]
fn a_recipe_that_nobody_signed_vouches_for_nothing() {
    for source in ["warn", "off"] {
        let (policy, _) = one_key(&format!("sources: {{cloud: {source}}}"));
        let text = recipe(A, "1.0.0", &pinned(FILE));
        let recipe = judge_recipe(&policy, (A, "1.0.0"), &text, &[]).unwrap();
        assert_eq!(recipe.vouched, None);
        let refused = reason(judge_artifact(&policy, (A, "1.0.0"), URI, FILE, None));
        assert!(matches!(refused, Reason::Unsigned { .. }));
    }
}

#[test]
fn a_recipe_that_pins_too_little_is_tolerated_where_signatures_are() {
    let (policy, key) = one_key("sources: {cloud: warn}");
    let text = recipe(A, "1.0.0", &format!("{{URI: '{URI}'}}"));
    let signed = judge_recipe(&policy, (A, "1.0.0"), &text, &sign(text.as_bytes(), &key)).unwrap();
    assert_eq!(signed.vouched, None);
    let Verdict::Tolerated(refusal) = signed.verdict else { panic!("{:?}", signed.verdict) };
    assert!(matches!(refusal.reason, Reason::Unpinned { .. }));
}

#[test]
fn a_revoked_artifact_is_refused_though_its_recipe_is_signed() {
    let digest = Digest::of(FILE);
    let (policy, key) = one_key(&format!("revoked: {{digests: ['{digest}']}}"));
    let text = recipe(A, "1.0.0", &pinned(FILE));
    let signed = judge_recipe(&policy, (A, "1.0.0"), &text, &sign(text.as_bytes(), &key)).unwrap();
    let refused = judge_artifact(&policy, (A, "1.0.0"), URI, FILE, signed.vouched.as_ref());
    assert_eq!(reason(refused), Reason::Revoked { digest });
}

#[test]
fn what_is_signed_and_no_recipe_is_refused() {
    let (policy, key) = one_key("");
    let text = "RecipeFormatVersion: 2020-01-25\nComponentName: com.example.A\n";
    let refused = reason(judge_recipe(&policy, (A, "1.0.0"), text, &sign(text.as_bytes(), &key)));
    assert!(matches!(refused, Reason::NoRecipe { .. }));
    let bytes = b"RecipeFormatVersion: \xff";
    let wanted = (&name(A), &version("1.0.0"));
    let refused =
        policy.judge_recipe(wanted, Source::Cloud, bytes, &sign(bytes, &key), now()).unwrap_err();
    assert!(matches!(refused.reason, Reason::NoRecipe { .. }));
}

/// The recipe with signatures on its statement.
fn with_signatures(text: &str, keys: &[&PrivateKey]) -> String {
    let means = statement(&Recipe::parse(text).unwrap()).unwrap();
    let signatures: Vec<String> = keys
        .iter()
        .map(|key| Signature::on_file(means.as_bytes(), key).unwrap().to_base64())
        .collect();
    format!(
        "{text}\nComponentConfiguration: {{DefaultConfiguration: {{{SIGNATURES}: {signatures:?}}}}}\n"
    )
}

#[test]
fn a_recipe_may_carry_its_signatures() {
    let (policy, key) = one_key("");
    let text = recipe(A, "1.0.0", &pinned(FILE));
    let other = PrivateKey::generate().unwrap();
    let signed = with_signatures(&text, &[&other, &key]);
    let judged = judge_recipe(&policy, (A, "1.0.0"), &signed, &[]).unwrap();
    assert!(matches!(judged.verdict, Verdict::Signed { .. }));
    assert!(judged.vouched.is_some());
    // The bytes around what is meant do not matter.
    let rewritten =
        format!("# by a cloud\n{}", signed.replace("https://example.com", "s3://bucket"));
    assert!(judge_recipe(&policy, (A, "1.0.0"), &rewritten, &[]).is_ok());
    let changed = signed.replace(URI, &format!("{URI}x"));
    let refused = reason(judge_recipe(&policy, (A, "1.0.0"), &changed, &[]));
    assert!(matches!(refused, Reason::UnknownKey { .. }), "{refused}");
    let refused = reason(judge_recipe(&policy, (A, "1.1.0"), &signed, &[]));
    assert!(matches!(refused, Reason::Unsigned { .. }), "{refused}");
    let stranger = with_signatures(&text, &[&other]);
    let refused = reason(judge_recipe(&policy, (A, "1.0.0"), &stranger, &[]));
    assert!(matches!(refused, Reason::UnknownKey { .. }), "{refused}");
}

#[test]
fn what_a_recipe_carries_may_be_revoked_by_its_statement_or_its_bytes() {
    let key = PrivateKey::generate().unwrap();
    let signed = with_signatures(&recipe(A, "1.0.0", &pinned(FILE)), &[&key]);
    let means = statement(&Recipe::parse(&signed).unwrap()).unwrap();
    for digest in [Digest::of(signed.as_bytes()), Digest::of(means.as_bytes())] {
        let entry = entry("build", &key, "components: [com.example.*]");
        let policy = policy(&format!("revoked: {{digests: ['{digest}']}}"), &[entry]);
        let refused = reason(judge_recipe(&policy, (A, "1.0.0"), &signed, &[]));
        assert_eq!(refused, Reason::Revoked { digest });
    }
}
