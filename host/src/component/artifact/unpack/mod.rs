//! Archives are unpacked as what they are: the work of strangers. Only files and folders come out,
//! below the folder that is meant, in bounded number and size, without owners, modes or links. A
//! folder that is there is whole.
//!
//! This module uses no other of the host, so that it can be fuzzed by itself.

mod tar;
#[cfg(test)]
mod tests;
mod tree;
mod zip;

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufReader, Read, Seek, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use thiserror::Error;
use tree::Tree;

/// What an archive is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// A tape archive, which may be compressed by gzip.
    Tar,
    /// A ZIP archive.
    Zip,
}

/// The most that an archive may come to.
#[derive(Clone, Copy, Debug)]
pub struct UnpackLimits {
    /// Files and folders.
    pub entries: u64,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Times its own length, once it has come to [`free_of_ratio`](Self::free_of_ratio).
    pub ratio: u64,
    /// So many bytes may come out of any archive.
    pub free_of_ratio: u64,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self { entries: 100_000, bytes: 4 << 30, ratio: 200, free_of_ratio: 10 << 20 }
    }
}

/// Why an archive is not unpacked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It comes to too much.
    #[error("it unpacks to more than {most} bytes")]
    Bytes {
        /// The limit.
        most: u64,
    },
    /// It holds too much.
    #[error("it holds more than {most} files and folders")]
    Entries {
        /// The limit.
        most: u64,
    },
    /// A file or folder cannot be written.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It holds what is neither a file nor a folder.
    #[error("it holds {name:?}, which is {kind}; pack plain files and folders only")]
    Kind {
        /// Its name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A name in it is not one for a file below the folder.
    #[error("it holds {name:?}, which is no name for a file: {reason}")]
    Name {
        /// The name, or its beginning.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It is very much smaller than what is in it.
    #[error("it unpacks to more than {most} times its length, as only a trap does")]
    Ratio {
        /// The limit.
        most: u64,
    },
    /// Two of its entries have one place.
    #[error("it holds {name:?} twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// It does not follow its format, or uses what is not supported.
    #[error("it is damaged, or not such an archive: {reason}")]
    Unreadable {
        /// What is wrong.
        reason: String,
    },
}

type Result<T> = std::result::Result<T, UnpackError>;

/// Whether a folder was unpacked from the archive with this digest.
pub fn is_made_from(folder: &Path, digest: &str) -> bool {
    let noted = || fs::read_to_string(sibling(folder, ".from-")?).ok();
    folder.is_dir() && noted().is_some_and(|noted| noted == digest)
}

/// Unpack an archive with this digest into a folder, in place of what it holds.
///
/// # Errors
/// The archive is not what it should be, or the disk fails; the folder is as it was, or gone.
pub fn unpack(
    archive: &Path,
    format: Format,
    folder: &Path,
    digest: &str,
    limits: &UnpackLimits,
) -> Result<()> {
    let not_a_folder = || failed(folder, io::Error::other("it has no place to be"));
    let new = sibling(folder, ".new-").ok_or_else(not_a_folder)?;
    let from = sibling(folder, ".from-").ok_or_else(not_a_folder)?;
    // One that was asked for by somebody who waits no more may be under way.
    let beside = folder.parent().unwrap_or(folder);
    let lock = File::open(beside).map_err(|error| failed(beside, error))?;
    lock.lock().map_err(|error| failed(beside, error))?;
    remove(&new)?;
    DirBuilder::new().mode(0o700).create(&new).map_err(|error| failed(&new, error))?;
    let unpacked = File::open(archive).map_err(|error| failed(archive, error)).and_then(|file| {
        let length = file.metadata().map_err(|error| failed(archive, error))?.len();
        let open = || File::open(archive).map(BufReader::new);
        spread(format, open, length, &new, limits)?;
        // All its files at once: there may be thousands.
        rustix::fs::syncfs(File::open(&new).map_err(|error| failed(&new, error))?)
            .map_err(|error| failed(&new, error.into()))
    });
    if let Err(error) = unpacked {
        let _left_for_the_next_time = remove(&new);
        return Err(error);
    }
    // Without its note the folder counts as not there.
    remove(&from)?;
    remove(folder)?;
    fs::rename(&new, folder).map_err(|error| failed(folder, error))?;
    note(&from, digest).map_err(|error| failed(&from, error))
}

/// Unpack what can be opened, once or twice, into an empty folder.
///
/// # Errors
/// As [`unpack`]; the folder holds what came before.
pub fn spread<R: Read + Seek>(
    format: Format,
    open: impl Fn() -> io::Result<R>,
    length: u64,
    folder: &Path,
    limits: &UnpackLimits,
) -> Result<()> {
    let open = || open().map_err(unreadable);
    let mut tree = Tree::new(folder, length, limits);
    match format {
        Format::Tar => tar::spread(open()?, &mut tree),
        Format::Zip => zip::spread(open()?, open()?, &mut tree),
    }
}

/// The hidden file or folder beside a folder, which is ours.
fn sibling(folder: &Path, prefix: &str) -> Option<PathBuf> {
    let mut name = std::ffi::OsString::from(prefix);
    name.push(folder.file_name()?);
    Some(folder.with_file_name(name))
}

fn note(path: &Path, digest: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(digest.as_bytes())?;
    file.sync_all()?;
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// Remove a file or a folder; links are not followed.
fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, error)),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: io::Error) -> UnpackError {
    UnpackError::Io { path: path.to_owned(), error }
}

fn unreadable(error: impl ToString) -> UnpackError {
    UnpackError::Unreadable { reason: error.to_string() }
}
