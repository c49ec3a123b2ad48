//! Both versions, as far as this machine has them; what it lacks is said. The files of version 2
//! that limit are looked at in a folder that only looks like cgroups.

use super::files::{around, quota};
use super::mounts::Mounts;
use super::v1::V1;
use super::v2::V2;
use super::{Cgroups, DEFAULT_PIDS, Layout};
use crate::component::Resources;
use rustix::process::geteuid;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LIMITS: Resources = Resources { memory: Some(64 << 20), cpus: Some(0.5), pids: Some(20) };
const NONE: Resources = Resources { memory: None, cpus: None, pids: None };

/// The cgroups of this machine in each version, in a folder for one test.
fn versions(test: &str) -> Vec<Cgroups> {
    let name = format!("gg-host-test-{test}-{}", std::process::id());
    let mounts = Mounts::read().unwrap();
    let v1 = V1::open(&mounts, &name).map(|v1| Box::new(v1) as Box<dyn Layout>);
    let v2 = V2::open(&mounts, &name).map(|v2| Box::new(v2) as Box<dyn Layout>);
    let found: Vec<_> = [("1", v1), ("2", v2)]
        .into_iter()
        .filter_map(|(version, layout)| match layout {
            Ok(layout) if geteuid().is_root() => Some(Cgroups::with(layout)),
            other => {
                eprintln!("skipped: {test} in version {version}: {:?}", other.err());
                None
            }
        })
        .collect();
    found
}

/// A process that sleeps, in a step's cgroup.
fn sleeper(step: &super::StepCgroup) -> Child {
    let child = Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn().unwrap();
    let folder = step.shared().layout.folder(&step.path);
    fs::write(folder.join("cgroup.procs"), child.id().to_string()).unwrap();
    child
}

/// Wait for what takes the kernel a moment.
#[track_caller]
fn soon(what: impl Fn() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
}

#[test]
fn killing_a_step_leaves_the_others() {
    for cgroups in versions("kill") {
        let component = cgroups.component("a").unwrap();
        let (one, two) = (component.step("run-1").unwrap(), component.step("shutdown-2").unwrap());
        let (mut first, mut second) = (sleeper(&one), sleeper(&two));
        assert_eq!(component.usage().processes, 2, "{cgroups:?}");
        one.kill();
        assert!(!first.wait().unwrap().success());
        soon(|| one.is_empty());
        assert!(second.try_wait().unwrap().is_none());
        cgroups.kill();
        assert!(!second.wait().unwrap().success());
        soon(|| cgroups.count() == 0);
    }
}

#[test]
fn what_is_halted_can_be_asked_to_end_and_be_killed() {
    for cgroups in versions("halt") {
        let component = cgroups.component("a").unwrap();
        let step = component.step("run-1").unwrap();
        let mut first = sleeper(&step);
        component.freeze().unwrap();
        step.terminate();
        assert!(!first.wait().unwrap().success(), "{cgroups:?}");
        let mut second = sleeper(&step);
        component.freeze().unwrap();
        step.kill();
        assert!(!second.wait().unwrap().success(), "{cgroups:?}");
        let mut third = sleeper(&step);
        component.freeze().unwrap();
        cgroups.kill();
        assert!(!third.wait().unwrap().success(), "{cgroups:?}");
    }
}

#[test]
fn a_cgroup_goes_with_its_last_user() {
    for cgroups in versions("users") {
        let folder = cgroups.0.layout.folder("a");
        let component = cgroups.component("a").unwrap();
        let again = cgroups.find("a").unwrap();
        let step = again.step("run-1").unwrap();
        drop((component, again));
        assert!(folder.join("run-1").exists());
        drop(step);
        assert!(!folder.exists() && cgroups.find("a").is_none());
        let base = cgroups.0.layout.folder("");
        drop(cgroups);
        assert!(!base.exists());
    }
}

#[test]
fn what_is_left_of_an_earlier_life_is_removed() {
    for cgroups in versions("left") {
        let used = cgroups.component("used").unwrap();
        fs::create_dir_all(cgroups.0.layout.folder("old/run-1")).unwrap();
        cgroups.clear();
        assert!(!cgroups.0.layout.folder("old").exists());
        assert!(cgroups.0.layout.folder("used").exists());
        drop(used);
    }
}

#[test]
fn limits_are_set_raised_and_lifted_while_processes_run() {
    for cgroups in versions("limit") {
        let component = cgroups.component("a").unwrap();
        let step = component.step("run-1").unwrap();
        let mut child = sleeper(&step);
        let missing = component.limit(&LIMITS).unwrap();
        if missing.len() == 3 {
            // This machine has version 2 only to hold processes together.
            assert!(fs::read_dir(cgroups.0.layout.folder("a")).unwrap().count() > 0);
        } else {
            assert!(missing.is_empty(), "{missing:?}");
        }
        for memory in [Some(128 << 20), Some(32 << 20), None] {
            component.limit(&Resources { memory, ..NONE }).unwrap();
        }
        cgroups.kill();
        child.wait().unwrap();
    }
}

#[test]
fn version_2_is_given_its_limits_and_its_controllers() {
    let temporary = tempfile::tempdir().unwrap();
    let base = temporary.path().join("gg-host-x");
    let component = base.join("a");
    fs::create_dir_all(&component).unwrap();
    for control in [temporary.path(), base.as_path()] {
        fs::write(control.join("cgroup.subtree_control"), "").unwrap();
    }
    let files = ["memory.max", "memory.swap.max", "cpu.max", "pids.max"];
    for file in files {
        fs::write(component.join(file), "").unwrap();
    }
    let v2 = V2::at(base.clone());
    // A real file forgets what was written; here it grows.
    let control = fs::read_to_string(base.join("cgroup.subtree_control")).unwrap();
    assert!(control.contains("+pids"), "{control}");
    let now = |limits: &Resources| {
        for file in files {
            fs::write(component.join(file), "").unwrap();
        }
        assert!(v2.limit("a", limits).unwrap().is_empty());
        files.map(|file| fs::read_to_string(component.join(file)).unwrap())
    };
    assert_eq!(now(&LIMITS), ["67108864", "0", "50000 100000", "20"]);
    assert_eq!(now(&NONE), ["max", "max", "max 100000", &DEFAULT_PIDS.to_string()]);
    fs::remove_file(component.join("memory.max")).unwrap();
    assert_eq!(v2.limit("a", &LIMITS).unwrap(), ["memory"]);
}

#[test]
fn what_is_counted_is_read() {
    let temporary = tempfile::tempdir().unwrap();
    let component = temporary.path().join("a");
    fs::create_dir(&component).unwrap();
    let write = |file: &str, text: &str| fs::write(component.join(file), text).unwrap();
    write("memory.current", "1048576\n");
    write("cpu.stat", "usage_usec 1500\nuser_usec 1000\n");
    write("memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 1\n");
    let v2 = V2::at(temporary.path().to_owned());
    let usage = v2.usage("a");
    assert_eq!((usage.memory, usage.cpu), (Some(1 << 20), Some(Duration::from_micros(1500))));
    assert_eq!(v2.out_of_memory("a"), 2);
    assert_eq!(v2.usage("b").memory, None);
}

#[test]
fn shares_of_processors_are_shares_of_a_period() {
    assert_eq!(quota(0.5), 50_000);
    assert_eq!(quota(2.0), 200_000);
    assert_eq!([quota(0.0), quota(-1.0), quota(f64::NAN)], [1_000; 3]);
    assert_eq!(quota(f64::INFINITY), u64::MAX);
}

#[test]
fn groups_around_a_group_are_its_component_and_those_in_it() {
    let temporary = tempfile::tempdir().unwrap();
    fs::create_dir_all(temporary.path().join("a/run-1")).unwrap();
    fs::create_dir_all(temporary.path().join("b")).unwrap();
    let around = |group| {
        let mut groups = around(temporary.path(), group);
        groups.sort();
        groups
    };
    assert_eq!(around("a/run-1"), ["a", "a/run-1"]);
    assert_eq!(around("a"), ["a", "a/run-1"]);
    assert_eq!(around(""), ["", "a", "a/run-1", "b"]);
}
