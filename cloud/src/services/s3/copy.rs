//! Copies of objects, whole or as parts of uploads (S3 API reference, CopyObject, UploadPartCopy).
//! Nothing is copied but a reference, where the whole is.

use super::buckets::xml;
use super::objects::condition;
use super::request::Call;
use super::{Reply, headers, parts, range};
use crate::clock::Time;
use crate::registry::objects::{self, Object};
use crate::registry::{Kind, Refusal, uploads};
use percent_encoding::percent_decode_str;
use std::io::SeekFrom;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// What names the object that is copied.
const SOURCE: &str = "x-amz-copy-source";

/// Bytes that are copied at a time.
const STEP: usize = 1024 * 1024;

/// Bucket and key of what is copied.
fn source(call: &Call) -> Result<(String, String), Refusal> {
    let wrong = |what: &str| Refusal::invalid(format!("{SOURCE} {what}")).about("argument", SOURCE);
    let text = call.header(SOURCE).ok_or_else(|| wrong("is not UTF-8"))?;
    // In a key, a question mark is encoded.
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    if !["", "versionId=null"].contains(&query) {
        let message = "gg-cloud has no versions of objects";
        return Err(Refusal::new(Kind::NotServed, message));
    }
    let path = percent_decode_str(path.strip_prefix('/').unwrap_or(path)).decode_utf8();
    let path = path.map_err(|_| wrong("is not UTF-8"))?;
    match path.split_once('/') {
        Some((bucket, key)) if !key.is_empty() => Ok((bucket.to_owned(), key.to_owned())),
        _ => Err(wrong("is not BUCKET/KEY")),
    }
}

/// Whether the object is one that is to be copied.
fn check(call: &Call, object: &Object) -> Result<(), Refusal> {
    let header = |name: &str| call.header(&format!("{SOURCE}-{name}"));
    let date = |name: &str| header(name).and_then(Time::parse_http_date).map(Time::seconds);
    let modified = object.modified.seconds();
    let matches = match header("if-match") {
        Some(list) => objects::has(list, &object.etag),
        None => date("if-unmodified-since").is_none_or(|date| modified <= date),
    };
    let differs = match header("if-none-match") {
        Some(list) => !objects::has(list, &object.etag),
        None => date("if-modified-since").is_none_or(|date| modified > date),
    };
    match matches && differs {
        true => Ok(()),
        false => {
            let message = "the object to copy is another one, or was or was not changed";
            Err(Refusal::new(Kind::Precondition, message).about("condition", SOURCE))
        }
    }
}

/// A copy of an object, with its headers or others.
pub(super) async fn object(call: &mut Call) -> Reply {
    let (from_bucket, from_key) = source(call)?;
    objects::check_name(&call.key)?;
    let replaced = match call.header("x-amz-metadata-directive") {
        None | Some("COPY") => None,
        Some("REPLACE") => Some(headers::of_upload(call)?),
        Some(_) => {
            let message = "x-amz-metadata-directive is neither COPY nor REPLACE";
            return Err(Refusal::invalid(message).about("argument", "x-amz-metadata-directive"));
        }
    };
    if replaced.is_none() && (&from_bucket, &from_key) == (&call.bucket, &call.key) {
        let message = "This copy request is illegal because it is trying to copy an object to \
                       itself without changing the object's metadata.";
        return Err(Refusal::invalid(message).about("request", ""));
    }
    let place = (from_bucket.clone(), from_key.clone());
    let found = call.registry.read(move |rows| objects::find(rows, &place.0, &place.1)).await?;
    check(call, &found)?;
    let (now, condition) = (call.registry.clock.now(), condition(call));
    let (bucket, key) = (call.bucket.clone(), call.key.clone());
    let copied = call.registry.change(move |tx| {
        // It may be another one by now, which is as good as if this came later.
        let found = objects::find(tx, &from_bucket, &from_key)?;
        let headers = replaced.unwrap_or_else(|| found.headers.clone());
        let copy = Object { headers, modified: now, ..found };
        objects::put_copy(tx, (&bucket, &key), &copy, &condition)?;
        Ok(copy)
    });
    let copied = copied.await?;
    xml("CopyObjectResult", |xml| {
        xml.text("ETag", &format!("\"{}\"", copied.etag))
            .text("LastModified", &copied.modified.iso8601())
    })
}

/// A part of an upload, which is an object or some of it.
pub(super) async fn part(call: &mut Call) -> Reply {
    let (from_bucket, from_key) = source(call)?;
    let (number, id) = (parts::number(call)?, parts::id(call));
    let (bucket, key) = (call.bucket.clone(), call.key.clone());
    let place = (bucket.clone(), key.clone(), id.clone());
    let found = call.registry.read(move |rows| {
        uploads::find(rows, &place.0, &place.1, &place.2)?;
        objects::find(rows, &from_bucket, &from_key)
    });
    let found = found.await?;
    check(call, &found)?;
    let range = match call.header("x-amz-copy-source-range") {
        None => None,
        Some(said) => match range::read(Some(said), found.size)? {
            Some(range) => Some(range),
            None => {
                let message = "x-amz-copy-source-range is not bytes=FIRST-LAST";
                return Err(Refusal::invalid(message).about("argument", "x-amz-copy-source-range"));
            }
        },
    };
    let (first, last) = range.unwrap_or_else(|| (0, found.size.saturating_sub(1)));
    let length = if found.size == 0 { 0 } else { last - first + 1 };
    let artifacts = call.registry.artifacts.clone();
    let mut upload = artifacts.upload(length).await?;
    let mut file = artifacts.read(&found.digest).await?;
    file.seek(SeekFrom::Start(first)).await?;
    let (mut file, mut buffer) = (file.take(length), vec![0; STEP]);
    loop {
        match file.read(&mut buffer).await? {
            0 => break,
            read => upload.write(buffer.get(..read).unwrap_or_default()).await?,
        }
    }
    let whole = upload.finish().await?;
    let now = call.registry.clock.now();
    let put = call
        .registry
        .change(move |tx| uploads::put_part(tx, &artifacts, (&bucket, &key, &id), number, whole));
    let put = put.await?;
    xml("CopyPartResult", |xml| {
        xml.text("ETag", &format!("\"{}\"", put.etag)).text("LastModified", &now.iso8601())
    })
}
