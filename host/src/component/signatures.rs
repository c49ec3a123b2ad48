//! Signatures beside files: under the name of the file with an ending of theirs.

use gg_trust::signature::{MAX_SIGNATURE_BYTES, SUFFIXES};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What lies beside a file, by its endings.
///
/// # Errors
/// One is there and cannot be read.
pub(crate) fn beside(path: &Path) -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let mut found = Vec::new();
    for ending in SUFFIXES {
        match open(&with_ending(path, ending)) {
            Ok(file) => {
                let mut bytes = Vec::new();
                // One byte more than allowed is enough to be refused.
                file.take(MAX_SIGNATURE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
                found.push((ending, bytes));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The file with the signature of this one.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The name of the file that a file of this name would be the signature of.
pub(crate) fn signed_by(name: &str) -> Option<&str> {
    SUFFIXES.iter().find_map(|ending| name.strip_suffix(ending)).filter(|name| !name.is_empty())
}

/// Something else than a file could keep whoever opens it waiting.
fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a plain file")),
    }
}
