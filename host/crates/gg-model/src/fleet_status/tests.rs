use super::*;
use serde_json::{Value, json};

fn message() -> Value {
    json!({
        "ggcVersion": "2.14.0", "platform": "linux", "architecture": "amd64", "thing": "T",
        "overallDeviceStatus": "HEALTHY", "sequenceNumber": 12, "timestamp": 1_760_000_000_123_u64,
        "messageType": "PARTIAL", "trigger": "THING_GROUP_DEPLOYMENT",
        "chunkInfo": {"chunkId": 1, "totalChunks": 2},
        "components": [{
            "componentName": "com.example.Hello", "version": "1.0.0", "fleetConfigArns": ["arn"],
            "isRoot": true, "status": "RUNNING",
            "componentStatusDetails": {"statusCodes": ["RUN_ERROR"], "statusReason": "why"},
        }],
        "deploymentInformation": {
            "status": "SUCCEEDED", "fleetConfigurationArnForStatus": "arn", "deploymentId": "d",
            "statusDetails": {"detailedStatus": "SUCCESSFUL", "failureCause": "", "errorStack": [],
                              "errorTypes": []},
            "unchangedRootComponents": ["x"],
        },
    })
}

fn parse(message: &Value) -> Result<StatusMessage, StatusError> {
    StatusMessage::parse(message.to_string().as_bytes())
}

#[test]
fn a_message_is_read_and_written_alike() {
    let read = parse(&message()).unwrap();
    assert_eq!(read.components[0].component_status_details.status_codes, ["RUN_ERROR"]);
    assert_eq!(serde_json::to_value(&read).unwrap(), message());
}

#[test]
fn what_is_left_out_or_null_is_nothing() {
    let least = json!({"ggcVersion": "2", "overallDeviceStatus": "UNHEALTHY", "sequenceNumber": 0,
        "timestamp": 0, "components": null, "deploymentInformation": null, "other": 1});
    let read = parse(&least).unwrap();
    assert_eq!(read.message_type, MessageType::Partial);
    assert!(read.components.is_empty() && read.deployment_information.is_none());
    let details = json!([{"componentName": "a", "status": "NEW", "fleetConfigArns": null,
        "componentStatusDetails": {"statusCodes": null, "statusReason": null}}]);
    let mut null = least;
    null["components"] = details;
    assert!(parse(&null).is_ok());
}

#[test]
fn hostile_messages_are_errors() {
    let with = |path: &str, value: Value| {
        let mut message = message();
        *message.pointer_mut(path).unwrap() = value;
        message
    };
    let component = &message()["components"][0];
    for hostile in [
        json!([]),
        with("/sequenceNumber", json!(-1)),
        with("/sequenceNumber", json!(1e300)),
        with("/overallDeviceStatus", json!("GREAT")),
        with("/ggcVersion", json!("x".repeat(129))),
        with("/chunkInfo", json!({"chunkId": 0, "totalChunks": 2})),
        with("/chunkInfo", json!({"chunkId": 3, "totalChunks": 2})),
        with("/chunkInfo", json!({"chunkId": 1, "totalChunks": 4_000_000_000_u32})),
        with("/components", json!(vec![json!({"componentName": "a", "status": "NEW"}); 1001])),
        with("/components", json!([component, 1])),
        with("/components/0/fleetConfigArns", json!(vec!["a"; 101])),
        with("/components/0/componentStatusDetails/statusReason", json!("x".repeat(4097))),
        with("/deploymentInformation/statusDetails/errorStack", json!(vec!["a"; 101])),
        with("/deploymentInformation/fleetConfigurationArnForStatus", json!("x".repeat(513))),
    ] {
        assert!(parse(&hostile).is_err(), "{hostile}");
    }
    assert!(StatusMessage::parse(&[b'['; 100_000]).is_err());
    assert!(StatusMessage::parse(&vec![b' '; MAX_STATUS_BYTES + 1]).is_err());
    assert!(StatusMessage::parse(b"\xff").is_err());
}
