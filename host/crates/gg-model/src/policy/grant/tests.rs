use super::*;

fn grant(text: &str) -> String {
    text.parse::<Grant>().unwrap().to_string()
}

#[test]
fn aliases_and_defaults_are_filled_in() {
    #[rustfmt::skip]
    let table = [
        ("pubsub", "aws.greengrass.ipc.pubsub:*:*"),
        ("pubsub:publish", "aws.greengrass.ipc.pubsub:aws.greengrass#PublishToTopic:*"),
        ("pubsub:subscribe:a/b", "aws.greengrass.ipc.pubsub:aws.greengrass#SubscribeToTopic:a/b"),
        ("mqtt:publish:a", "aws.greengrass.ipc.mqttproxy:aws.greengrass#PublishToIoTCore:a"),
        ("mqtt:subscribe:a/#", "aws.greengrass.ipc.mqttproxy:aws.greengrass#SubscribeToIoTCore:a/#"),
        ("lifecycle:pause:x", "aws.greengrass.ipc.lifecycle:aws.greengrass#PauseComponent:x"),
        ("secrets:*:arn:aws:secretsmanager:eu:1:secret:x*",
         "aws.greengrass.SecretManager:*:arn:aws:secretsmanager:eu:1:secret:x*"),
        ("shadow:get", "aws.greengrass.ShadowManager:aws.greengrass#GetThingShadow:*"),
        ("cli:RestartComponent:x", "aws.greengrass.Cli:aws.greengrass#RestartComponent:x"),
        ("configuration:get:x", "gg.host.configuration:aws.greengrass#GetConfiguration:x"),
        ("configuration:update", "gg.host.configuration:aws.greengrass#UpdateConfiguration:*"),
        ("configuration:watch", "gg.host.configuration:aws.greengrass#SubscribeToConfigurationUpdate:*"),
        ("inference:run:anomaly", "gg.host.inference:gg.host#RunInference:anomaly"),
        ("inference:LoadModel", "gg.host.inference:gg.host#LoadModel:*"),
        ("logging", "gg.host.logging:*:*"),
        ("keyvalue:*:bucket", "gg.host.keyvalue:*:bucket"),
        ("a.b:x#Y:z", "a.b:x#Y:z"),
        ("pubsub:*:*", "aws.greengrass.ipc.pubsub:*:*"),
    ];
    for (text, expected) in table {
        assert_eq!(grant(text), expected);
        assert_eq!(grant(expected), expected, "the full form is a fixed point");
    }
}

#[test]
fn errors_name_the_part_and_the_remedy() {
    #[rustfmt::skip]
    let table = [
        ("", "the grant `` has an empty service; write `*` for all"),
        ("pubsub:", "the grant `pubsub:` has an empty operation; write `*` for all"),
        ("pubsub::a", "the grant `pubsub::a` has an empty operation; write `*` for all"),
        ("pubsub:publish:", "the grant `pubsub:publish:` has an empty resource; write `*` for all"),
        ("pubsup:publish", "the service `pubsup` is unknown; use a full name with dots, or one of \
          pubsub, mqtt, lifecycle, secrets, shadow, cli, configuration, inference, logging, keyvalue"),
        ("pubsub:publsh", "the operation `publsh` is unknown; use `*`, a name such as \
          `PublishToTopic`, or one of publish, subscribe"),
        ("keyvalue:get", "the operation `get` is unknown; use `*`, a name such as `PublishToTopic`"),
        ("pubsub:publish:a?", "the resource `a?` contains a bare `?`; write `${?}` for the character itself"),
    ];
    for (text, expected) in table {
        assert_eq!(text.parse::<Grant>().unwrap_err().to_string(), expected);
    }
    assert!(format!("pubsub:publish:{}", "x".repeat(5000)).parse::<Grant>().is_err());
    assert!("x".repeat(1_000_000).parse::<Grant>().unwrap_err().to_string().len() < 300);
}

#[test]
fn a_grant_allows_what_it_says() {
    let mut policy = AccessPolicy::default();
    policy.grant(&"pubsub:publish:a/*".parse().unwrap()).unwrap();
    let allowed = |operation, resource| {
        policy.allows(
            "aws.greengrass.ipc.pubsub",
            operation,
            resource,
            super::super::ResourceStyle::Standard,
        )
    };
    assert!(allowed("aws.greengrass#PublishToTopic", "a/b"));
    assert!(!allowed("aws.greengrass#PublishToTopic", "b"));
    assert!(!allowed("aws.greengrass#SubscribeToTopic", "a/b"));
}
