use super::*;
use crate::capability::testing::{component, granted, nobody, somebody};
use crate::error::ErrorKind;
use serde_json::json;
use std::time::{Duration, UNIX_EPOCH};

fn configuration() -> Configuration {
    let now = UNIX_EPOCH + Duration::from_secs(1_000);
    let configuration = Configuration::new(Clock::from_fn(move || now), None);
    let mut tree = ConfigTree::default();
    tree.fill_defaults(&json!({ "a": { "b": 1, "c": "x" }, "accessControl": {} })).unwrap();
    configuration.install(&component("me"), tree);
    configuration
}

fn path(text: &str) -> Vec<String> {
    text.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn without_a_policy_nothing_is_read_changed_or_watched() {
    let configuration = configuration();
    let me = nobody("me");
    let kinds = [
        configuration.get(&me, None, &path("a")).unwrap_err().kind(),
        configuration.update(&me, &path("a"), &json!(1), None).await.unwrap_err().kind(),
        configuration.watch(&me, None, &path("a")).unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Unauthorized; 3]);
}

#[test]
fn the_configuration_of_another_takes_a_grant() {
    let configuration = configuration();
    let other = somebody("other");
    let error = configuration.get(&other, Some("me"), &path("a.b")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let reader = granted("other", Operation::GetConfiguration, "me");
    assert_eq!(configuration.get(&reader, Some("me"), &path("a.b")).unwrap(), json!(1));
}

#[test]
fn values_are_found_by_their_path_whatever_the_case() {
    let configuration = configuration();
    let me = somebody("me");
    assert_eq!(configuration.get(&me, None, &path("A.B")).unwrap(), json!(1));
    assert_eq!(configuration.get(&me, None, &path("a")).unwrap(), json!({ "b": 1, "c": "x" }));
    let error = configuration.get(&me, None, &path("a.z")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("a/z"), "{error}");
}

#[tokio::test]
async fn a_newer_value_stays_and_the_call_says_so() {
    let configuration = configuration();
    let me = somebody("me");
    configuration.update(&me, &path("a.b"), &json!(2), Some(500.0)).await.unwrap();
    let error = configuration.update(&me, &path("a.b"), &json!(3), Some(499.0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(configuration.get(&me, None, &path("a.b")).unwrap(), json!(2));
    configuration.update(&me, &path("a.b"), &json!(4), None).await.unwrap();
    assert_eq!(configuration.get(&me, None, &path("a.b")).unwrap(), json!(4));
}

#[tokio::test]
async fn timestamps_that_are_none_are_refused() {
    let configuration = configuration();
    let me = somebody("me");
    for timestamp in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
        let error =
            configuration.update(&me, &path("a"), &json!(1), Some(timestamp)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{timestamp}");
    }
}

#[tokio::test]
async fn what_grants_rights_cannot_be_changed_from_inside() {
    let configuration = configuration();
    let me = somebody("me");
    let tries = [
        ("accessControl", json!({})),
        ("ACCESScontrol.x", json!({})),
        ("sandbox.network", json!(["evil:1"])),
        ("", json!({ "Sandbox": {} })),
    ];
    for (at, value) in tries {
        let error = configuration.update(&me, &path(at), &value, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{at}");
    }
}

#[tokio::test]
async fn a_watcher_hears_of_changes_below_its_path_alone() {
    let configuration = configuration();
    let me = somebody("me");
    let mut watcher = configuration.watch(&me, None, &path("a")).unwrap();
    configuration.update(&me, &path("other"), &json!(1), None).await.unwrap();
    configuration.update(&me, &path("a.b"), &json!(1), None).await.unwrap();
    configuration.update(&me, &path("A.c"), &json!("y"), None).await.unwrap();
    assert_eq!(watcher.next().await.unwrap(), ["a", "c"]);
    me.ask_to_stop();
    assert_eq!(watcher.next().await, None);
}

#[tokio::test]
async fn a_watcher_that_does_not_read_costs_little() {
    let configuration = configuration();
    let me = somebody("me");
    let mut watcher = configuration.watch(&me, None, &path("a")).unwrap();
    for number in 0..1000 {
        configuration.update(&me, &path(&format!("a.k{number}")), &json!(1), None).await.unwrap();
    }
    me.ask_to_stop();
    let mut heard = 0;
    while watcher.next().await.is_some() {
        heard += 1;
    }
    assert!((1..=64).contains(&heard), "{heard}");
}

#[test]
fn a_path_that_is_not_there_cannot_be_watched_and_watches_are_limited() {
    let configuration = configuration();
    let me = somebody("me");
    assert_eq!(configuration.watch(&me, None, &path("z")).unwrap_err().kind(), ErrorKind::NotFound);
    let limit = me.limits().watches;
    let watchers: Vec<_> =
        (0..limit).map(|_| configuration.watch(&me, None, &path("a")).unwrap()).collect();
    assert_eq!(
        configuration.watch(&me, None, &path("a")).unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    drop(watchers);
    assert!(configuration.watch(&me, None, &path("a")).is_ok());
}

#[tokio::test]
async fn an_operator_reads_what_there_is_and_has_nothing_to_change() {
    let configuration = configuration();
    let operator = Caller::operator("user-1000", "thing".parse().unwrap());
    assert_eq!(configuration.get(&operator, Some("me"), &path("a.b")).unwrap(), json!(1));
    let error = configuration.update(&operator, &path("a"), &json!(1), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
