//! A component without rights, and every operation there is.

use super::*;
use crate::capability::testing::{nobody, with_policy};
use gg_ipc::{Operation, Payload};
use gg_model::AccessPolicy;
use serde_json::{Value, json};

/// What is asked of an operation that takes rights; `None` for one that is not served, or not without
/// a broker.
fn request(operation: Operation) -> Option<Value> {
    use Operation as O;
    let component = json!({ "componentName": "com.example.B" });
    let deployment = json!({ "deploymentId": "12345678-1234-1234-1234-123456789abc" });
    Some(match operation {
        O::CreateDebugPassword
        | O::CreateLocalDeployment
        | O::GetConfiguration
        | O::GetLogLevel
        | O::GetMetrics
        | O::ListComponents
        | O::ListLocalDeployments
        | O::SubscribeToComponentUpdates
        | O::SubscribeToConfigurationUpdate
        | O::SubscribeToValidateConfigurationUpdates => json!({}),
        O::CancelLocalDeployment
        | O::GetLocalDeploymentStatus
        | O::SubscribeToLocalDeploymentStatus => deployment,
        O::PlanLocalDeployment => json!({ "deployment": {} }),
        O::SetLogLevel => json!({ "level": "DEBUG" }),
        O::DeferComponentUpdate => json!({ "deploymentId": "d", "recheckAfterMs": 0 }),
        O::GetComponentDetails
        | O::PauseComponent
        | O::RestartComponent
        | O::ResumeComponent
        | O::StopComponent => component,
        O::DescribeModel | O::RunInference => json!({ "modelName": "m" }),
        O::GetSecretValue => json!({ "secretId": "s" }),
        O::PublishToTopic => {
            json!({ "topic": "t", "publishMessage": { "binaryMessage": { "message": "" } } })
        }
        O::PublishToIoTCore => json!({ "topicName": "t", "qos": "0", "payload": "" }),
        O::SubscribeToIoTCore => json!({ "topicName": "t", "qos": "0" }),
        O::PutComponentMetric => {
            json!({ "metrics": [{ "name": "m", "unit": "COUNT", "value": 1 }] })
        }
        O::SendConfigurationValidityReport => json!({
            "configurationValidityReport": { "status": "ACCEPTED", "deploymentId": "d" }
        }),
        O::SubscribeToTopic => json!({ "topic": "t" }),
        O::UpdateConfiguration => json!({ "timestamp": 1.0, "valueToMerge": {} }),
        O::UpdateState => json!({ "state": "RUNNING" }),
        O::ValidateAuthorizationToken => json!({ "token": "t" }),

        O::DeleteThingShadow | O::GetThingShadow | O::ListNamedShadowsForThing => {
            json!({ "thingName": "t" })
        }
        O::UpdateThingShadow => json!({ "thingName": "t", "payload": "" }),

        O::AuthorizeClientDeviceAction
        | O::GetClientDeviceAuthToken
        | O::ListModels
        | O::SubscribeToCertificateUpdates
        | O::SubscribeToIoTCoreConnectionStatus
        | O::VerifyClientDeviceIdentity => return None,
    })
}

impl Client {
    /// The error that an operation ends in.
    async fn refusal(&mut self, operation: Operation, request: &Value) -> OperationError {
        let stream = self.stream();
        let message = StreamMessage {
            operation: Some(Requested::Known(operation)),
            payload: Payload(request.to_string().into()),
            terminate: false,
            ..StreamMessage::end(stream)
        };
        self.send(&Message::Stream(message)).await;
        // Of what shape the response would be makes no difference to an error.
        failure(self.read_stream().await.read_response::<call::PublishToTopic>())
    }
}

#[tokio::test]
async fn without_rights_no_operation_is_carried_out() {
    let mut bench = Bench::new();
    // The one that is by its name allowed to ask for most.
    let issued = bench.issue(&nobody("aws.example.A"));
    let mut client = bench.client(&issued).await;
    // Of models, one is told of those that one may use: of none, here.
    let others = Operation::ALL.iter().filter(|operation| **operation != Operation::ListModels);
    for operation in others {
        let (expected, request) = match request(*operation) {
            Some(request) => (ErrorCode::Unauthorized, request),
            None => (ErrorCode::Service, json!({})),
        };
        let error = client.refusal(*operation, &request).await;
        assert_eq!(error.code, expected, "{operation:?}: {error}");
        let words = ["authorized", "served", "supported", "no broker is configured"];
        let told = words.iter().any(|word| error.message().contains(word));
        assert!(told, "{operation:?}: {error}");
    }
    assert!(bench.requests.try_recv().is_err(), "nothing was asked of the supervisor");
}

#[tokio::test]
async fn rights_that_are_given_and_taken_count_at_the_next_call() {
    let bench = Bench::new();
    let a = nobody("a");
    let issued = bench.issue(&a);
    let mut client = bench.client(&issued).await;
    let mut policy = AccessPolicy::default();
    policy.allow("aws.greengrass.ipc.pubsub", "*", "t").unwrap();
    for _ in 0..2 {
        a.set_policy(AccessPolicy::default());
        let refused = client.publish("t", "").await;
        assert_eq!(failure(refused).code, ErrorCode::Unauthorized);
        a.set_policy(policy.clone());
        client.publish("t", "").await.unwrap();
    }
    // Others' rights are others'.
    let issued = bench.issue(&with_policy("b", AccessPolicy::default()));
    let refused = bench.client(&issued).await.publish("t", "").await;
    assert_eq!(failure(refused).code, ErrorCode::Unauthorized);
}
