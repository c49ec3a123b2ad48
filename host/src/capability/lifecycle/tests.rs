use super::*;
use crate::capability::testing::{granted, nobody, somebody};
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
    let Request::UpdateState { component, state } = requests.try_recv().unwrap() else { panic!() };
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

#[tokio::test]
async fn without_a_policy_nothing_is_told_of_others_or_done_with_them() {
    let (lifecycle, mut requests) = LifecycleControl::new();
    // Its own affairs are others than these.
    for a in [nobody("a"), somebody("a")] {
        let mut kinds = vec![
            lifecycle.list(&a).await.unwrap_err().kind(),
            lifecycle.details(&a, "a").await.unwrap_err().kind(),
        ];
        for act in
            [Act::Pause, Act::Restart { wait: false }, Act::Resume, Act::Stop { wait: false }]
        {
            kinds.push(lifecycle.act(&a, act, "a").await.unwrap_err().kind());
        }
        assert_eq!(kinds, [ErrorKind::Unauthorized; 6]);
    }
    let pauses = granted("a", Operation::PauseComponent, "b");
    let error = lifecycle.act(&pauses, Act::Resume, "b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let error = lifecycle.act(&pauses, Act::Pause, "c").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn what_is_asked_of_others_is_answered_by_the_supervisor() {
    let (lifecycle, mut requests) = LifecycleControl::new();
    let a = granted("a", Operation::PauseComponent, "*");
    let serving = async {
        let Some(Request::Act { act, component, answer }) = requests.recv().await else { panic!() };
        assert_eq!((act, component.as_ref()), (Act::Pause, "b"));
        answer.send(Err(no_such_component(&component))).unwrap();
    };
    let (paused, ()) = tokio::join!(lifecycle.act(&a, Act::Pause, "b"), serving);
    assert_eq!(paused.unwrap_err().kind(), ErrorKind::NotFound);
    let error = lifecycle.act(&a, Act::Pause, "../b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
