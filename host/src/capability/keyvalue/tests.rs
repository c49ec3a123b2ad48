use super::*;
use crate::capability::testing::{nobody, somebody};
use crate::error::ErrorKind;

fn bucket() -> Bucket {
    KeyValue::default().open(&somebody("a"), "b").unwrap()
}

#[test]
fn without_a_policy_no_bucket_opens() {
    let error = KeyValue::default().open(&nobody("a"), "b").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn buckets_belong_to_one_component() {
    let store = KeyValue::default();
    let mine = store.open(&somebody("a"), "b").unwrap();
    let theirs = store.open(&somebody("other"), "b").unwrap();
    mine.set("k", b"v".to_vec()).await.unwrap();
    assert_eq!(theirs.get("k"), None);
    assert_eq!(store.open(&somebody("a"), "b").unwrap().get("k"), Some(b"v".to_vec()));
}

#[tokio::test]
async fn values_come_and_go() {
    let bucket = bucket();
    assert!(!bucket.exists("k"));
    bucket.set("k", b"1".to_vec()).await.unwrap();
    bucket.set("k", b"2".to_vec()).await.unwrap();
    assert_eq!(bucket.get("k"), Some(b"2".to_vec()));
    bucket.delete("k").await.unwrap();
    bucket.delete("k").await.unwrap();
    assert!(!bucket.exists("k"));
}

#[tokio::test]
async fn numbers_are_added_and_nothing_else() {
    let bucket = bucket();
    assert_eq!(bucket.increment("n", 2).await.unwrap(), 2);
    assert_eq!(bucket.increment("n", -5).await.unwrap(), -3);
    bucket.set("n", i64::MAX.to_string().into_bytes()).await.unwrap();
    assert_eq!(bucket.increment("n", 1).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    bucket.set("n", b"x".to_vec()).await.unwrap();
    assert_eq!(bucket.increment("n", 1).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn a_swap_needs_the_value_that_was_seen() {
    let bucket = bucket();
    assert!(bucket.swap("k", None, b"1".to_vec()).await.unwrap());
    assert!(!bucket.swap("k", None, b"2".to_vec()).await.unwrap());
    assert!(bucket.swap("k", Some(b"1"), b"3".to_vec()).await.unwrap());
    assert_eq!(bucket.get("k"), Some(b"3".to_vec()));
}

#[tokio::test]
async fn keys_come_in_pages() {
    let bucket = bucket();
    for number in 0..PAGE + 3 {
        bucket.set(&format!("{number:04}"), Vec::new()).await.unwrap();
    }
    let first = bucket.keys(None);
    assert_eq!(first.len(), PAGE);
    let rest = bucket.keys(first.last().map(String::as_str));
    assert_eq!(rest.len(), 3);
    assert_eq!(bucket.keys_from(PAGE), rest);
}

#[tokio::test]
async fn sizes_are_limited_and_given_back() {
    let bucket = bucket();
    let long = "k".repeat(LONGEST_KEY + 1);
    assert_eq!(bucket.set(&long, Vec::new()).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    let large = vec![0; LARGEST_VALUE + 1];
    assert_eq!(bucket.set("k", large).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    let fits = MOST_BYTES / LARGEST_VALUE - 1;
    for number in 0..fits {
        bucket.set(&number.to_string(), vec![0; LARGEST_VALUE]).await.unwrap();
    }
    bucket.set("last", vec![0; LARGEST_VALUE / 2]).await.unwrap();
    let error = bucket.set("over", vec![0; LARGEST_VALUE]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    bucket.delete("0").await.unwrap();
    bucket.set("over", vec![0; LARGEST_VALUE]).await.unwrap();
}

#[test]
fn buckets_are_limited() {
    let store = KeyValue::default();
    let a = somebody("a");
    for number in 0..MOST_BUCKETS {
        store.open(&a, &number.to_string()).unwrap();
    }
    assert_eq!(store.open(&a, "more").unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(store.open(&a, "0").is_ok());
}
