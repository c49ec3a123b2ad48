//! Gathers everything that a step's process is made of, and makes it. All of it blocks.

use super::cgroup::StepCgroup;
use super::environment::Environment;
use super::group::{Group, Session};
use super::harden::{Confinement, Folders, Kept, What};
use super::launch::{Made, Order};
use super::skipif::Places;
use super::spawn::{Identity, Plan, SpawnError, spawn};
use super::user::User;
use super::work;
use crate::component::{InstalledComponent, Resources};
use crate::logs::Level;
use rustix::process::geteuid;
use rustix::thread::{Gid, Uid};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

impl Order {
    /// Make the step's process, and say as soon as it is known in which cgroup. `None`: the step
    /// is to be skipped.
    pub(super) fn gather(
        &self,
        environment: &Environment,
        [output, errors]: [OwnedFd; 2],
        known: &OnceLock<Arc<StepCgroup>>,
    ) -> Result<Option<Made>, GatherError> {
        let folder = &self.component.work;
        work::provide(folder, self.owner.as_deref())
            .map_err(|error| GatherError::Work(folder.clone(), error))?;
        if self.is_skipped(environment) {
            return Ok(None);
        }
        let mut cgroup =
            self.cgroup()?.map(|cgroup| Arc::clone(known.get_or_init(|| cgroup.into())));
        let out_of_memory = cgroup.as_ref().map_or(0, |group| group.component().out_of_memory());
        let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| GatherError::Nul);
        let script = self.script.step.script.as_bytes();
        let arguments = [self.shared.config.shell.as_bytes(), b"-c", script];
        let mut plan = Plan {
            program: text(self.shared.shell()?.as_os_str().as_bytes())?,
            arguments: arguments.into_iter().map(text).collect::<Result<_, _>>()?,
            environment: environment.entries().map_err(|_| GatherError::Nul)?,
            folder: text(folder.as_os_str().as_bytes())?,
            streams: [File::open("/dev/null")?.into(), output, errors],
            cgroup: cgroup.clone(),
            identity: geteuid().is_root().then(|| identity(&self.script.user)),
            confinement: self.confinement()?,
        };
        let spawned = loop {
            match spawn(&plan) {
                Ok(spawned) => break spawned,
                Err(error) if self.shared.harden.go_without(error.stage, error.error) => {
                    cgroup = cgroup.filter(|_| self.shared.harden.has(What::Cgroups));
                    plan.cgroup.clone_from(&cgroup);
                    plan.confinement = self.confinement()?;
                }
                Err(error) => return Err(error.into()),
            }
        };
        let group = cgroup.map_or_else(
            || Group::Session(Session { leader: spawned.pid, token: environment.token() }),
            Group::Cgroup,
        );
        Ok(Some(Made { spawned, group, out_of_memory }))
    }

    fn is_skipped(&self, environment: &Environment) -> bool {
        let places = Places {
            path: environment.value("PATH"),
            home: Path::new(environment.value("HOME")),
            folder: &self.component.work,
        };
        self.script.step.skip_if.as_ref().is_some_and(|condition| places.hold(condition))
    }

    fn confinement(&self) -> Result<Option<Confinement>, SpawnError> {
        if self.script.step.requires_privilege {
            return Ok(None);
        }
        let (harden, folders) = (&self.shared.harden, self.folders());
        harden.confinement(&folders, &self.script.user, &self.view).map(Some)
    }

    /// A cgroup for the step, in the component's, which is made for the first of them.
    fn cgroup(&self) -> io::Result<Option<StepCgroup>> {
        let number = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", self.script.name);
        let Some(cgroups) = self.shared.cgroups()? else { return Ok(None) };
        let step = match self.cgroup.get() {
            Some(cgroup) => cgroup.step(&name),
            None => cgroups.component(self.component.name.as_ref()).and_then(|cgroup| {
                self.limit(cgroup.limit(&self.component.resources));
                self.cgroup.get_or_init(|| cgroup).step(&name)
            }),
        };
        self.shared.harden.or_without(What::Cgroups, step)
    }

    fn limit(&self, kept: io::Result<Vec<&'static str>>) {
        let wanted = &self.component.resources;
        match kept {
            Ok(missing) => {
                for limit in missing {
                    // Of the limit that nobody asked for, the operator is told once.
                    if limit == "pids" && wanted.pids.is_none() {
                        self.shared.harden.lack(What::Pids, &"no such controller");
                    } else {
                        let text =
                            format!("its limit of {limit} is not kept: no such cgroup controller");
                        self.log.host(Level::Warn, text);
                    }
                }
            }
            Err(error) => {
                let text = format!("its limits {} cannot be set: {error}", show(wanted));
                self.log.host(Level::Warn, text);
            }
        }
    }

    /// What of the root folder it may use: its own, and of its dependencies what their recipe
    /// variables name.
    fn folders(&self) -> Folders {
        let root = self.shared.config.root.clone();
        let InstalledComponent { name, work, artifacts, unarchived, dependencies, .. } =
            &*self.component;
        let mut kept = vec![
            Kept { path: work.clone(), writable: true },
            Kept { path: artifacts.clone(), writable: false },
            Kept { path: unarchived.clone(), writable: false },
            Kept { path: root.join("ipc.socket"), writable: true },
        ];
        for dependency in dependencies {
            let beside = |own: &Path| Some(own.parent()?.join(dependency.as_ref()));
            kept.extend(beside(work).map(|path| Kept { path, writable: true }));
            for own in [artifacts, unarchived] {
                // `…/<name>/<version>`, unless it is a folder of the operator's.
                let of_all = own.parent().filter(|folder| folder.ends_with(name.as_ref()));
                kept.extend(of_all.and_then(beside).map(|path| Kept { path, writable: false }));
            }
        }
        for kept in &mut kept {
            if let Ok(path) = kept.path.canonicalize() {
                kept.path = path;
            }
        }
        Folders { root, kept }
    }
}

fn identity(user: &User) -> Identity {
    Identity {
        uid: Uid::from_raw(user.uid),
        gid: Gid::from_raw(user.gid),
        groups: user.groups.iter().map(|group| Gid::from_raw(*group)).collect(),
    }
}

fn show(resources: &Resources) -> String {
    let Resources { memory, cpus, pids } = resources;
    let text = |name, value: Option<String>| value.map(|value| format!("{name}={value}"));
    let all = [
        text("memory", memory.map(|bytes| bytes.to_string())),
        text("cpus", cpus.map(|cpus| cpus.to_string())),
        text("pids", pids.map(|pids| pids.to_string())),
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Why a step was not started.
#[derive(Debug, thiserror::Error)]
pub(super) enum GatherError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("its script or a variable has the character U+0000; leave it out")]
    Nul,
    #[error(transparent)]
    Shell(#[from] super::ShellError),
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("cannot make its work folder {0}: {1}")]
    Work(PathBuf, io::Error),
}
