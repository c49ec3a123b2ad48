//! Objects, without a protocol.

use super::objects::{Condition, Item, Listing, Object};
use super::*;
use crate::artifacts::{Digest, Whole};
use crate::clock::Time;
use crate::state::Sqlite;
use tempfile::TempDir;

struct Bench {
    registry: Registry,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let state = Sqlite::open(&folder.path().join("state.sqlite")).unwrap();
        let registry = Registry {
            state: Arc::new(state),
            artifacts: Artifacts::open(&folder.path().join("objects")).unwrap(),
            authority: Arc::new(
                Authority::open(&folder.path().join("pki"), &Clock::system()).unwrap(),
            ),
            vault: Arc::new(secrets::Vault::open(&folder.path().join("secrets.json")).unwrap()),
            place: Place::new(None, None).unwrap(),
            clock: Clock::system(),
            tasks: Tasks::default(),
        };
        let bench = Self { registry, folder };
        bench.change(|transaction| buckets::create(transaction, "bucket", Time::from_seconds(0)));
        bench
    }

    fn change<T>(&self, work: impl FnOnce(&mut dyn Transaction) -> Result<T, Refusal>) -> T {
        self.registry.state.change(work).unwrap()
    }

    async fn whole(&self, content: &str) -> Whole {
        let mut upload = self.registry.artifacts.upload(1000).await.unwrap();
        upload.write(content.as_bytes()).await.unwrap();
        upload.finish().await.unwrap()
    }

    async fn try_put(
        &self,
        name: &str,
        content: &str,
        condition: Condition,
    ) -> Result<(), Refusal> {
        let whole = self.whole(content).await;
        let object = Object {
            digest: *whole.digest(),
            size: whole.size(),
            etag: crate::hexadecimal::hexadecimal(&whole.md5()),
            modified: Time::from_seconds(0),
            headers: std::collections::BTreeMap::new(),
            checksum: None,
        };
        let artifacts = self.registry.artifacts.clone();
        self.registry.state.change(|transaction| {
            objects::put(transaction, &artifacts, ("bucket", name), object, whole, &condition)
        })
    }

    async fn put(&self, name: &str, content: &str) {
        self.try_put(name, content, Condition::default()).await.unwrap();
    }

    fn collect(&self) {
        let artifacts = self.registry.artifacts.clone();
        assert!(!self.change(|transaction| references::collect(transaction, &artifacts)));
    }

    fn is_stored(&self, content: &str) -> bool {
        let name = Digest::of(content.as_bytes()).to_string();
        self.folder.path().join("objects").join(&name[..2]).join(name).exists()
    }

    fn pages(&self, prefix: &str, delimiter: &str, limit: usize) -> Vec<String> {
        let mut listing = Listing {
            prefix: prefix.to_owned(),
            delimiter: delimiter.to_owned(),
            after: None,
            limit,
        };
        let mut all = Vec::new();
        loop {
            let rows = self.registry.state.snapshot().unwrap();
            let page = objects::list(rows.as_ref(), "bucket", &listing).unwrap();
            let mut names: Vec<String> = page.objects.into_iter().map(|(name, _)| name).collect();
            names.extend(page.prefixes);
            assert!(names.len() <= limit);
            names.sort();
            all.extend(names);
            match page.next {
                Some(next) => listing.after = Some(next),
                None => return all,
            }
        }
    }
}

#[tokio::test]
async fn what_nobody_refers_to_is_removed() {
    let bench = Bench::new();
    bench.put("one", "same").await;
    bench.put("two", "same").await;
    bench.change(|transaction| objects::delete(transaction, "bucket", "one"));
    bench.collect();
    assert!(bench.is_stored("same"));
    bench.put("two", "other").await;
    bench.collect();
    assert!(!bench.is_stored("same"));
    // What comes again before it was removed stays.
    bench.change(|transaction| objects::delete(transaction, "bucket", "two"));
    bench.put("three", "other").await;
    bench.collect();
    assert!(bench.is_stored("other"));
}

#[tokio::test]
async fn listings_are_the_same_in_pages_of_any_size() {
    let bench = Bench::new();
    for name in ["a", "a/1", "a/2", "a/b/3", "a0", "b//x", "b//y", "é/ü", "z"] {
        bench.put(name, name).await;
    }
    for limit in 1..12 {
        assert_eq!(bench.pages("", "", limit).len(), 9);
        assert_eq!(bench.pages("", "/", limit), ["a", "a/", "a0", "b/", "z", "é/"]);
        assert_eq!(bench.pages("a/", "/", limit), ["a/1", "a/2", "a/b/"]);
        assert_eq!(bench.pages("b/", "/", limit), ["b//"]);
        assert_eq!(bench.pages("c", "/", limit), [""; 0]);
    }
    let after =
        Listing { after: Some(Item::Key("a0".to_owned())), limit: 1000, ..Listing::default() };
    let rows = bench.registry.state.snapshot().unwrap();
    assert_eq!(objects::list(rows.as_ref(), "bucket", &after).unwrap().objects.len(), 4);
}

#[tokio::test]
async fn conditions_are_of_what_is_there() {
    let bench = Bench::new();
    let absent = || Condition { if_none_match: Some("*".to_owned()), ..Condition::default() };
    bench.try_put("a", "1", absent()).await.unwrap();
    let refused = bench.try_put("a", "2", absent()).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Precondition);
    let is = |tag: &str| Condition { if_match: Some(tag.to_owned()), ..Condition::default() };
    bench.try_put("a", "2", is("\"c4ca4238a0b923820dcc509a6f75849b\"")).await.unwrap();
    assert!(bench.try_put("a", "3", is("\"c4ca4238a0b923820dcc509a6f75849b\"")).await.is_err());
    assert!(bench.try_put("b", "3", is("*")).await.is_err());
}

#[tokio::test]
async fn a_bucket_that_holds_something_stays() {
    let bench = Bench::new();
    bench.put("a", "1").await;
    let refused = bench.registry.state.change(|tx| buckets::delete(tx, "bucket")).unwrap_err();
    assert_eq!(refused.kind, Kind::NotEmpty);
    bench.change(|transaction| objects::delete(transaction, "bucket", "a"));
    bench.change(|transaction| buckets::delete(transaction, "bucket"));
    let refused = bench.try_put("a", "1", Condition::default()).await.unwrap_err();
    assert_eq!(refused.kind, Kind::NotFound);
}
