//! A component's work folder: its user's, and nobody else's.

use super::user::User;
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Uid, chownat, fchmod, fchown, fstat, openat,
    statat,
};
use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Folders in one another whose owner is changed. A component that makes more keeps them.
const DEEPEST: usize = 64;

/// Make the folder if it is not there, and a user's, with all the user before had in it.
/// `None`: it is gg-host's own user's, who can give nothing away.
pub(super) fn provide(folder: &Path, owner: Option<&User>) -> io::Result<()> {
    if let Some(above) = folder.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(above)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let held = open(CWD, folder)?;
    let found = fstat(&held)?;
    if let Some(owner) = owner
        && (found.st_uid, found.st_gid) != (owner.uid, owner.gid)
    {
        let to = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
        hand_over(&held, found.st_uid, to, DEEPEST)?;
        fchown(&held, Some(to.0), Some(to.1))?;
    }
    if found.st_mode & 0o777 != 0o700 {
        fchmod(&held, Mode::from_raw_mode(0o700))?;
    }
    Ok(())
}

/// Follows no link, and takes nothing that is not the former owner's.
fn hand_over(folder: &OwnedFd, from: u32, to: (Uid, Gid), deepest: usize) -> io::Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if found.st_uid != from {
            continue;
        }
        if FileType::from_raw_mode(found.st_mode) == FileType::Directory && deepest > 0 {
            hand_over(&open(folder, name)?, from, to, deepest - 1)?;
        }
        chownat(folder, name, Some(to.0), Some(to.1), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}

fn open(at: impl std::os::fd::AsFd, path: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    Ok(openat(at, path, flags, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    fn user(uid: u32) -> User {
        User { name: uid.to_string(), uid, gid: uid, groups: vec![uid], home: None }
    }

    #[test]
    fn a_folder_is_made_for_its_owner_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("work/a");
        provide(&folder, None).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        provide(&folder, None).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_link_in_its_place_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        symlink("/etc", temporary.path().join("a")).unwrap();
        assert!(provide(&temporary.path().join("a"), None).is_err());
    }

    #[test]
    fn a_new_user_gets_what_the_one_before_had_and_nothing_else() {
        if !rustix::process::geteuid().is_root() {
            return eprintln!("skipped: needs root");
        }
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("a");
        provide(&folder, Some(&user(4001))).unwrap();
        fs::create_dir(folder.join("b")).unwrap();
        fs::write(folder.join("b/mine"), "").unwrap();
        fs::write(folder.join("of-root"), "").unwrap();
        let outside = temporary.path().join("outside");
        fs::write(&outside, "").unwrap();
        symlink(&outside, folder.join("link")).unwrap();
        for path in ["b", "b/mine", "link"] {
            std::os::unix::fs::lchown(folder.join(path), Some(4001), Some(4001)).unwrap();
        }
        provide(&folder, Some(&user(4002))).unwrap();
        let owner = |path: &str| fs::symlink_metadata(folder.join(path)).unwrap().uid();
        assert_eq!([owner(""), owner("b"), owner("b/mine"), owner("link")], [4002; 4]);
        assert_eq!(owner("of-root"), 0);
        assert_eq!(fs::metadata(&outside).unwrap().uid(), 0);
    }
}
