//! Buckets of S3: names that objects are kept under (S3 user guide, "Buckets").

use super::{Kind, Refusal, objects, uploads};
use crate::clock::Time;
use crate::state::{Key, Rows, Table, Transaction};
use serde::{Deserialize, Serialize};

const BUCKETS: Table<Bucket> = Table::new("buckets");

/// What is known of a bucket besides its name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Bucket {
    /// When it was made.
    pub created: Time,
}

fn key(name: &str) -> Key {
    Key::new().text(name)
}

/// Make one.
///
/// # Errors
/// There is one, or none can have that name.
pub fn create(transaction: &mut dyn Transaction, name: &str, now: Time) -> Result<(), Refusal> {
    check_name(name)?;
    if BUCKETS.get(transaction, &key(name))?.is_some() {
        let message = format!("there is a bucket {name} already, and it is yours");
        return Err(Refusal::new(Kind::Exists, message).about("bucket", name));
    }
    Ok(BUCKETS.put(transaction, &key(name), &Bucket { created: now })?)
}

/// Whether there is one.
///
/// # Errors
/// There is none.
pub fn find(rows: &dyn Rows, name: &str) -> Result<Bucket, Refusal> {
    BUCKETS.get(rows, &key(name))?.ok_or_else(|| Refusal::not_found("bucket", name))
}

/// All of them, by name.
///
/// # Errors
/// The state cannot be read.
pub fn list(rows: &dyn Rows) -> Result<Vec<(String, Bucket)>, Refusal> {
    let found = BUCKETS.scan(rows, &Key::new(), None, usize::MAX)?;
    Ok(found.into_iter().filter_map(|(key, bucket)| Some((key.first_text()?, bucket))).collect())
}

/// Remove one that is empty; uploads to it that are not complete end.
///
/// # Errors
/// There is none, or it holds something.
pub fn delete(transaction: &mut dyn Transaction, name: &str) -> Result<(), Refusal> {
    find(transaction, name)?;
    if !objects::is_empty(transaction, name)? {
        let message = format!("the bucket {name} is not empty");
        return Err(Refusal::new(Kind::NotEmpty, message).about("bucket", name));
    }
    uploads::abort_all(transaction, name)?;
    Ok(BUCKETS.delete(transaction, &key(name))?)
}

/// Whether a bucket can have this name (S3 user guide, "General purpose bucket naming rules").
pub fn can_be_called(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| letter(byte) || byte == b'-' || byte == b'.')
        && [name.bytes().next(), name.bytes().last()].into_iter().flatten().all(letter)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

fn check_name(name: &str) -> Result<(), Refusal> {
    match can_be_called(name) {
        true => Ok(()),
        false => Err(Refusal::invalid(format!(
            "{name:?} cannot be a bucket: write 3 to 63 lower-case letters, digits, hyphens and dots"
        ))
        .about("bucket", name)),
    }
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_those_of_s3() {
        for fine in ["abc", "my.bucket-1", "a".repeat(63).as_str()] {
            assert!(check_name(fine).is_ok(), "{fine}");
        }
        for wrong in ["", "ab", "Abc", "a_b", "-ab", "ab-", "a..b", "192.168.1.1", "a/b", "ä bc"] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }
}
