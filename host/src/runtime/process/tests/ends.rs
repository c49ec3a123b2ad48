//! The end of a step, which is the end of all that came of it.

use super::*;
use std::process::Stdio;

#[tokio::test]
async fn an_errand_that_takes_too_long_is_ended_with_all_it_started() {
    let mut place = Place::new();
    let mut component = place.component("a", &[("install", "sh -c 'sleep 1000 & echo $!; wait'")]);
    let install = component.lifecycle.steps.get_mut(&StepName::Install).unwrap();
    install.timeout = Some(Duration::from_millis(300));
    let failure = place.errand(component, Errand::Install).await.unwrap().unwrap_err();
    assert!(failure.message.contains("Timeout"), "{failure}");
    assert!(!lives(place.process().await));
}

#[tokio::test]
async fn dropping_an_errand_ends_what_it_started() {
    let mut place = Place::new();
    let component = place.component("a", &[("install", "sleep 1000 & echo $!; wait")]);
    let prepared = place.prepare(component).await;
    let mut errand = prepared.errand(Errand::Install, somebody("a")).unwrap();
    let child = tokio::select! {
        child = place.process() => child,
        done = &mut errand => panic!("{done:?}"),
    };
    drop(errand);
    tokio::time::timeout(LONG, place.runtime.shared.tasks.finish()).await.unwrap();
    assert!(!lives(child));
}

#[tokio::test]
async fn one_that_heeds_the_request_to_stop_ends_by_itself() {
    let mut place = Place::new();
    let script = "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done";
    let (mut running, caller) = place.start(place.component("a", &[("run", script)])).await;
    assert_eq!(place.line().await, "up");
    caller.ask_to_stop();
    assert!(matches!(exit(&mut running).await, Exit::Finished(7)));
    assert_eq!(place.line().await, "bye");
}

#[tokio::test]
async fn one_that_does_not_is_killed_after_a_while_or_when_told() {
    let mut place = Place::new();
    let script = "trap '' TERM; echo up; while :; do sleep 0.01; done";
    let (mut running, caller) = place.start(place.component("a", &[("run", script)])).await;
    assert_eq!(place.line().await, "up");
    let begin = Instant::now();
    caller.ask_to_stop();
    assert!(matches!(exit(&mut running).await, Exit::Killed));
    assert!(begin.elapsed() >= Duration::from_secs(5), "{:?}", begin.elapsed());

    let (mut running, caller) = place.start(place.component("b", &[("run", script)])).await;
    assert_eq!(place.line().await, "up");
    caller.ask_to_stop();
    running.kill.cancel();
    assert!(matches!(exit(&mut running).await, Exit::Killed));
}

/// Leaves its session and its parent, and says its number.
const ESCAPE: &str = "setsid sh -c 'sh -c \"trap \\\"\\\" TERM HUP; echo \\$\\$; \
                      while :; do sleep 0.1; done\" & ' & wait; sleep 1000";

#[tokio::test]
async fn a_process_that_hides_in_another_session_is_found() {
    let mut place = Place::new();
    let (mut running, _caller) = place.start(place.component("a", &[("run", ESCAPE)])).await;
    let hidden = place.process().await;
    running.kill.cancel();
    assert!(matches!(exit(&mut running).await, Exit::Killed));
    assert!(!lives(hidden));
}

#[tokio::test]
async fn without_cgroups_it_is_found_too() {
    let mut place = Place::new();
    place.runtime.shared.harden.lack(What::Cgroups, &"a test does without");
    let (mut running, caller) = place.start(place.component("a", &[("run", ESCAPE)])).await;
    let hidden = place.process().await;
    caller.ask_to_stop();
    running.kill.cancel();
    assert!(matches!(exit(&mut running).await, Exit::Killed));
    assert!(!lives(hidden));
}

#[tokio::test]
async fn what_run_leaves_behind_goes_with_it() {
    let mut place = Place::new();
    let (exit, said) = place.run("sleep 1000 & echo $!; exit 0").await;
    assert!(matches!(exit, Exit::Finished(0)));
    assert!(!lives(Pid::from_raw(said[0].parse().unwrap()).unwrap()));
}

#[tokio::test]
async fn a_component_can_be_halted_and_still_be_stopped() {
    let mut place = Place::new();
    if !can("halting", &place) {
        return;
    }
    let script = "trap 'exit 5' TERM; echo up; while :; do sleep 0.01; done";
    let (mut running, caller) = place.start(place.component("a", &[("run", script)])).await;
    assert_eq!(place.line().await, "up");
    let cgroup = place.runtime.cgroup(&"a".parse().unwrap()).unwrap();
    cgroup.freeze().unwrap();
    assert!(cgroup.usage().processes >= 1);
    assert!(cgroup.usage().memory.is_none_or(|bytes| bytes > 0));
    caller.ask_to_stop();
    assert!(matches!(exit(&mut running).await, Exit::Finished(5)));
    assert_eq!(cgroup.usage().processes, 0);
}

/// A gg-host that is killed: nothing of it gets a chance to end what it started.
fn killed_host(folder: &Path) -> (TempDir, Vec<Pid>, ProcessConfig) {
    let host = tokio::runtime::Runtime::new().unwrap();
    let (root, left, config) = host.block_on(async {
        let mut place = Place::below(folder);
        let (running, _caller) = place.start(place.component("a", &[("run", ESCAPE)])).await;
        let hidden = place.process().await;
        let (other, _caller) =
            place.start(place.component("b", &[("run", "echo $$; exec sleep 1000")])).await;
        let plain = place.process().await;
        // Nobody ends them by dropping these.
        std::mem::forget((running, other));
        (place.root, vec![hidden, plain], place.runtime.shared.config.clone())
    });
    host.shutdown_background();
    (root, left, config)
}

#[test]
fn what_a_killed_host_left_is_swept_away() {
    let (_root, left, config) = killed_host(Path::new("/tmp"));
    assert!(left.iter().all(|process| lives(*process)));
    let own_mark = format!("GG_HOST_COMPONENT={}:c", mark(&config.root));
    let (name, value) = own_mark.split_once('=').unwrap();
    let (ours, others) = (Sleeper::with(name, value), Sleeper::with(name, "00000000:c"));
    let next = tokio::runtime::Runtime::new().unwrap();
    next.block_on(async {
        let runtime = ProcessRuntime::new(config, Tasks::new(None).unwrap());
        runtime.sweep().await;
        let folder = runtime.shared.folder();
        drop(runtime);
        assert!(!crate::runtime::process::cgroup::Cgroups::left_behind(&folder));
    });
    assert!(left.iter().all(|process| !lives(*process)));
    assert!(!lives(ours.pid()));
    assert!(lives(others.pid()), "it is another gg-host's");
}

/// A process that sleeps until it is dropped.
struct Sleeper(std::process::Child);

impl Sleeper {
    fn with(name: &str, value: &str) -> Self {
        let mut command = std::process::Command::new("sleep");
        Self(command.arg("1000").env(name, value).stdout(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
