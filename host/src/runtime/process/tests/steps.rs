//! Steps and their results.

use super::*;

#[tokio::test]
async fn what_a_script_prints_is_logged_and_its_code_is_the_end() {
    let mut place = Place::new();
    let (mut running, _caller) =
        place.start(place.component("a", &[("run", "echo one; echo two >&2; exit 3")])).await;
    assert!(matches!(exit(&mut running).await, Exit::Finished(3)));
    let mut records: Vec<_> = std::iter::from_fn(|| place.records.try_recv().ok()).collect();
    records.sort_by_key(|record| record.level);
    let seen: Vec<_> =
        records.iter().map(|one| (one.level, one.source, one.message.as_str())).collect();
    assert_eq!(seen, [(Level::Info, Source::Stdout, "one"), (Level::Warn, Source::Stderr, "two")]);
}

#[tokio::test]
async fn a_last_line_needs_no_end() {
    let mut place = Place::new();
    let (exit, said) = place.run("printf 'no end'").await;
    assert!(matches!(exit, Exit::Finished(0)));
    assert_eq!(said, ["no end"]);
}

#[tokio::test]
async fn death_by_a_signal_is_a_failure() {
    let mut place = Place::new();
    let failure = failed(place.run("echo last words; kill -SEGV $$").await.0);
    assert_eq!(failure.code, 139);
    assert!(failure.message.contains("SIGSEGV"), "{failure}");
    assert_eq!(failure.last_lines, ["last words"]);
}

#[tokio::test]
async fn what_startup_leaves_behind_works_until_the_stop() {
    let mut place = Place::new();
    let script = "sleep 1000 & echo $!; exit 0";
    let (mut running, caller) = place.start(place.component("a", &[("startup", script)])).await;
    up(&mut running).await;
    let left = place.process().await;
    assert!(lives(left));
    caller.ask_to_stop();
    assert!(matches!(exit(&mut running).await, Exit::Finished(0)));
    assert!(!lives(left));
}

#[tokio::test]
async fn startup_goes_before_run_and_its_failure_is_one() {
    let mut place = Place::new();
    let component = place.component("a", &[("startup", "exit 4"), ("run", "echo no")]);
    let (exit, said) = place.run_component(component).await;
    let failure = failed(exit);
    assert_eq!(failure.code, 4);
    assert!(failure.message.contains("startup ended with code 4"), "{failure}");
    assert!(said.is_empty(), "{said:?}");
}

#[tokio::test]
async fn a_component_that_is_only_installed_is_over_at_once() {
    let mut place = Place::new();
    let component = place.component("a", &[("install", "exit 0")]);
    assert!(matches!(place.run_component(component).await.0, Exit::Finished(0)));
}

#[tokio::test]
async fn an_errand_gives_its_code() {
    let mut place = Place::new();
    let steps = [("install", "echo done; exit 100"), ("recover", "kill -9 $$")];
    let component = place.component("a", &steps);
    assert_eq!(place.errand(component.clone(), Errand::Install).await, Some(Ok(100)));
    assert_eq!(place.said(), ["done"]);
    assert_eq!(place.errand(component.clone(), Errand::Recover).await, Some(Ok(137)));
    assert_eq!(place.errand(component, Errand::Uninstall).await, None);
}

#[tokio::test]
async fn a_step_is_skipped_on_its_condition() {
    let mut place = Place::new();
    let mut component = place.component("a", &[("install", "exit 9"), ("run", "echo ran")]);
    component.lifecycle.steps.get_mut(&StepName::Install).unwrap().skip_if =
        Some("onpath sh".parse().unwrap());
    assert_eq!(place.errand(component.clone(), Errand::Install).await, Some(Ok(0)));
    component.lifecycle.steps.get_mut(&StepName::Run).unwrap().skip_if =
        Some("!exists /no/file".parse().unwrap());
    let (exit, said) = place.run_component(component).await;
    assert!(matches!(exit, Exit::Finished(0)) && said.is_empty(), "{exit:?} {said:?}");
}

#[tokio::test]
async fn what_cannot_run_is_said_before_it_is_tried() {
    let place = Place::new();
    let mut component = place.component("a", &[("run", "true")]);
    component.run_as = Some(PosixUser { user: "no-such-user".into(), group: None });
    let failure = place.try_prepare(component).await.unwrap_err();
    assert!(failure.message.contains("no-such-user"), "{failure}");
    let long = "x".repeat(200_000);
    let failure = place.try_prepare(place.component("a", &[("run", &long)])).await.unwrap_err();
    assert!(failure.message.contains("artifact") && failure.message.len() < 500, "{failure}");
    let mut component = place.component("a", &[("run", "true")]);
    component.lifecycle.environment.insert("A=B".into(), String::new());
    let failure = place.try_prepare(component).await.unwrap_err();
    assert!(failure.message.contains("Setenv"), "{failure}");
}

#[tokio::test]
async fn a_folder_that_its_user_cannot_reach_is_named() {
    let place = Place::new();
    if !can("running as another user", &place) {
        return;
    }
    fs::set_permissions(place.root.path(), fs::Permissions::from_mode(0o700)).unwrap();
    place.runtime.shared.harden.lack(What::View, &"a test does without");
    let (mut running, _caller) = place.start(place.component("a", &[("run", "true")])).await;
    let failure = failed(exit(&mut running).await);
    assert!(failure.message.contains("chmod"), "{failure}");
}
