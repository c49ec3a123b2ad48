//! The kernel's files: small texts to write and to read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// The period of `cpu.max` in microseconds, and the least share of it that the kernel takes.
pub(super) const PERIOD: u64 = 100_000;
const LEAST_QUOTA: u64 = 1_000;

/// The names of the folders in a folder.
pub(super) fn folders(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()));
    folders.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// A group, the component it belongs to, and the groups in it.
pub(super) fn around(base: &Path, group: &str) -> Vec<String> {
    let mut groups = Vec::new();
    if let Some((component, _)) = group.split_once('/') {
        groups.push(component.to_owned());
    }
    let mut next = vec![group.to_owned()];
    while let Some(group) = next.pop() {
        let below = folders(&base.join(&group)).into_iter();
        next.extend(
            below.map(|name| if group.is_empty() { name } else { format!("{group}/{name}") }),
        );
        groups.push(group);
    }
    groups
}

/// Make a folder that may be there already.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Write to a file that the kernel made.
pub(super) fn write(path: &Path, value: &str) -> io::Result<()> {
    open(path)?.write_all(value.as_bytes())
}

pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

/// Write a limit; `None`: this kernel does not have it.
pub(super) fn write_limit(path: &Path, value: &str) -> io::Result<Option<()>> {
    match write(path, value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// The number after a word at the beginning of a line, or the whole text as a number when the
/// word is empty.
pub(super) fn number(path: &Path, word: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines();
    let line = lines.find_map(|line| match word {
        "" => Some(line),
        _ => line.strip_prefix(word)?.strip_prefix(' '),
    })?;
    line.trim().parse().ok()
}

/// Microseconds of each period for so many cores.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion of floats saturates, and a share is not negative"
)]
pub(super) fn quota(cpus: f64) -> u64 {
    ((cpus * PERIOD as f64) as u64).max(LEAST_QUOTA)
}
