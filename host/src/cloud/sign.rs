//! Signatures of requests to AWS: Signature Version 4, for requests without a query, which is all that is
//! needed here (AWS General Reference, "Create a signed AWS API request").

use crate::hexadecimal::hexadecimal;
use gg_model::RoleCredentials;
use http::{HeaderMap, HeaderValue, Method};
use ring::digest::{SHA256, digest};
use ring::hmac;
use std::time::{SystemTime, UNIX_EPOCH};

/// Which service of AWS is asked, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// Its signing name.
    pub(super) service: &'a str,
    /// The region.
    pub(super) region: &'a str,
    /// The value of the header `host`.
    pub(super) host: &'a str,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// How.
    pub(super) method: &'a Method,
    /// The path as it is sent, encoded once (S3 alone has others than `/` here, and does not encode twice).
    pub(super) path: &'a str,
    /// Headers of its own, whose names are in lower case.
    pub(super) headers: &'a [(&'static str, &'a str)],
    /// Its body.
    pub(super) body: &'a [u8],
}

/// The headers by which a request is signed, with those of its own. `None`: one of them can be no
/// header.
pub(super) fn sign(
    scope: Scope<'_>,
    credentials: &RoleCredentials,
    request: Request<'_>,
    at: SystemTime,
) -> Option<HeaderMap> {
    let Request { method, path, headers, body } = request;
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // `2015-08-30T12:36:00Z` without its signs.
    let time =
        humantime::format_rfc3339_seconds(UNIX_EPOCH + std::time::Duration::from_secs(seconds));
    let time = time.to_string().replace(['-', ':'], "");
    let day = time.get(..8)?;
    let token = credentials.token.as_str();
    let mut all = vec![("host", scope.host), ("x-amz-date", time.as_str())];
    if !token.is_empty() {
        all.push(("x-amz-security-token", token));
    }
    all.extend_from_slice(headers);
    all.sort_unstable();

    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String =
        all.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let payload = hexadecimal(digest(&SHA256, body).as_ref());
    let canonical = format!("{method}\n{path}\n\n{lines}\n{names}\n{payload}");
    let Scope { service, region, .. } = scope;
    let place = format!("{day}/{region}/{service}/aws4_request");
    let canonical = hexadecimal(digest(&SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{place}\n{canonical}");

    let first = zeroize::Zeroizing::new(format!("AWS4{}", *credentials.secret_key));
    let key = [day, region, service, "aws4_request"].iter().fold(
        hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes()),
        |key, part| {
            let next = hmac::sign(&key, part.as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, next.as_ref())
        },
    );
    let signature = hexadecimal(hmac::sign(&key, text.as_bytes()).as_ref());
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{place}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key
    );

    let mut signed = HeaderMap::new();
    // The one who sends the request says to whom.
    for (name, value) in all.iter().filter(|(name, _)| *name != "host") {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(*name == "x-amz-security-token");
        signed.insert(*name, value);
    }
    signed.insert("authorization", HeaderValue::from_str(&authorization).ok()?);
    Some(signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn signature(token: &str, headers: &[(&'static str, &str)], body: &[u8]) -> String {
        let credentials = RoleCredentials {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned().into(),
            token: token.to_owned().into(),
            expiration: String::new(),
        };
        let scope =
            Scope { service: "service", region: "us-east-1", host: "example.amazonaws.com" };
        let at = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let request = Request { method: &Method::POST, path: "/", headers, body };
        let signed = sign(scope, &credentials, request, at).unwrap();
        assert_eq!(signed["x-amz-date"], "20150830T123600Z");
        let authorization = signed["authorization"].to_str().unwrap();
        authorization.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// From AWS's test suite for Signature Version 4: `post-vanilla`, `post-header-key-sort`,
    /// `post-x-www-form-urlencoded` and `post-sts-header-before`.
    #[test]
    fn signatures_are_those_that_aws_publishes() {
        let vanilla = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert_eq!(signature("", &[], b""), vanilla);
        let sorted = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c";
        assert_eq!(signature("", &[("my-header1", "value1")], b""), sorted);
        let form = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(signature("", &headers, b"Param1=value1"), form);
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        let before = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
        assert_eq!(signature(token, &[], b""), before);
    }

    /// From the S3 API reference, "Authenticating Requests: Using the Authorization Header", `GET Object`.
    #[test]
    fn a_request_to_s3_is_signed_as_aws_shows() {
        let credentials = RoleCredentials {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned().into(),
            token: String::new().into(),
            expiration: String::new(),
        };
        let host = "examplebucket.s3.amazonaws.com";
        let scope = Scope { service: "s3", region: "us-east-1", host };
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let headers = [("range", "bytes=0-9"), ("x-amz-content-sha256", empty)];
        let request =
            Request { method: &Method::GET, path: "/test.txt", headers: &headers, body: b"" };
        let at = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let signed = sign(scope, &credentials, request, at).unwrap();
        let authorization = signed["authorization"].to_str().unwrap();
        let expected = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        assert!(authorization.ends_with(expected), "{authorization}");
    }

    #[test]
    fn what_can_be_no_header_is_not_signed() {
        let credentials = RoleCredentials {
            access_key: "A\nB".to_owned(),
            secret_key: String::new().into(),
            token: String::new().into(),
            expiration: String::new(),
        };
        let scope = Scope { service: "s", region: "r", host: "h" };
        let request = Request { method: &Method::POST, path: "/", headers: &[], body: b"" };
        assert!(sign(scope, &credentials, request, UNIX_EPOCH).is_none());
    }
}
