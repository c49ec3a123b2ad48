//! Where the kernel's cgroups are mounted, from `/proc/self/mountinfo` and `/proc/self/cgroup`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is mounted where.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// Version 1: a folder for each controller.
    v1: BTreeMap<String, PathBuf>,
    /// Version 2.
    v2: Option<PathBuf>,
    /// Where gg-host itself is: a path for each controller, and for version 2 under no name.
    own: BTreeMap<String, String>,
}

impl Mounts {
    pub(super) fn read() -> io::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        Ok(Self::parse(&mounts, &own))
    }

    fn parse(mounts: &str, own: &str) -> Self {
        let mut this = Self::default();
        for line in mounts.lines() {
            let Some((before, after)) = line.split_once(" - ") else { continue };
            let Some(folder) = before.split(' ').nth(4) else { continue };
            let mut after = after.split(' ');
            match after.next() {
                Some("cgroup2") => {
                    this.v2.get_or_insert_with(|| folder.into());
                }
                Some("cgroup") => {
                    for controller in after.nth(1).unwrap_or_default().split(',') {
                        this.v1.entry(controller.to_owned()).or_insert_with(|| folder.into());
                    }
                }
                _ => {}
            }
        }
        for line in own.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
            for controller in controllers.split(',') {
                this.own.insert(controller.to_owned(), path.to_owned());
            }
        }
        this
    }

    /// Whether version 2 can limit memory, and not only hold processes together.
    pub(super) fn v2_limits(&self) -> bool {
        let controllers = self.v2.as_ref().map(|folder| folder.join("cgroup.controllers"));
        controllers
            .and_then(|file| fs::read_to_string(file).ok())
            .is_some_and(|text| text.split_whitespace().any(|word| word == "memory"))
    }

    /// Where version 2 may have our folder: at the top, or where gg-host itself is, which is all
    /// that a user or a container may have been given.
    pub(super) fn v2(&self, name: &str) -> Vec<PathBuf> {
        self.v2.iter().flat_map(|mount| self.candidates(mount, "", name)).collect()
    }

    /// The same for a controller of version 1.
    pub(super) fn v1(&self, controller: &str, name: &str) -> Vec<PathBuf> {
        let mount = self.v1.get(controller);
        mount.iter().flat_map(|mount| self.candidates(mount, controller, name)).collect()
    }

    /// Everywhere our folder may be.
    pub(super) fn places(&self, name: &str) -> Vec<PathBuf> {
        let v1 = self.v1.keys().flat_map(|controller| self.v1(controller, name));
        v1.chain(self.v2(name)).collect()
    }

    fn candidates(&self, mount: &Path, controller: &str, name: &str) -> Vec<PathBuf> {
        let own = self.own.get(controller).map_or("", |path| path.trim_start_matches('/'));
        let mut places = vec![mount.join(name)];
        // A path with `..` leads out of what a container sees.
        if !own.is_empty() && !own.split('/').any(|part| part == "..") {
            places.push(mount.join(own).join(name));
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
        25 1 254:0 / / rw,relatime - ext4 /dev/root rw\n\
        30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
        31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw\n\
        32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n\
        33 30 0:29 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n\
        broken line - cgroup\n - \n";

    #[test]
    fn controllers_are_found_where_they_are_mounted() {
        let mounts = Mounts::parse(HYBRID, "4:cpu,cpuacct:/user.slice/a\n0::/user.slice/b\nbad\n");
        let paths = |paths: Vec<PathBuf>| -> Vec<String> {
            paths.iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(
            paths(mounts.v1("cpuacct", "x")),
            ["/sys/fs/cgroup/cpu,cpuacct/x", "/sys/fs/cgroup/cpu,cpuacct/user.slice/a/x"]
        );
        assert_eq!(
            paths(mounts.v2("x")),
            ["/sys/fs/cgroup/unified/x", "/sys/fs/cgroup/unified/user.slice/b/x"]
        );
        assert_eq!(paths(mounts.v1("freezer", "x")), ["/sys/fs/cgroup/freezer/x"]);
        assert!(mounts.v1("memory", "x").is_empty());
    }

    #[test]
    fn a_path_that_leads_out_is_not_taken() {
        let mounts = Mounts::parse("1 1 0:1 / /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/../a\n");
        assert_eq!(mounts.v2("x"), [Path::new("/sys/fs/cgroup/x")]);
    }
}
