//! Uploads in parts: parts that are put one by one, in any order, and become an object at the end
//! (S3 user guide, "Uploading and copying objects using multipart upload").

use super::objects::{self, Condition, Object};
use super::{Kind, Refusal, buckets, references};
use crate::artifacts::{Artifacts, Digest, Whole};
use crate::clock::Time;
use crate::state::{Key, Rows, Table, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const UPLOADS: Table<Upload> = Table::new("uploads");
const PARTS: Table<Part> = Table::new("parts");

/// The highest number of a part.
pub const MOST_PARTS: u64 = 10_000;

/// Fewest bytes of a part that is not the last.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

/// An upload that is not complete.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Upload {
    /// The key that the object will have.
    pub name: String,
    /// Headers that will come back with it.
    pub headers: BTreeMap<String, String>,
    /// When it was begun.
    pub begun: Time,
}

/// A part that was put.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Part {
    /// What it is.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// Its MD5 in hexadecimal digits, which is its entity tag.
    pub etag: String,
}

fn key(bucket: &str, id: &str) -> Key {
    Key::new().text(bucket).text(id)
}

/// Begin one. Gives its id.
///
/// # Errors
/// There is no such bucket.
pub fn begin(
    transaction: &mut dyn Transaction,
    bucket: &str,
    upload: &Upload,
) -> Result<String, Refusal> {
    buckets::find(transaction, bucket)?;
    objects::check_name(&upload.name)?;
    let id = crate::random::uuid()?;
    UPLOADS.put(transaction, &key(bucket, &id), upload)?;
    Ok(id)
}

/// The upload with this id, to this key.
///
/// # Errors
/// There is none.
pub fn find(rows: &dyn Rows, bucket: &str, name: &str, id: &str) -> Result<Upload, Refusal> {
    buckets::find(rows, bucket)?;
    let upload = UPLOADS.get(rows, &key(bucket, id))?;
    upload.filter(|upload| upload.name == name).ok_or_else(|| Refusal::not_found("upload", id))
}

/// Put a part in the place of the one that has its number.
///
/// # Errors
/// There is no such upload.
pub fn put_part(
    transaction: &mut dyn Transaction,
    artifacts: &Artifacts,
    (bucket, name, id): (&str, &str, &str),
    number: u64,
    whole: Whole,
) -> Result<Part, Refusal> {
    find(transaction, bucket, name, id)?;
    let key = key(bucket, id).number(number);
    if let Some(before) = PARTS.get(transaction, &key)? {
        references::release(transaction, &before.digest)?;
    }
    let (size, etag) = (whole.size(), crate::hexadecimal::hexadecimal(&whole.md5()));
    let digest = references::keep(transaction, artifacts, whole)?;
    let part = Part { digest, size, etag };
    PARTS.put(transaction, &key, &part)?;
    Ok(part)
}

/// The parts that an upload is to consist of: what was put under their numbers, if it has their entity
/// tags.
///
/// # Errors
/// There is no such upload, or a part is missing, another one, or too small.
pub fn parts(
    rows: &dyn Rows,
    (bucket, name, id): (&str, &str, &str),
    listed: &[(u64, String)],
) -> Result<Vec<Part>, Refusal> {
    find(rows, bucket, name, id)?;
    if listed.is_empty() {
        return Err(Refusal::invalid("the list of parts is empty").about("parts", "empty"));
    }
    if !listed.is_sorted_by(|(one, _), (next, _)| one < next) {
        let message = "the parts are not in the order of their numbers";
        return Err(Refusal::new(Kind::Part, message).about("parts", "order"));
    }
    let mut parts = Vec::new();
    for (index, (number, etag)) in listed.iter().enumerate() {
        let part = PARTS.get(rows, &key(bucket, id).number(*number))?;
        let part = part.filter(|part| objects::has(etag, &part.etag)).ok_or_else(|| {
            let message = format!("the part {number} was not put, or has another entity tag");
            Refusal::new(Kind::Part, message).about("part", number.to_string())
        })?;
        if part.size < SMALLEST_PART && index + 1 < listed.len() {
            let message = format!(
                "the part {number} is not the last and has less than {SMALLEST_PART} bytes"
            );
            return Err(Refusal::new(Kind::Part, message).about("small", number.to_string()));
        }
        parts.push(part);
    }
    Ok(parts)
}

/// What an upload becomes.
#[derive(Debug)]
pub struct Completion {
    /// Numbers and entity tags of its parts.
    pub listed: Vec<(u64, String)>,
    /// The parts as they were found.
    pub parts: Vec<Part>,
    /// The object.
    pub object: Object,
    /// All parts, put together.
    pub whole: Whole,
}

/// Make an object of an upload.
///
/// # Errors
/// There is no such upload any more, or it has other parts by now.
pub fn complete(
    transaction: &mut dyn Transaction,
    artifacts: &Artifacts,
    (bucket, name, id): (&str, &str, &str),
    completion: Completion,
    condition: &Condition,
) -> Result<(), Refusal> {
    let Completion { listed, parts, object, whole } = completion;
    if self::parts(transaction, (bucket, name, id), &listed)? != parts {
        return Err(Refusal::new(Kind::Part, "a part was put again meanwhile"));
    }
    objects::put(transaction, artifacts, (bucket, name), object, whole, condition)?;
    end(transaction, &key(bucket, id))
}

/// End an upload that is not complete.
///
/// # Errors
/// There is none.
pub fn abort(
    transaction: &mut dyn Transaction,
    bucket: &str,
    name: &str,
    id: &str,
) -> Result<(), Refusal> {
    find(transaction, bucket, name, id)?;
    end(transaction, &key(bucket, id))
}

/// End all to a bucket.
pub(super) fn abort_all(transaction: &mut dyn Transaction, bucket: &str) -> Result<(), Refusal> {
    let prefix = Key::new().text(bucket);
    for (key, _) in UPLOADS.scan(transaction, &prefix, None, usize::MAX)? {
        end(transaction, &key)?;
    }
    Ok(())
}

fn end(transaction: &mut dyn Transaction, upload: &Key) -> Result<(), Refusal> {
    for (key, part) in PARTS.scan(transaction, upload, None, usize::MAX)? {
        references::release(transaction, &part.digest)?;
        PARTS.delete(transaction, &key)?;
    }
    Ok(UPLOADS.delete(transaction, upload)?)
}
