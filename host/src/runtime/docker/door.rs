//! The socket of the native door, where containers find it.
//!
//! The socket is made anew whenever the nucleus starts, and a container that was given the socket
//! itself would keep the old one. So containers are given a folder in which the socket has a second
//! name, and the name follows.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The socket's name, in the root folder and in that of containers.
const SOCKET: &str = "ipc.socket";

/// The folder of containers. That it is there tells that there were some.
const FOLDER: &str = "docker";

/// The way in for containers.
#[derive(Debug)]
pub(super) struct Door {
    root: PathBuf,
    /// One at a time sees to the name.
    turn: Mutex<()>,
}

impl Door {
    /// The door of a nucleus with this root folder; nothing is touched.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, turn: Mutex::new(()) }
    }

    /// Whether there ever were containers with this root folder.
    pub(super) fn was_open(&self) -> bool {
        self.root.join(FOLDER).is_dir()
    }

    /// The socket as containers find it, in a folder with nothing else; `None` while there is none.
    ///
    /// # Errors
    /// It cannot be given a second name: for one thing, that takes a single file system.
    pub(super) fn open(&self) -> io::Result<Option<PathBuf>> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.root.join(FOLDER);
        // Who is inside a container is told by the token, not by the user.
        DirBuilder::new().recursive(true).mode(0o755).create(&folder)?;
        let first = match fs::canonicalize(self.root.join(SOCKET)) {
            Ok(first) => first,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let second = folder.join(SOCKET);
        if !is_same(&first, &second)? {
            let new = folder.join(format!("{SOCKET}.new"));
            remove(&new)?;
            fs::hard_link(&first, &new)?;
            // In one step: whoever connects meets the old one or the new.
            fs::rename(&new, &second)?;
        }
        Ok(Some(second))
    }
}

fn is_same(first: &Path, second: &Path) -> io::Result<bool> {
    let identity = |path: &Path| -> io::Result<(u64, u64)> {
        let metadata = fs::symlink_metadata(path)?;
        Ok((metadata.dev(), metadata.ino()))
    };
    match identity(second) {
        Ok(second) => Ok(identity(first)? == second),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn the_second_name_follows_the_socket() {
        let root = tempfile::tempdir().unwrap();
        let socket = root.path().join(SOCKET);
        let door = Door::new(root.path().to_owned());
        assert!(!door.was_open());
        assert_eq!(door.open().unwrap(), None);
        assert!(door.was_open());

        let first = UnixListener::bind(&socket).unwrap();
        let inside = door.open().unwrap().unwrap();
        assert_eq!(door.open().unwrap().unwrap(), inside);
        drop(UnixStream::connect(&inside).unwrap());
        first.accept().unwrap();

        drop(first);
        fs::remove_file(&socket).unwrap();
        let second = UnixListener::bind(&socket).unwrap();
        assert!(UnixStream::connect(&inside).is_err(), "the old one");
        assert_eq!(door.open().unwrap().unwrap(), inside);
        drop(UnixStream::connect(&inside).unwrap());
        second.accept().unwrap();
        let names: Vec<_> = fs::read_dir(inside.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1);
    }
}
