use super::*;
use crate::capability::testing::{granted, nobody};
use crate::error::ErrorKind;
use serde_json::json;

#[tokio::test]
async fn without_a_policy_nothing_is_deployed_or_told() {
    let (deployments, mut requests) = LocalDeployments::new(None);
    let a = nobody("a");
    let kinds = [
        deployments.create(&a, json!({})).await.unwrap_err().kind(),
        deployments.cancel(&a, "x").await.unwrap_err().kind(),
        deployments.status(&a, "x").await.unwrap_err().kind(),
        deployments.list(&a).await.unwrap_err().kind(),
        deployments.plan(&a, json!({})).await.unwrap_err().kind(),
        deployments.follow(&a, "x").await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Unauthorized; 6]);
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn a_request_reaches_the_queue_and_its_identity_comes_back() {
    let (deployments, mut requests) = LocalDeployments::new(None);
    let a = granted("a", Operation::CreateLocalDeployment, "*");
    let serving = async {
        let Some(Request::Submit { document, answer }) = requests.recv().await else { panic!() };
        assert_eq!(document, json!({ "a": 1 }));
        answer.send(Ok("id".to_owned())).unwrap();
    };
    let (id, ()) = tokio::join!(deployments.create(&a, json!({ "a": 1 })), serving);
    assert_eq!(id.unwrap(), "id");
    drop(requests);
    let error = deployments.create(&a, json!({})).await.unwrap_err();
    assert_eq!(error.message(), "nothing is deployed here");
}

#[tokio::test]
async fn one_that_is_not_known_is_told_from_one_that_cannot_be() {
    let (deployments, _requests) = LocalDeployments::new(None);
    let a = granted("a", Operation::GetLocalDeploymentStatus, "*");
    let id = "12345678-1234-1234-1234-123456789abc";
    assert_eq!(deployments.status(&a, id).await.unwrap_err().kind(), ErrorKind::NotFound);
    for id in ["1", "12345678-1234-1234-1234-123456789abc-", "x2345678-1234-1234-1234-123456789abc"]
    {
        let error = deployments.status(&a, id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{id}");
    }
}
