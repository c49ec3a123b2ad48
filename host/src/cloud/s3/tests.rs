use super::*;

fn place(endpoint: Option<&str>, region: &str) -> Place {
    Place { endpoint: endpoint.map(str::to_owned), region: region.to_owned() }
}

#[test]
fn a_bucket_is_where_its_region_says_or_at_an_endpoint() {
    for (endpoint, region, bucket, key, expected) in [
        (
            None,
            "eu-west-1",
            "press",
            "a/b.wasm",
            "https://press.s3.eu-west-1.amazonaws.com/a/b.wasm",
        ),
        (None, "cn-north-1", "press", "a", "https://press.s3.cn-north-1.amazonaws.com.cn/a"),
        // A certificate for *.s3.… does not hold for it.
        (None, "eu-west-1", "a.b", "k", "https://s3.eu-west-1.amazonaws.com/a.b/k"),
        (None, "eu-west-1", "evil/../x", "k", "https://s3.eu-west-1.amazonaws.com/evil/../x/k"),
        (
            Some("https://gg.lan:9443"),
            "r",
            "press",
            "a b+é?#",
            "https://gg.lan:9443/press/a%20b%2B%C3%A9%3F%23",
        ),
        (Some("http://127.0.0.1:9000"), "r", "b", "a//../c", "http://127.0.0.1:9000/b/a//../c"),
    ] {
        let uri = place(endpoint, region).uri(bucket, key).unwrap();
        assert_eq!(uri.to_string(), expected);
    }
}

#[test]
fn credentials_go_nowhere_in_the_clear_and_to_no_odd_place() {
    for endpoint in
        ["http://gg.lan", "ftp://gg.lan", "https://me@gg.lan", "https://gg.lan?x=", "https://"]
    {
        let error = place(Some(endpoint), "r").uri("b", "k").unwrap_err();
        assert_eq!(error.code(), "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD", "{endpoint}");
    }
    for (bucket, key) in [("", "k"), ("b", "")] {
        let error = place(None, "r").uri(bucket, key).unwrap_err();
        assert_eq!(error.code(), "S3_ARTIFACT_URI_NOT_VALID");
    }
}

#[test]
fn what_s3_says_is_read_as_far_as_it_is_a_plain_word() {
    let text = b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Key>x</Key></Error>";
    assert_eq!(element(text, "Code"), "NoSuchKey");
    for other in [
        &b""[..],
        b"<Code>",
        b"<Code>a<b</Code>",
        b"<Code>a\nb</Code>",
        b"\xff\xfe</Code><Code></Code>",
        &[b'<'; 4096],
    ] {
        assert_eq!(element(other, "Code"), "");
        assert_eq!(element(other, "Region"), "");
    }
    let long = format!("<Code>{}</Code>", "x".repeat(101));
    assert_eq!(element(long.as_bytes(), "Code"), "");
}

#[test]
fn a_refusal_says_what_to_do() {
    let refused = |status| S3Error::Refused {
        status,
        code: "AccessDenied".to_owned(),
        bucket: "press".to_owned(),
        role_alias: "Fleet".to_owned(),
        again_after: None,
    };
    let denied = refused(403).to_string();
    assert!(
        denied.contains("role alias Fleet") && denied.contains("arn:aws:s3:::press/*"),
        "{denied}"
    );
    assert_eq!(refused(403).code(), "S3_GET_OBJECT_ACCESS_DENIED");
    assert!(refused(404).to_string().contains("the bucket press has no such object"));
    assert!(!refused(403).passes() && !refused(404).passes() && refused(503).passes());
}
