use super::*;

const REQUEST: &str = r#"{
    "requestId": "1", "requestTimestamp": 5, "groupName": "line-2",
    "rootComponentVersionsToAdd": { "com.a": "1.0.0" }, "rootComponentsToRemove": ["com.b"],
    "recipeDirectoryPath": "/r", "artifactsDirectoryPath": "/a",
    "configurationUpdate": { "com.a": { "MERGE": { "x": 1 }, "RESET": ["/y"] } },
    "componentToRunWithInfo": {
        "com.a": { "posixUser": "u:g", "systemResourceLimits": { "memory": 1024, "cpus": 0.5 } }
    },
    "failureHandlingPolicy": "ROLLBACK"
}"#;

#[test]
fn a_request_is_read_and_written() {
    let request = LocalDeploymentRequest::parse(REQUEST).unwrap();
    assert_eq!(request.request_timestamp, 5);
    assert_eq!(request.add.len(), 1);
    let run_with = &request.run_with[&"com.a".parse::<ComponentName>().unwrap()];
    assert_eq!((run_with.memory_kib, run_with.cpus), (Some(1024), Some(0.5)));
    assert_eq!(request.failure_handling, FailureHandlingPolicy::Rollback);
    assert_eq!(LocalDeploymentRequest::parse(&request.to_json().to_string()).unwrap(), request);
}

#[test]
fn the_least_request_leaves_all_as_it_is() {
    let request = LocalDeploymentRequest::parse(r#"{"requestId": "1"}"#).unwrap();
    assert_eq!(request.failure_handling, FailureHandlingPolicy::DoNothing);
    assert!(request.add.is_empty() && request.remove.is_empty());
}

#[test]
fn what_is_wrong_is_named() {
    for (text, place) in [
        (
            r#"{"requestId": "1", "rootComponentVersionsToAdd": {"a": "x"}}"#,
            "rootComponentVersionsToAdd.a",
        ),
        (
            r#"{"requestId": "1", "componentToRunWithInfo": {"a": {"systemResourceLimits": {"memory": -1}}}}"#,
            "memory",
        ),
        (r#"{"requestId": "1", "configurationUpdate": {"a": {"MERGE": 1}}}"#, "MERGE"),
        (r#"{"requestId": "1", "rootComponents": {}}"#, "rootComponents"),
    ] {
        let error = LocalDeploymentRequest::parse(text).unwrap_err().to_string();
        assert!(error.contains(place), "{error}");
    }
}
