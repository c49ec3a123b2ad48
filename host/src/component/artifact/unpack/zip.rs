//! ZIP archives: the directory at the end of one is read an entry at a time.

use super::tree::{Tree, beginning};
use super::{Result, UnpackError, unreadable};
use std::io::{Read, Seek};
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, ZipReadOptions};

/// The kinds of file in a Unix mode.
const KIND: u32 = 0o170_000;
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

/// Unpack an archive that is opened twice: for its directory, and for the files in it.
pub(super) fn spread<R: Read + Seek>(
    directory: R,
    mut files: R,
    tree: &mut Tree<'_>,
) -> Result<()> {
    let config = zip::read::Config::default();
    let mut archive = ZipIterable::try_new(directory, config).map_err(unreadable)?;
    for entry in archive.files().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.name().map_err(unreadable)?.into_owned();
        let refuse = |kind| Err(UnpackError::Kind { name: beginning(&name), kind });
        if entry.encrypted() {
            return refuse("encrypted");
        }
        // Archives of systems without modes tell a folder by its name alone.
        let is_folder = match entry.unix_mode().map_or(0, |mode| mode & KIND) {
            0 | FILE => entry.is_dir(),
            FOLDER => true,
            _ => return refuse("a link or a device"),
        };
        if is_folder {
            tree.folder(&name)?;
            continue;
        }
        if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return refuse("compressed by another method than deflate");
        }
        let size = entry.size();
        let mut content =
            entry.with_reader(&mut files, ZipReadOptions::new()).map_err(unreadable)?;
        tree.file(&name, size, &mut content)?;
    }
    Ok(())
}
