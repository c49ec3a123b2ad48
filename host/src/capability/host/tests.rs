use super::*;
use crate::capability::testing::{granted, somebody};
use crate::error::ErrorKind;

#[tokio::test]
async fn without_a_policy_nothing_is_told_or_changed() {
    let (host, mut requests) = HostControl::new();
    let a = somebody("a");
    let kinds = [
        host.log_level(&a).await.unwrap_err().kind(),
        host.set_log_level(&a, Level::Debug).await.unwrap_err().kind(),
        host.metrics(&a).await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Unauthorized; 3]);
    let reader = granted("a", Operation::GetLogLevel, "*");
    let error = host.set_log_level(&reader, Level::Debug).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn a_level_is_changed_by_the_nucleus_if_there_is_one() {
    let (host, mut requests) = HostControl::new();
    let a = granted("a", Operation::SetLogLevel, "*");
    let serving = async {
        let Some(Request::LogLevel { change: Some(level), answer }) = requests.recv().await else {
            panic!()
        };
        assert_eq!(level, Level::Debug);
        answer.send(level).unwrap();
    };
    let (changed, ()) = tokio::join!(host.set_log_level(&a, Level::Debug), serving);
    changed.unwrap();
    drop(requests);
    let error = host.set_log_level(&a, Level::Info).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
