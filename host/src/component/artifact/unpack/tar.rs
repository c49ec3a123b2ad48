//! TAR archives, as `tar` and Python write them. Entries are taken as they come, so that what
//! describes the next one (long names, PAX records) is limited too.

use super::tree::{LONGEST_NAME, Tree, beginning, text};
use super::{Result, UnpackError, unreadable};
use flate2::bufread::MultiGzDecoder;
use std::io::{BufRead, BufReader, Read};
use tar::{Archive, EntryType, PaxExtensions};

/// Longest description of an entry.
const LONGEST_RECORDS: u64 = 64 << 10;

/// Unpack an archive; one that is compressed begins as gzip does.
pub(super) fn spread(archive: impl Read, tree: &mut Tree<'_>) -> Result<()> {
    let mut archive = BufReader::new(archive);
    if archive.fill_buf().map_err(unreadable)?.starts_with(&[0x1f, 0x8b]) {
        entries(BufReader::new(MultiGzDecoder::new(archive)), tree)
    } else {
        entries(archive, tree)
    }
}

fn entries(archive: impl Read, tree: &mut Tree<'_>) -> Result<()> {
    let mut archive = Archive::new(archive);
    // What the entries before have said of this one.
    let mut told = Told::default();
    let mut any = false;
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let mut entry = entry.map_err(unreadable)?;
        any = true;
        let (kind, size) = (entry.header().entry_type(), entry.size());
        if !matches!(kind, EntryType::Regular | EntryType::Continuous) && size > LONGEST_RECORDS {
            return Err(unreadable("what describes an entry is too long"));
        }
        match kind {
            EntryType::GNULongName => {
                told.name = Some(read(&mut entry, LONGEST_NAME as u64 + 2)?);
                continue;
            }
            EntryType::XHeader => {
                let records = read(&mut entry, LONGEST_RECORDS)?;
                told.records(&records)?;
                continue;
            }
            // They tell of links and of comments.
            EntryType::GNULongLink | EntryType::XGlobalHeader => continue,
            _ => {}
        }
        let Told { name, size: told_size } = std::mem::take(&mut told);
        let name = name.unwrap_or_else(|| entry.path_bytes().into_owned());
        // A long name ends with a NUL.
        let name = text(name.strip_suffix(b"\0").unwrap_or(&name))?.to_owned();
        if told_size.is_some_and(|told| told != size) {
            return Err(unreadable("an entry has two lengths"));
        }
        match kind {
            EntryType::Directory => tree.folder(&name)?,
            // As it was written before there were folders.
            EntryType::Regular if name.ends_with('/') && size == 0 => tree.folder(&name)?,
            EntryType::Regular | EntryType::Continuous => tree.file(&name, size, &mut entry)?,
            kind => {
                let kind = described(kind);
                return Err(UnpackError::Kind { name: beginning(&name), kind });
            }
        }
    }
    if any { Ok(()) } else { Err(unreadable("there is nothing in it")) }
}

/// What was told of an entry before it.
#[derive(Default)]
struct Told {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Told {
    /// Read PAX records.
    fn records(&mut self, records: &[u8]) -> Result<()> {
        for record in PaxExtensions::new(records) {
            let record = record.map_err(unreadable)?;
            let (key, value) = (record.key_bytes(), record.value_bytes());
            if key == b"path" {
                self.name = Some(value.to_owned());
            } else if key == b"size" {
                let size = str::from_utf8(value).ok().and_then(|size| size.parse().ok());
                self.size = Some(size.ok_or_else(|| unreadable("a length is no number"))?);
            } else if key.starts_with(b"GNU.sparse") {
                return Err(unreadable("it was packed with holes in its files (--sparse)"));
            }
        }
        Ok(())
    }
}

fn read(entry: &mut impl Read, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn described(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Link => "a hard link",
        EntryType::Symlink => "a symbolic link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a named pipe",
        EntryType::GNUSparse => "a file with holes",
        _ => "of a kind of its own",
    }
}
