//! The AWS IoT Device SDK for JavaScript.

use super::{Client, access, expect_of};

const NAME: &str = "com.example.JavaScript";

#[test]
fn messages_are_exchanged_and_refused() {
    let Some(client) = Client::javascript() else { return };
    let rights = access("[numbers, own, own/+]", "[relayed, own]");
    let (device, mut nucleus) = client.beside_relay(NAME, "pubsub.js", &rights);
    expect_of(
        &mut nucleus,
        NAME,
        &[
            r#"relayed {"by":"version-A","number":9} on relayed"#,
            r#"own {"text":"grüße","list":[1,null]}"#,
            "own bytes on own",
            "closed",
            "publish ServiceError UnauthorizedError com.example.JavaScript is not authorized to \
             perform aws.greengrass#PublishToTopic",
            "subscribe ServiceError UnauthorizedError com.example.JavaScript is not authorized to \
             perform aws.greengrass#SubscribeToTopic",
            "topic InternalError undefined Unexpected response shape received: \
             'aws.greengrass#InvalidArgumentsError'",
            "many true",
        ],
    );
    device.ask("component", ["stop", NAME]).expect_code(0);
}

#[test]
fn configuration_is_read_changed_watched_and_agreed_to() {
    let Some(client) = Client::javascript() else { return };
    let configuration = "{Mode: calm, nested: {leaf: 1.5, list: [1]}}";
    let (device, mut nucleus) = client.beside_relay(NAME, "configuration.js", configuration);
    expect_of(
        &mut nucleus,
        NAME,
        &[
            r#"all {"Mode":"calm","nested":{"leaf":1.5,"list":[1]}}"#,
            r#"leaf {"Mode":"calm"} of com.example.JavaScript"#,
            r#"container {"leaf":1.5,"list":[1]}"#,
            "missing ServiceError ResourceNotFoundError",
            "another's InternalError Unexpected response shape received: \
             'aws.greengrass#UnauthorizedError'",
            "protected ServiceError InvalidArgumentsError",
            r#"changed com.example.JavaScript ["nested","new","a"]"#,
            r#"new {"a":null}"#,
            "old ServiceError FailedUpdateConditionCheckError",
            "ready",
        ],
    );
    let update = |mode: &str| {
        let update = format!(r#"{{"{NAME}": {{"MERGE": {{"Mode": "{mode}"}}}}}}"#);
        device.deploy(["--update-config", &update])
    };
    let outcome = update("wild");
    let answer = outcome.expect_code(1).answer();
    let cause = answer["deploymentStatusDetails"]["failureCause"].as_str().unwrap();
    assert!(cause.contains("too wild for me"), "{cause}");
    update("busy").expect_code(0);
    expect_of(&mut nucleus, NAME, &[r#"changed com.example.JavaScript ["Mode"]"#]);
}

#[test]
fn a_component_that_says_that_it_is_up_is_up() {
    let Some(client) = Client::javascript() else { return };
    let device = client.device();
    client.step(&device, NAME, "startup", "startup.js", "{}");
    let mut nucleus = device.start();
    device.deploy(["--merge", &format!("{NAME}=1.0.0")]).expect_code(0);
    expect_of(&mut nucleus, NAME, &["said so"]);
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
}
