use super::*;
use crate::capability::testing::{nobody, somebody};
use crate::error::ErrorKind;

#[test]
fn without_a_policy_no_state_is_reported() {
    let (lifecycle, mut requests) = LifecycleControl::new();
    let error = lifecycle.update_state(&nobody("a"), ReportedState::Running).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(requests.try_recv().is_err());
}

#[test]
fn a_report_reaches_the_supervisor() {
    let (lifecycle, mut requests) = LifecycleControl::new();
    lifecycle.update_state(&somebody("a"), ReportedState::Errored).unwrap();
    let Request::UpdateState { component, state } = requests.try_recv().unwrap();
    assert_eq!((component.as_ref(), state), ("a", ReportedState::Errored));
}

#[test]
fn too_many_reports_are_refused_and_not_kept() {
    let (lifecycle, _requests) = LifecycleControl::new();
    let a = somebody("a");
    for _ in 0..QUEUE {
        lifecycle.update_state(&a, ReportedState::Running).unwrap();
    }
    let error = lifecycle.update_state(&a, ReportedState::Running).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
