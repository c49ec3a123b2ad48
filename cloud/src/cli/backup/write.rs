//! Writing a backup beside a server that goes on.

use super::entries::{FILES, FORMAT, MANIFEST, Manifest};
use crate::artifacts::Digest;
use crate::state::Sqlite;
use anyhow::{Context as _, Result};
use ring::digest::{Context, SHA256};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use tar::{Builder, Header};

/// A folder that goes with this.
struct Staging(PathBuf);

impl Drop for Staging {
    fn drop(&mut self) {
        let _stays = fs::remove_dir_all(&self.0);
    }
}

/// Write a backup of a folder to a new file. Gives how many objects are in it.
pub(super) fn write(data: &Path, file: &Path) -> Result<u64> {
    let mut options = OpenOptions::new();
    let to = options.write(true).create_new(true).mode(0o600).open(file)?;
    let written = all(data, to);
    if written.is_err() {
        let _useless = fs::remove_file(file);
    }
    written
}

fn all(data: &Path, mut to: File) -> Result<u64> {
    let lock = File::create(data.join("backup.lock"))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive)
        .context("another backup of this folder is being written")?;
    // What one that was killed left is nobody's.
    let staging = Staging(data.join("backup"));
    if staging.0.exists() {
        fs::remove_dir_all(&staging.0)?;
    }
    fs::DirBuilder::new().mode(0o700).create(&staging.0)?;
    let (state, objects) = (staging.0.join("state.sqlite"), staging.0.join("objects"));
    fs::create_dir(&objects)?;
    // While nothing changes, what the state refers to is there. Links keep it, whatever is deleted then.
    Sqlite::open(&data.join("state.sqlite"))?
        .copy(&state, || link(&data.join("objects"), &objects))??;
    let objects = names(&objects)?;
    let source = |name: &str| if name == FILES[0] { state.clone() } else { data.join(name) };
    let mut manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        files: Default::default(),
        objects: objects.len() as u64,
    };
    for name in FILES {
        manifest.files.insert(name.to_owned(), digest(&source(name))?);
    }
    let mut archive = Builder::new(io::BufWriter::new(&mut to));
    let text = serde_json::to_vec_pretty(&manifest)?;
    append(&mut archive, MANIFEST, text.len() as u64, text.as_slice())?;
    for name in FILES {
        append_file(&mut archive, name, &source(name))?;
    }
    for name in &objects {
        let kept = staging.0.join("objects").join(name);
        append_file(&mut archive, &format!("objects/{}/{name}", &name[..2]), &kept)?;
    }
    archive.into_inner()?.flush()?;
    to.sync_all()?;
    Ok(objects.len() as u64)
}

/// Give all objects another name, in one folder.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    for folder in fs::read_dir(from)? {
        let folder = folder?;
        if folder.file_name().len() != 2 {
            continue;
        }
        for object in fs::read_dir(folder.path())? {
            let object = object?;
            fs::hard_link(object.path(), to.join(object.file_name()))?;
        }
    }
    Ok(())
}

/// The objects in a folder, by name.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for object in fs::read_dir(folder)? {
        let name = object?.file_name().to_string_lossy().into_owned();
        let is_digest = Digest::try_from(name.clone()).is_ok();
        names.extend(is_digest.then_some(name));
    }
    names.sort_unstable();
    Ok(names)
}

/// The SHA-256 of a file.
fn digest(path: &Path) -> Result<String> {
    let named = || path.display().to_string();
    let mut file = File::open(path).with_context(named)?;
    let (mut context, mut buffer) = (Context::new(&SHA256), vec![0; 1024 * 1024]);
    loop {
        match file.read(&mut buffer).with_context(named)? {
            0 => return Ok(crate::hexadecimal::hexadecimal(context.finish().as_ref())),
            read => context.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

fn append_file(archive: &mut Builder<impl Write>, name: &str, path: &Path) -> Result<()> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let size = file.metadata()?.len();
    append(archive, name, size, file)
}

fn append(archive: &mut Builder<impl Write>, name: &str, size: u64, from: impl Read) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(0o600);
    header.set_size(size);
    Ok(archive.append_data(&mut header, name, from.take(size))?)
}
