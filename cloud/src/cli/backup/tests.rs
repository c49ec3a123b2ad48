//! Archives that are none, or not whole. Whole ones, of a server that runs, are restored in
//! `tests/clients`.

use super::entries::{FORMAT, MANIFEST};
use super::{read, write};
use crate::artifacts::{Artifacts, Digest};
use crate::clock::{Clock, Time};
use crate::pki::Authority;
use crate::registry::objects::{Condition, Object};
use crate::registry::secrets::Vault;
use crate::registry::{Place, Refusal, buckets, objects};
use crate::state::{Sqlite, State};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tar::{Archive, Builder, EntryType, Header};
use tempfile::TempDir;

/// The folder of a server, with an object in it.
async fn data() -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    drop(Authority::open(&path("pki"), &Clock::system()).unwrap());
    drop(Vault::open(&path("pki/secrets.json")).unwrap());
    let artifacts = Artifacts::open(&path("objects")).unwrap();
    let state: Box<dyn State> = Box::new(Sqlite::open(&path("state.sqlite")).unwrap());
    let mut upload = artifacts.upload(100).await.unwrap();
    upload.write(b"hello").await.unwrap();
    let whole = upload.finish().await.unwrap();
    let object = Object {
        digest: *whole.digest(),
        size: 5,
        etag: String::new(),
        modified: Time::from_seconds(1),
        headers: BTreeMap::new(),
        checksum: None,
    };
    let done: Result<(), Refusal> = state.change(|tx| {
        Place::settle(tx, None, None).map_err(|error| Refusal::internal(&error))?;
        buckets::create(tx, "bucket", Time::from_seconds(1))?;
        let place = ("bucket", "a");
        objects::put(tx, &artifacts, place, object, whole, &Condition::default())
    });
    done.unwrap();
    folder
}

/// What is in a backup: names and bytes.
fn entries(file: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = Archive::new(fs::File::open(file).unwrap());
    let read = |entry: std::io::Result<tar::Entry<'_, fs::File>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

/// An archive of entries, with any names.
fn archive(entries: &[(String, Vec<u8>)], kind: EntryType) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (index, (name, bytes)) in entries.iter().enumerate() {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        let is_last = index + 1 == entries.len();
        header.set_entry_type(if is_last { kind } else { EntryType::Regular });
        // `set_path` refuses names that lead elsewhere.
        let place = &mut header.as_old_mut().name;
        place.fill(0);
        place[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn restored(bytes: &[u8]) -> (TempDir, Result<u64, String>) {
    let folder = TempDir::new().unwrap();
    let done = read::restore(bytes, folder.path()).map_err(|error| format!("{error:#}"));
    (folder, done)
}

#[tokio::test]
async fn what_is_written_is_restored() {
    let data = data().await;
    let file = data.path().join("backup.tar");
    assert_eq!(write::write(data.path(), &file).unwrap(), 1);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!data.path().join("backup").exists(), "nothing is left behind");
    // It is not written over another file.
    assert!(write::write(data.path(), &file).is_err());
    assert!(file.exists());
    let (folder, done) = restored(&fs::read(&file).unwrap());
    assert_eq!(done, Ok(1));
    for name in ["pki/ca.pem", "pki/ca.key", "pki/secrets.json"] {
        let read = |folder: &TempDir| fs::read(folder.path().join(name)).unwrap();
        assert_eq!(read(&folder), read(&data), "{name}");
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let state = Sqlite::open(&folder.path().join("state.sqlite")).unwrap();
    let rows = state.snapshot().unwrap();
    let found = objects::find(rows.as_ref(), "bucket", "a").unwrap();
    assert_eq!(found.digest, Digest::of(b"hello"));
    let artifacts = Artifacts::open(&folder.path().join("objects")).unwrap();
    let mut text = String::new();
    let mut kept = artifacts.read(&found.digest).await.unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut kept, &mut text).await.unwrap();
    assert_eq!(text, "hello");
}

#[tokio::test]
async fn what_is_damaged_is_refused_and_leaves_nothing() {
    let data = data().await;
    let file = data.path().join("backup.tar");
    write::write(data.path(), &file).unwrap();
    let whole = fs::read(&file).unwrap();
    let all = entries(&file);
    assert_eq!(all.len(), 6);
    let refused = |bytes: &[u8], why: &str| {
        let (folder, done) = restored(bytes);
        let error = done.unwrap_err();
        assert!(error.contains(why), "{why} is not in {error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{error}");
    };
    refused(b"", "no backup");
    refused(b"something else, which is long enough to be looked at", "no backup");
    refused(&whole[..600], "no backup");
    for length in [whole.len() / 2, whole.len() - 4096] {
        refused(&whole[..length], "damaged");
    }
    for (index, (name, _)) in all.iter().enumerate().skip(1) {
        let without: Vec<_> = all.iter().filter(|(other, _)| other != name).cloned().collect();
        refused(&archive(&without, EntryType::Regular), "damaged");
        let mut changed = all.clone();
        changed[index].1[0] ^= 1;
        refused(&archive(&changed, EntryType::Regular), "is not what it was");
        let twice: Vec<_> = all.iter().chain([&all[index]]).cloned().collect();
        refused(&archive(&twice, EntryType::Regular), "twice");
    }
    refused(&archive(&all[1..], EntryType::Regular), "no backup");
    for path in
        ["../escaped", "/tmp/escaped", "pki/../../escaped", "objects/ab/x", "state.sqlite-wal"]
    {
        let more: Vec<_> = all.iter().cloned().chain([(path.to_owned(), b"x".to_vec())]).collect();
        refused(&archive(&more, EntryType::Regular), "does not belong");
    }
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::Fifo] {
        refused(&archive(&all, kind), "does not belong");
    }
    // One that refers to more than is there.
    let mut manifest: serde_json::Value = serde_json::from_slice(&all[0].1).unwrap();
    manifest["objects"] = 0.into();
    let mut fewer = all[..all.len() - 1].to_vec();
    fewer[0].1 = manifest.to_string().into_bytes();
    refused(&archive(&fewer, EntryType::Regular), "is missing");
}

#[tokio::test]
async fn what_is_too_new_is_refused() {
    let data = data().await;
    let file = data.path().join("backup.tar");
    write::write(data.path(), &file).unwrap();
    let mut all = entries(&file);
    let newer = format!(r#"{{"format":{},"program":"9.9.9"}}"#, FORMAT + 1);
    all[0] = (MANIFEST.to_owned(), newer.into_bytes());
    let (_folder, done) = restored(&archive(&all, EntryType::Regular));
    assert!(done.unwrap_err().contains("written by gg-cloud 9.9.9"));

    // The same of the state in it.
    let connection = rusqlite::Connection::open(data.path().join("state.sqlite")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(write::write(data.path(), &data.path().join("newer.tar")).is_err());
    assert!(!data.path().join("newer.tar").exists());
}
