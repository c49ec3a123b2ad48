//! Who may use a component's files: the modes that `Permission` asks for, and the user that the
//! component runs as as their owner.
//!
//! What was unpacked belongs to that user and may hold by now what the component made, links to
//! others' files among it. So every step goes from folder to entry and follows nothing, and files
//! with a second name are left alone. The folders that hold the artifacts stay the host's own.

#[cfg(test)]
mod tests;

use super::location::{file_name, is_image};
use super::{ArtifactError, Folders};
use gg_model::recipe::{Access, Artifact, Permission};
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, Stat, fchmod, fchown, fstat, openat};
use rustix::io::Errno;
use rustix::path::Arg;
use rustix::process::{Gid, Uid, geteuid};
use std::os::fd::{AsFd, OwnedFd};

/// Folders deeper than any archive holds are left alone.
const DEEPEST: usize = 128;

/// Mode of a folder: as Greengrass has it, everyone may look.
const FOLDER: u32 = 0o755;

/// A user and a group by their numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// Give an artifact's file, and what was unpacked from it, its mode, and its owner where one is
/// named; only root can name another than itself. This waits for the disk.
///
/// # Errors
/// The disk fails, or this process may not.
pub fn apply(
    artifact: &Artifact,
    folders: &Folders,
    owner: Option<Owner>,
) -> Result<(), ArtifactError> {
    if is_image(&artifact.uri) {
        return Ok(());
    }
    let file = file_name(&artifact.uri)?;
    let unpacked = folders.unpacked(artifact);
    let setting = Setting { mode: mode(artifact.permission), owner };
    for path in [Some(folders.artifacts.join(file)), unpacked].into_iter().flatten() {
        setting
            .apply(CWD, path.as_path(), 0)
            .map_err(|error| ArtifactError::Permission { path, error: error.into() })?;
    }
    Ok(())
}

/// The mode of a file. The group is the owner's; the owner reads whatever else it may.
fn mode(permission: Permission) -> u32 {
    let bits = |access, owner: u32, all: u32| match access {
        Access::None => 0,
        Access::Owner => owner,
        Access::All => all,
    };
    // Who may execute a file may read it.
    let mode = 0o400 | bits(permission.read, 0o440, 0o444) | bits(permission.execute, 0o550, 0o555);
    // Other users than root could not remove it otherwise.
    if geteuid().is_root() { mode } else { mode | 0o200 }
}

/// What every file gets.
struct Setting {
    mode: u32,
    owner: Option<Owner>,
}

impl Setting {
    /// Set an entry of a folder, and what is in it.
    fn apply(&self, folder: impl AsFd, name: impl Arg, depth: usize) -> rustix::io::Result<()> {
        // Nothing but a file or a folder is opened for long: a pipe must not keep us waiting.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let entry = match openat(folder, name, flags, Mode::empty()) {
            // A link, a socket, or nothing any more.
            Err(Errno::LOOP | Errno::NXIO | Errno::NOENT) => return Ok(()),
            entry => entry?,
        };
        let found = fstat(&entry)?;
        match FileType::from_raw_mode(found.st_mode) {
            // The other name may be in a folder of someone else.
            FileType::RegularFile if found.st_nlink > 1 => Ok(()),
            FileType::RegularFile => self.set(&entry, &found, self.mode),
            FileType::Directory if depth <= DEEPEST => {
                for inner in Dir::read_from(&entry)? {
                    let inner = inner?;
                    let name = inner.file_name();
                    if !matches!(name.to_bytes(), b"." | b"..") {
                        self.apply(&entry, name, depth + 1)?;
                    }
                }
                self.set(&entry, &found, FOLDER)
            }
            _ => Ok(()),
        }
    }

    fn set(&self, entry: &OwnedFd, found: &Stat, mode: u32) -> rustix::io::Result<()> {
        if let Some(Owner { uid, gid }) = self.owner
            && (found.st_uid, found.st_gid) != (uid, gid)
        {
            fchown(entry, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        // After the owner, whose change may take bits away.
        fchmod(entry, Mode::from_raw_mode(mode))
    }
}
