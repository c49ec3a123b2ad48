//! The work folder, as the user inside the container needs it.

use rustix::process::geteuid;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::path::Path;

/// Have the folder, and have it belong to a user with all that is in it; to a user that is not
/// known, it belongs as it does. Only root can give a folder away.
pub(super) fn make(folder: &Path, user: Option<(u32, Option<u32>)>) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    match user {
        Some((user, group)) if geteuid().is_root() && fs::metadata(folder)?.uid() != user => {
            give(folder, user, group)
        }
        _ => Ok(()),
    }
}

/// The folder itself comes last, so that this begins anew where it was cut off. Nobody may be at
/// work in it.
fn give(folder: &Path, user: u32, group: Option<u32>) -> io::Result<()> {
    let mut open = vec![folder.to_owned()];
    while let Some(inner) = open.pop() {
        for entry in fs::read_dir(inner)? {
            let entry = entry?;
            lchown(entry.path(), Some(user), group)?;
            // What a link leads to is neither entered nor given away.
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    lchown(folder, Some(user), group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_given_away_with_all_that_is_in_it_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let (work, outside) = (root.path().join("work/a"), root.path().join("outside"));
        make(&work, None).unwrap();
        if !geteuid().is_root() {
            return make(&work, Some((1234, None))).unwrap();
        }
        fs::create_dir(work.join("folder")).unwrap();
        fs::write(work.join("folder/file"), "").unwrap();
        fs::write(&outside, "").unwrap();
        std::os::unix::fs::symlink(&outside, work.join("link")).unwrap();
        make(&work, Some((1234, Some(5678)))).unwrap();
        let owner = |path: &Path| {
            let metadata = fs::symlink_metadata(path).unwrap();
            (metadata.uid(), metadata.gid())
        };
        for name in ["", "folder", "folder/file", "link"] {
            assert_eq!(owner(&work.join(name)), (1234, 5678), "{name}");
        }
        assert_eq!(owner(&outside).0, 0);
    }
}
