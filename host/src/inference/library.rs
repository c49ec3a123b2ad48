//! Where the machine keeps onnxruntime, if it has it. The worker loads it, and runs code of it before
//! it confines itself: so it is what the operator names, or what lies where only the administrator writes.

use gg_model::nucleus::OnnxruntimeSetting;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// How the library is called. Debian and others put its version after it.
const NAME: &str = "libonnxruntime.so";

/// Where an administrator or a distribution puts it. Debian has a folder for each kind of machine.
const FOLDERS: [&str; 4] = [
    "/usr/local/lib",
    "/usr/lib",
    #[cfg(target_arch = "x86_64")]
    "/usr/lib/x86_64-linux-gnu",
    #[cfg(target_arch = "aarch64")]
    "/usr/lib/aarch64-linux-gnu",
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    "/usr/lib/arm-linux-gnueabihf",
    "/opt/onnxruntime/lib",
];

/// The library that an operator names cannot be used.
#[derive(Debug, Error)]
#[error("cannot use {} as onnxruntime: {error}", path.display())]
pub struct LibraryError {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    pub error: io::Error,
}

/// The library that the operator has set, or else the first that is found. `None`: there is none, or
/// none is to be used.
///
/// # Errors
/// There is no file of the name that is given.
pub fn find(set: Option<&OnnxruntimeSetting>) -> Result<Option<PathBuf>, LibraryError> {
    let path = match set {
        None => return Ok(FOLDERS.iter().map(Path::new).find_map(within)),
        Some(OnnxruntimeSetting::None) => return Ok(None),
        Some(OnnxruntimeSetting::At(path)) => path,
    };
    let there = std::path::absolute(path).and_then(|whole| match whole.metadata()?.is_file() {
        true => Ok(whole),
        false => Err(io::Error::other("it is no file")),
    });
    there.map(Some).map_err(|error| LibraryError { path: path.clone(), error })
}

/// The library in a folder; the one without a version, or else the newest.
fn within(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let named = entries.filter_map(|entry| Some((version(&entry.file_name())?, entry.path())));
    let mut found: Vec<_> = named.filter(|(_, path)| path.is_file()).collect();
    found.sort();
    let first = found.iter().position(|(version, _)| version.is_empty());
    let best = first.unwrap_or(found.len().checked_sub(1)?);
    Some(found.swap_remove(best).1)
}

/// The numbers of the version behind the library's name. `None`: it is another file.
fn version(name: &OsStr) -> Option<Vec<u32>> {
    let rest = name.to_str()?.strip_prefix(NAME)?;
    let numbers: Vec<u32> = match rest {
        "" => Vec::new(),
        rest => rest
            .strip_prefix('.')?
            .split('.')
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?,
    };
    // Another first number is another interface.
    (numbers.is_empty() || numbers[0] == 1).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_library_of_a_folder_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        let found = || within(folder.path()).map(|path| path.file_name().unwrap().to_owned());
        assert_eq!(found(), None);
        for other in ["libonnxruntime.so.2", "libonnxruntime.so.1.x", "libonnxruntime_x.so", "x"] {
            put(other);
        }
        assert_eq!(found(), None);
        put("libonnxruntime.so.1.9.0");
        put("libonnxruntime.so.1.20.1");
        assert_eq!(found().unwrap(), "libonnxruntime.so.1.20.1");
        put("libonnxruntime.so");
        assert_eq!(found().unwrap(), "libonnxruntime.so");
        assert_eq!(within(Path::new("/nowhere")), None);
    }

    #[test]
    fn a_library_that_is_named_is_there() {
        let named = |path: &Path| find(Some(&OnnxruntimeSetting::from(path.to_owned())));
        let error = named(Path::new("/nowhere/libonnxruntime.so")).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot use /nowhere/libonnxruntime.so as onnxruntime:"),
            "{error}"
        );
        assert!(named(Path::new("/")).is_err());
        assert_eq!(named(Path::new("none")).unwrap(), None);
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(named(file.path()).unwrap().unwrap(), file.path());
    }
}
