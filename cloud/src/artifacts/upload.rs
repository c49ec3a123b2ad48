//! Something on its way into the folder.

use super::Digest;
use md5::{Digest as _, Md5};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncWriteExt as _, BufWriter};

/// Why what arrives is not stored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UploadError {
    /// There is more than was allowed.
    #[error("it has more than {limit} bytes")]
    TooLarge {
        /// The bytes that were allowed.
        limit: u64,
    },
    /// The file cannot be written.
    #[error("it cannot be stored: {0}")]
    Io(#[from] io::Error),
}

/// Bytes that go to the file together: each write wakes another thread.
const TOGETHER: usize = 256 * 1024;

/// A temporary file that is written, and its digests so far. It is removed when this is dropped.
pub struct Upload {
    file: BufWriter<File>,
    path: Temporary,
    sha256: ring::digest::Context,
    md5: Md5,
    size: u64,
    limit: u64,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Upload {
    pub(super) async fn begin(path: PathBuf, limit: u64) -> io::Result<Self> {
        let path = Temporary(path);
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&path.0).await?;
        Ok(Self {
            file: BufWriter::with_capacity(TOGETHER, file),
            path,
            sha256: ring::digest::Context::new(&ring::digest::SHA256),
            md5: Md5::new(),
            size: 0,
            limit,
        })
    }

    /// Take some more.
    ///
    /// # Errors
    /// There is too much, or the file cannot be written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.limit {
            return Err(UploadError::TooLarge { limit: self.limit });
        }
        self.sha256.update(bytes);
        self.md5.update(bytes);
        self.file.write_all(bytes).await?;
        Ok(())
    }

    /// That was all: once this returns it is on disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn finish(mut self) -> Result<Whole, UploadError> {
        self.file.flush().await?;
        self.file.get_ref().sync_all().await?;
        Ok(Whole {
            path: self.path,
            digest: Digest::finished(self.sha256.finish()),
            md5: self.md5.finalize().into(),
            size: self.size,
        })
    }
}

/// Something that arrived as a whole and has no name yet. It is removed when this is dropped.
#[derive(Debug)]
pub struct Whole {
    path: Temporary,
    digest: Digest,
    md5: [u8; 16],
    size: u64,
}

impl Whole {
    /// Its SHA-256.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its MD5, which S3 makes entity tags of.
    pub fn md5(&self) -> [u8; 16] {
        self.md5
    }

    /// Its bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn into_parts(self) -> (Digest, Temporary) {
        (self.digest, self.path)
    }
}

/// A file that goes when this is dropped, unless it was renamed.
#[derive(Debug)]
pub(super) struct Temporary(PathBuf);

impl AsRef<Path> for Temporary {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _renamed = std::fs::remove_file(&self.0);
    }
}
