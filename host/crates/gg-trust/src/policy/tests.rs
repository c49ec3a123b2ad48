mod attacks;
mod file;
mod next;
mod recipes;

use super::*;
use crate::error::FormatError;
use crate::private::PrivateKey;
use crate::signature::Signature;
use crate::subject::{Content, Part, Subject};
use crate::verdict::{Reason, Refusal, Verdict};
use std::time::Duration;

/// What is signed in these tests.
const FILE: &[u8] = b"the bytes of a component";

/// In the year 2026.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_000_000)
}

fn name(text: &str) -> ComponentName {
    text.parse().unwrap()
}

fn version(text: &str) -> ComponentVersion {
    text.parse().unwrap()
}

/// The lines of a key in a policy.
fn entry(name: &str, key: &PrivateKey, rest: &str) -> String {
    let pem = key.public().to_pem().replace('\n', "\n      ");
    format!("  - name: {name}\n    publicKey: |\n      {}\n    {rest}\n", pem.trim_end())
}

fn text(rest: &str, keys: &[String]) -> String {
    format!("format: gg-host/trust/1\nversion: 1\n{rest}\nkeys:\n{}", keys.concat())
}

fn policy(rest: &str, keys: &[String]) -> TrustPolicy {
    TrustPolicy::parse(text(rest, keys).as_bytes()).unwrap()
}

/// A policy with one key for `com.example.*`, and the key.
fn one_key(rest: &str) -> (TrustPolicy, PrivateKey) {
    let key = PrivateKey::generate().unwrap();
    (policy(rest, &[entry("build", &key, "components: [com.example.*]")]), key)
}

fn sign(content: &[u8], key: &PrivateKey) -> [Result<Signature, FormatError>; 1] {
    [Ok(Signature::on_file(content, key).unwrap())]
}

/// Judge an artifact of `com.example.A` 1.2.0.
fn judge(
    policy: &TrustPolicy,
    content: &[u8],
    signatures: &[Result<Signature, FormatError>],
) -> Result<Verdict, Refusal> {
    judge_for(policy, "com.example.A", content, signatures)
}

fn judge_for(
    policy: &TrustPolicy,
    component: &str,
    content: &[u8],
    signatures: &[Result<Signature, FormatError>],
) -> Result<Verdict, Refusal> {
    let (component, version) = (name(component), version("1.2.0"));
    let uri = "https://example.com/a.wasm".parse().unwrap();
    let part = Part::Artifact(&uri);
    let subject = Subject { component: &component, version: &version, part, source: Source::Web };
    policy.judge(&subject, &Content::of(content), None, signatures, now())
}

fn reason<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Reason {
    result.unwrap_err().reason
}

#[test]
fn what_nobody_signed_may_not_be_used() {
    let (policy, _) = one_key("");
    let refusal = judge(&policy, FILE, &[]).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "com.example.A 1.2.0: its artifact https://example.com/a.wasm may not be used: \
         it has no signature; sign it with `build`"
    );
    let refusal = judge_for(&policy, "org.other", FILE, &[]).unwrap_err();
    let text = refusal.to_string();
    assert!(text.ends_with("a key that the trust policy lets sign it (there is none)"), "{text}");
}

#[test]
fn what_a_trusted_key_signed_may_be_used() {
    let (policy, key) = one_key("");
    let verdict = judge(&policy, FILE, &sign(FILE, &key)).unwrap();
    let (by, key) = ("build".to_owned(), key.public().id());
    assert_eq!(verdict, Verdict::Signed { by, key, log_entries: 0 });
}

#[test]
fn any_signature_that_holds_is_enough() {
    let (policy, key) = one_key("");
    let [right] = sign(FILE, &key);
    let [other] = sign(FILE, &PrivateKey::generate().unwrap());
    let broken = Signature::read(b"{}");
    let signatures = [broken, other, right];
    assert!(judge(&policy, FILE, &signatures).is_ok());
    // But nobody has to look at any number of them.
    let [junk, _, right] = signatures;
    let mut many = vec![junk; crate::oci::MAX_SIGNATURES];
    many.push(right);
    assert!(matches!(reason(judge(&policy, FILE, &many)), Reason::Unreadable { .. }));
}

#[test]
fn a_source_may_be_warned_of_or_left_alone() {
    let (policy, key) = one_key("sources: {web: warn, local: off}");
    let verdict = judge(&policy, FILE, &[]).unwrap();
    let Verdict::Tolerated(refusal) = verdict else { panic!("{verdict:?}") };
    assert!(matches!(refusal.reason, Reason::Unsigned { .. }));
    assert!(matches!(judge(&policy, FILE, &sign(FILE, &key)), Ok(Verdict::Signed { .. })));
    assert_eq!(policy.requirement(Source::Local), Requirement::Off);
    assert_eq!(policy.requirement(Source::Cloud), Requirement::Required);
    let (component, version) = (name("com.example.A"), version("1.0.0"));
    let subject = Subject {
        component: &component,
        version: &version,
        part: Part::Recipe,
        source: Source::Local,
    };
    let verdict = policy.judge(&subject, &Content::of(FILE), None, &[], now());
    assert_eq!(verdict, Ok(Verdict::NotAsked));
}

#[test]
fn what_is_revoked_or_too_old_is_refused_wherever_it_is_from() {
    let digest = Digest::of(FILE);
    for source in ["required", "warn", "off"] {
        let rest = format!("sources: {{web: {source}}}\nrevoked: {{digests: ['{digest}']}}");
        let (policy, key) = one_key(&rest);
        let refused = reason(judge(&policy, FILE, &sign(FILE, &key)));
        assert_eq!(refused, Reason::Revoked { digest });
        let rest = format!("sources: {{web: {source}}}\nleastVersions: {{com.example.A: 1.2.1}}");
        let (policy, key) = one_key(&rest);
        let refused = reason(judge(&policy, FILE, &sign(FILE, &key)));
        assert_eq!(refused, Reason::TooOld { least: version("1.2.1") });
    }
    let (policy, key) = one_key("leastVersions: {com.example.A: 1.2.0, com.example.B: 9.0.0}");
    assert!(judge(&policy, FILE, &sign(FILE, &key)).is_ok());
}

#[test]
fn a_key_counts_from_its_begin_to_its_end() {
    let key = PrivateKey::generate().unwrap();
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let time = |seconds| humantime::format_rfc3339_seconds(at(seconds)).to_string();
    let rest = format!(
        "components: ['*']\n    notBefore: {}\n    notAfter: {}",
        time(1_000_000),
        time(2_000_000)
    );
    let policy = policy("", &[entry("build", &key, &rest)]);
    let (component, version) = (name("com.example.A"), version("1.0.0"));
    let subject = Subject {
        component: &component,
        version: &version,
        part: Part::Recipe,
        source: Source::Cloud,
    };
    let judge = |now| policy.judge(&subject, &Content::of(FILE), None, &sign(FILE, &key), at(now));
    assert!(matches!(reason(judge(999_999)), Reason::KeyNotYet { .. }));
    assert!(judge(1_000_000).is_ok());
    assert!(judge(1_999_999).is_ok());
    let refusal = judge(2_000_000).unwrap_err();
    assert!(refusal.to_string().contains("valid until 1970-01-24T03:33:20Z"), "{refusal}");
}

#[test]
fn two_keys_count_while_one_takes_the_others_place() {
    let (old, new) = (PrivateKey::generate().unwrap(), PrivateKey::generate_ed25519().unwrap());
    let old_entry = entry("old", &old, "components: ['*']\n    notAfter: 2026-12-01T00:00:00Z");
    let new_entry = entry("new", &new, "components: ['*']\n    notBefore: 2026-01-01T00:00:00Z");
    let policy = policy("", &[old_entry, new_entry]);
    for key in [&old, &new] {
        assert!(judge(&policy, FILE, &sign(FILE, key)).is_ok());
    }
}
