//! Version 2 of cgroups: one tree, in which a controller is handed down from folder to folder.

use super::files::{PERIOD, around, make, number, open, quota, write, write_limit};
use super::mounts::Mounts;
use super::{DEFAULT_PIDS, Layout, PATIENCE, Usage};
use crate::component::Resources;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct V2 {
    /// gg-host's folder.
    base: PathBuf,
}

impl V2 {
    pub(super) fn open(mounts: &Mounts, name: &str) -> io::Result<Self> {
        let mut refused = io::Error::from(io::ErrorKind::NotFound);
        for base in mounts.v2(name) {
            match make(&base) {
                Ok(()) => return Ok(Self::at(base)),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    pub(super) fn at(base: PathBuf) -> Self {
        // What cannot be handed down is not limited, and is said to be where a limit is wanted.
        for folder in base.parent().into_iter().chain([base.as_path()]) {
            for controller in ["+memory", "+cpu", "+pids"] {
                let _refused = write(&folder.join("cgroup.subtree_control"), controller);
            }
        }
        Self { base }
    }

    fn at_component(&self, component: &str, file: &str) -> PathBuf {
        self.base.join(component).join(file)
    }
}

impl Layout for V2 {
    fn version(&self) -> u8 {
        2
    }

    fn create(&self, component: &str) -> io::Result<()> {
        make(&self.base.join(component))
    }

    fn create_step(&self, group: &str) -> io::Result<()> {
        make(&self.base.join(group))
    }

    fn door(&self, group: &str) -> io::Result<File> {
        open(&self.base.join(group).join("cgroup.procs"))
    }

    fn doors(&self, _component: &str) -> io::Result<Vec<File>> {
        Ok(Vec::new())
    }

    fn folder(&self, group: &str) -> PathBuf {
        self.base.join(group)
    }

    fn limit(&self, component: &str, resources: &Resources) -> io::Result<Vec<&'static str>> {
        let set = |file: &str, value: &str| write_limit(&self.at_component(component, file), value);
        let mut missing = Vec::new();
        let memory = resources.memory.map_or_else(|| "max".to_owned(), |bytes| bytes.to_string());
        if set("memory.max", &memory)?.is_none() && resources.memory.is_some() {
            missing.push("memory");
        }
        // What would be swapped out counts as memory; a kernel without swap has no such file.
        set("memory.swap.max", if resources.memory.is_some() { "0" } else { "max" })?;
        let cpu = match resources.cpus {
            Some(cpus) => format!("{} {PERIOD}", quota(cpus)),
            None => format!("max {PERIOD}"),
        };
        if set("cpu.max", &cpu)?.is_none() && resources.cpus.is_some() {
            missing.push("cpus");
        }
        let pids = resources.pids.unwrap_or(DEFAULT_PIDS);
        if set("pids.max", &pids.to_string())?.is_none() {
            missing.push("pids");
        }
        Ok(missing)
    }

    fn freeze(&self, group: &str) -> io::Result<()> {
        let folder = self.base.join(group);
        write(&folder.join("cgroup.freeze"), "1")?;
        // Soon, unless one is in the middle of something in the kernel.
        for _ in 0..PATIENCE {
            if number(&folder.join("cgroup.events"), "frozen") != Some(0) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    fn thaw(&self, group: &str) {
        for group in around(&self.base, group) {
            let _gone = write(&self.base.join(group).join("cgroup.freeze"), "0");
        }
    }

    fn kill(&self, group: &str) -> bool {
        // Linux 5.14 and later.
        write(&self.base.join(group).join("cgroup.kill"), "1").is_ok()
    }

    fn usage(&self, component: &str) -> Usage {
        let cpu = number(&self.at_component(component, "cpu.stat"), "usage_usec");
        Usage {
            memory: number(&self.at_component(component, "memory.current"), ""),
            cpu: cpu.map(Duration::from_micros),
            processes: 0,
        }
    }

    fn out_of_memory(&self, component: &str) -> u64 {
        number(&self.at_component(component, "memory.events"), "oom_kill").unwrap_or_default()
    }

    fn remove(&self, group: &str) {
        let _busy = fs::remove_dir(self.base.join(group));
    }
}
