use super::chunked::{Chain, ChunkError, Decoder, Piece};
use super::*;
use crate::artifacts::Digest;
use crate::clock::Time;
use http::Request;
use http::request::Parts;
use serde_json::Value;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Requests as botocore signs them; `tests/aws/gg_cloud/vectors.py` makes them.
const VECTORS: &str = include_str!("vectors.json");

fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
    let request = Request::builder().method(method).uri(target);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

fn vectors() -> Vec<(String, Parts, String)> {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let read = |vector: &Value| {
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        let headers = vector["headers"].as_object().unwrap();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        (text("name"), head(&text("method"), &text("target"), &headers), text("body"))
    };
    vectors.iter().map(read).collect()
}

fn check(head: &Parts, body: &str, secret: &str) -> Result<(), SignatureError> {
    let query = Query::parse(head.uri.query().unwrap_or_default())?;
    let claim = Claim::find(head, &query)?;
    let (encoding, payload) = match claim.scope.service.as_str() {
        "s3" => {
            let payload = head.headers.get("x-amz-content-sha256");
            let payload = payload.map_or("UNSIGNED-PAYLOAD", |payload| payload.to_str().unwrap());
            (Encoding::AsSent, payload.to_owned())
        }
        _ => (Encoding::Twice, Digest::of(body.as_bytes()).to_string()),
    };
    claim.verify(head, &query, encoding, &payload, secret)
}

#[test]
fn what_botocore_signs_is_verified() {
    let vectors = vectors();
    assert!(vectors.len() > 15);
    for (name, head, body) in vectors {
        assert_eq!(check(&head, &body, SECRET), Ok(()), "{name}");
        assert_eq!(check(&head, &body, "another"), Err(SignatureError::Mismatch), "{name}");
    }
}

#[test]
fn what_was_changed_on_its_way_is_refused() {
    for (name, head, body) in vectors() {
        let mut other = head.clone();
        let target = head.uri.to_string().replacen('/', "/x", 1);
        other.uri = target.parse().unwrap();
        assert_eq!(check(&other, &body, SECRET), Err(SignatureError::Mismatch), "{name}");
        let mut other = head.clone();
        other.method = http::Method::PATCH;
        assert_eq!(check(&other, &body, SECRET), Err(SignatureError::Mismatch), "{name}");
        let mut other = head.clone();
        other.headers.insert("x-amz-copy-source", "bucket/key".parse().unwrap());
        assert!(check(&other, &body, SECRET).is_err(), "{name}");
        if head.headers.contains_key("authorization") && !name.starts_with("s3 ") {
            let changed = format!("{body} ");
            assert_eq!(check(&head, &changed, SECRET), Err(SignatureError::Mismatch));
        }
    }
}

fn claim(authorization: &str, date: &str) -> Result<Claim, SignatureError> {
    let headers = [("host", "h"), ("x-amz-date", date), ("authorization", authorization)];
    Claim::find(&head("GET", "/", &headers), &Query::default())
}

const CREDENTIAL: &str = "Credential=AKID/20261127/us-east-1/s3/aws4_request";

#[test]
fn signatures_hold_for_their_time_and_region() {
    let authorization =
        format!("AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=host;x-amz-date, Signature=00");
    let claim = claim(&authorization, "20261127T120000Z").unwrap();
    let at = |text| Time::parse_basic(text).unwrap();
    assert_eq!(claim.check(at("20261127T121500Z"), "us-east-1"), Ok(()));
    for late in ["20261127T121501Z", "20261127T114459Z"] {
        let refused = claim.check(at(late), "us-east-1");
        assert!(matches!(refused, Err(SignatureError::Skewed { .. })), "{late}");
    }
    let elsewhere = claim.check(at("20261127T120000Z"), "eu-central-1");
    assert!(matches!(elsewhere, Err(SignatureError::Region { .. })));
    let other_day = self::claim(&authorization, "20261128T000000Z").unwrap();
    assert!(other_day.check(at("20261128T000000Z"), "us-east-1").is_err());
}

#[test]
fn links_hold_for_as_long_as_they_say() {
    let link = |expires: &str| {
        let target = format!(
            "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261127T120000Z\
             &X-Amz-Credential=AKID%2F20261127%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
        );
        let head = head("GET", &target, &[("host", "h")]);
        Claim::find(&head, &Query::parse(head.uri.query().unwrap()).unwrap())
    };
    let at = |text| Time::parse_basic(text).unwrap();
    let claim = link("60").unwrap();
    assert_eq!(claim.check(at("20261127T120100Z"), "us-east-1"), Ok(()));
    let late = claim.check(at("20261127T120101Z"), "us-east-1");
    assert_eq!(late, Err(SignatureError::Expired));
    for wrong in ["0", "604801", "-1", "x", "60&X-Amz-Expires=61"] {
        assert!(link(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn hostile_claims_are_errors() {
    let signed = "SignedHeaders=host;x-amz-date";
    for authorization in [
        String::new(),
        "AWS4-HMAC-SHA256".to_owned(),
        "Basic YTpi".to_owned(),
        "AWS AKID:signature".to_owned(),
        format!("AWS4-HMAC-SHA256 {CREDENTIAL}, {signed}"),
        format!("AWS4-HMAC-SHA256 {CREDENTIAL}, {CREDENTIAL}, {signed}, Signature=00"),
        format!("AWS4-HMAC-SHA256 Credential=a/b/c, {signed}, Signature=00"),
        format!("AWS4-HMAC-SHA256 {CREDENTIAL}/x, {signed}, Signature=00"),
        format!("AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=host, Signature=00"),
        format!("AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=x-amz-date;host, Signature=00"),
        format!("AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=Host;x-amz-date, Signature=00"),
        format!("AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=host;host;x-amz-date, Signature=00"),
    ] {
        assert!(claim(&authorization, "20261127T120000Z").is_err(), "{authorization}");
    }
    let fine = format!("AWS4-HMAC-SHA256 {CREDENTIAL},{signed},Signature=00");
    assert!(claim(&fine, "20261127T120000Z").is_ok());
    for date in ["", "today", "20261127T120000", "99999999T999999Z"] {
        assert!(claim(&fine, date).is_err(), "{date}");
    }
    assert!(Query::parse(&"a&".repeat(201)).is_err());
    assert!(Query::parse("a=%ff").is_err());
    assert_eq!(Query::parse("a=b+c%2B").unwrap().get("a"), Some("b+c+"));
}

/// The example of the S3 API reference, "Authenticating requests: using query parameters".
#[test]
fn links_are_signed_as_aws_shows() {
    let link = Link {
        host: "examplebucket.s3.amazonaws.com",
        path: "/test.txt",
        region: "us-east-1",
        key_id: "AKIAIOSFODNN7EXAMPLE",
        at: Time::parse_basic("20130524T000000Z").unwrap(),
        expires: 86400,
    };
    let url = presign(link, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    assert!(url.ends_with(&format!("&X-Amz-Signature={signature}")), "{url}");
}

/// The chain of AWS's examples, which begins with this signature.
fn chain(seed: &str) -> Chain {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders=host;x-amz-date,Signature={seed}"
    );
    let claim = claim(&authorization, "20130524T000000Z").unwrap();
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    Chain::new(&claim, SigningKey::new(secret, &claim.scope))
}

/// What is in a body that arrives in pieces of this size.
fn decode(
    mut decoder: Decoder,
    body: &[u8],
    size: usize,
) -> Result<(Vec<u8>, Decoder), ChunkError> {
    let mut data = Vec::new();
    for piece in body.chunks(size) {
        decoder.feed(piece);
        while let Piece::Data(bytes) = decoder.take()? {
            data.extend_from_slice(&bytes);
        }
    }
    decoder.finish()?;
    Ok((data, decoder))
}

fn signed_body(signatures: [&str; 3], rest: &str) -> Vec<u8> {
    let [first, second, last] = signatures;
    let mut body = format!("10000;chunk-signature={first}\r\n").into_bytes();
    body.extend([b'a'; 65536]);
    body.extend(format!("\r\n400;chunk-signature={second}\r\n").bytes());
    body.extend([b'a'; 1024]);
    body.extend(format!("\r\n0;chunk-signature={last}\r\n{rest}\r\n").bytes());
    body
}

/// The example of the S3 API reference, "Signature calculations: transferring a payload in multiple
/// chunks".
#[test]
fn signed_chunks_are_those_that_aws_shows() {
    let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let signatures = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ];
    let mut body = signed_body(signatures, "");
    for size in [1000, 65536, 100_000] {
        let (data, _) = decode(Decoder::new(Some(chain(seed))), &body, size).unwrap();
        assert_eq!(data.len(), 66560);
    }
    body[100] = b'b';
    let changed = decode(Decoder::new(Some(chain(seed))), &body, 4096);
    assert_eq!(changed.map(|_| ()), Err(ChunkError::Mismatch));
}

/// The same with a header after the body.
#[test]
fn signed_trailers_are_those_that_aws_shows() {
    let seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    let signatures = [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ];
    let trailers = "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:\
         d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n";
    let body = signed_body(signatures, trailers);
    let (_, decoder) = decode(Decoder::new(Some(chain(seed))), &body, 4096).unwrap();
    assert_eq!(decoder.trailer("x-amz-checksum-crc32c"), Some("sOO8/Q=="));
    let other = body.len() - 100 - 60;
    let mut body = body;
    body[other] = b'!';
    assert!(decode(Decoder::new(Some(chain(seed))), &body, 4096).is_err());
}

#[test]
fn unsigned_chunks_come_in_any_pieces() {
    let body = b"3\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
    for size in 1..body.len() {
        let (data, decoder) = decode(Decoder::new(None), body, size).unwrap();
        assert_eq!(data, b"abcde");
        assert_eq!(decoder.trailer("x-amz-checksum-crc32"), Some("AAAAAA=="));
    }
}

#[test]
fn hostile_chunks_are_errors() {
    let long = format!("{}\r\n", "0".repeat(2000));
    let many = format!("0\r\n{}\r\n", "a:b\r\n".repeat(17));
    for body in [
        "",
        "3\r\nab",
        "3\r\nabc",
        "3\r\nabcd\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "x\r\n",
        "\r\n",
        "0\r\nno colon\r\n\r\n",
        "0\r\n\r\nmore",
        &long,
        &many,
    ] {
        assert!(decode(Decoder::new(None), body.as_bytes(), 7).is_err(), "{body}");
    }
}
