//! Policies that take the place of others.

use super::*;

struct Keys {
    root: PrivateKey,
    build: PrivateKey,
}

impl Keys {
    fn new() -> Self {
        let make = || PrivateKey::generate_ed25519().unwrap();
        Self { root: make(), build: make() }
    }

    fn text(&self, version: u64) -> String {
        let keys = [
            entry("root", &self.root, "policies: true"),
            entry("build", &self.build, "components: ['*']"),
        ];
        text("", &keys).replace("version: 1", &format!("version: {version}"))
    }

    fn policy(&self, version: u64) -> TrustPolicy {
        TrustPolicy::parse(self.text(version).as_bytes()).unwrap()
    }
}

#[test]
fn a_newer_policy_that_a_trusted_key_signed_takes_the_place() {
    let keys = Keys::new();
    let next = keys.text(8);
    let next = keys.policy(7).next(next.as_bytes(), &sign(next.as_bytes(), &keys.root), now());
    assert_eq!(next.unwrap().version(), 8);
}

#[test]
fn the_same_or_an_older_one_does_not() {
    let keys = Keys::new();
    for version in [1, 6, 7] {
        let next = keys.text(version);
        let error = keys
            .policy(7)
            .next(next.as_bytes(), &sign(next.as_bytes(), &keys.root), now())
            .unwrap_err();
        assert_eq!(error, NextError::NotNewer { found: version, current: 7 });
    }
}

#[test]
fn one_that_nobody_signed_who_may_does_not() {
    let keys = Keys::new();
    let (policy, next) = (keys.policy(1), keys.text(2));
    let untrusted = |bytes: &str, signatures: &[Result<Signature, FormatError>]| match policy.next(
        bytes.as_bytes(),
        signatures,
        now(),
    ) {
        Err(NextError::Untrusted(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert!(matches!(untrusted(&next, &[]), Reason::Unsigned { .. }));
    // A key for components is not one for policies.
    let signatures = sign(next.as_bytes(), &keys.build);
    assert!(matches!(untrusted(&next, &signatures), Reason::NotItsKey { .. }));
    let signatures = sign(next.as_bytes(), &keys.root);
    let changed = next.replace("version: 2", "version: 3");
    assert!(matches!(untrusted(&changed, &signatures), Reason::Changed { .. }));
    // Nor does the new policy say who may sign it.
    let other = Keys::new();
    let next = other.text(2);
    let signatures = sign(next.as_bytes(), &other.root);
    assert!(matches!(untrusted(&next, &signatures), Reason::UnknownKey { .. }));
}

#[test]
fn one_after_which_there_could_be_no_other_does_not() {
    let keys = Keys::new();
    for change in [
        ("policies: true", "components: ['*']".to_owned()),
        ("policies: true", "policies: true\n    notAfter: 2020-01-01T00:00:00Z".to_owned()),
        ("keys:", format!("revoked: {{keys: ['{}']}}\nkeys:", keys.root.public().id())),
    ] {
        let next = keys.text(2).replacen(change.0, &change.1, 1);
        let signatures = sign(next.as_bytes(), &keys.root);
        let error = keys.policy(1).next(next.as_bytes(), &signatures, now()).unwrap_err();
        assert_eq!(error, NextError::Last);
    }
}

#[test]
fn a_recipe_that_a_key_for_policies_signed_is_no_policy() {
    let keys = Keys::new();
    let recipe = "RecipeFormatVersion: 2020-01-25\nComponentName: a\nComponentVersion: 9.0.0\n";
    let signatures = sign(recipe.as_bytes(), &keys.root);
    let error = keys.policy(1).next(recipe.as_bytes(), &signatures, now()).unwrap_err();
    assert!(matches!(error, NextError::Policy(_)));
}
