//! Objects of S3: bytes under a bucket and a key, with what their uploader says of them.

use super::{Kind, Refusal, buckets, references};
use crate::artifacts::{Artifacts, Digest, Whole};
use crate::clock::Time;
use crate::state::{Key, Rows, StateError, Table, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const OBJECTS: Table<Object> = Table::new("objects");

/// Most bytes in a key (S3 user guide, "Naming objects").
pub const LONGEST_KEY: usize = 1024;

/// Rows that are read at a time while a listing passes over what is alike.
const STEP: usize = 256;

/// An object.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Object {
    /// What it is.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// The entity tag, without its quotation marks.
    pub etag: String,
    /// When it was put.
    pub modified: Time,
    /// Headers that come back with it, names in lower case: its type, and what is its uploader's own.
    pub headers: BTreeMap<String, String>,
    /// A checksum that its uploader gave, as a header and its value.
    pub checksum: Option<(String, String)>,
}

/// What must hold for an object to be put (RFC 9110, 13).
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// It is to have one of these entity tags, or any for `*`.
    pub if_match: Option<String>,
    /// It is to have none of these, or not to be there for `*`.
    pub if_none_match: Option<String>,
}

impl Condition {
    /// Whether it holds for what is there now.
    ///
    /// # Errors
    /// It does not.
    pub fn check(&self, etag: Option<&str>) -> Result<(), Refusal> {
        let failed = |what: &str| {
            let message = format!("the condition {what} does not hold");
            Err(Refusal::new(Kind::Precondition, message).about("condition", what))
        };
        match (&self.if_match, &self.if_none_match) {
            (Some(wanted), _) if !etag.is_some_and(|etag| has(wanted, etag)) => failed("If-Match"),
            (_, Some(other)) if etag.is_some_and(|etag| has(other, etag)) => {
                failed("If-None-Match")
            }
            _ => Ok(()),
        }
    }
}

/// Whether a list of entity tags has one, weak or not, with quotation marks or without.
pub fn has(list: &str, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"') == etag;
    list.trim() == "*" || list.split(',').any(bare)
}

fn key(bucket: &str, name: &str) -> Key {
    Key::new().text(bucket).last(name)
}

/// Put one in the place of what is there.
///
/// # Errors
/// There is no such bucket, or the condition does not hold.
pub fn put(
    transaction: &mut dyn Transaction,
    artifacts: &Artifacts,
    place: (&str, &str),
    object: Object,
    whole: Whole,
    condition: &Condition,
) -> Result<(), Refusal> {
    check_place(transaction, place, condition)?;
    references::keep(transaction, artifacts, whole)?;
    replace(transaction, place, &object)
}

/// Put one whose bytes are there already.
///
/// # Errors
/// There is no such bucket, or the condition does not hold.
pub fn put_copy(
    transaction: &mut dyn Transaction,
    place: (&str, &str),
    copy: &Object,
    condition: &Condition,
) -> Result<(), Refusal> {
    check_place(transaction, place, condition)?;
    references::add(transaction, &copy.digest)?;
    replace(transaction, place, copy)
}

fn check_place(
    rows: &dyn Rows,
    (bucket, name): (&str, &str),
    condition: &Condition,
) -> Result<(), Refusal> {
    buckets::find(rows, bucket)?;
    check_name(name)?;
    let before = OBJECTS.get(rows, &key(bucket, name))?;
    condition.check(before.as_ref().map(|object| object.etag.as_str()))
}

fn replace(
    transaction: &mut dyn Transaction,
    (bucket, name): (&str, &str),
    object: &Object,
) -> Result<(), Refusal> {
    if let Some(before) = OBJECTS.get(transaction, &key(bucket, name))? {
        references::release(transaction, &before.digest)?;
    }
    Ok(OBJECTS.put(transaction, &key(bucket, name), object)?)
}

/// Whether a key can be one.
///
/// # Errors
/// It cannot.
pub fn check_name(name: &str) -> Result<(), Refusal> {
    match name.len() {
        1..=LONGEST_KEY => Ok(()),
        length => {
            let message = format!("the key has {length} bytes; 1 to {LONGEST_KEY} are allowed");
            Err(Refusal::invalid(message).about("key", name))
        }
    }
}

/// The object under a key.
///
/// # Errors
/// There is none.
pub fn find(rows: &dyn Rows, bucket: &str, name: &str) -> Result<Object, Refusal> {
    buckets::find(rows, bucket)?;
    OBJECTS.get(rows, &key(bucket, name))?.ok_or_else(|| Refusal::not_found("object", name))
}

/// Remove what is under a key, if there is anything.
///
/// # Errors
/// There is no such bucket.
pub fn delete(transaction: &mut dyn Transaction, bucket: &str, name: &str) -> Result<(), Refusal> {
    buckets::find(transaction, bucket)?;
    if let Some(object) = OBJECTS.get(transaction, &key(bucket, name))? {
        references::release(transaction, &object.digest)?;
        OBJECTS.delete(transaction, &key(bucket, name))?;
    }
    Ok(())
}

/// Whether there is none.
///
/// # Errors
/// The state cannot be read.
pub fn is_empty(rows: &dyn Rows, bucket: &str) -> Result<bool, StateError> {
    Ok(OBJECTS.scan(rows, &key(bucket, ""), None, 1)?.is_empty())
}

/// What is to be listed (S3 API reference, ListObjectsV2).
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that have this after the prefix are listed as one, up to its end.
    pub delimiter: String,
    /// Only what comes after this.
    pub after: Option<Item>,
    /// So many at most.
    pub limit: usize,
}

/// What a page of a listing ends with.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Item {
    /// A key.
    Key(String),
    /// What keys begin with.
    Prefix(String),
}

/// A page of a listing.
#[derive(Debug, Default)]
pub struct Page {
    /// Keys, in their order.
    pub objects: Vec<(String, Object)>,
    /// What further keys begin with.
    pub prefixes: Vec<String>,
    /// After which the next page begins, if there is one.
    pub next: Option<Item>,
}

/// List objects.
///
/// # Errors
/// There is no such bucket.
pub fn list(rows: &dyn Rows, bucket: &str, listing: &Listing) -> Result<Page, Refusal> {
    buckets::find(rows, bucket)?;
    let start = key(bucket, "");
    let prefix = key(bucket, &listing.prefix);
    let mut page = Page::default();
    let mut last = listing.after.clone();
    loop {
        let after = last.as_ref().map(|last| match last {
            Item::Key(name) => key(bucket, name),
            Item::Prefix(name) => key(bucket, name).past(),
        });
        let wanted = listing.limit - page.objects.len() - page.prefixes.len();
        let step = STEP.min(wanted + 1);
        let rows = OBJECTS.scan(rows, &prefix, after.as_ref(), step)?;
        let all = rows.len() < step;
        for (key, object) in rows {
            let Some(name) = key.last_after(&start) else { continue };
            let item = match common(&name, listing) {
                None => Item::Key(name.clone()),
                Some(common) => Item::Prefix(common.to_owned()),
            };
            if last.as_ref() == Some(&item) {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == listing.limit {
                page.next = last;
                return Ok(page);
            }
            match &item {
                Item::Key(_) => page.objects.push((name, object)),
                Item::Prefix(prefix) => page.prefixes.push(prefix.clone()),
            }
            last = Some(item);
        }
        if all {
            return Ok(page);
        }
    }
}

fn common<'n>(name: &'n str, listing: &Listing) -> Option<&'n str> {
    if listing.delimiter.is_empty() {
        return None;
    }
    let at = name.get(listing.prefix.len()..)?.find(&listing.delimiter)?;
    name.get(..listing.prefix.len() + at + listing.delimiter.len())
}
