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
use rustix::process::{chroot, fchdir};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};
use std::ffi::{CStr, CString, NulError};
use std::fs::Metadata;
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
    /// Of the root folder that is covered.
    identity: Option<Identity>,
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
    identity: Identity,
}

/// The device and the number of a file: one that is removed and made again is another. A view
/// that is there holds its pieces, and gg-host files in its root folder, so that none of these
/// numbers passes on to another file meanwhile.
type Identity = (u64, u64);

/// A view that is there, for processes to enter.
#[derive(Debug)]
pub(in super::super) struct MadeView {
    view: View,
    namespace: OwnedFd,
    /// What is `/` in it.
    top: OwnedFd,
}

/// The view of a component's latest step.
pub(in super::super) type LatestView = Mutex<Option<Arc<MadeView>>>;

impl MadeView {
    /// Make it. Blocks.
    pub(in super::super) fn new(view: View) -> Result<Self> {
        let make = || {
            view.make()?;
            let open = |path: &CStr, flags| open(path, flags | OFlags::CLOEXEC, Mode::empty());
            Ok((open(c"/proc/thread-self/ns/mnt", OFlags::RDONLY)?, open(c"/", OFlags::PATH)?))
        };
        // A namespace belongs to a thread, and this one is to keep its own.
        let made = thread::scope(|scope| {
            let making = thread::Builder::new().name("gg-view".into()).spawn_scoped(scope, make);
            making?.join().unwrap_or(Err(Errno::IO)).map_err(io::Error::from)
        });
        let (namespace, top) =
            made.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        Ok(Self { view, namespace, top })
    }

    /// Whether it is still what this one would be.
    pub(in super::super) fn is(&self, view: &View) -> bool {
        self.view == *view
    }

    /// Give the calling process this view. Allocates nothing and takes no lock.
    pub(in super::super) fn enter(&self) -> Result<()> {
        move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::Mount))?;
        // That leads out of a root (`chroot`) in which gg-host itself may be.
        fchdir(&self.top)?;
        chroot(c".")
    }
}

impl View {
    /// The root folder with nothing but these folders, as far as they are there and in it.
    pub(in super::super) fn new(folders: &Folders) -> std::result::Result<Self, NulError> {
        let text = |path: &Path| CString::new(path.as_os_str().as_bytes());
        let identity = |found: &Metadata| (found.dev(), found.ino());
        let mut this = Self {
            root: text(&folders.root)?,
            identity: folders.root.metadata().ok().as_ref().map(identity),
            make: Vec::new(),
            kept: Vec::new(),
        };
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
            let (path, writable, identity) = (text(&kept.path)?, kept.writable, identity(&found));
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

#[cfg(test)]
mod tests {
    use super::super::Kept;
    use super::*;
    use rustix::mount::{mount_bind, mount_bind_recursive};
    use std::fs;

    #[test]
    #[expect(unsafe_code, reason = "a thread gets mounts of its own")]
    fn entering_a_view_does_not_lead_out_of_a_changed_root() {
        if !rustix::process::geteuid().is_root() {
            return eprintln!("skipped: needs root");
        }
        let temporary = tempfile::tempdir().unwrap();
        let changed = temporary.path();
        for folder in ["proc", "root/own", "root/others"] {
            fs::create_dir_all(changed.join(folder)).unwrap();
        }
        let inside = || {
            // SAFETY: this thread is the test's own, and shares no more than files that are open.
            unsafe { unshare_unsafe(UnshareFlags::NEWNS) }.unwrap();
            let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
            mount_change("/", slave).unwrap();
            mount_bind(changed, changed).unwrap();
            mount_bind_recursive("/proc", changed.join("proc")).unwrap();
            chroot(changed).unwrap();
            let own = Kept { path: "/root/own".into(), writable: true };
            let folders = Folders { root: "/root".into(), kept: vec![own] };
            MadeView::new(View::new(&folders).unwrap()).unwrap().enter().unwrap();
            ["/root/own", "/root/others", "/tmp"].map(|folder| Path::new(folder).exists())
        };
        let there = thread::scope(|scope| scope.spawn(inside).join().unwrap());
        assert_eq!(there, [true, false, false]);
    }
}
