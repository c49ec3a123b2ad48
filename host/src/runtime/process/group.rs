//! The processes of one step, all that came of it: in a cgroup, or, where there is none, found
//! by their session and the token in their environment.

use super::cgroup::StepCgroup;
use crate::metrics::Usage;
use crate::runtime::PauseError;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of an environment in which a mark is looked for.
const ENVIRONMENT: u64 = 1 << 20;

/// All processes of a step.
#[derive(Debug)]
pub(super) enum Group {
    Cgroup(Arc<StepCgroup>),
    Session(Session),
}

/// Processes of a session, and others that have its token.
pub(super) struct Session {
    pub(super) leader: Pid,
    /// The variable with the token.
    pub(super) token: String,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.leader.as_raw_pid())
    }
}

impl Group {
    /// Whether none is left.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Cgroup(cgroup) => cgroup.is_empty(),
            Self::Session(session) => session.find().is_empty(),
        }
    }

    /// Ask all to end.
    pub(super) fn terminate(&self) {
        match self {
            Self::Cgroup(cgroup) => cgroup.terminate(),
            Self::Session(session) => session.signal(Signal::TERM),
        }
    }

    /// End all that are there now. What they start meanwhile takes another call.
    pub(super) fn kill(&self) {
        match self {
            Self::Cgroup(cgroup) => cgroup.kill(),
            Self::Session(session) => session.signal(Signal::KILL),
        }
    }
}

impl Group {
    /// What the component uses that they are of.
    pub(super) fn usage(&self) -> Usage {
        match self {
            Self::Cgroup(cgroup) => {
                let usage = cgroup.component().usage();
                let processes = u64::try_from(usage.processes).ok();
                Usage { memory: usage.memory, cpu: usage.cpu, processes }
            }
            // What has ended is forgotten.
            Self::Session(session) => {
                let processes = session.find().into_iter();
                processes.map(|pid| Usage::of_process(Some(pid.as_raw_pid()))).sum()
            }
        }
    }

    /// Whether the component is halted.
    pub(super) fn is_frozen(&self) -> bool {
        match self {
            Self::Cgroup(cgroup) => cgroup.component().is_frozen(),
            Self::Session(_) => false,
        }
    }

    /// Halt the component, or let it go on.
    pub(super) fn set_frozen(&self, frozen: bool) -> Result<(), PauseError> {
        let Self::Cgroup(cgroup) = self else {
            return Err(PauseError::Unsupported(
                "native components can be paused only where gg-host can use cgroups",
            ));
        };
        let component = cgroup.component();
        if !frozen {
            component.thaw();
            return Ok(());
        }
        component.freeze().map_err(|error| {
            component.thaw();
            PauseError::Failed(format!("the kernel does not halt its processes: {error}"))
        })
    }
}

impl Session {
    fn find(&self) -> Vec<Pid> {
        processes().filter(|pid| self.has(*pid)).collect()
    }

    fn has(&self, pid: Pid) -> bool {
        session_of(pid) == Some(self.leader.as_raw_pid())
            || has_variable(pid, |entry| entry == self.token.as_bytes())
    }

    fn signal(&self, signal: Signal) {
        kill_those(self.find(), signal, |pid| self.has(pid));
    }
}

/// Send a signal to those of some processes that are still what they were.
pub(super) fn kill_those(found: Vec<Pid>, signal: Signal, still: impl Fn(Pid) -> bool) {
    for pid in found {
        // A number may have passed on to another process before it was held, and not after.
        let Ok(held) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
        if still(pid) {
            let _gone = pidfd_send_signal(held, signal);
        }
    }
}

/// All processes.
pub(super) fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

/// Whether a process that has not ended was started with a variable such as this.
pub(super) fn has_variable(pid: Pid, is_it: impl Fn(&[u8]) -> bool) -> bool {
    let Ok(file) = fs::File::open(file_of(pid, "environ")) else { return false };
    let mut bytes = Vec::new();
    // Of one that has ended, or is another user's, nothing is read.
    let _some = file.take(ENVIRONMENT).read_to_end(&mut bytes);
    bytes.split(|byte| *byte == 0).any(is_it)
}

/// The session of a process that has not ended.
fn session_of(pid: Pid) -> Option<i32> {
    session(&fs::read_to_string(file_of(pid, "stat")).ok()?)
}

fn file_of(pid: Pid, file: &str) -> PathBuf {
    Path::new("/proc").join(pid.as_raw_pid().to_string()).join(file)
}

/// `pid (name) state parent group session …`; the name may hold anything.
fn session(stat: &str) -> Option<i32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if ["Z", "X"].contains(&state) { None } else { fields.nth(2)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    #[test]
    fn a_name_cannot_pretend_to_be_more_fields() {
        assert_eq!(session("12 (a) R 1 2 3) S 10 11 12 0 -1"), Some(12));
        assert_eq!(session("12 (sh) Z 10 11 12 0 -1"), None, "it has ended");
        assert_eq!(session("12 (sh"), None);
        assert_eq!(session(""), None);
    }

    #[test]
    fn a_process_is_found_by_its_environment() {
        let own = rustix::process::getpid();
        assert!(processes().any(|pid| pid == own));
        assert!(has_variable(own, |entry| entry.starts_with(b"PATH=")));
        assert!(!has_variable(own, |entry| entry == b"NO_SUCH=variable"));
    }

    #[test]
    fn without_cgroups_a_step_is_measured_by_its_processes_and_not_halted() {
        let mark = format!("GG_TEST_MARK={}", std::process::id());
        let (name, value) = mark.split_once('=').unwrap();
        let mut child = Command::new("cat")
            .env(name, value)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let leader = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let group = Group::Session(Session { leader, token: mark });
        let usage = group.usage();
        assert!(usage.memory.unwrap() > 0 && usage.cpu.is_some(), "{usage:?}");
        assert_eq!(usage.processes, Some(1));
        assert!(matches!(group.set_frozen(true), Err(PauseError::Unsupported(_))));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(group.usage(), Usage::default());
    }

    #[test]
    fn a_session_has_the_number_of_its_leader() {
        // Of this program's own session the leader may be outside of what it can see.
        let mut leader = Command::new("setsid")
            .arg("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        leader.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        leader.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let pid = i32::try_from(leader.id()).unwrap();
        assert_eq!(session_of(Pid::from_raw(pid).unwrap()), Some(pid));
        leader.kill().unwrap();
        leader.wait().unwrap();
    }
}
