//! The operator's own secrets: a file that nobody else can read. It is looked at whenever a secret
//! is asked for, so that a change counts from then on; one that cannot be read leaves what was.

use gg_model::SecretVersion;
use gg_model::secret::SecretFileError;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::geteuid;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use thiserror::Error;
use zeroize::Zeroizing;

/// Most bytes of it.
const LARGEST: u64 = 1 << 20;

/// Why the file is of no use.
#[derive(Debug, Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read the secrets in {path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others can read it, or could have written it.
    #[error(
        "{path} holds secrets, and others may read or write it: `chown {user} {path}` and `chmod 600 {path}`"
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Whose it should be.
        user: u32,
    },
    /// It holds something else.
    #[error("the secrets in {path} cannot be used: {error}")]
    Content {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: SecretFileError,
    },
}

/// By this a change is noticed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    mode: u32,
    user: u32,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<&Metadata> for Stamp {
    fn from(of: &Metadata) -> Self {
        Self {
            device: of.dev(),
            inode: of.ino(),
            length: of.len(),
            mode: of.mode(),
            user: of.uid(),
            modified: (of.mtime(), of.mtime_nsec()),
            changed: (of.ctime(), of.ctime_nsec()),
        }
    }
}

/// The file, and what it was like when it was looked at last.
#[derive(Debug)]
pub struct SecretFile {
    path: PathBuf,
    seen: Mutex<Option<Stamp>>,
}

impl SecretFile {
    /// A file, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, seen: Mutex::default() }
    }

    /// What it holds, if it has changed since this was called last. One that is not there holds
    /// nothing.
    ///
    /// # Errors
    /// It cannot be used; said once for each change.
    pub fn changed(&self) -> Result<Option<Vec<SecretVersion>>, FileError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = match std::fs::metadata(&self.path) {
            Ok(metadata) => Some(Stamp::from(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(self.io(error)),
        };
        if *seen == now {
            return Ok(None);
        }
        *seen = now;
        if now.is_none() {
            return Ok(Some(Vec::new()));
        }
        let text = self.read()?;
        let versions = SecretVersion::parse_file(&text);
        versions.map(Some).map_err(|error| FileError::Content { path: self.path.clone(), error })
    }

    fn read(&self) -> Result<Zeroizing<String>, FileError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = open(&self.path, flags, Mode::empty());
        let file = File::from(opened.map_err(|error| self.io(error.into()))?);
        // Of the file that is read, whatever has its name by now.
        let metadata = file.metadata().map_err(|error| self.io(error))?;
        if !metadata.is_file() {
            return Err(self.io(io::Error::other("it is no file")));
        }
        let own = geteuid().as_raw();
        if metadata.mode() & 0o077 != 0 || ![0, own].contains(&metadata.uid()) {
            return Err(FileError::Exposed { path: self.path.clone(), user: own });
        }
        if metadata.len() > LARGEST {
            return Err(self.io(io::Error::other(format!("it has more than {LARGEST} bytes"))));
        }
        // No larger than it is now: text that is moved would be left behind.
        let mut bytes = Zeroizing::new(vec![0; usize::try_from(metadata.len()).unwrap_or(0)]);
        let mut file = file;
        file.read_exact(&mut bytes).map_err(|error| self.io(error))?;
        let text = str::from_utf8(&bytes).map_err(|_| {
            self.io(io::Error::new(io::ErrorKind::InvalidData, "it is not text in UTF-8"))
        })?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn io(&self, error: io::Error) -> FileError {
        FileError::Io { path: self.path.clone(), error }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
