//! Cgroups: what holds a component's processes together, limits what they use and lets none of
//! them escape.
//!
//! Below a folder `gg-host-<mark of the root folder>` each component has a cgroup, which carries
//! its limits, and in it one for each of its steps that run, by which those are ended. Both
//! versions of cgroups do ([`v1`], [`v2`]); a process joins before it becomes the component's
//! program, so that there is no moment at which it could fork away.

mod files;
mod mounts;
mod v1;
mod v2;

#[cfg(test)]
mod tests;

use crate::component::Resources;
use files::folders;
use mounts::Mounts;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use v1::V1;
use v2::V2;

/// Processes and threads of a component for which no limit is set: a fork bomb ends here.
const DEFAULT_PIDS: u64 = 4096;

/// Milliseconds that processes may take to halt.
const PATIENCE: u32 = 100;

/// Processes that are held at the same time while they are sent a signal.
const AT_ONCE: usize = 64;

/// What a component uses now, as far as the kernel counts it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processor time so far.
    pub cpu: Option<Duration>,
    /// Processes.
    pub processes: usize,
}

/// The files of one version of cgroups. A group is a path below gg-host's folder.
trait Layout: fmt::Debug + Send + Sync {
    /// Which version.
    fn version(&self) -> u8;

    /// Make a component's group, with everything that can be limited.
    fn create(&self, component: &str) -> io::Result<()>;

    /// Make a group in it, for a step.
    fn create_step(&self, group: &str) -> io::Result<()>;

    /// The file that a process writes `0` to in order to join a step's group.
    fn door(&self, group: &str) -> io::Result<File>;

    /// The other files that it writes to for that, the component's.
    fn doors(&self, component: &str) -> io::Result<Vec<File>>;

    /// The folder whose `cgroup.procs` lists the group's processes.
    fn folder(&self, group: &str) -> PathBuf;

    /// Set a component's limits; gives those that this kernel does not keep.
    fn limit(&self, component: &str, resources: &Resources) -> io::Result<Vec<&'static str>>;

    /// Halt all processes of a group.
    fn freeze(&self, group: &str) -> io::Result<()>;

    /// Let all processes of a group go on, whether it was halted itself, or something in it, or
    /// the component it belongs to.
    fn thaw(&self, group: &str);

    /// Kill all processes of a group at once; whether this kernel can.
    fn kill(&self, group: &str) -> bool;

    /// Memory and processor time of a component.
    fn usage(&self, component: &str) -> Usage;

    /// How many processes of a component were ended because it had no memory left.
    fn out_of_memory(&self, component: &str) -> u64;

    /// Remove a group; those in it are gone.
    fn remove(&self, group: &str);
}

/// The cgroups of one gg-host. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Cgroups(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    layout: Box<dyn Layout>,
    /// Who uses each component's group; it goes with the last of them.
    users: Mutex<BTreeMap<String, Users>>,
}

#[derive(Debug, Default)]
struct Users {
    count: usize,
    /// The component is halted.
    halted: bool,
}

impl Cgroups {
    /// Those in a folder of this name, in the version that can limit most.
    ///
    /// # Errors
    /// Why there can be none.
    pub(super) fn open(name: &str) -> io::Result<Self> {
        fn boxed(layout: impl Layout + 'static) -> Box<dyn Layout> {
            Box::new(layout)
        }
        let found = Mounts::read()?;
        let v1 = || V1::open(&found, name).map(boxed);
        let v2 = || V2::open(&found, name).map(boxed);
        let layout =
            if found.v2_limits() { v2().or_else(|_| v1()) } else { v1().or_else(|_| v2()) };
        Ok(Self::with(layout?))
    }

    fn with(layout: Box<dyn Layout>) -> Self {
        Self(Arc::new(Shared { layout, users: Mutex::default() }))
    }

    /// Which version of cgroups they are of.
    pub(super) fn version(&self) -> u8 {
        self.0.layout.version()
    }

    /// Whether an earlier gg-host with this name left something.
    pub(super) fn left_behind(name: &str) -> bool {
        let found = Mounts::read().unwrap_or_default();
        found.places(name).iter().any(|place| place.exists())
    }

    /// A component's cgroup; it stays while somebody has it.
    pub(super) fn component(&self, name: &str) -> io::Result<Cgroup> {
        let mut users = self.0.users();
        self.0.layout.create(name)?;
        self.member(name, &mut users)
    }

    /// The cgroup of a component that has one now.
    pub(super) fn find(&self, name: &str) -> Option<Cgroup> {
        let mut users = self.0.users();
        users.get(name)?;
        self.member(name, &mut users).ok()
    }

    fn member(&self, name: &str, users: &mut BTreeMap<String, Users>) -> io::Result<Cgroup> {
        let doors = self.0.layout.doors(name)?;
        users.entry(name.to_owned()).or_default().count += 1;
        Ok(Cgroup(Arc::new(Member { shared: Arc::clone(&self.0), name: name.to_owned(), doors })))
    }

    /// Kill everything in them now.
    pub(super) fn kill(&self) {
        self.0.kill("");
    }

    /// How many processes are in them.
    pub(super) fn count(&self) -> usize {
        self.0.processes("").len()
    }

    /// Remove what is in them, once it is empty.
    pub(super) fn clear(&self) {
        let users = self.0.users();
        for component in folders(&self.0.layout.folder("")) {
            if !users.contains_key(&component) {
                self.0.remove_all(&component);
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.layout.remove("");
    }
}

impl Shared {
    fn users(&self) -> MutexGuard<'_, BTreeMap<String, Users>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The processes in a group and below. One that ends meanwhile may be missing.
    fn processes(&self, group: &str) -> Vec<Pid> {
        fn collect(folder: &Path, found: &mut Vec<Pid>) {
            let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            // 0 is a process that is not to be seen from here, and so none of ours.
            found.extend(text.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)));
            for below in folders(folder) {
                collect(&folder.join(below), found);
            }
        }
        let mut found = Vec::new();
        collect(&self.layout.folder(group), &mut found);
        found
    }

    /// Kill what is in a group now. What forks meanwhile is found by the next call.
    fn kill(&self, group: &str) {
        if self.layout.kill(group) {
            return;
        }
        // What is halted cannot fork.
        let _goes_on = self.layout.freeze(group);
        self.signal(group, Signal::KILL);
        self.layout.thaw(group);
    }

    /// Send a signal to each process of a group.
    fn signal(&self, group: &str, signal: Signal) {
        for some in self.processes(group).chunks(AT_ONCE) {
            let hold = |process| Some((process, pidfd_open(process, PidfdFlags::empty()).ok()?));
            let held: Vec<_> = some.iter().copied().filter_map(hold).collect();
            // A number may have passed on to another process before it was held, and not after.
            let still = self.processes(group);
            for (_, process) in held.iter().filter(|(process, _)| still.contains(process)) {
                let _gone = pidfd_send_signal(process, signal);
            }
        }
    }

    fn remove_all(&self, component: &str) {
        for step in folders(&self.layout.folder(component)) {
            self.layout.remove(&format!("{component}/{step}"));
        }
        self.layout.remove(component);
    }
}

/// The cgroup of one component. Cheap to clone.
#[derive(Clone)]
pub struct Cgroup(Arc<Member>);

struct Member {
    shared: Arc<Shared>,
    name: String,
    doors: Vec<File>,
}

impl Cgroup {
    /// Set its limits, which hold from now on; gives the names of those that this kernel cannot
    /// keep.
    ///
    /// # Errors
    /// The kernel refuses one, such as less memory than is in use and cannot be freed.
    pub fn limit(&self, resources: &Resources) -> io::Result<Vec<&'static str>> {
        self.0.shared.layout.limit(&self.0.name, resources)
    }

    /// Halt all its processes.
    ///
    /// # Errors
    /// The kernel cannot.
    pub fn freeze(&self) -> io::Result<()> {
        self.set_halted(true);
        self.0.shared.layout.freeze(&self.0.name)
    }

    /// Let them go on.
    pub fn thaw(&self) {
        self.0.shared.layout.thaw(&self.0.name);
        self.set_halted(false);
    }

    /// Whether they are halted.
    pub fn is_frozen(&self) -> bool {
        self.0.shared.users().get(&self.0.name).is_some_and(|users| users.halted)
    }

    /// Gives what it was before.
    fn set_halted(&self, halted: bool) -> bool {
        let mut users = self.0.shared.users();
        let users = users.get_mut(&self.0.name);
        users.is_some_and(|users| std::mem::replace(&mut users.halted, halted))
    }

    /// What it uses.
    pub fn usage(&self) -> Usage {
        let processes = self.0.shared.processes(&self.0.name).len();
        Usage { processes, ..self.0.shared.layout.usage(&self.0.name) }
    }

    /// How many of its processes were ended because it had no memory left.
    pub fn out_of_memory(&self) -> u64 {
        self.0.shared.layout.out_of_memory(&self.0.name)
    }

    /// A cgroup in it, for the processes of one step. That ends a halt: the process would be
    /// halted on its way.
    pub(super) fn step(&self, name: &str) -> io::Result<StepCgroup> {
        if self.set_halted(false) {
            self.thaw();
        }
        let path = format!("{}/{name}", self.0.name);
        self.0.shared.layout.create_step(&path)?;
        let door = self.0.shared.layout.door(&path)?;
        Ok(StepCgroup { component: self.clone(), path, door })
    }
}

impl fmt::Debug for Cgroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cgroup({})", self.0.name)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut users = self.shared.users();
        let left = users.get_mut(&self.name).map(|users| {
            users.count -= 1;
            users.count
        });
        if left == Some(0) {
            users.remove(&self.name);
            self.shared.layout.remove(&self.name);
        }
    }
}

/// The cgroup of one step that runs; removed when dropped.
#[derive(Debug)]
pub(super) struct StepCgroup {
    component: Cgroup,
    path: String,
    door: File,
}

impl StepCgroup {
    /// Move the calling process, of one thread, into it. Allocates nothing and takes no lock.
    pub(super) fn join(&self) -> rustix::io::Result<()> {
        for door in self.component.0.doors.iter().chain([&self.door]) {
            rustix::io::write(door, b"0")?;
        }
        Ok(())
    }

    /// The component's.
    pub(super) fn component(&self) -> &Cgroup {
        &self.component
    }

    /// Whether no process is left in it.
    pub(super) fn is_empty(&self) -> bool {
        self.shared().processes(&self.path).is_empty()
    }

    /// Kill what is in it now.
    pub(super) fn kill(&self) {
        self.shared().kill(&self.path);
    }

    /// Ask each of its processes to end. One that is halted could not.
    pub(super) fn terminate(&self) {
        self.shared().signal(&self.path, Signal::TERM);
        self.shared().layout.thaw(&self.path);
    }

    fn shared(&self) -> &Shared {
        &self.component.0.shared
    }
}

impl Drop for StepCgroup {
    fn drop(&mut self) {
        self.shared().layout.remove(&self.path);
    }
}
