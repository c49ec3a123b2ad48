//! What keeps a component's process from the rest of the machine, unless its step asks for
//! `RequiresPrivilege`.
//!
//! - It gets no power by starting a program (`no_new_privs`), has none of root's
//!   ([`capabilities`]), and is refused the system calls that no component needs ([`seccomp`]).
//! - Of gg-host's root folder it sees its own work folder, its artifacts, what a dependency
//!   shares, and the socket of IPC. It may not read the work folders of others, although they may
//!   have the same user, nor the store, secrets or keys. As root, gg-host gives it a view of its
//!   own ([`view`]), which hides the folder as a whole and nothing else. Landlock alone
//!   ([`landlock`]) could not: it would hide as well what is made later beside the root folder.
//!   It is what is left to a gg-host that is not root.
//! - It cannot look into the processes of other components ([`landlock`]), also of the same user.
//!
//! Where the kernel or gg-host's rights lack one of these, components run without it, and the
//! operator is told once.

pub(super) mod capabilities;
pub(super) mod landlock;
pub(super) mod seccomp;
pub(super) mod view;

use super::spawn::{SpawnError, Stage, last_error};
use super::user::User;
use crate::tasks::BlockingThreads;
use ::landlock::RulesetError;
use rustix::io::{Errno, Result};
use rustix::process::geteuid;
use seccomp::Filter;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use view::{LatestView, MadeView, View};

/// What a process is confined by.
#[derive(Debug)]
pub(super) struct Confinement {
    pub(super) view: Option<Arc<MadeView>>,
    pub(super) domain: Option<Arc<OwnedFd>>,
    pub(super) filter: Option<Arc<Filter>>,
}

/// The root folder, and what of it a component may use.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    pub(super) root: PathBuf,
    pub(super) kept: Vec<Kept>,
}

/// A folder or a socket that a component may use.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) path: PathBuf,
    pub(super) writable: bool,
}

/// What this kernel and gg-host's rights provide.
#[derive(Debug)]
pub(super) struct Harden {
    filter: Option<Arc<Filter>>,
    /// The domain of those from whom the root folder is hidden otherwise.
    apart: OnceLock<Option<Arc<OwnedFd>>>,
    /// Where confined processes are made, where that is not everywhere.
    threads: OnceLock<Option<BlockingThreads>>,
    /// What is known to be lacking, in the order of [`What`].
    lacks: [AtomicBool; 6],
}

/// What may be lacking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum What {
    Cgroups,
    Filter,
    Hiding,
    Landlock,
    Pids,
    View,
}

impl What {
    pub(super) fn consequence(self) -> &'static str {
        match self {
            Self::Cgroups => {
                "no cgroups: native components have no limits, and a process that hides well \
                 outlives its component; start gg-host as root, or delegate a cgroup to it"
            }
            Self::Filter => "no seccomp: native components may make all system calls",
            Self::Hiding => {
                "native components can read all of the root folder that its modes let them, since \
                 they can write to a folder above it; move it below /var/lib, for example"
            }
            Self::Landlock => {
                "no Landlock: native components of one user can look into one another; it takes \
                 Linux 5.19 and `landlock` among the kernel's `lsm=`"
            }
            Self::Pids => "no limit of processes: a native component can start as many as it likes",
            Self::View => {
                "no mount namespaces: the root folder is hidden from native components by Landlock \
                 only, if at all"
            }
        }
    }
}

impl Harden {
    pub(super) fn new() -> Self {
        Self {
            filter: Filter::new().map(Arc::new),
            apart: OnceLock::new(),
            threads: OnceLock::new(),
            lacks: Default::default(),
        }
    }

    /// Everything there is for a process of a user. Blocks.
    ///
    /// # Errors
    /// A view cannot be made now.
    pub(super) fn confinement(
        &self,
        folders: &Folders,
        user: &User,
        latest: &LatestView,
    ) -> std::result::Result<Confinement, SpawnError> {
        let view = self.view(folders, latest)?;
        let domain = self.domain(folders, user, view.is_some());
        if self.filter.is_none() {
            self.lack(What::Filter, &"none for this architecture");
        }
        let filter = self.filter.clone().filter(|_| self.has(What::Filter));
        Ok(Confinement { view, domain, filter })
    }

    /// The threads on which the making of confined processes takes least.
    pub(super) fn threads(&self) -> Option<&BlockingThreads> {
        let make = || BlockingThreads::new("gg-confined", capabilities::bind_thread).ok();
        self.threads.get_or_init(make).as_ref()
    }

    /// The view of the latest step, or a new one if that shows what is no longer there.
    fn view(
        &self,
        folders: &Folders,
        latest: &LatestView,
    ) -> std::result::Result<Option<Arc<MadeView>>, SpawnError> {
        if !geteuid().is_root() || !self.has(What::View) {
            return Ok(None);
        }
        let Ok(view) = View::new(folders) else { return Ok(None) };
        let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.as_ref().is_none_or(|made| !made.is(&view)) {
            match MadeView::new(view) {
                Ok(made) => *latest = Some(Arc::new(made)),
                Err(error) if self.go_without(Stage::View, error) => return Ok(None),
                Err(error) => return Err(SpawnError { stage: Stage::View, error }),
            }
        }
        Ok(latest.clone())
    }

    fn domain(&self, folders: &Folders, user: &User, hidden: bool) -> Option<Arc<OwnedFd>> {
        if !self.has(What::Landlock) {
            return None;
        }
        if !hidden && landlock::can_write_above(&folders.root, user.uid, &user.groups) {
            self.lack(What::Hiding, &folders.root.display());
        } else if !hidden {
            return self.made(landlock::hiding(folders));
        }
        self.apart.get_or_init(|| self.made(landlock::apart())).clone()
    }

    fn made(
        &self,
        domain: std::result::Result<Option<OwnedFd>, RulesetError>,
    ) -> Option<Arc<OwnedFd>> {
        match domain {
            Ok(Some(domain)) => return Some(Arc::new(domain)),
            Ok(None) => self.lack(What::Landlock, &"not in this kernel"),
            Err(error) => self.lack(What::Landlock, &error),
        }
        None
    }

    /// Whether there is a point in trying.
    pub(super) fn has(&self, what: What) -> bool {
        !self.lacks[what as usize].load(Ordering::Relaxed)
    }

    /// A process could not be made at this stage: whether to try again without.
    pub(super) fn go_without(&self, stage: Stage, error: Errno) -> bool {
        let what = match stage {
            Stage::Cgroup => What::Cgroups,
            Stage::Filter => What::Filter,
            Stage::Landlock => What::Landlock,
            Stage::View => What::View,
            _ => return false,
        };
        if is_lack(error) {
            self.lack(what, &error);
        }
        is_lack(error)
    }

    /// What was made, or nothing where it cannot be made at all.
    pub(super) fn or_without<T>(&self, what: What, made: io::Result<T>) -> io::Result<Option<T>> {
        match made {
            Ok(made) => Ok(Some(made)),
            Err(error) if Errno::from_io_error(&error).is_none_or(is_lack) => {
                self.lack(what, &error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// There is no such thing; said once.
    pub(super) fn lack(&self, what: What, why: &dyn fmt::Display) {
        if !self.lacks[what as usize].swap(true, Ordering::Relaxed) {
            tracing::warn!(%why, "{}", what.consequence());
        }
    }
}

/// Whether an error means that something is lacking. Anything else is a matter of the moment, which
/// must not open a door for good.
fn is_lack(error: Errno) -> bool {
    let lack = [
        Errno::ACCESS,
        Errno::INVAL,
        Errno::NODEV,
        Errno::NOSYS,
        Errno::OPNOTSUPP,
        Errno::PERM,
        Errno::ROFS,
    ];
    lack.contains(&error)
}

/// The result of a system call made through libc.
fn checked(returned: libc::c_long) -> Result<()> {
    if returned == 0 { Ok(()) } else { Err(last_error()) }
}
