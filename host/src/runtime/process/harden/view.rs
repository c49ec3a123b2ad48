//! A view of the file system in which the root folder holds only what is the component's own: a
//! mount namespace, with an empty file system over the root folder and the component's folders in
//! it. Everything else is as gg-host sees it, mounts of later included.
//!
//! Making one takes longer than starting a program does, so the steps of a component enter the same
//! one, as long as the folders in it are those that are there.

use super::Folders;
use rustix::fs::{CWD, Mode, OFlags, mkdir, open};
use rustix::io::{Errno, Result};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_change,
    mount_remount, move_mount, open_tree,
};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};
use std::ffi::{CString, NulError};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

/// What of the root folder a process is to see.
#[derive(Debug, PartialEq)]
pub(in super::super) struct View {
    root: CString,
    /// Folders to make in the empty one, those above first.
    make: Vec<CString>,
    /// What is put back.
    kept: Vec<Piece>,
}

#[derive(Debug, PartialEq)]
struct Piece {
    path: CString,
    writable: bool,
    is_folder: bool,
    /// Its device and number: one that is removed and made again is another.
    identity: (u64, u64),
}

/// A view that is there, for processes to enter.
#[derive(Debug)]
pub(in super::super) struct MadeView {
    view: View,
    namespace: OwnedFd,
}

/// The view of a component's latest step.
pub(in super::super) type LatestView = Mutex<Option<Arc<MadeView>>>;

impl MadeView {
    /// Make it. Blocks.
    pub(in super::super) fn new(view: View) -> Result<Self> {
        let make = || {
            view.make()?;
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            open(c"/proc/thread-self/ns/mnt", flags, Mode::empty())
        };
        // A namespace belongs to a thread, and this one is to keep its own.
        let made = thread::scope(|scope| {
            let making = thread::Builder::new().name("gg-view".into()).spawn_scoped(scope, make);
            making?.join().unwrap_or(Err(Errno::IO)).map_err(io::Error::from)
        });
        let namespace = made.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        Ok(Self { view, namespace })
    }

    /// Whether it is still what this one would be.
    pub(in super::super) fn is(&self, view: &View) -> bool {
        self.view == *view
    }

    /// Give the calling process this view. Allocates nothing and takes no lock.
    pub(in super::super) fn enter(&self) -> Result<()> {
        move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::Mount))
    }
}

impl View {
    /// The root folder with nothing but these folders, as far as they are there and in it.
    pub(in super::super) fn new(folders: &Folders) -> std::result::Result<Self, NulError> {
        let text = |path: &Path| CString::new(path.as_os_str().as_bytes());
        let mut this = Self { root: text(&folders.root)?, make: Vec::new(), kept: Vec::new() };
        let mut seen = Vec::<&Path>::new();
        for kept in &folders.kept {
            let inside = kept.path.strip_prefix(&folders.root).is_ok_and(|rest| rest != "");
            let again = seen.iter().any(|path| kept.path.starts_with(path));
            let Ok(found) = kept.path.metadata() else { continue };
            if !inside || again {
                continue;
            }
            seen.push(&kept.path);
            let is_folder = found.is_dir();
            let mut above: Vec<&Path> =
                kept.path.ancestors().skip(usize::from(!is_folder)).collect();
            above.retain(|path| *path != folders.root && path.starts_with(&folders.root));
            for path in above.into_iter().rev() {
                this.make.push(text(path)?);
            }
            let identity = (found.dev(), found.ino());
            let (path, writable) = (text(&kept.path)?, kept.writable);
            this.kept.push(Piece { path, writable, is_folder, identity });
        }
        Ok(this)
    }

    /// Give the calling thread this view, of its own.
    #[expect(unsafe_code, reason = "a part of the process is made the thread's own")]
    fn make(&self) -> Result<()> {
        // SAFETY: the mount namespace is no part of what Rust relies on; no files are shared or
        // taken apart.
        unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
        let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        mount_change(c"/", slave)?;
        self.put_back(&self.kept)?;
        mount_remount(self.root.as_c_str(), MountFlags::BIND | MountFlags::RDONLY, c"")
    }

    /// Take hold of all pieces, one in each call, before the innermost covers the root folder;
    /// then put them back on the way out.
    fn put_back(&self, pieces: &[Piece]) -> Result<()> {
        let Some((piece, others)) = pieces.split_first() else { return self.cover() };
        let path = piece.path.as_c_str();
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE
            | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
        let held = open_tree(CWD, path, flags)?;
        self.put_back(others)?;
        if !piece.is_folder {
            let create = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
            drop(open(path, create, Mode::from_raw_mode(0o600))?);
        }
        move_mount(&held, c"", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        if !piece.writable {
            mount_remount(path, MountFlags::BIND | MountFlags::RDONLY, c"")?;
        }
        Ok(())
    }

    /// Lay an empty file system over the root folder.
    fn cover(&self) -> Result<()> {
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount(c"gg-host", self.root.as_c_str(), c"tmpfs", flags, c"mode=0755,size=256k")?;
        for folder in &self.make {
            match mkdir(folder.as_c_str(), Mode::from_raw_mode(0o755)) {
                Err(Errno::EXIST) => {}
                made => made?,
            }
        }
        Ok(())
    }
}
