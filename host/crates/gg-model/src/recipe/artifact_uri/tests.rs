use super::*;
use proptest::prelude::*;

fn uri(text: &str) -> ArtifactUri {
    text.parse().unwrap()
}

#[test]
fn the_scheme_decides_what_it_is() {
    let s3 = |bucket: &str, key: &str| ArtifactUri::S3 { bucket: bucket.into(), key: key.into() };
    let file = |path: &str| ArtifactUri::File { path: path.into() };
    let other = |uri: &str| ArtifactUri::Other { uri: uri.into() };
    #[rustfmt::skip]
    let table = [
        ("s3://bucket/a/b:c.zip", s3("bucket", "a/b:c.zip"), Some("b:c.zip")),
        ("S3://bucket/a/", s3("bucket", "a/"), None), (" s3://file.zip ", s3("file.zip", ""), Some("file.zip")),
        ("s3:x", other("s3:x"), Some("x")),
        ("greengrass:id=/x.jar", ArtifactUri::Greengrass { artifact: "id=/x.jar".into() }, Some("x.jar")),
        ("docker:r.io/a/b:1@sha256:0", ArtifactUri::Docker { image: "r.io/a/b:1@sha256:0".into() }, None),
        ("file:a/b.wasm", file("a/b.wasm"), Some("b.wasm")), ("FILE:///a/b", file("/a/b"), Some("b")),
        ("file:/a/b", file("/a/b"), Some("b")), ("file:a/..", file("a/.."), None),
        ("https://h/a/b.wasm?x=/y#/z", ArtifactUri::Http { url: "https://h/a/b.wasm?x=/y#/z".into() }, Some("b.wasm")),
        ("https:x", other("https:x"), Some("x")), ("http://h/a?b", ArtifactUri::Http { url: "http://h/a?b".into() }, Some("a")),
        ("OCI://R.test/a/b:1", ArtifactUri::Oci { reference: "r.test/a/b:1".parse().unwrap() }, Some("b.wasm")),
        ("oci:r.test/a:1", other("oci:r.test/a:1"), Some("a:1")),
        ("classpath:/a/b.zip", other("classpath:/a/b.zip"), Some("b.zip")), ("a", other("a"), Some("a")),
        ("{BUCKET}/x", other("{BUCKET}/x"), Some("x")), (":", other(":"), None), ("x:..", other("x:.."), None),
    ];
    for (text, expected, name) in table {
        assert_eq!(uri(text), expected, "{text}");
        assert_eq!(expected.file_name(), name, "{text}");
    }
}

#[test]
fn what_is_no_uri_is_refused_with_the_remedy() {
    let long = format!("s3://b/{}", "x".repeat(MAX_URI_BYTES));
    #[rustfmt::skip]
    let table = [
        ("", "the URI is empty; write for example `s3://bucket/file.wasm`"),
        ("s3://b/a\0", "the URI `s3://b/a\\0` contains the control character '\\0'"),
        ("oci://r.test/a", "the URI `oci://r.test/a`: it has neither a tag nor a digest; write oci://REGISTRY/REPOSITORY:TAG or …@sha256:DIGEST"),
        ("file://host/a", "the URI `file://host/a` names a host; write `file:///folder/file` or `file:folder/file`"),
    ];
    for (text, expected) in table {
        assert_eq!(text.parse::<ArtifactUri>().unwrap_err().to_string(), expected);
    }
    assert!(long.parse::<ArtifactUri>().unwrap_err().to_string().len() < 200);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_is_read_as_the_same(text in "(s3|greengrass|docker|file|https|x)?:?/{0,4}[a:./?é]{0,8}") {
        if let Ok(uri) = text.parse::<ArtifactUri>() {
            prop_assert_eq!(uri.to_string().parse::<ArtifactUri>(), Ok(uri.clone()));
            prop_assert!(uri.file_name().is_none_or(|name| !name.contains('/')));
        }
    }
}
