//! What a component may use of the machine.

use super::*;
use std::sync::Barrier;
use std::thread;

#[tokio::test]
async fn one_that_takes_too_much_memory_is_ended_and_another_runs_on() {
    let mut place = Place::new();
    if !can("limiting memory", &place) {
        return;
    }
    let (mut other, caller) =
        place.start(place.component("b", &[("run", "echo up; exec sleep 1000")])).await;
    assert_eq!(place.line().await, "up");
    let mut hog = place.component("a", &[("run", "exec tail /dev/zero")]);
    hog.resources.memory = Some(32 << 20);
    let (exit, said) = place.run_component(hog).await;
    let failure = failed(exit);
    assert_eq!(failure.code, 137);
    assert!(failure.message.contains("32.0 MiB"), "{failure}");
    assert!(said.iter().any(|line| line.contains("want of memory")), "{said:?}");
    assert!(matches!(*other.status.borrow(), Status::Running));
    caller.ask_to_stop();
    assert!(matches!(super::exit(&mut other).await, Exit::Finished(0)));
}

#[tokio::test]
async fn no_more_processes_can_be_made_than_the_limit() {
    let mut place = Place::new();
    if !can("limiting processes", &place) {
        return;
    }
    let script = "n=1; while sleep 1000 & do n=$((n + 1)); echo $n; done";
    let mut component = place.component("a", &[("run", script)]);
    component.resources.pids = Some(50);
    let (exit, said) = place.run_component(component).await;
    assert!(matches!(exit, Exit::Finished(2)), "{exit:?}");
    assert!(said.contains(&"50".to_owned()) && !said.contains(&"51".to_owned()), "{said:?}");
    assert!(said.iter().any(|line| line.contains("fork")), "{said:?}");
}

#[tokio::test]
async fn a_fork_bomb_stays_within_its_limit_and_is_ended_as_a_whole() {
    let mut place = Place::new();
    if !can("limiting processes", &place) {
        return;
    }
    let script = "echo up; bomb() { bomb | bomb & }; bomb 2>/dev/null; while :; do :; done";
    let mut component = place.component("a", &[("run", script)]);
    component.resources = Resources { pids: Some(50), cpus: Some(0.5), memory: None };
    let (mut running, _caller) = place.start(component).await;
    assert_eq!(place.line().await, "up");
    let cgroup = place.runtime.cgroup(&"a".parse().unwrap()).unwrap();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(300) {
        let count = cgroup.usage().processes;
        assert!((1..=50).contains(&count), "{count}");
    }
    running.kill.cancel();
    assert!(matches!(exit(&mut running).await, Exit::Killed));
    assert_eq!(cgroup.usage().processes, 0);
}

#[tokio::test]
async fn a_flood_of_output_is_limited() {
    let mut place = Place::new();
    let (mut running, _caller) =
        place.start(place.component("a", &[("run", "echo $$; exec yes")])).await;
    let process = place.process().await.as_raw_pid();
    let begin = Instant::now();
    let mut lines = 0_u32;
    while begin.elapsed() < Duration::from_millis(700) {
        lines += u32::from(place.records.recv().await.is_some());
    }
    let printed = fs::read_to_string(format!("/proc/{process}/io")).unwrap();
    running.kill.cancel();
    place.records.close();
    exit(&mut running).await;
    let written = printed.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap();
    let written: u64 = written.parse().unwrap();
    assert!(written < 8 << 20, "{written} bytes");
    let rate = Limits::default().log_rate;
    assert!(lines <= rate * 12, "{lines} lines");
}

#[tokio::test]
async fn those_who_are_first_at_the_same_time_share_the_cgroups() {
    for _ in 0..20 {
        let place = Place::new();
        let (shared, all_here) = (&place.runtime.shared, Barrier::new(4));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    all_here.wait();
                    shared.cgroups().unwrap();
                });
            }
        });
        if let Some(cgroups) = shared.cgroups().unwrap() {
            cgroups.component("a").unwrap();
        }
    }
}
