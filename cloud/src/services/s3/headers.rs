//! Headers that are kept with an object and come back with it.

use super::request::Call;
use crate::registry::objects::Object;
use crate::registry::{Kind, Refusal};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;

/// Those that have a meaning.
const KEPT: [&str; 6] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
];

/// What those begin with that are the uploader's own.
const OWN: &str = "x-amz-meta-";

/// Most bytes of the uploader's own (S3 user guide, "Working with object metadata").
const MOST_OWN: usize = 2048;

/// Those of an upload.
pub(super) fn of_upload(call: &Call) -> Result<BTreeMap<String, String>, Refusal> {
    let mut kept = BTreeMap::new();
    let mut own = 0;
    for name in call.headers.keys().map(HeaderName::as_str) {
        if !KEPT.contains(&name) && !name.starts_with(OWN) {
            continue;
        }
        let Some(value) = call.header(name) else {
            let message = format!("the header {name} is not UTF-8");
            return Err(Refusal::invalid(message).about("argument", name));
        };
        let value = match name {
            // That is how it was sent, not what it is.
            "content-encoding" => without_chunked(value),
            _ => value.to_owned(),
        };
        if name.starts_with(OWN) {
            own += name.len() - OWN.len() + value.len();
        }
        if !value.is_empty() || name.starts_with(OWN) {
            kept.insert(name.to_owned(), value);
        }
    }
    if own > MOST_OWN {
        let message = format!("metadata have {own} bytes; at most {MOST_OWN} are allowed");
        return Err(Refusal::new(Kind::TooLarge, message));
    }
    Ok(kept)
}

fn without_chunked(encoding: &str) -> String {
    let parts = encoding.split(',').map(str::trim).filter(|part| *part != "aws-chunked");
    parts.collect::<Vec<_>>().join(",")
}

/// Those of an answer with an object.
pub(super) fn of_answer(call: &Call, object: &Object, whole: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &str, value: &str| {
        // What was in a header can be in one.
        if let (Ok(name), Ok(value)) =
            (name.parse::<HeaderName>(), HeaderValue::from_bytes(value.as_bytes()))
        {
            headers.insert(name, value);
        }
    };
    put("content-type", "binary/octet-stream");
    for (name, value) in &object.headers {
        put(name, value);
    }
    for name in KEPT {
        if let Some(value) = call.query.get(&format!("response-{name}")) {
            put(name, value);
        }
    }
    put("etag", &format!("\"{}\"", object.etag));
    put("last-modified", &object.modified.http_date());
    put("accept-ranges", "bytes");
    if let Some((name, value)) = &object.checksum
        && whole
        && call.header("x-amz-checksum-mode") == Some("ENABLED")
    {
        put(name, value);
        put("x-amz-checksum-type", "FULL_OBJECT");
    }
    headers
}
