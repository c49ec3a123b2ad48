//! A file that is being brought. What is here of it stays between attempts and over restarts, and
//! takes the file's name when it is whole.

use super::digest::{Digest, hash};
use super::location::shown;
use super::room::Room;
use super::{ArtifactError, Folders};
use crate::tasks::Tasks;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use tokio::task::JoinError;

/// What the names of our own files begin with: a file that is not whole, and where one is from.
pub(super) const HIDDEN: [&str; 2] = [NEW, FROM];
const NEW: &str = ".new-";
const FROM: &str = ".from-";

/// So many bytes are gathered before they are written.
const PIECE: usize = 256 << 10;

/// Most bytes of a note of where a file is from.
const LONGEST_NOTE: u64 = 64 << 10;

/// Hears how many bytes are here, and of how many.
pub(super) type Tell<'a> = &'a (dyn Fn(u64, Option<u64>) + Sync);

/// A file that is being brought.
pub struct Part<'a> {
    tasks: &'a Tasks,
    uri: &'a str,
    names: Names,
    /// Away while a thread works on it.
    open: Option<Open>,
    /// What was not written yet.
    gathered: Vec<u8>,
    /// What the source called what is here, so that it can be continued.
    validator: Option<String>,
    most: u64,
    total: Option<u64>,
    tell: Tell<'a>,
}

impl<'a> Part<'a> {
    /// Go on with what an earlier attempt at the same URI has left, or begin.
    pub(super) async fn open(
        tasks: &'a Tasks,
        folders: &Folders,
        (uri, file): (&'a str, &str),
        room: Room,
        most: u64,
        tell: Tell<'a>,
    ) -> Result<Self, ArtifactError> {
        let names = Names::new(&folders.artifacts, file);
        let (wanted, new) = (uri.to_owned(), names.new.clone());
        let opened = {
            let names = names.clone();
            tasks.spawn_blocking(move || Open::at(&names, &wanted, room)).await
        };
        let (open, validator) = opened.map_err(|error| ended(&new, &error))??;
        let (open, gathered, total) = (Some(open), Vec::new(), None);
        Ok(Self { tasks, uri, names, open, gathered, validator, most, total, tell })
    }

    /// How many bytes are here.
    pub fn length(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.length) + self.gathered.len() as u64
    }

    /// What the source called the file whose beginning is here: an entity tag or a date. `None`:
    /// it cannot be continued.
    pub fn validator(&self) -> Option<&str> {
        self.validator.as_deref().filter(|_| self.length() > 0)
    }

    /// Begin again, with a file that the source calls so.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn restart(&mut self, validator: Option<String>) -> Result<(), ArtifactError> {
        self.gathered.clear();
        self.total = None;
        let note = format!("{}\n{}\n", self.uri, validator.as_deref().unwrap_or_default());
        self.validator = validator;
        let from = self.names.from.clone();
        self.work(move |open| {
            open.empty()?;
            write_note(&from, &note).map_err(|error| failed(&from, error))
        })
        .await
    }

    /// The whole file has so many bytes.
    ///
    /// # Errors
    /// There is no room for them.
    pub async fn expect(&mut self, total: u64) -> Result<(), ArtifactError> {
        self.check(total)?;
        self.total = Some(total);
        let missing = total.saturating_sub(self.length());
        self.work(move |open| {
            // They are counted when they are written.
            open.room.take(missing).inspect(|()| open.room.give(missing))
        })
        .await
    }

    /// Add what comes next.
    ///
    /// # Errors
    /// There is no room for it, or the disk fails.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        self.check(self.length().saturating_add(bytes.len() as u64))?;
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() < PIECE { Ok(()) } else { self.flush().await }
    }

    fn check(&self, length: u64) -> Result<(), ArtifactError> {
        if length > self.most {
            return Err(ArtifactError::TooLarge { uri: shown(self.uri), most: self.most });
        }
        Ok(())
    }

    /// Write what was gathered.
    pub(super) async fn flush(&mut self) -> Result<(), ArtifactError> {
        if !self.gathered.is_empty() {
            let piece = std::mem::take(&mut self.gathered);
            self.work(move |open| open.write(&piece)).await?;
        }
        (self.tell)(self.length(), self.total);
        Ok(())
    }

    /// Of what was written.
    pub(super) fn digest(&self) -> Result<Digest, ArtifactError> {
        let open = self.open.as_ref().ok_or_else(|| self.broken())?;
        Ok(Digest::of_hashed(&open.hasher))
    }

    /// Where it lies until it is whole.
    pub(super) fn path(&self) -> &Path {
        &self.names.new
    }

    /// The file is whole: give it its name.
    pub(super) async fn finish(mut self) -> Result<(), ArtifactError> {
        let Names { whole, new, .. } = self.names.clone();
        self.work(move |open| {
            open.check().map_err(|error| failed(&new, error))?;
            open.file.sync_all().map_err(|error| failed(&new, error))?;
            fs::rename(&new, &whole).map_err(|error| failed(&whole, error))?;
            sync_folder_of(&whole)
        })
        .await
    }

    /// Work on the file, on a thread that may wait for the disk.
    async fn work<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Open) -> Result<T, ArtifactError> + Send + 'static,
    ) -> Result<T, ArtifactError> {
        let mut open = self.open.take().ok_or_else(|| self.broken())?;
        let working = self.tasks.spawn_blocking(move || {
            let done = work(&mut open);
            (open, done)
        });
        let (open, done) = working.await.map_err(|error| ended(&self.names.new, &error))?;
        self.open = Some(open);
        done
    }

    fn broken(&self) -> ArtifactError {
        failed(&self.names.new, io::Error::other("earlier work on it broke off"))
    }
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("file", &self.names.whole).finish_non_exhaustive()
    }
}

/// Whether a file was brought here, as opposed to put here by hand.
pub(super) fn was_brought(folder: &Path, file: &str) -> bool {
    Names::new(folder, file).from.exists()
}

#[derive(Clone)]
struct Names {
    whole: PathBuf,
    new: PathBuf,
    from: PathBuf,
}

impl Names {
    fn new(folder: &Path, file: &str) -> Self {
        Self {
            whole: folder.join(file),
            new: folder.join(format!("{NEW}{file}")),
            from: folder.join(format!("{FROM}{file}")),
        }
    }
}

/// The file as far as it is here, with the hash of that.
struct Open {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    length: u64,
    room: Room,
}

impl Open {
    /// What is here, and what its source called it.
    fn at(names: &Names, uri: &str, room: Room) -> Result<(Self, Option<String>), ArtifactError> {
        let path = names.new.clone();
        let file = open_locked(&path).map_err(|error| failed(&path, error))?;
        let mut open = Self { path, file, hasher: Sha256::new(), length: 0, room };
        let validator = read_note(&names.from, uri);
        if validator.is_some() {
            let hashed = hash(&mut open.file, &mut open.hasher);
            open.length = hashed.map_err(|error| failed(&open.path, error))?;
        } else {
            // Nobody knows what it is a beginning of.
            open.length = open.file.metadata().map_or(0, |metadata| metadata.len());
            open.empty()?;
        }
        Ok((open, validator))
    }

    /// What is in the file is what was hashed.
    fn check(&self) -> io::Result<()> {
        match self.file.metadata()?.len() == self.length {
            true => Ok(()),
            false => Err(io::Error::other("somebody else has written to it")),
        }
    }

    fn empty(&mut self) -> Result<(), ArtifactError> {
        self.file.set_len(0).map_err(|error| failed(&self.path, error))?;
        self.room.give(self.length);
        self.length = 0;
        self.hasher = Sha256::new();
        Ok(())
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), ArtifactError> {
        let length = piece.len() as u64;
        self.room.take(length)?;
        if let Err(error) = self.file.write_all(piece) {
            self.room.give(length);
            // What is in the file stays what was hashed; if not, it never becomes whole.
            let _checked_later = self.file.set_len(self.length);
            return Err(failed(&self.path, error));
        }
        self.hasher.update(piece);
        self.length += length;
        Ok(())
    }
}

/// Open a file for this process's next piece of work on it. A fetch that was dropped may still be
/// writing its last one, or be giving the file its name.
fn open_locked(path: &Path) -> io::Result<File> {
    loop {
        let mut open = OpenOptions::new();
        let file = open.read(true).append(true).create(true).mode(0o600).open(path)?;
        file.lock()?;
        let (ours, theirs) = (file.metadata()?, fs::symlink_metadata(path));
        if theirs.is_ok_and(|theirs| (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino())) {
            return Ok(file);
        }
    }
}

/// Note where a file is from. The URI in it may hold secrets.
fn write_note(path: &Path, note: &str) -> io::Result<()> {
    let mut open = OpenOptions::new();
    let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()
}

/// What the source called a file, if it is from this URI and was called anything.
fn read_note(path: &Path, uri: &str) -> Option<String> {
    let mut note = String::new();
    File::open(path).ok()?.take(LONGEST_NOTE).read_to_string(&mut note).ok()?;
    let (from, rest) = note.split_once('\n')?;
    let (validator, _) = rest.split_once('\n')?;
    (from == uri && !validator.is_empty()).then(|| validator.to_owned())
}

fn failed(path: &Path, error: io::Error) -> ArtifactError {
    ArtifactError::Io { path: path.to_owned(), error }
}

fn ended(path: &Path, error: &JoinError) -> ArtifactError {
    failed(path, io::Error::other(error.to_string()))
}

/// A name is as safe as the folder that it stands in.
fn sync_folder_of(path: &Path) -> Result<(), ArtifactError> {
    let folder = path.parent().unwrap_or(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, error))
}
