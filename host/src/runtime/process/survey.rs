//! What this kernel and gg-host's rights provide for native components, tried out as a component's
//! start would.

use super::cgroup::Cgroups;
use super::harden::view::{MadeView, View};
use super::harden::{Folders, What, landlock, seccomp};
use super::mark;
use crate::component::Resources;
use rustix::process::geteuid;
use std::fs;
use std::io;
use std::path::Path;

/// Something that native components are confined or limited by.
#[derive(Clone, Debug)]
pub struct Part {
    /// What.
    pub name: &'static str,
    /// How it is there, or why it is not.
    pub found: Result<String, String>,
    /// What is so without it; what helps may stand behind a semicolon.
    pub without: &'static str,
}

/// Try all of it, for a root folder. Blocks.
pub fn survey(root: &Path) -> Vec<Part> {
    let part = |name, what: What, found| Part { name, found, without: what.consequence() };
    let text = |error: io::Error| error.to_string();
    vec![
        part("cgroups", What::Cgroups, cgroups(root).map_err(text)),
        part(
            "Landlock",
            What::Landlock,
            match landlock::apart() {
                Ok(Some(_)) => Ok("there".to_owned()),
                Ok(None) => Err("not in this kernel, or too old".to_owned()),
                Err(error) => Err(error.to_string()),
            },
        ),
        part("mount namespaces", What::View, view(root)),
        part("seccomp", What::Filter, filter()),
    ]
}

/// Which there are, and what they limit.
fn cgroups(root: &Path) -> io::Result<String> {
    const MEMORY: u64 = 64 << 20;
    let name = format!("gg-host-{}-doctor-{}", mark(root), std::process::id());
    let cgroups = Cgroups::open(&name)?;
    let all = Resources { memory: Some(MEMORY), cpus: Some(1.0), pids: Some(100) };
    let missing = cgroups.component("tried")?.limit(&all)?;
    let version = cgroups.version();
    if missing.is_empty() {
        return Ok(format!("version {version}, with memory, cpus and pids"));
    }
    Err(io::Error::other(format!("version {version}, without {}", missing.join(", "))))
}

fn view(root: &Path) -> Result<String, String> {
    if !geteuid().is_root() {
        return Err("gg-host is not root".to_owned());
    }
    // One is made over a folder that is there.
    let there = root.ancestors().find(|folder| folder.is_dir() && folder.parent().is_some());
    let Some(there) = there else { return Err("the root folder's path is not there".to_owned()) };
    let view = View::new(&Folders { root: there.to_owned(), kept: Vec::new() });
    let made = MadeView::new(view.map_err(|error| error.to_string())?);
    made.map(|_| "there".to_owned()).map_err(|error| io::Error::from(error).to_string())
}

fn filter() -> Result<String, String> {
    let Some(_) = seccomp::Filter::new() else {
        return Err("none for this architecture".to_owned());
    };
    match fs::read_to_string("/proc/self/status") {
        Ok(status) if status.lines().any(|line| line.starts_with("Seccomp:")) => {
            Ok("there".to_owned())
        }
        Ok(_) => Err("not in this kernel".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
