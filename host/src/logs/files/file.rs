//! One component's log: the file that is written to, and those that were set aside.

use super::LogSettings;
use crate::logs::names::{Age, FileId, Found, family};
use gg_model::ComponentName;
use rustix::fs::OFlags;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes that wait before they are written although more are coming.
const BUFFER: usize = 64 << 10;

/// Where log files are and how big they may be.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) folder: PathBuf,
    /// Of one file.
    file: u64,
    /// Of all files of a component.
    total: u64,
    /// Of the disk, left to others.
    keep_free: u64,
}

impl Bounds {
    pub(super) fn new(settings: &LogSettings, keep_free: u64) -> Self {
        // Something of the past is to be there when a file is set aside.
        let file = settings.file_size.min(settings.total_size / 2).max(1);
        Self { folder: settings.folder.clone(), file, total: settings.total_size, keep_free }
    }

    /// Delete the oldest of a component's files until a whole one fits in beside the others.
    pub(super) fn make_room(&self, old: &[Found]) -> io::Result<()> {
        let mut room = self.total.saturating_sub(self.file);
        for found in old.iter().rev() {
            // What is older than one that is too much is too much.
            room = room.saturating_sub(found.size);
            if room == 0 && found.size > 0 {
                gone(fs::remove_file(&found.path))?;
            }
        }
        Ok(())
    }
}

/// A component's log, as it is open. What it was given is written with the next [`LogFile::flush`].
#[derive(Debug)]
pub(super) struct LogFile {
    component: ComponentName,
    open: Option<Open>,
    buffer: Vec<u8>,
    /// Where lines end in the buffer, and how many records each stands for.
    ends: Vec<(usize, u64)>,
    /// When it was last used, for whoever keeps several.
    pub(super) used: u64,
}

#[derive(Debug)]
struct Open {
    file: File,
    id: FileId,
    size: u64,
}

impl LogFile {
    pub(super) fn new(component: ComponentName) -> Self {
        Self { component, open: None, buffer: Vec::new(), ends: Vec::new(), used: 0 }
    }

    /// Whether something waits to be written.
    pub(super) fn waits(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Forget what waits; gives how many records it stood for.
    pub(super) fn lose(&mut self) -> u64 {
        self.buffer.clear();
        self.ends.drain(..).map(|(_, records)| records).sum()
    }

    /// Add a line that stands for so many records, at the time of the last of them. When it fails,
    /// the line was not added.
    pub(super) fn push(
        &mut self,
        line: &str,
        records: u64,
        at: SystemTime,
        bounds: &Bounds,
    ) -> io::Result<()> {
        if self.buffer.len() > BUFFER {
            self.flush(bounds)?;
        }
        let folder = &bounds.folder;
        let size = current(&mut self.open, folder, &self.component)?.size + count(&self.buffer);
        if size > 0 && size + count(line.as_bytes()) > bounds.file {
            self.flush(bounds)?;
            self.set_aside(at, bounds)?;
            current(&mut self.open, folder, &self.component)?;
        }
        self.buffer.extend_from_slice(line.as_bytes());
        self.ends.push((self.buffer.len(), records));
        Ok(())
    }

    /// Write what waits.
    pub(super) fn flush(&mut self, bounds: &Bounds) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.look_again(bounds)?;
        let bytes = std::mem::take(&mut self.buffer);
        let open = current(&mut self.open, &bounds.folder, &self.component)?;
        let (written, result) = match space(&open.file, bounds.keep_free + count(&bytes)) {
            Ok(()) => write_all(&mut open.file, &bytes),
            Err(error) => (0, Err(error)),
        };
        if let Err(error) = result {
            // No part of a line stays; if it does, whoever opens the file next ends it.
            let whole = self.ends.partition_point(|(end, _)| *end <= written);
            let end = self.ends.drain(..whole).next_back().map_or(0, |(end, _)| end);
            let _torn = open.file.set_len(open.size + count(&bytes[..end]));
            self.open = None;
            return Err(error);
        }
        open.size += count(&bytes);
        self.buffer = bytes;
        self.lose();
        Ok(())
    }

    /// Whoever deletes, moves or cuts the file gets a new one, or the rest of it.
    fn look_again(&mut self, bounds: &Bounds) -> io::Result<()> {
        let path = Age::Current.path(&bounds.folder, &self.component);
        let there = match fs::symlink_metadata(path) {
            Ok(there) => Some(there),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        match (&mut self.open, there) {
            (Some(open), Some(there)) if open.id == FileId::from(&there) => open.size = there.len(),
            _ => self.open = None,
        }
        Ok(())
    }

    /// Give the file an old name, and make room for another.
    fn set_aside(&mut self, at: SystemTime, bounds: &Bounds) -> io::Result<()> {
        self.open = None;
        let (folder, component) = (&bounds.folder, &self.component);
        let mut family = family(folder, component)?;
        let age = Age::next(at, family.iter().map(|found| &found.age));
        if let Some(current) = family.iter_mut().find(|found| found.age == Age::Current) {
            let path = age.path(folder, component);
            fs::rename(&current.path, &path)?;
            current.path = path;
        }
        bounds.make_room(&family)
    }
}

/// The file that is written to.
fn current<'a>(
    open: &'a mut Option<Open>,
    folder: &Path,
    component: &ComponentName,
) -> io::Result<&'a mut Open> {
    match open {
        Some(open) => Ok(open),
        none => Ok(none.insert(self::open(folder, component)?)),
    }
}

fn open(folder: &Path, component: &ComponentName) -> io::Result<Open> {
    let path = Age::Current.path(folder, component);
    // A link would lead elsewhere, and a pipe would wait for a reader.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o640);
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    let mut file = match options.open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
            options.open(&path)
        }
        opened => opened,
    }?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut size = metadata.len();
    // The power may have failed in the middle of a line.
    let mut last = *b"\n";
    if size > 0 {
        file.read_exact_at(&mut last, size - 1)?;
    }
    if last != *b"\n" {
        file.write_all(b"\n")?;
        size += 1;
    }
    Ok(Open { file, id: FileId::from(&metadata), size })
}

/// Write, and tell how much of it was.
fn write_all(file: &mut File, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

/// Whether so many bytes of the file's disk are free.
fn space(file: &File, bytes: u64) -> io::Result<()> {
    let disk = rustix::fs::fstatvfs(file)?;
    if disk.f_bavail.saturating_mul(disk.f_frsize) < bytes {
        return Err(io::Error::new(ErrorKind::StorageFull, "the disk is as good as full"));
    }
    Ok(())
}

/// That something is gone already is no failure.
fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
