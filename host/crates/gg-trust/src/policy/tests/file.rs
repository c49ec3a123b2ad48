//! The text of a policy.

use super::*;

fn error(text: &str) -> String {
    TrustPolicy::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_policy_reads_the_same_from_yaml_and_json() {
    let key = PrivateKey::generate().unwrap();
    let digest = Digest::of(b"");
    let rest = "components: [com.example.*, org.A]\n    policies: true\n    \
                notBefore: 2026-01-01T00:00:00Z\n    notAfter: '2027-01-01T00:00:00Z'";
    let yaml = text(
        &format!(
            "sources: {{Local: OFF, cloud: warn}}\nrevoked: {{keys: ['{digest}'], digests: ['{digest}']}}\n\
             leastVersions: {{com.example.A: 1.0.0}}"
        ),
        &[entry("build", &key, rest)],
    );
    let json = serde_json::json!({
        "format": "gg-host/trust/1",
        "version": 1,
        "sources": {"local": "off", "cloud": "warn"},
        "revoked": {"keys": [digest.to_string()], "digests": [digest.to_string()]},
        "leastVersions": {"com.example.A": "1.0.0"},
        "keys": [{
            "name": "build",
            "publicKey": key.public().to_pem(),
            "components": ["com.example.*", "org.A"],
            "policies": true,
            "notBefore": "2026-01-01T00:00:00Z",
            "notAfter": "2027-01-01T00:00:00Z",
        }],
    });
    let from_yaml = TrustPolicy::parse(yaml.as_bytes()).unwrap();
    assert_eq!(TrustPolicy::parse(json.to_string().as_bytes()), Ok(from_yaml.clone()));
    assert_eq!(from_yaml.version(), 1);
}

#[test]
fn what_is_wrong_says_where_and_what_helps() {
    let key = PrivateKey::generate().unwrap();
    let pem = key.public().to_pem();
    let good = entry("a", &key, "components: ['*']");
    for (text, expected) in [
        ("version: 1".into(), "format: is required but missing"),
        (
            "format: other\nversion: 1\nkeys: []".into(),
            "`other` is not known; write `gg-host/trust/1`",
        ),
        (text("", &[]).replace("version: 1", "version: 0").replace("keys:", "keys: []"), "version"),
        (text("", &[]), "keys (line 4, column 1): is required but missing"),
        (
            text("sources: {clod: off}", std::slice::from_ref(&good)),
            "sources.clod (line 3, column 11): is not a known key; is it `cloud`?",
        ),
        (
            text("sources: {cloud: no}", std::slice::from_ref(&good)),
            "expected one of `required`, `warn`, `off`",
        ),
        (text("revoked: {keys: [abc]}", std::slice::from_ref(&good)), "revoked.keys[0]"),
        (
            text("leastVersions: {com.A: '1'}", std::slice::from_ref(&good)),
            "leastVersions[\"com.A\"]",
        ),
        (text("revokd: {}", std::slice::from_ref(&good)), "is it `revoked`?"),
        (
            text("", &[good.clone(), entry("b", &key, "components: ['*']")]),
            "is the same key as `a`",
        ),
        (text("", &[entry("a", &key, "policies: false")]), "may sign nothing"),
        (text("", &[entry("a", &key, "components: ['com example']")]), "components[0]"),
        (
            text("", &[entry("a", &key, "components: ['*']\n    notAfter: tomorrow")]),
            "a time such as",
        ),
        (
            text("", &[entry("a", &key, "components: ['*']\n    notBefor: 2026-01-01T00:00:00Z")]),
            "is it `notBefore`?",
        ),
        (
            text(
                "",
                &[entry(
                    "a",
                    &key,
                    "components: ['*']\n    notBefore: 2026-01-01T00:00:00Z\n    notAfter: 2026-01-01T00:00:00Z",
                )],
            ),
            "is not after `notBefore`",
        ),
        (
            text(
                "",
                &[good
                    .replace("BEGIN PUBLIC", "BEGIN PRIVATE")
                    .replace("END PUBLIC", "END PRIVATE")],
            ),
            "this is not a public key",
        ),
        (text("", &[good.replace("MFkw", "MFkx")]), "the key is none of ECDSA on P-256"),
        (
            text("", &[good.clone(), good.replace(pem.lines().nth(1).unwrap(), "AAAA")]),
            "keys[1].publicKey",
        ),
    ] {
        let error = error(&text);
        assert!(error.contains(expected), "{text}\n{error}\n{expected}");
    }
    let other = PrivateKey::generate().unwrap();
    let twice = text("", &[good, entry("a", &other, "components: ['*']")]);
    assert!(error(&twice).contains("is the second key called `a`"));
}

#[test]
fn members_that_come_twice_are_refused() {
    let json = r#"{"format":"gg-host/trust/1","version":1,"keys":[],"version":2}"#;
    assert_eq!(error(json), "the trust policy has a member twice, at line 1, column 59; keep one");
    assert!(error(&format!("\u{feff} {json}")).contains("twice"));
    let cases = r#"{"format":"gg-host/trust/1","version":1,"keys":[],"Version":2}"#;
    assert!(error(cases).contains("is the same key as `"), "{}", error(cases));
    let yaml = "format: gg-host/trust/1\nversion: 1\nkeys: []\nversion: 2\n";
    assert!(error(yaml).contains("neither JSON nor YAML"), "{}", error(yaml));
}

#[test]
fn what_is_huge_or_nested_or_no_text_is_refused() {
    let huge = " ".repeat(MAX_POLICY_BYTES + 1);
    assert!(error(&huge).contains("at most 262144"));
    assert!(matches!(TrustPolicy::parse(b"\xff"), Err(PolicyError::NoText)));
    for deep in ["[".repeat(100_000), "{\"a\":".repeat(50_000), "a: ".repeat(50_000)] {
        assert!(matches!(TrustPolicy::parse(deep.as_bytes()), Err(PolicyError::Syntax { .. })));
    }
    let many = format!("revoked: {{digests: [{}]}}", "a,".repeat(MAX_ENTRIES + 1));
    let key = PrivateKey::generate().unwrap();
    let many = error(&text(&many, &[entry("a", &key, "components: ['*']")]));
    assert!(many.contains("at most 4096"), "{many}");
}
