//! What is stored, by what it is: a folder of files, each named by the SHA-256 of its bytes.
//!
//! What arrives goes to a temporary file ([`Upload`]); once it is whole and on disk it is a [`Whole`],
//! and [`Artifacts::keep`] gives it its name. That is to be done in the transaction that writes who
//! refers to it: transactions that change are done one at a time, so that nobody else finds it
//! without a reference and removes it.

mod digest;
#[cfg(test)]
mod tests;
mod upload;

pub use digest::Digest;
pub use upload::{Upload, UploadError, Whole};

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Artifacts {
    folder: Arc<Path>,
}

impl Artifacts {
    /// Use a folder, which is made if it is not there. What was arriving when an earlier process
    /// ended is removed. Blocks.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let artifacts = Self { folder: folder.into() };
        let arriving = artifacts.arriving();
        if arriving.is_dir() {
            fs::remove_dir_all(&arriving)?;
        }
        fs::create_dir_all(&arriving)?;
        for byte in 0..=u8::MAX {
            fs::create_dir_all(folder.join(format!("{byte:02x}")))?;
        }
        File::open(folder)?.sync_all()?;
        Ok(artifacts)
    }

    /// Begin to store something of so many bytes at most.
    ///
    /// # Errors
    /// The file cannot be made.
    pub async fn upload(&self, limit: u64) -> io::Result<Upload> {
        let name = crate::hexadecimal::hexadecimal(&crate::random::bytes::<16>()?);
        Upload::begin(self.arriving().join(name), limit).await
    }

    /// Give what arrived its name, for good. Blocks.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn keep(&self, whole: Whole) -> io::Result<Digest> {
        let (digest, path) = whole.into_parts();
        let kept = self.path(&digest);
        fs::rename(&path, &kept)?;
        File::open(kept.parent().unwrap_or(&self.folder))?.sync_all()?;
        Ok(digest)
    }

    /// Read it.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub async fn read(&self, digest: &Digest) -> io::Result<tokio::fs::File> {
        tokio::fs::File::open(self.path(digest)).await
    }

    /// Remove it, if it is there. Blocks.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn remove(&self, digest: &Digest) -> io::Result<()> {
        match fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn arriving(&self) -> PathBuf {
        self.folder.join("arriving")
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.folder.join(&name[..2]).join(name)
    }
}
