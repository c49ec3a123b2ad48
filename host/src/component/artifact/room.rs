//! How much may still be written: the component store has a limit, and its disk keeps some room.

use super::ArtifactError;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What must stay free on the disk.
pub(crate) const KEPT_FREE: u64 = 20 << 20;

/// Counts what is written into the component store. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Room {
    store: Arc<Path>,
    most: u64,
    used: Arc<AtomicU64>,
}

impl Room {
    /// Measure what is in a folder that may hold this many bytes.
    pub(super) fn measure(store: &Path, most: u64) -> Result<Self, ArtifactError> {
        let used = size(store).map_err(|error| failed(store, error))?;
        Ok(Self { store: store.into(), most, used: Arc::new(used.into()) })
    }

    /// Have room for so many bytes more.
    ///
    /// # Errors
    /// There is none, on the disk or in the store.
    pub(super) fn take(&self, bytes: u64) -> Result<(), ArtifactError> {
        if bytes > self.free()? {
            return Err(ArtifactError::DiskFull { path: self.store.to_path_buf() });
        }
        if self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > self.most {
            self.give(bytes);
            return Err(ArtifactError::StoreFull {
                path: self.store.to_path_buf(),
                most: self.most,
            });
        }
        Ok(())
    }

    /// So many bytes are there no more.
    pub(super) fn give(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        let _before = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// How much there is.
    pub(super) fn left(&self) -> Result<u64, ArtifactError> {
        Ok(self.free()?.min(self.most.saturating_sub(self.used.load(Ordering::Relaxed))))
    }

    /// What may be written to the disk.
    fn free(&self) -> Result<u64, ArtifactError> {
        let disk =
            rustix::fs::statvfs(&*self.store).map_err(|error| failed(&self.store, error.into()))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize).saturating_sub(KEPT_FREE))
    }
}

fn failed(path: &Path, error: io::Error) -> ArtifactError {
    ArtifactError::Io { path: path.to_owned(), error }
}

/// The bytes of all files below a folder, which may be changing.
fn size(folder: &Path) -> io::Result<u64> {
    let mut sum = 0_u64;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => sum = sum.saturating_add(metadata.len()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_store_counts() {
        let store = tempfile::tempdir().unwrap();
        fs::create_dir(store.path().join("a")).unwrap();
        fs::write(store.path().join("a/b"), [0; 60]).unwrap();
        let room = Room::measure(store.path(), 100).unwrap();
        assert_eq!(room.left().unwrap(), 40);
        room.take(40).unwrap();
        assert_eq!(room.take(1).unwrap_err().code(), "DISK_SPACE_CRITICAL");
        room.give(10);
        assert_eq!(room.left().unwrap(), 10);
    }

    #[test]
    fn some_of_the_disk_is_kept_free() {
        let store = tempfile::tempdir().unwrap();
        let room = Room::measure(store.path(), u64::MAX).unwrap();
        let error = room.take(1 << 60).unwrap_err();
        assert!(matches!(error, ArtifactError::DiskFull { .. }), "{error}");
    }
}
