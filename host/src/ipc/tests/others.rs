//! Calls about tokens, metrics, deployments and other components, as far as no nucleus is needed.

use super::*;
use crate::capability::caller::Operation;
use crate::capability::lifecycle::Request;
use crate::capability::testing::granted;
use gg_ipc::shapes::{
    DeferComponentUpdateRequest, GetComponentDetailsRequest, GetLocalDeploymentStatusRequest,
    ListComponentsRequest, Metric, MetricUnitType, PutComponentMetricRequest,
    ReportedLifecycleState, SubscribeToComponentUpdatesRequest, UpdateStateRequest,
    ValidateAuthorizationTokenRequest,
};

#[tokio::test]
async fn tokens_are_judged_for_one_component_alone() {
    let bench = Bench::new();
    let (a, manager) =
        (bench.issue(&somebody("a")), bench.issue(&somebody("aws.greengrass.StreamManager")));
    let request =
        |token: &str| ValidateAuthorizationTokenRequest { token: Secret::new(token.to_owned()) };
    let token = a.token().reveal().to_owned();
    let mut client = bench.client(&a).await;
    let refused = client.call::<call::ValidateAuthorizationToken>(&request(&token)).await;
    assert_eq!(failure(refused).code, ErrorCode::Unauthorized);
    let mut client = bench.client(&manager).await;
    let answer = client.call::<call::ValidateAuthorizationToken>(&request(&token)).await;
    assert!(answer.unwrap().is_valid);
    drop(a);
    let refused = client.call::<call::ValidateAuthorizationToken>(&request(&token)).await;
    assert_eq!(failure(refused).code, ErrorCode::InvalidToken);
}

#[tokio::test]
async fn a_component_reports_its_own_state_and_metrics() {
    let bench = Bench::new();
    let a = granted("aws.example.A", Operation::PutComponentMetric, "m");
    let issued = bench.issue(&a);
    let mut client = bench.client(&issued).await;
    let metric = Metric { name: "m".into(), unit: MetricUnitType::Seconds, value: 1.5 };
    let request = PutComponentMetricRequest { metrics: vec![metric.clone(), metric] };
    client.call::<call::PutComponentMetric>(&request).await.unwrap();
    assert_eq!(bench.metrics.of(a.name()).values().copied().collect::<Vec<_>>(), [3.0]);
    let refused = client
        .call::<call::UpdateState>(&UpdateStateRequest { state: ReportedLifecycleState::Running })
        .await;
    assert_eq!(failure(refused).code, ErrorCode::Unauthorized);
}

#[tokio::test]
async fn announcements_of_deployments_reach_those_who_ask_and_wait_for_them() {
    let bench = Bench::new();
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    let defer = |ms| DeferComponentUpdateRequest {
        deployment_id: "d".into(),
        message: None,
        recheck_after_ms: ms,
    };
    let refused = client.call::<call::DeferComponentUpdate>(&defer(Some(0))).await;
    assert_eq!(failure(refused).code, ErrorCode::InvalidArguments, "it did not ask to be told");
    client
        .call::<call::SubscribeToComponentUpdates>(&SubscribeToComponentUpdatesRequest {})
        .await
        .unwrap();
    let updates = bench.lifecycle.updates().clone();
    let answering = async {
        let event = client.read_stream().await;
        event.read_event::<call::SubscribeToComponentUpdates>().unwrap();
        client.call::<call::DeferComponentUpdate>(&defer(Some(0))).await.unwrap();
    };
    tokio::join!(updates.announce("d", false, std::time::Duration::from_secs(60)), answering);
    let refused = client.call::<call::DeferComponentUpdate>(&defer(Some(0))).await;
    assert_eq!(failure(refused).code, ErrorCode::Service, "it is too late");
}

#[tokio::test]
async fn a_call_that_takes_its_time_holds_up_no_other() {
    let mut bench = Bench::new();
    let issued = bench.issue(&granted("a", Operation::ListComponents, "*"));
    let mut client = bench.client(&issued).await;
    let slow = client.ask::<call::ListComponents>(&ListComponentsRequest {}).await;
    let denied = GetComponentDetailsRequest { component_name: "b".into() };
    let refused = client.call::<call::GetComponentDetails>(&denied).await;
    assert_eq!(failure(refused).code, ErrorCode::Unauthorized);
    let Some(Request::Describe { answer, .. }) = bench.requests.recv().await else { panic!() };
    answer.send(Vec::new()).unwrap();
    let answer = client.read_stream().await;
    assert_eq!(answer.stream, slow);
    assert!(answer.read_response::<call::ListComponents>().unwrap().components.is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let bench = Bench::new();
    let issued = bench.issue(&granted("a", Operation::GetLocalDeploymentStatus, "*"));
    let mut client = bench.client(&issued).await;
    let id = "12345678-1234-1234-1234-123456789abc";
    let request = GetLocalDeploymentStatusRequest { deployment_id: id.into() };
    let error = failure(client.call::<call::GetLocalDeploymentStatus>(&request).await);
    assert_eq!(error.code, ErrorCode::ResourceNotFound);
    assert_eq!(error.resource_name.as_deref(), Some(id));
}
