//! Version 1 of cgroups: a tree for each controller. All of them have a folder for a component;
//! the folders of its steps are only in one, which keeps track of processes.

use super::files::{PERIOD, around, make, number, open, quota, write, write_limit};
use super::mounts::Mounts;
use super::{DEFAULT_PIDS, Layout, PATIENCE, Usage};
use crate::component::Resources;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Those that can keep track, the best first: it can halt what it kills.
const TRACKERS: [&str; 3] = ["freezer", "pids", "memory"];

/// All that are used.
const CONTROLLERS: [&str; 5] = ["freezer", "pids", "memory", "cpu", "cpuacct"];

#[derive(Debug)]
pub(super) struct V1 {
    /// gg-host's folder in each tree; the first one keeps track.
    bases: Vec<(&'static str, PathBuf)>,
}

impl V1 {
    pub(super) fn open(mounts: &Mounts, name: &str) -> io::Result<Self> {
        let mut bases = Vec::<(&str, PathBuf)>::new();
        for controller in CONTROLLERS {
            let mut places = mounts.v1(controller, name).into_iter();
            if let Some(base) = places.find(|base| make(base).is_ok()) {
                bases.push((controller, base));
            }
        }
        match bases.first() {
            Some((first, _)) if TRACKERS.contains(first) => Ok(Self { bases }),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn base(&self, controller: &str) -> Option<&PathBuf> {
        self.bases.iter().find(|(name, _)| *name == controller).map(|(_, base)| base)
    }

    fn tracker(&self) -> &PathBuf {
        &self.bases[0].1
    }

    /// A file of a component, where the controller is there.
    fn file(&self, controller: &str, component: &str, file: &str) -> Option<PathBuf> {
        self.base(controller).map(|base| base.join(component).join(file))
    }

    /// Write a limit; `None`: this kernel does not have it.
    fn set(
        &self,
        controller: &str,
        component: &str,
        file: &str,
        value: &str,
    ) -> io::Result<Option<()>> {
        self.file(controller, component, file).map_or(Ok(None), |path| write_limit(&path, value))
    }

    /// Memory with swap is never less than without, so that the way there depends on where it
    /// begins.
    fn limit_memory(&self, component: &str, value: &str) -> io::Result<Option<()>> {
        let both = "memory.memsw.limit_in_bytes";
        let _if_less = self.set("memory", component, both, value);
        let set = self.set("memory", component, "memory.limit_in_bytes", value)?;
        self.set("memory", component, both, value)?;
        Ok(set)
    }
}

impl Layout for V1 {
    fn version(&self) -> u8 {
        1
    }

    fn create(&self, component: &str) -> io::Result<()> {
        for (_, base) in &self.bases {
            make(&base.join(component))?;
        }
        Ok(())
    }

    fn create_step(&self, group: &str) -> io::Result<()> {
        make(&self.tracker().join(group))
    }

    /// `tasks` instead of `cgroup.procs`: a process of one thread that moves itself needs no lock
    /// that stops all others.
    fn door(&self, group: &str) -> io::Result<File> {
        open(&self.tracker().join(group).join("tasks"))
    }

    fn doors(&self, component: &str) -> io::Result<Vec<File>> {
        // Controllers that are mounted together share a folder.
        let mut bases: Vec<&PathBuf> = Vec::new();
        for (_, base) in &self.bases[1..] {
            if base != self.tracker() && !bases.contains(&base) {
                bases.push(base);
            }
        }
        bases.iter().map(|base| open(&base.join(component).join("tasks"))).collect()
    }

    fn folder(&self, group: &str) -> PathBuf {
        self.tracker().join(group)
    }

    fn limit(&self, component: &str, resources: &Resources) -> io::Result<Vec<&'static str>> {
        let mut missing = Vec::new();
        let memory = resources.memory.map_or_else(|| "-1".to_owned(), |bytes| bytes.to_string());
        if self.limit_memory(component, &memory)?.is_none() && resources.memory.is_some() {
            missing.push("memory");
        }
        self.set("cpu", component, "cpu.cfs_period_us", &PERIOD.to_string())?;
        let cpu = resources.cpus.map_or_else(|| "-1".to_owned(), |cpus| quota(cpus).to_string());
        if self.set("cpu", component, "cpu.cfs_quota_us", &cpu)?.is_none()
            && resources.cpus.is_some()
        {
            missing.push("cpus");
        }
        let pids = resources.pids.unwrap_or(DEFAULT_PIDS);
        if self.set("pids", component, "pids.max", &pids.to_string())?.is_none() {
            missing.push("pids");
        }
        Ok(missing)
    }

    fn freeze(&self, group: &str) -> io::Result<()> {
        let Some(base) = self.base("freezer") else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let state = base.join(group).join("freezer.state");
        write(&state, "FROZEN")?;
        // Soon, unless one is in the middle of something in the kernel.
        for _ in 0..PATIENCE {
            if fs::read_to_string(&state)?.trim() == "FROZEN" {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    fn thaw(&self, group: &str) {
        let Some(base) = self.base("freezer") else { return };
        for group in around(base, group) {
            let _gone = write(&base.join(group).join("freezer.state"), "THAWED");
        }
    }

    fn kill(&self, _group: &str) -> bool {
        false
    }

    fn usage(&self, component: &str) -> Usage {
        let read = |controller, file| number(&self.file(controller, component, file)?, "");
        Usage {
            memory: read("memory", "memory.usage_in_bytes"),
            cpu: read("cpuacct", "cpuacct.usage").map(Duration::from_nanos),
            processes: 0,
        }
    }

    fn out_of_memory(&self, component: &str) -> u64 {
        let file = self.file("memory", component, "memory.oom_control");
        file.and_then(|file| number(&file, "oom_kill")).unwrap_or_default()
    }

    fn remove(&self, group: &str) {
        // Those of steps are only where track is kept.
        let count = if group.contains('/') { 1 } else { self.bases.len() };
        for (_, base) in &self.bases[..count] {
            let _busy = fs::remove_dir(base.join(group));
        }
    }
}
