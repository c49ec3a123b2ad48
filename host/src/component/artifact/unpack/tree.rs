//! What comes out of an archive: names are judged, sizes counted, files written.

use super::{Result, UnpackError, UnpackLimits, failed, unreadable};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Longest name, with the folders that it is in.
pub(super) const LONGEST_NAME: usize = 1024;

/// Longest name of one file or folder.
const LONGEST_SEGMENT: usize = 255;

/// Deepest folder.
const DEEPEST: usize = 64;

/// What a file takes on the disk is counted in these.
const BLOCK: u64 = 4096;

/// A folder that an archive is unpacked into.
pub(super) struct Tree<'a> {
    root: &'a Path,
    limits: &'a UnpackLimits,
    /// Most bytes that the archive's length allows.
    ratio: u64,
    entries: u64,
    /// Bytes on the disk, and those of the files' content.
    blocks: u64,
    content: u64,
    /// A folder that is known to be there.
    known: PathBuf,
}

impl<'a> Tree<'a> {
    /// For an archive of this length.
    pub(super) fn new(root: &'a Path, length: u64, limits: &'a UnpackLimits) -> Self {
        let ratio = length.saturating_mul(limits.ratio).max(limits.free_of_ratio);
        let known = root.to_owned();
        Self { root, limits, ratio, entries: 0, blocks: 0, content: 0, known }
    }

    /// Make a folder, if it is not there.
    pub(super) fn folder(&mut self, name: &str) -> Result<()> {
        self.count_entry()?;
        let path = self.place(name)?;
        self.folders_to(&path, name)
    }

    /// Write a file, whose content has a size that its archive tells.
    pub(super) fn file(&mut self, name: &str, size: u64, content: &mut impl Read) -> Result<()> {
        self.count_entry()?;
        let path = self.place(name)?;
        if path == self.root {
            return Err(refuse(name, "it names no file"));
        }
        self.check(size)?;
        self.folders_to(path.parent().unwrap_or(self.root), name)?;
        let mut open = OpenOptions::new();
        let mut file = match open.write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(twice(name)),
            file => file.map_err(|error| failed(&path, error))?,
        };
        // One byte more than told is enough to be refused.
        let mut content = content.take(size.saturating_add(1));
        let mut piece = vec![0; 64 << 10];
        let mut written = 0;
        loop {
            let count = match content.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error)),
            };
            self.check(count as u64)?;
            self.content += count as u64;
            written += count as u64;
            file.write_all(&piece[..count]).map_err(|error| failed(&path, error))?;
        }
        self.blocks += written.next_multiple_of(BLOCK);
        if written == size { Ok(()) } else { Err(unreadable("a file has another length")) }
    }

    /// Whether so much more content would be too much.
    fn check(&self, more: u64) -> Result<()> {
        let content = self.content.saturating_add(more);
        let most = self.limits.bytes;
        if content.max(self.blocks.saturating_add(more)) > most {
            return Err(UnpackError::Bytes { most });
        }
        if content > self.ratio {
            return Err(UnpackError::Ratio { most: self.limits.ratio });
        }
        Ok(())
    }

    fn count_entry(&mut self) -> Result<()> {
        let most = self.limits.entries;
        if self.entries == most {
            return Err(UnpackError::Entries { most });
        }
        self.entries += 1;
        Ok(())
    }

    /// Make the folders that lead to a path, and its own, that are not there.
    fn folders_to(&mut self, path: &Path, name: &str) -> Result<()> {
        if self.known == path {
            return Ok(());
        }
        let below = path.strip_prefix(self.root).unwrap_or(path);
        let mut folder = self.root.to_owned();
        for segment in below {
            folder.push(segment);
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => {
                    self.count_entry()?;
                    self.check(BLOCK)?;
                    self.blocks += BLOCK;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // Links are not made, so that there is none to follow.
                    let metadata = fs::symlink_metadata(&folder);
                    if !metadata.map_err(|error| failed(&folder, error))?.is_dir() {
                        return Err(twice(name));
                    }
                }
                Err(error) => return Err(failed(&folder, error)),
            }
        }
        self.known = folder;
        Ok(())
    }

    /// Where an entry goes: below the root, whatever its name says.
    fn place(&self, name: &str) -> Result<PathBuf> {
        if name.len() > LONGEST_NAME {
            return Err(refuse(name, "it is longer than 1024 bytes"));
        }
        if name.contains(char::is_control) {
            return Err(refuse(name, "it holds a control character"));
        }
        if name.contains('\\') {
            return Err(refuse(name, "it holds a backslash"));
        }
        if name.starts_with('/') {
            return Err(refuse(name, "it begins at the root of the disk"));
        }
        if matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
            return Err(refuse(name, "it begins with the letter of a drive"));
        }
        let mut path = self.root.to_owned();
        let mut depth = 0;
        for segment in name.split('/').filter(|segment| !matches!(*segment, "" | ".")) {
            depth += 1;
            if segment == ".." {
                return Err(refuse(name, "it leads out of its folder"));
            }
            if segment.len() > LONGEST_SEGMENT {
                return Err(refuse(name, "a part of it is longer than 255 bytes"));
            }
            if depth > DEEPEST {
                return Err(refuse(name, "it is more than 64 folders deep"));
            }
            path.push(segment);
        }
        Ok(path)
    }
}

/// A name that is no text.
pub(super) fn text(name: &[u8]) -> Result<&str> {
    let shown = || String::from_utf8_lossy(name);
    str::from_utf8(name).map_err(|_| refuse(&shown(), "it is not UTF-8"))
}

fn refuse(name: &str, reason: &'static str) -> UnpackError {
    UnpackError::Name { name: beginning(name), reason }
}

fn twice(name: &str) -> UnpackError {
    UnpackError::Twice { name: beginning(name) }
}

/// As much of a name as a message should hold.
pub(super) fn beginning(name: &str) -> String {
    name.chars().take(200).collect()
}
