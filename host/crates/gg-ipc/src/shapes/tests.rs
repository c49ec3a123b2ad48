use super::*;
use crate::blob::Blob;
use crate::document::{Document, ObjectText};
use crate::operation::{Shape, visit_shapes};
use crate::payload::Payload;
use crate::secret::Secret;
use crate::testing::ShapeVisitor;
use crate::timestamp::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[track_caller]
fn written(shape: &impl serde::Serialize) -> Value {
    serde_json::to_value(shape).unwrap()
}

fn read<T: DeserializeOwned>(json: Value) -> Result<T, String> {
    Payload::of(&json).unwrap().read().map_err(|error| error.to_string())
}

/// Written and read as this JSON.
#[track_caller]
fn is(shape: impl Shape, json: Value) {
    assert_eq!(written(&shape), json);
    assert_eq!(read(json), Ok(shape));
}

fn document(json: Value) -> Document {
    serde_json::from_value(json).unwrap()
}

#[test]
fn every_shape_comes_back() {
    struct ComesBack;
    impl ShapeVisitor for ComesBack {
        fn visit<T: Shape + Arbitrary>(&mut self, name: &str) {
            let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
            runner
                .run(&any::<T>(), |shape| {
                    let payload = Payload::of(&shape).unwrap();
                    prop_assert_eq!(payload.read::<T>().unwrap(), shape);
                    Ok(())
                })
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    visit_shapes(&mut ComesBack);
}

#[test]
fn no_shape_has_a_null_outside_documents() {
    struct HasNoNull;
    impl ShapeVisitor for HasNoNull {
        fn visit<T: Shape + Arbitrary>(&mut self, name: &str) {
            let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
            runner
                .run(&any::<T>(), |shape| {
                    prop_assert!(!has_null(&written(&shape)));
                    Ok(())
                })
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    fn has_null(value: &Value) -> bool {
        const FREE: [&str; 4] = ["message", "value", "valueToMerge", "configuration"];
        match value {
            Value::Null => true,
            Value::Array(elements) => elements.iter().any(has_null),
            Value::Object(members) => members.iter().any(|(name, value)| {
                let free = value.is_object() && (FREE.contains(&&**name) || name == "MERGE");
                !free && has_null(value)
            }),
            _ => false,
        }
    }
    visit_shapes(&mut HasNoNull);
}

#[test]
fn no_shape_minds_members_that_it_does_not_know() {
    struct Tolerates;
    impl ShapeVisitor for Tolerates {
        fn visit<T: Shape + Arbitrary>(&mut self, name: &str) {
            let mut runner = TestRunner::new(Config { cases: 10, ..Config::default() });
            runner
                .run(&any::<T>(), |shape| {
                    let mut json = written(&shape);
                    json["unknown"] = json!([null, {"a": 1}]);
                    prop_assert_eq!(read::<T>(json), Ok(shape));
                    Ok(())
                })
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    visit_shapes(&mut Tolerates);
}

#[test]
fn messages_of_local_topics() {
    let json = ObjectText::parse(r#"{"n":1}"#).unwrap();
    is(
        PublishToTopicRequest {
            topic: "a/b".to_owned(),
            publish_message: PublishMessage::JsonMessage(JsonMessage {
                message: json,
                context: None,
            }),
        },
        json!({"topic": "a/b", "publishMessage": {"jsonMessage": {"message": {"n": 1}}}}),
    );
    let context = Some(MessageContext { topic: "a/b".to_owned() });
    is(
        SubscriptionResponseMessage::BinaryMessage(BinaryMessage {
            message: b"hi".to_vec().into(),
            context,
        }),
        json!({"binaryMessage": {"message": "aGk=", "context": {"topic": "a/b"}}}),
    );
    is(
        SubscribeToTopicRequest {
            topic: "a/#".to_owned(),
            receive_mode: Some(ReceiveMode::ReceiveMessagesFromOthers),
        },
        json!({"topic": "a/#", "receiveMode": "RECEIVE_MESSAGES_FROM_OTHERS"}),
    );
}

#[test]
fn a_union_has_one_member() {
    let binary = json!({"message": "aGk="});
    let publish = |message: Value| {
        read::<PublishToTopicRequest>(json!({"topic": "a", "publishMessage": message}))
    };
    assert!(publish(json!({"binaryMessage": binary})).is_ok());
    // Null counts as absent, and what is unknown does not count.
    assert!(publish(json!({"binaryMessage": binary, "jsonMessage": null, "x": 1})).is_ok());
    for wrong in [
        json!({}),
        json!({"x": binary}),
        json!({"binaryMessage": null}),
        json!({"binaryMessage": binary, "jsonMessage": {"message": {}}}),
    ] {
        let error = publish(wrong).unwrap_err();
        assert!(error.contains("exactly one member must be set, of: jsonMessage binaryMessage"));
    }
    assert!(publish(json!(null)).is_err());
    assert!(publish(json!({"jsonMessage": {"message": null}})).is_err());
    assert!(publish(json!({"jsonMessage": {"message": [1]}})).is_err());
    assert!(publish(json!({"jsonMessage": {}})).is_err());
}

#[test]
fn messages_of_the_cloud() {
    is(
        PublishToIoTCoreRequest {
            topic_name: "a".to_owned(),
            qos: Qos::AtLeastOnce,
            payload: b"hi".to_vec().into(),
            retain: Some(true),
            user_properties: vec![UserProperty { key: "k".to_owned(), value: "v".to_owned() }],
            message_expiry_interval_seconds: Some(60),
            correlation_data: Some(b"c".to_vec().into()),
            response_topic: Some("r".to_owned()),
            payload_format: Some(PayloadFormat::Utf8),
            content_type: Some("text/plain".to_owned()),
        },
        json!({
            "topicName": "a", "qos": "1", "payload": "aGk=", "retain": true,
            "userProperties": [{"key": "k", "value": "v"}], "messageExpiryIntervalSeconds": 60,
            "correlationData": "Yw==", "responseTopic": "r", "payloadFormat": "1",
            "contentType": "text/plain",
        }),
    );
    // What the SDK for C sends.
    let short = json!({"topicName": "a", "payload": "", "qos": "0"});
    let request = read::<PublishToIoTCoreRequest>(short).unwrap();
    assert_eq!((request.payload, request.user_properties), (Blob::default(), vec![]));
    for qos in [json!("2"), json!(1), json!(null), json!("")] {
        let request = json!({"topicName": "a", "payload": "", "qos": qos});
        assert!(read::<PublishToIoTCoreRequest>(request).is_err());
    }
    // What the lite nucleus sends.
    let event = json!({"message": {"topicName": "a", "payload": "aGk="}});
    let IoTCoreMessage::Message(message) = read(event).unwrap();
    assert_eq!(message.payload, Some(b"hi".to_vec().into()));
}

#[test]
fn configurations() {
    is(
        UpdateConfigurationRequest {
            key_path: vec!["a".to_owned()],
            timestamp: Timestamp::from_millis(1_700_000_000_500),
            value_to_merge: document(json!({"b": null})),
        },
        json!({"keyPath": ["a"], "timestamp": 1_700_000_000.5, "valueToMerge": {"b": null}}),
    );
    for (json, keys) in
        [(json!({}), 0), (json!({"keyPath": null}), 0), (json!({"keyPath": ["a"]}), 1)]
    {
        assert_eq!(read::<GetConfigurationRequest>(json).unwrap().key_path.len(), keys);
    }
    for value in [json!(null), json!([]), json!("{}")] {
        let request = json!({"timestamp": 1, "valueToMerge": value});
        assert!(read::<UpdateConfigurationRequest>(request).is_err());
    }
    is(
        SendConfigurationValidityReportRequest {
            configuration_validity_report: ConfigurationValidityReport {
                status: ConfigurationValidityStatus::Rejected,
                deployment_id: "d".to_owned(),
                message: Some("no".to_owned()),
            },
        },
        json!({"configurationValidityReport":
            {"status": "REJECTED", "deploymentId": "d", "message": "no"}}),
    );
}

#[test]
fn updates_of_components() {
    is(
        ComponentUpdatePolicyEvents::PreUpdateEvent(PreComponentUpdateEvent {
            deployment_id: "d".to_owned(),
            is_ggc_restarting: false,
        }),
        json!({"preUpdateEvent": {"deploymentId": "d", "isGgcRestarting": false}}),
    );
    is(
        DeferComponentUpdateRequest {
            deployment_id: "d".to_owned(),
            message: None,
            recheck_after_ms: Some(0),
        },
        json!({"deploymentId": "d", "recheckAfterMs": 0}),
    );
}

#[test]
fn local_deployments() {
    let request = json!({
        "groupName": "g",
        "rootComponentVersionsToAdd": {"a": "1.0.0"},
        "rootComponentsToRemove": ["b"],
        "componentToConfiguration": {"a": {"MERGE": {"k": 1}, "RESET": ["/x"]}},
        "componentToRunWithInfo": {"a": {
            "posixUser": "u:g", "systemResourceLimits": {"memory": 1024, "cpus": 0.5},
        }},
        "recipeDirectoryPath": "/r",
        "artifactsDirectoryPath": "/a",
        "failureHandlingPolicy": "DO_NOTHING",
    });
    let shape: CreateLocalDeploymentRequest = read(request.clone()).unwrap();
    assert_eq!(written(&shape), request);
    assert_eq!(read(json!({})), Ok(CreateLocalDeploymentRequest::default()));
    // As the lite nucleus takes it.
    let lower = read::<ComponentConfigurationUpdate>(json!({"merge": {}, "reset": [""]})).unwrap();
    assert_eq!(written(&lower), json!({"MERGE": {}, "RESET": [""]}));
}

#[test]
fn secrets_are_not_shown() {
    let response = GetSecretValueResponse {
        secret_id: "arn".to_owned(),
        version_id: "v".to_owned(),
        version_stage: vec!["AWSCURRENT".to_owned()],
        secret_value: SecretValue::SecretString(Secret::new("hunter2".to_owned())),
    };
    assert!(!format!("{response:?}").contains("hunter2"));
    is(
        response,
        json!({
            "secretId": "arn", "versionId": "v", "versionStage": ["AWSCURRENT"],
            "secretValue": {"secretString": "hunter2"},
        }),
    );
}

#[test]
fn passwords() {
    is(
        CreateDebugPasswordResponse {
            password: Secret::new("p".to_owned()),
            username: "debug".to_owned(),
            password_expiration: Timestamp::from_millis(1000),
            certificate_sha256_hash: Some("x".to_owned()),
            certificate_sha1_hash: None,
        },
        json!({
            "password": "p", "username": "debug", "passwordExpiration": 1.0,
            "certificateSHA256Hash": "x",
        }),
    );
}

#[test]
fn units_of_metrics_are_read_as_people_write_them() {
    for unit in ["BYTES_PER_SECOND", "BytesPerSecond", "bytes/per second"] {
        let metric = json!({"name": "n", "unit": unit, "value": 1});
        assert_eq!(read::<Metric>(metric).unwrap().unit, MetricUnitType::BytesPerSecond);
    }
    for unit in [json!(""), json!("BYTE"), json!(null), json!(1)] {
        assert!(read::<Metric>(json!({"name": "n", "unit": unit, "value": 1})).is_err());
    }
    let metric = Metric { name: "n".to_owned(), unit: MetricUnitType::Count, value: 1.5 };
    is(metric, json!({"name": "n", "unit": "COUNT", "value": 1.5}));
}

#[test]
fn client_devices() {
    is(
        GetClientDeviceAuthTokenRequest {
            credential: CredentialDocument::MqttCredential(MQTTCredential {
                client_id: Some("c".to_owned()),
                password: Some(Secret::new("p".to_owned())),
                ..MQTTCredential::default()
            }),
        },
        json!({"credential": {"mqttCredential": {"clientId": "c", "password": "p"}}}),
    );
    is(
        SubscribeToCertificateUpdatesRequest {
            certificate_options: CertificateOptions { certificate_type: CertificateType::Server },
        },
        json!({"certificateOptions": {"certificateType": "SERVER"}}),
    );
}
