//! The canonical request: the text that is signed of a request.

use super::SignatureError;
use super::query::{Query, RESERVED, encode};
use http::HeaderMap;
use http::request::Parts;
use percent_encoding::{AsciiSet, percent_encode};

/// How a service has its paths signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// S3: as they are on the wire.
    AsSent,
    /// All others: normalised, and encoded once more.
    Twice,
}

/// What is encoded in a path.
const IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The canonical request of a head, whose body has this digest.
pub(super) fn request(
    head: &Parts,
    query: &Query,
    signed_headers: &[String],
    encoding: Encoding,
    payload: &str,
) -> Result<String, SignatureError> {
    let mut text = format!("{}\n{}\n{}\n", head.method, path(head, encoding), parameters(query));
    for name in signed_headers {
        text.push_str(name);
        text.push(':');
        text.push_str(&header(head, name)?);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&signed_headers.join(";"));
    text.push('\n');
    text.push_str(payload);
    Ok(text)
}

/// The path is taken from the wire; a framework that has decoded it cannot be used for this.
fn path(head: &Parts, encoding: Encoding) -> String {
    let path = head.uri.path();
    match encoding {
        Encoding::AsSent if path.is_empty() => "/".to_owned(),
        Encoding::AsSent => path.to_owned(),
        Encoding::Twice => percent_encode(normalised(path).as_bytes(), IN_PATH).to_string(),
    }
}

/// Without empty segments, `.` and `..` (RFC 3986, 5.2.4).
fn normalised(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

fn parameters(query: &Query) -> String {
    let mut parameters: Vec<(String, String)> = query
        .iter()
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| (encode(name.as_bytes()), encode(value.as_bytes())))
        .collect();
    parameters.sort_unstable();
    let parameters: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parameters.join("&")
}

/// A header's values, spaces in them as one.
pub(super) fn header(head: &Parts, name: &str) -> Result<String, SignatureError> {
    let values = values(&head.headers, name)?;
    match values.is_empty() {
        // What has no header of that name has the host in its request line.
        true if name == "host" => head.uri.authority().map(ToString::to_string).ok_or_else(absent),
        true => {
            Err(SignatureError::Malformed(format!("the header {name} is signed and was not sent")))
        }
        false => Ok(values.join(",")),
    }
}

fn absent() -> SignatureError {
    SignatureError::Malformed("there is no host".to_owned())
}

fn values(headers: &HeaderMap, name: &str) -> Result<Vec<String>, SignatureError> {
    let text = |value: &http::HeaderValue| {
        let text = std::str::from_utf8(value.as_bytes());
        let text =
            text.map_err(|_| SignatureError::Malformed(format!("the header {name} is not UTF-8")))?;
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    headers.get_all(name).iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised() {
        for (path, wanted) in [
            ("/", "/"),
            ("", "/"),
            ("//a", "/a"),
            ("/a/../b", "/b"),
            ("/../..", "/"),
            ("/a/./b/", "/a/b/"),
        ] {
            assert_eq!(normalised(path), wanted);
        }
    }
}
