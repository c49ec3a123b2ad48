//! What is in a backup: a tar archive whose entries have names that are known beforehand, each once. No
//! path of an archive is ever a path here, so that none can lead anywhere.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use tar::{Archive, EntryType};
use thiserror::Error;

/// The newest form of archives that is known.
pub(super) const FORMAT: u64 = 1;

/// The first entry, which says what the others are.
pub(super) const MANIFEST: &str = "gg-cloud-backup.json";

/// Files that every backup has.
pub(super) const FILES: [&str; 4] =
    ["state.sqlite", "pki/ca.pem", "pki/ca.key", "pki/secrets.json"];

/// Most bytes of the manifest, and of a small file.
pub(super) const LARGEST_SMALL: u64 = 1024 * 1024;

/// What stands first.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Manifest {
    /// The form of the archive.
    pub(super) format: u64,
    /// The version of the program that wrote it.
    pub(super) program: String,
    /// The SHA-256 of each file, as hexadecimal digits.
    pub(super) files: BTreeMap<String, String>,
    /// How many objects there are.
    pub(super) objects: u64,
}

/// An entry after the manifest.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Name {
    /// One of [`FILES`].
    File(&'static str),
    /// An object, by its SHA-256 as hexadecimal digits.
    Object(String),
}

/// Why an archive is no backup.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(super) enum Wrong {
    /// It is cut off, or was changed.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// It cannot be read, or what is in it cannot be written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A newer program wrote it.
    #[error(
        "the backup was written by gg-cloud {program} in the form {format}, and this program knows \
         {FORMAT}; restore it with that version"
    )]
    Newer {
        /// Which.
        program: String,
        /// The form.
        format: u64,
    },
    /// It is something else.
    #[error("this is no backup of gg-cloud: {0}")]
    Other(String),
}

/// The name of an entry.
fn name(path: &[u8]) -> Option<Name> {
    let path = str::from_utf8(path).ok()?;
    if let Some(file) = FILES.into_iter().find(|file| *file == path) {
        return Some(Name::File(file));
    }
    let (folder, digest) = path.strip_prefix("objects/")?.split_once('/')?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_digest = digest.len() == 64 && digest.bytes().all(is_digit);
    (is_digest && digest.starts_with(folder) && folder.len() == 2)
        .then(|| Name::Object(digest.to_owned()))
}

/// Read an archive: each entry is given with its bytes. When this succeeds, all were there.
///
/// # Errors
/// It is no backup, damaged, or too new; or what takes the entries fails.
pub(super) fn each(
    archive: impl Read,
    mut take: impl FnMut(&Manifest, &Name, &mut dyn Read) -> Result<(), Wrong>,
) -> Result<Manifest, Wrong> {
    let mut archive = Archive::new(archive);
    // Names are short: no entry has to say that of another, which would be read as a whole.
    let mut entries = archive.entries()?.raw(true);
    let cut = |error: io::Error| Wrong::Damaged(error.to_string());
    let first = entries.next().ok_or_else(|| Wrong::Other("it is empty".to_owned()))?;
    let first = first.map_err(|error| Wrong::Other(error.to_string()))?;
    if first.path_bytes() != MANIFEST.as_bytes() || first.size() > LARGEST_SMALL {
        return Err(Wrong::Other(format!("it does not begin with {MANIFEST}")));
    }
    let manifest = read_manifest(first)?;
    let mut found = BTreeSet::new();
    for entry in entries {
        let mut entry = entry.map_err(cut)?;
        let known = name(&entry.path_bytes());
        let (Some(name), EntryType::Regular) = (known, entry.header().entry_type()) else {
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            return Err(Wrong::Damaged(format!("{path:?} does not belong in it")));
        };
        let is_small = matches!(name, Name::File(file) if file != FILES[0]);
        if is_small && entry.size() > LARGEST_SMALL {
            return Err(Wrong::Damaged(format!("{name:?} is too large")));
        }
        if found.contains(&name) {
            return Err(Wrong::Damaged(format!("{name:?} is there twice")));
        }
        take(&manifest, &name, &mut entry)?;
        found.insert(name);
    }
    let objects = found.iter().filter(|name| matches!(name, Name::Object(_))).count();
    let files = found.len() - objects;
    if u64::try_from(objects).ok() != Some(manifest.objects) || files != FILES.len() {
        return Err(Wrong::Damaged("something of it is missing".to_owned()));
    }
    Ok(manifest)
}

fn read_manifest(entry: impl Read) -> Result<Manifest, Wrong> {
    let mut text = String::new();
    let read = entry.take(LARGEST_SMALL).read_to_string(&mut text);
    read.map_err(|error| Wrong::Damaged(error.to_string()))?;
    // What is newer may have other members.
    #[derive(Deserialize)]
    struct Format {
        format: u64,
        #[serde(default)]
        program: String,
    }
    let other = |error: serde_json::Error| Wrong::Other(format!("{MANIFEST}: {error}"));
    let Format { format, program } = serde_json::from_str(&text).map_err(other)?;
    if format > FORMAT {
        return Err(Wrong::Newer { program, format });
    }
    serde_json::from_str(&text).map_err(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_are_known() {
        let digest = "ab".repeat(32);
        assert_eq!(name(b"pki/ca.key"), Some(Name::File("pki/ca.key")));
        let object = format!("objects/ab/{digest}");
        assert_eq!(name(object.as_bytes()), Some(Name::Object(digest.clone())));
        for wrong in [
            "",
            "/etc/passwd",
            "../state.sqlite",
            "./state.sqlite",
            "state.sqlite/",
            "pki/../pki/ca.key",
            "objects/ab",
            "objects/ab/../../x",
            &format!("objects/cd/{digest}"),
            &format!("objects/ab/{}", digest.to_uppercase()),
            &format!("objects//{digest}"),
            &format!("objects/ab/{digest}/x"),
        ] {
            assert_eq!(name(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(name(b"\xff"), None);
    }
}
