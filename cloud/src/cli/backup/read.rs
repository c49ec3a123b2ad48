//! Making a folder of a backup. It is a control plane's when all of it is there and holds, and not before.

use super::RESTORING;
use super::entries::{self, FILES, Manifest, Name, Wrong};
use crate::artifacts::{Artifacts, Digest};
use crate::clock::Clock;
use crate::pki::Authority;
use crate::registry::references;
use crate::registry::secrets::Vault;
use crate::state::{Sqlite, State};
use anyhow::{Result, bail};
use ring::digest::{Context, SHA256};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Restore a backup into an empty folder. Gives how many objects there are.
pub(super) fn restore(archive: impl Read, data: &Path) -> Result<u64> {
    let staging = data.join(RESTORING);
    fs::create_dir(&staging)?;
    let restored = unpack(archive, &staging).and_then(|manifest| {
        check(&staging)?;
        Ok(manifest)
    });
    let manifest = match restored {
        Ok(manifest) => manifest,
        Err(error) => {
            let _stays = fs::remove_dir_all(&staging);
            return Err(error);
        }
    };
    // The state is last: where it is, everything is.
    for name in ["objects", "pki", FILES[0]] {
        fs::rename(staging.join(name), data.join(name))?;
    }
    File::open(data)?.sync_all()?;
    fs::remove_dir_all(&staging)?;
    File::open(data)?.sync_all()?;
    Ok(manifest.objects)
}

fn unpack(archive: impl Read, staging: &Path) -> Result<Manifest> {
    fs::create_dir(staging.join("pki"))?;
    drop(Artifacts::open(&staging.join("objects"))?);
    let manifest = entries::each(archive, |manifest, name, from| match name {
        Name::File(file) => {
            let wanted = manifest.files.get(*file).map(String::as_str).unwrap_or_default();
            keep(&staging.join(file), wanted, from)
        }
        Name::Object(digest) => {
            let path = staging.join("objects").join(&digest[..2]).join(digest);
            keep(&path, digest, from)
        }
    })?;
    for byte in 0..=u8::MAX {
        File::open(staging.join("objects").join(format!("{byte:02x}")))?.sync_all()?;
    }
    File::open(staging.join("pki"))?.sync_all()?;
    Ok(manifest)
}

/// Write an entry to a new file, and hold it against its SHA-256.
fn keep(path: &Path, wanted: &str, from: &mut dyn Read) -> Result<(), Wrong> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    let (mut context, mut buffer) = (Context::new(&SHA256), vec![0; 1024 * 1024]);
    loop {
        let read = from.read(&mut buffer).map_err(|error| Wrong::Damaged(error.to_string()))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        context.update(bytes);
        file.write_all(bytes)?;
    }
    file.sync_all()?;
    match crate::hexadecimal::hexadecimal(context.finish().as_ref()) == wanted {
        true => Ok(()),
        false => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            Err(Wrong::Damaged(format!("{name} is not what it was")))
        }
    }
}

/// Whether a control plane can be started with what is there.
fn check(staging: &Path) -> Result<()> {
    Authority::open(&staging.join("pki"), &Clock::system())?;
    Vault::open(&staging.join("pki/secrets.json"))?;
    let state = Sqlite::open(&staging.join(FILES[0]))?;
    let digests = references::all(state.snapshot()?.as_ref())?;
    drop(state);
    let objects = staging.join("objects");
    let is_there = |digest: &Digest| {
        let name = digest.to_string();
        objects.join(&name[..2]).join(&name).is_file()
    };
    if let Some(missing) = digests.iter().find(|digest| !is_there(digest)) {
        bail!("the backup is damaged: the object {missing} is missing");
    }
    Ok(())
}
