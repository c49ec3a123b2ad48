//! Operations on objects.

use super::request::Call;
use super::{Reply, headers, payload, range};
use crate::clock::Time;
use crate::hexadecimal::hexadecimal;
use crate::registry::objects::{self, Condition, Object};
use crate::registry::{Kind, Refusal, buckets, components};
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::io::SeekFrom;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

/// Bytes that are read from a file at a time.
const STEP: usize = 128 * 1024;

/// What must hold for a put.
pub(super) fn condition(call: &Call) -> Condition {
    let header = |name: &str| call.header(name).map(str::to_owned);
    Condition { if_match: header("if-match"), if_none_match: header("if-none-match") }
}

pub(super) async fn put(call: &mut Call) -> Reply {
    let headers = headers::of_upload(call)?;
    objects::check_name(&call.key)?;
    let bucket = call.bucket.clone();
    call.registry.read(move |rows| buckets::find(rows, &bucket)).await?;
    let payload::Arrived { whole, checksum } = payload::store(call).await?;
    let object = Object {
        digest: *whole.digest(),
        size: whole.size(),
        etag: hexadecimal(&whole.md5()),
        modified: call.registry.clock.now(),
        headers,
        checksum: checksum.clone(),
    };
    let etag = format!("\"{}\"", object.etag);
    let (bucket, key, condition) = (call.bucket.clone(), call.key.clone(), condition(call));
    let artifacts = call.registry.artifacts.clone();
    call.registry
        .change(move |transaction| {
            objects::put(transaction, &artifacts, (&bucket, &key), object, whole, &condition)
        })
        .await?;
    Ok(stored(&etag, checksum))
}

/// What was stored, to its sender.
pub(super) fn stored(etag: &str, checksum: Option<(String, String)>) -> Response {
    let mut response = StatusCode::OK.into_response();
    let pairs = [("etag".to_owned(), etag.to_owned())].into_iter().chain(checksum);
    response.headers_mut().extend(pairs.filter_map(|(name, value)| {
        Some((name.parse::<http::HeaderName>().ok()?, HeaderValue::from_str(&value).ok()?))
    }));
    response
}

pub(super) async fn get(call: &mut Call) -> Reply {
    let (bucket, key) = (call.bucket.clone(), call.key.clone());
    let find = call.registry.read(move |rows| match bucket.as_str() {
        components::ARTIFACTS => components::artifact_object(rows, &key),
        _ => objects::find(rows, &bucket, &key),
    });
    let object = find.await?;
    if !is_wanted(call, &object)? {
        let headers = headers::of_answer(call, &object, false);
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let range = range::read(call.header("range"), object.size)?;
    let mut headers = headers::of_answer(call, &object, range.is_none());
    let (from, length) = match range {
        Some((from, to)) => {
            let content_range = format!("bytes {from}-{to}/{}", object.size);
            insert(&mut headers, "content-range", &content_range);
            (from, to - from + 1)
        }
        None => (0, object.size),
    };
    insert(&mut headers, "content-length", &length.to_string());
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    if call.method == Method::HEAD {
        return Ok((status, headers).into_response());
    }
    let gone = |error: std::io::Error| match error.kind() {
        // It was replaced since.
        std::io::ErrorKind::NotFound => Refusal::not_found("object", call.key.clone()),
        _ => error.into(),
    };
    let mut file = call.registry.artifacts.read(&object.digest).await.map_err(gone)?;
    file.seek(SeekFrom::Start(from)).await?;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), STEP));
    Ok((status, headers, body).into_response())
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Whether conditions hold (RFC 9110, 13.2.2); `false`: the caller has it already.
fn is_wanted(call: &Call, object: &Object) -> Result<bool, Refusal> {
    let date = |name: &str| call.header(name).and_then(Time::parse_http_date);
    let modified = object.modified.seconds();
    let changed_since = |date: Time| modified > date.seconds();
    let matches = match call.header("if-match") {
        Some(list) => objects::has(list, &object.etag),
        None => !date("if-unmodified-since").is_some_and(changed_since),
    };
    if !matches {
        let message = "the object is another one, or was changed";
        return Err(Refusal::new(Kind::Precondition, message).about("condition", "If-Match"));
    }
    Ok(match call.header("if-none-match") {
        Some(list) => !objects::has(list, &object.etag),
        None => date("if-modified-since").is_none_or(changed_since),
    })
}

pub(super) async fn delete(call: &mut Call) -> Reply {
    let (bucket, key) = (call.bucket.clone(), call.key.clone());
    call.registry.change(move |transaction| objects::delete(transaction, &bucket, &key)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
