//! Operations on uploads in parts.

use super::buckets::xml;
use super::request::Call;
use super::{Reply, documents, headers, objects as single, payload};
use crate::artifacts::Whole;
use crate::registry::objects::Object;
use crate::registry::uploads::{self, MOST_PARTS, Part, Upload};
use crate::registry::{Refusal, Registry};
use axum::response::IntoResponse as _;
use http::StatusCode;
use md5::{Digest as _, Md5};
use tokio::io::AsyncReadExt as _;

/// Most bytes of the list of parts.
const LARGEST_LIST: usize = 4 * 1024 * 1024;

/// Most bytes of an object.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024 * 1024;

/// Bytes that are copied at a time.
const STEP: usize = 1024 * 1024;

pub(super) async fn begin(call: &mut Call) -> Reply {
    let upload = Upload {
        name: call.key.clone(),
        headers: headers::of_upload(call)?,
        begun: call.registry.clock.now(),
    };
    let bucket = call.bucket.clone();
    let id = call.registry.change(move |rows| uploads::begin(rows, &bucket, &upload)).await?;
    xml("InitiateMultipartUploadResult", |xml| {
        xml.text("Bucket", &call.bucket).text("Key", &call.key).text("UploadId", &id)
    })
}

/// The upload's id.
pub(super) fn id(call: &Call) -> String {
    call.query.get("uploadId").unwrap_or_default().to_owned()
}

/// The part's number.
pub(super) fn number(call: &Call) -> Result<u64, Refusal> {
    let number = call.number("partNumber")?.filter(|number| (1..=MOST_PARTS).contains(number));
    number.ok_or_else(|| {
        Refusal::invalid(format!("partNumber is not from 1 to {MOST_PARTS}"))
            .about("argument", "partNumber")
    })
}

pub(super) async fn put(call: &mut Call) -> Reply {
    let number = number(call)?;
    let (bucket, key, id) = (call.bucket.clone(), call.key.clone(), id(call));
    let place = (bucket.clone(), key.clone(), id.clone());
    call.registry.read(move |rows| uploads::find(rows, &place.0, &place.1, &place.2)).await?;
    let payload::Arrived { whole, checksum } = payload::store(call).await?;
    let artifacts = call.registry.artifacts.clone();
    let change = call.registry.change(move |transaction| {
        uploads::put_part(transaction, &artifacts, (&bucket, &key, &id), number, whole)
    });
    let part = change.await?;
    Ok(single::stored(&format!("\"{}\"", part.etag), checksum))
}

pub(super) async fn complete(call: &mut Call) -> Reply {
    let document = payload::document(call, LARGEST_LIST).await?;
    let listed = documents::parts(&document)
        .map_err(|what| Refusal::invalid(format!("the list of parts: {what}")).about("xml", ""))?;
    let (bucket, key, id) = (call.bucket.clone(), call.key.clone(), id(call));
    let (place, wanted) = ((bucket.clone(), key.clone(), id.clone()), listed.clone());
    let look = call.registry.read(move |rows| {
        let upload = uploads::find(rows, &place.0, &place.1, &place.2)?;
        Ok((upload, uploads::parts(rows, (&place.0, &place.1, &place.2), &wanted)?))
    });
    let (upload, parts) = look.await?;
    let whole = join(&call.registry, &parts).await?;
    let object = Object {
        digest: *whole.digest(),
        size: whole.size(),
        etag: etag(&parts),
        modified: call.registry.clock.now(),
        headers: upload.headers,
        checksum: None,
    };
    let etag = format!("\"{}\"", object.etag);
    let (artifacts, condition) = (call.registry.artifacts.clone(), single::condition(call));
    let change = call.registry.change(move |transaction| {
        let complete = uploads::Completion { listed, parts, object, whole };
        let place = (bucket.as_str(), key.as_str(), id.as_str());
        uploads::complete(transaction, &artifacts, place, complete, &condition)
    });
    change.await?;
    xml("CompleteMultipartUploadResult", |xml| {
        xml.text("Location", &format!("/{}/{}", call.bucket, call.key))
            .text("Bucket", &call.bucket)
            .text("Key", &call.key)
            .text("ETag", &etag)
    })
}

/// One file of all parts.
async fn join(registry: &Registry, parts: &[Part]) -> Result<Whole, Refusal> {
    let mut upload = registry.artifacts.upload(LARGEST).await?;
    let mut buffer = vec![0; STEP];
    for part in parts {
        let mut file = registry.artifacts.read(&part.digest).await?;
        loop {
            match file.read(&mut buffer).await? {
                0 => break,
                read => upload.write(buffer.get(..read).unwrap_or_default()).await?,
            }
        }
    }
    Ok(upload.finish().await?)
}

/// The MD5 of the parts' MD5s, and how many they are.
fn etag(parts: &[Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(crate::hexadecimal::bytes(&part.etag).unwrap_or_default());
    }
    format!("{}-{}", crate::hexadecimal::hexadecimal(&md5.finalize()), parts.len())
}

pub(super) async fn abort(call: &mut Call) -> Reply {
    let (bucket, key, id) = (call.bucket.clone(), call.key.clone(), id(call));
    call.registry.change(move |rows| uploads::abort(rows, &bucket, &key, &id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
