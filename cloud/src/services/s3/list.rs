//! Listing what is in a bucket (S3 API reference, ListObjectsV2).

use super::Reply;
use super::buckets::xml;
use super::request::Call;
use crate::registry::Refusal;
use crate::registry::objects::{self, Item, Listing};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// Most keys in a page.
const LARGEST_PAGE: u64 = 1000;

/// What stays as it is in keys that are asked for with `encoding-type=url`.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

pub(super) async fn objects(call: &mut Call) -> Reply {
    if call.query.get("list-type") != Some("2") {
        return Err(Refusal::invalid("list-type is not 2").about("argument", "list-type"));
    }
    let text = |name: &str| call.query.get(name).unwrap_or_default().to_owned();
    let asked = call.number("max-keys")?.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
    let start = text("start-after");
    let after = match call.query.get("continuation-token") {
        Some(token) => Some(read_token(token)?),
        None if start.is_empty() => None,
        None => Some(Item::Key(start.clone())),
    };
    let listing = Listing {
        prefix: text("prefix"),
        delimiter: text("delimiter"),
        after,
        limit: usize::try_from(asked).unwrap_or(usize::MAX),
    };
    let (bucket, wanted) = (call.bucket.clone(), listing.clone());
    let page = call.registry.read(move |rows| objects::list(rows, &bucket, &wanted)).await?;

    let url = call.query.get("encoding-type") == Some("url");
    let name = |name: &str| match url {
        true => percent_encode(name.as_bytes(), ENCODED).to_string(),
        false => name.to_owned(),
    };
    let next = page.next.as_ref().map(token).transpose()?;
    let count = page.objects.len() + page.prefixes.len();
    xml("ListBucketResult", |mut xml| {
        xml = xml
            .text("Name", &call.bucket)
            .text("Prefix", &name(&listing.prefix))
            .text("MaxKeys", &asked.to_string())
            .text("KeyCount", &count.to_string())
            .text("IsTruncated", if next.is_some() { "true" } else { "false" });
        let also = [
            ("Delimiter", (!listing.delimiter.is_empty()).then(|| name(&listing.delimiter))),
            ("EncodingType", url.then(|| "url".to_owned())),
            ("StartAfter", (!start.is_empty()).then(|| name(&start))),
            ("ContinuationToken", call.query.get("continuation-token").map(str::to_owned)),
            ("NextContinuationToken", next),
        ];
        for (element, text) in also {
            xml = text.into_iter().fold(xml, |xml, text| xml.text(element, &text));
        }
        for (key, object) in &page.objects {
            xml = xml.element("Contents", |xml| {
                xml.text("Key", &name(key))
                    .text("LastModified", &object.modified.iso8601())
                    .text("ETag", &format!("\"{}\"", object.etag))
                    .text("Size", &object.size.to_string())
                    .text("StorageClass", "STANDARD")
            });
        }
        page.prefixes.iter().fold(xml, |xml, prefix| {
            xml.element("CommonPrefixes", |xml| xml.text("Prefix", &name(prefix)))
        })
    })
}

/// What a page ends with, as a text that only this server reads.
fn token(item: &Item) -> Result<String, Refusal> {
    let text = serde_json::to_vec(item).map_err(|error| Refusal::internal(&error))?;
    Ok(URL_SAFE_NO_PAD.encode(text))
}

fn read_token(token: &str) -> Result<Item, Refusal> {
    let text = URL_SAFE_NO_PAD.decode(token).ok();
    let item = text.and_then(|text| serde_json::from_slice(&text).ok());
    let wrong = || Refusal::invalid("the continuation token is not one of this server's");
    item.ok_or_else(|| wrong().about("argument", "continuation-token"))
}
