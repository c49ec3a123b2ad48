//! Makes a process: everything is prepared here, so that little is left to do between the moment
//! it exists and the moment it runs its program.
//!
//! A copy of gg-host (`fork`) would have to copy its page tables, which takes milliseconds with
//! the memory of many sandboxes. So the child borrows gg-host's memory until it runs its own
//! program, as `posix_spawn` does it, which knows nothing of cgroups or users.

use super::cgroup::StepCgroup;
use super::harden::{Confinement, capabilities, landlock};
use rustix::fs::Mode;
use rustix::io::{Errno, Result};
use rustix::process::{Pid, WaitId, WaitIdOptions, chdir, setsid, umask, waitid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::thread::{
    Gid, Uid, set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};
use std::convert::Infallible;
use std::ffi::{CString, c_char, c_int, c_void};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::ptr;
use std::sync::Arc;

/// The child's stack until it runs its program, in pieces of 16 bytes: 64 KiB.
const STACK: usize = 4096;

/// The highest signal.
const SIGNALS: c_int = 64;

/// Everything a process is made of.
pub(super) struct Plan {
    pub(super) program: CString,
    /// The program's name among them.
    pub(super) arguments: Vec<CString>,
    pub(super) environment: Vec<CString>,
    pub(super) folder: CString,
    /// Standard input, output and error.
    pub(super) streams: [OwnedFd; 3],
    pub(super) cgroup: Option<Arc<StepCgroup>>,
    /// Who it runs as, where that is not who gg-host runs as.
    pub(super) identity: Option<Identity>,
    pub(super) confinement: Option<Confinement>,
}

/// A user and its groups.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) uid: Uid,
    pub(super) gid: Gid,
    pub(super) groups: Vec<Gid>,
}

/// A process that was made.
#[derive(Debug)]
pub(super) struct Spawned {
    pub(super) pid: Pid,
    /// Readable when it has ended.
    pub(super) held: OwnedFd,
}

/// What was being done when it could not be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    Cgroup,
    Session,
    View,
    Streams,
    Landlock,
    Capabilities,
    User,
    Folder,
    Filter,
    Program,
    /// The process itself.
    Process,
}

/// Why a process could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot {stage}: {error}")]
pub(super) struct SpawnError {
    pub(super) stage: Stage,
    pub(super) error: Errno,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cgroup => "join its cgroup",
            Self::Session => "begin a session",
            Self::View => "hide the root folder",
            Self::Streams => "connect its output",
            Self::Landlock => "enter its Landlock domain",
            Self::Capabilities => "give up root's capabilities",
            Self::User => "change to its user",
            Self::Folder => {
                "enter its work folder, which its user must be able to reach (`chmod o+x` the \
                 folders above)"
            }
            Self::Filter => "filter its system calls",
            Self::Program => "run the shell",
            Self::Process => "make a process",
        })
    }
}

/// Make a process, and wait until it runs its program. Blocks.
///
/// # Errors
/// What could not be done; there is no process then.
#[expect(unsafe_code, reason = "the standard library cannot do without a copy of the process")]
pub(super) fn spawn(plan: &Plan) -> std::result::Result<Spawned, SpawnError> {
    let arguments = pointers(&plan.arguments);
    let environment = pointers(&plan.environment);
    let bound = capabilities::is_thread_bound();
    let mut child =
        Child { plan, arguments: &arguments, environment: &environment, bound, failed: None };
    let mut stack = vec![0_u128; STACK];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut held: c_int = -1;
    let quiet = Quiet::begin();
    // SAFETY: the child shares this memory, so what it may do is as much our business as its.
    // - This thread is halted until the child has ended or runs another program (CLONE_VFORK), so
    //   that `child`, the plan and the stack outlive it and nobody else uses them meanwhile, and
    //   the thread's own storage (errno) is not used by both at a time.
    // - Other threads run on. The child takes no lock, allocates and frees nothing, and calls
    //   nothing that does: it only makes system calls (see `Child::run`). It changes nothing but
    //   `child.failed`, its stack and errno.
    // - Of signals, it blocks all until no handler of this program is left (`Quiet`,
    //   `default_signals`), so that none of them runs in it.
    // - Users and powers are set by system calls of its own, not by libc, which would set them
    //   for all threads that it believes to have. The kernel then marks the memory as not to be
    //   traced or dumped, so that a process of the new user cannot reach it through the child;
    //   the mark stays with gg-host, which as root has secrets in its memory anyway.
    // - The stack's end is aligned to 16 bytes and 64 KiB are plenty for this shallow code. It
    //   cannot unwind out of `enter`, which is `extern "C"`.
    let pid = unsafe {
        libc::clone(
            enter,
            stack.as_mut_ptr().add(STACK).cast(),
            flags,
            (&raw mut child).cast(),
            &raw mut held,
        )
    };
    drop(quiet);
    let process = |error| SpawnError { stage: Stage::Process, error };
    if pid < 0 {
        return Err(process(last_error()));
    }
    let pid = Pid::from_raw(pid).ok_or_else(|| process(Errno::SRCH))?;
    // SAFETY: the kernel has just opened it for us.
    let held = unsafe { OwnedFd::from_raw_fd(held) };
    match child.failed {
        None => Ok(Spawned { pid, held }),
        Some((stage, error)) => {
            // It ends without more ado.
            let _nobody_else_waits = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
            Err(SpawnError { stage, error })
        }
    }
}

/// What the child works with. It lives in the parent's memory.
struct Child<'a> {
    plan: &'a Plan,
    arguments: &'a [*const c_char],
    environment: &'a [*const c_char],
    /// Whether it has nothing to give up of what a program could get back.
    bound: bool,
    failed: Option<(Stage, Errno)>,
}

/// Where the child begins.
#[expect(unsafe_code, reason = "the kernel passes on an address")]
extern "C" fn enter(child: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes the address of a `Child` that nobody uses before this has ended.
    let child = unsafe { &mut *child.cast::<Child<'_>>() };
    let Err(failed) = child.run();
    child.failed = Some(failed);
    // SAFETY: ends the child alone, without the parent's clean-up.
    unsafe { libc::_exit(127) }
}

impl Child<'_> {
    /// Become the program. Only system calls: no allocation, no lock, no panic.
    fn run(&self) -> std::result::Result<Infallible, (Stage, Errno)> {
        let plan = self.plan;
        let at = |stage| move |error| (stage, error);
        // First, so that nothing it does escapes.
        if let Some(cgroup) = &plan.cgroup {
            cgroup.join().map_err(at(Stage::Cgroup))?;
        }
        setsid().map_err(at(Stage::Session))?;
        if let Some(view) = plan.confinement.as_ref().and_then(|all| all.view.as_ref()) {
            view.enter().map_err(at(Stage::View))?;
        }
        self.streams().map_err(at(Stage::Streams))?;
        if let Some(confinement) = &plan.confinement {
            set_no_new_privs(true).map_err(at(Stage::Capabilities))?;
            if let Some(domain) = &confinement.domain {
                landlock::enter(domain).map_err(at(Stage::Landlock))?;
            }
            if !self.bound {
                capabilities::bound().map_err(at(Stage::Capabilities))?;
            }
        }
        if let Some(identity) = &plan.identity {
            identity.assume().map_err(at(Stage::User))?;
        }
        if plan.confinement.is_some() {
            capabilities::give_up().map_err(at(Stage::Capabilities))?;
        }
        umask(Mode::from_raw_mode(0o022));
        chdir(plan.folder.as_c_str()).map_err(at(Stage::Folder))?;
        if let Some(filter) = plan.confinement.as_ref().and_then(|all| all.filter.as_ref()) {
            filter.install().map_err(at(Stage::Filter))?;
        }
        default_signals();
        Err((Stage::Program, self.program()))
    }

    fn streams(&self) -> Result<()> {
        let [input, output, error] = &self.plan.streams;
        dup2_stdin(input)?;
        dup2_stdout(output)?;
        dup2_stderr(error)?;
        close_others();
        Ok(())
    }

    #[expect(unsafe_code, reason = "no safe wrapper takes prepared lists")]
    fn program(&self) -> Errno {
        let (arguments, environment) = (self.arguments.as_ptr(), self.environment.as_ptr());
        // SAFETY: the lists end with a null, and all strings outlive the call.
        unsafe { libc::execve(self.plan.program.as_ptr(), arguments, environment) };
        last_error()
    }
}

impl Identity {
    fn assume(&self) -> Result<()> {
        set_thread_groups(&self.groups)?;
        set_thread_res_gid(self.gid, self.gid, self.gid)?;
        set_thread_res_uid(self.uid, self.uid, self.uid)
    }
}

/// What gg-host was started with open goes no further; its own files do not anyway.
#[expect(unsafe_code, reason = "no safe wrapper closes what it does not own")]
fn close_others() {
    // SAFETY: marks files of the child, whose table is its own. Older kernels lack the call.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// All signals do what they do by default, and none is blocked.
#[expect(unsafe_code, reason = "libc keeps some signals to itself")]
fn default_signals() {
    // As large as the kernel's `struct sigaction` is anywhere; zeroes are SIG_DFL and no more.
    let default = [0_u64; 4];
    let none = 0_u64;
    let size = size_of_val(&none);
    // SAFETY: the kernel reads no more than what is there. Handlers are the child's own, since it
    // shares no more than memory; those that must not be changed are refused.
    unsafe {
        for signal in 1..=SIGNALS {
            let before = ptr::null_mut::<c_void>();
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), before, size);
        }
        let before = ptr::null_mut::<c_void>();
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, before, size);
    }
}

/// While it lives, this thread gets no signal.
struct Quiet(libc::sigset_t);

impl Quiet {
    #[expect(unsafe_code, reason = "signals have no safe interface")]
    fn begin() -> Self {
        // SAFETY: both sets are on the stack; zeroes are valid sets.
        unsafe {
            let mut all: libc::sigset_t = MaybeUninit::zeroed().assume_init();
            let mut before = all;
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self(before)
        }
    }
}

impl Drop for Quiet {
    #[expect(unsafe_code, reason = "signals have no safe interface")]
    fn drop(&mut self) {
        // SAFETY: the set is one that the kernel gave.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
    }
}

/// Why a system call made through libc failed.
pub(super) fn last_error() -> Errno {
    let errno = io::Error::last_os_error().raw_os_error();
    errno.map_or(Errno::IO, Errno::from_raw_os_error)
}

/// Addresses of strings, with a null at the end.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}
