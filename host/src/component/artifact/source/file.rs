//! Files of this machine: `file:/absolute/path` and `file:///absolute/path`.

use super::{ArtifactSource, Asked, Evidence};
use crate::component::artifact::location::shown;
use crate::component::artifact::{ArtifactError, Part};
use crate::component::signatures::beside;
use crate::tasks::Tasks;
use futures_util::future::BoxFuture;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// How much is copied at a time.
const PIECE: u64 = 256 << 10;

/// Copies files.
#[derive(Clone, Debug)]
pub struct Files {
    tasks: Tasks,
}

impl Files {
    /// Copy with these threads.
    pub fn new(tasks: Tasks) -> Self {
        Self { tasks }
    }

    async fn copy(&self, uri: &str, part: &mut Part<'_>) -> Result<(), ArtifactError> {
        let path = path_of(uri)?;
        let (mut file, length) = self.work(&path, open).await?;
        part.restart(None).await?;
        part.expect(length).await?;
        loop {
            let piece;
            (file, piece) = self.work(&path, move |_| read(file)).await?;
            if piece.is_empty() {
                return Ok(());
            }
            part.append(&piece).await?;
        }
    }

    /// The signatures in the same folder.
    async fn beside(&self, uri: &str) -> Result<Evidence, ArtifactError> {
        let path = path_of(uri)?;
        let found = self.work(&path, beside).await?;
        Ok(Evidence::beside(found.into_iter().map(|(_, bytes)| bytes)))
    }

    async fn work<T: Send + 'static>(
        &self,
        path: &Path,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ArtifactError> {
        let own = path.to_owned();
        let done = self.tasks.spawn_blocking(move || work(&own)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error.to_string())))
            .map_err(|error| ArtifactError::Io { path: path.to_owned(), error })
    }
}

impl ArtifactSource for Files {
    fn serves(&self, scheme: &str) -> bool {
        scheme == "file"
    }

    fn bring<'a>(
        &'a self,
        asked: Asked<'a>,
        part: &'a mut Part<'_>,
    ) -> BoxFuture<'a, Result<(), ArtifactError>> {
        Box::pin(self.copy(asked.uri, part))
    }

    fn evidence<'a>(
        &'a self,
        asked: Asked<'a>,
        _file: gg_trust::Digest,
    ) -> BoxFuture<'a, Result<Evidence, ArtifactError>> {
        Box::pin(self.beside(asked.uri))
    }
}

fn path_of(uri: &str) -> Result<PathBuf, ArtifactError> {
    let path = uri.split_once(':').map_or("", |(_, path)| path);
    if path.starts_with('/') {
        return Ok(path.strip_prefix("//").unwrap_or(path).into());
    }
    let reason = "write file:///absolute/path";
    Err(ArtifactError::Uri { uri: shown(uri), reason })
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    // Something else than a file could keep whoever opens it waiting.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    Ok((file, metadata.len()))
}

fn read(mut file: File) -> io::Result<(File, Vec<u8>)> {
    let mut piece = Vec::new();
    (&mut file).take(PIECE).read_to_end(&mut piece)?;
    Ok((file, piece))
}
