//! A policy that trusts one key, and questions to it.

use crate::tools::Key;
use gg_trust::{
    Content, FormatError, Part, Refusal, Signature, Source, Subject, TrustPolicy, Verdict,
};
use std::time::SystemTime;

/// Judge an artifact of `com.example.A` 1.0.0 by a policy that has only this key.
pub(crate) fn judge(
    key: &Key,
    content: &Content<'_>,
    signatures: &[Result<Signature, FormatError>],
) -> Result<Verdict, Refusal> {
    let pem = key.public.to_pem().replace('\n', "\n      ");
    let text = format!(
        "format: gg-host/trust/1\nversion: 1\nkeys:\n  - name: {}\n    components: ['*']\n    \
         publicKey: |\n      {pem}\n",
        key.name
    );
    let policy = TrustPolicy::parse(text.as_bytes()).unwrap();
    let (component, version) = ("com.example.A".parse().unwrap(), "1.0.0".parse().unwrap());
    let uri = "docker:image".parse().unwrap();
    let part = Part::Artifact(&uri);
    let subject = Subject { component: &component, version: &version, part, source: Source::Oci };
    policy.judge(&subject, content, None, signatures, SystemTime::UNIX_EPOCH)
}

pub(crate) fn accepted(
    key: &Key,
    content: &Content<'_>,
    signature: &Result<Signature, FormatError>,
) {
    let verdict = judge(key, content, std::slice::from_ref(signature));
    assert!(matches!(verdict, Ok(Verdict::Signed { .. })), "{}: {verdict:?}", key.name);
}

pub(crate) fn refused(
    key: &Key,
    content: &Content<'_>,
    signature: &Result<Signature, FormatError>,
) {
    let verdict = judge(key, content, std::slice::from_ref(signature));
    assert!(verdict.is_err(), "{}: {verdict:?}", key.name);
}
