//! What registries of OCI say: references, manifests, and how they want to be asked; and the file with
//! passwords for them.
#![no_main]

#[path = "../../host/src/component/artifact/source/oci/challenge.rs"]
mod challenge;
#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/component/artifact/source/oci/login.rs"]
mod login;
#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/component/artifact/source/oci/manifest.rs"]
mod manifest;

use challenge::Challenge;
use gg_model::recipe::{ArtifactUri, OciReference};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for title in [None, Some("a")] {
        let _refused = manifest::choose(bytes, title);
    }
    for registry in ["r.test", "docker.io"] {
        if let Ok(Some(login)) = login::login(bytes, registry) {
            assert!(login.header().starts_with("Basic "));
        }
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Some(Challenge::Bearer { realm, .. }) = Challenge::parse(text) {
        assert!(realm.len() <= text.len());
    }
    let Ok(reference) = text.parse::<OciReference>() else { return };
    assert_eq!(reference.to_string().parse().as_ref(), Ok(&reference));
    let path = format!("{}/{}", reference.repository(), reference.manifest());
    assert!(path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte)));
    assert!(!path.split('/').any(|step| matches!(step, "" | "." | "..")));
    if let Ok(uri) = format!("oci://{text}").parse::<ArtifactUri>() {
        assert_eq!(uri.file_name(), Some(reference.file_name()));
    }
});
