use super::ResourceStyle::{Mqtt, Standard};
use super::*;
use crate::topic::{Topic, TopicFilter};
use proptest::prelude::*;
use serde_json::json;

const PUBSUB: &str = "aws.greengrass.ipc.pubsub";
const PUBLISH: &str = "aws.greengrass#PublishToTopic";

fn allows(pattern: &str, resource: &str, style: ResourceStyle) -> bool {
    let mut policy = AccessPolicy::default();
    policy.allow(PUBSUB, PUBLISH, pattern).unwrap();
    policy.allows(PUBSUB, PUBLISH, resource, style)
}

fn read(value: serde_json::Value) -> AccessPolicy {
    AccessPolicy::from_access_control(&value).unwrap()
}

#[test]
fn nothing_is_allowed_by_default() {
    let policy = AccessPolicy::default();
    assert!(!policy.allows(PUBSUB, PUBLISH, "a", Standard));
    assert!(!policy.allows_operation(PUBSUB, PUBLISH));
}

#[test]
fn service_and_operation_must_agree() {
    let mut policy = AccessPolicy::default();
    policy.allow(PUBSUB, PUBLISH, "*").unwrap();
    policy.allow("aws.greengrass.Cli", "*", "com.example.A").unwrap();
    assert!(policy.allows(PUBSUB, PUBLISH, "a", Standard));
    assert!(!policy.allows(PUBSUB, "aws.greengrass#SubscribeToTopic", "a", Standard));
    assert!(!policy.allows("aws.greengrass.ipc.mqttproxy", PUBLISH, "a", Standard));
    assert!(!policy.allows("AWS.greengrass.ipc.pubsub", PUBLISH, "a", Standard));
    assert!(policy.allows(
        "aws.greengrass.Cli",
        "aws.greengrass#Anything",
        "com.example.A",
        Standard
    ));
    assert!(policy.allows_operation("aws.greengrass.Cli", "aws.greengrass#Anything"));
}

#[test]
fn patterns_cover_requests() {
    #[rustfmt::skip]
    let table = [
        ("a/b", "a/b", true), ("a/b", "a/bc", false), ("a/b", "a", false), ("a/b", "A/b", false),
        ("*", "a", true), ("*", "/", true), ("a/*", "a/", true), ("a/*", "a/b/c", true),
        ("a/*", "a", false), ("a*", "a", true), ("*b", "ab", true), ("*b", "ba", false),
        ("a*c", "ac", true), ("a*c", "abbc", true), ("a*c", "abcd", false), ("a*a", "a", false),
        ("*a*", "bab", true), ("*a*", "b", false), ("a**b", "ab", true), ("**", "x", true),
        ("*ab*ab", "ab", false), ("*ab*ab", "abab", true), ("ab*ba", "aba", false),
        ("*abc", "ababc", true), ("a*b*c", "aXbYc", true), ("a*b*c", "acb", false),
        ("${*}", "*", true), ("${*}", "a", false), ("a${?}b", "a?b", true), ("${$}x", "$x", true),
        ("${$}{*}", "${anything}", true), ("$aws/*", "$aws/x", true), ("a$", "a$", true),
        ("${*}*", "*abc", true), ("ü*", "üß", true), ("*ß", "üß", true),
    ];
    for (pattern, resource, expected) in table {
        assert_eq!(allows(pattern, resource, Standard), expected, "{pattern} on {resource}");
        assert_eq!(allows(pattern, resource, Mqtt), expected, "{pattern} on {resource} (mqtt)");
    }
}

#[test]
fn mqtt_wildcards_are_characters_in_the_standard_style() {
    assert!(!allows("a/+", "a/b", Standard));
    assert!(allows("a/+", "a/+", Standard));
    assert!(!allows("a/#", "a/b", Standard));
    assert!(allows("a/#", "a/#", Standard));
    assert!(allows("a/*", "a/#", Standard));
}

#[test]
fn mqtt_wildcards_cover_topics_in_the_mqtt_style() {
    #[rustfmt::skip]
    let table = [
        ("a/+", "a/b", true), ("a/+", "a/", true), ("a/+", "a", false), ("a/+", "a/b/c", false),
        ("+", "a", true), ("+", "a/b", false), ("+/b", "a/b", true), ("a/+/c", "a/b/c", true),
        ("a/+/c", "a/b/b/c", false), ("+/+", "/", true),
        ("#", "a/b", true), ("#", "$aws/x", true), ("a/#", "a", true), ("a/#", "a/", true),
        ("a/#", "a/b/c", true), ("a/#", "ab", false), ("a/#", "b", false), ("/#", "/a", true),
        ("+/#", "a", true), ("+/#", "a/b", true),
        // Not a whole level: characters.
        ("a+", "a+", true), ("a+", "ab", false), ("a#", "ab", false), ("#/a", "b/a", false),
        ("a/#/b", "a/x/b", false), ("a/+b", "a/xb", false),
        // Mixed with `*`.
        ("*/a/+", "x/y/a/b", true), ("*/a/+", "x/y/a/b/c", false), ("+/a*", "x/ab/c", true),
        ("+/a*", "x/y/ab", false), ("*/+/b/*", "x/y/b/z", true), ("*/+/b/*", "x/y/c/z", false),
        ("*a/#", "xa", true), ("*a/#", "xa/b", true), ("*a/#", "xab", false), ("*+", "x+", true),
    ];
    for (pattern, resource, expected) in table {
        assert_eq!(allows(pattern, resource, Mqtt), expected, "{pattern} on {resource}");
    }
}

#[test]
fn a_requested_filter_must_be_covered_as_a_whole() {
    #[rustfmt::skip]
    let table = [
        ("a/+", "a/#", false), ("a/+", "a/+", true), ("a/b", "a/+", false), ("a/b", "a/#", false),
        ("+", "#", false), ("+/+", "#", false), ("a/+", "+/b", false), ("a/+/c", "a/#", false),
        ("a/#", "a/#", true), ("a/#", "a/+", true), ("a/#", "a/+/c", true), ("a/#", "a/b/#", true),
        ("a/#", "#", false), ("a/#", "+", false), ("a/#", "+/b", false), ("a/b/#", "a/#", false),
        ("#", "#", true), ("*", "#", true), ("#", "+", true), ("*", "a/+/#", true),
        ("a/*", "a/+", true), ("a/*", "a/b/#", true), ("a/*", "a/#", false), ("a*", "a/#", true),
        ("+/b", "+/b", true), ("+/b", "+/+", false), ("+/+", "+/b", true), ("+/+", "a/+", true),
        ("*/b", "+/b", true), ("*/b", "+/+", false), ("*b", "+", false), ("a/+/*", "a/b/#", false),
        ("a/+/#", "a/b/#", true), ("a/+/#", "a/#", false), ("/*", "/#", true), ("/#", "/#", true),
        ("$share/g/a/#", "$share/g/a/+", true), ("a/#", "$share/g/a/b", false),
    ];
    for (pattern, filter, expected) in table {
        assert_eq!(allows(pattern, filter, Mqtt), expected, "{pattern} on {filter}");
    }
}

#[test]
fn empty_and_overlong_requests_are_denied() {
    assert!(!allows("*", "", Standard));
    assert!(!allows("*", "", Mqtt));
    assert!(allows("*", &"x".repeat(MAX_RESOURCE_BYTES), Standard));
    assert!(!allows("*", &"x".repeat(MAX_RESOURCE_BYTES + 1), Standard));
}

#[test]
fn a_hostile_pattern_costs_little() {
    let started = std::time::Instant::now();
    let requests = ["a".repeat(MAX_RESOURCE_BYTES), "a/".repeat(MAX_RESOURCE_BYTES / 2)];
    let patterns = [
        format!("{}*b", "*a".repeat(2000)),
        format!("*{}b", "a".repeat(4000)),
        format!("*{}b*{}b", "a".repeat(2000), "a".repeat(2000)),
        format!("*{}b*", "a/+/".repeat(1000)),
        format!("*/{}b", "+/".repeat(2000)),
    ];
    for pattern in &patterns {
        for request in &requests {
            for style in [Standard, Mqtt] {
                assert!(!allows(pattern, request, style));
            }
        }
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn access_control_is_read_in_all_its_forms() {
    let value = json!({
        PUBSUB: {
            "com.example.A:pubsub:1": {
                "policyDescription": "what for",
                "operations": [PUBLISH, "aws.greengrass#SubscribeToTopic"],
                "resources": ["a/b", "c/*"]
            },
            "com.example.A:pubsub:2": {"Operations": ["*"], "RESOURCES": ["d"]},
            "nothing": null
        },
        "aws.greengrass.SecretManager": {"id": {"operations": ["aws.greengrass#GetSecretValue"]}},
        "empty": null
    });
    for policy in [read(value.clone()), read(json!(value.to_string()))] {
        assert!(policy.allows(PUBSUB, PUBLISH, "a/b", Standard));
        assert!(policy.allows(PUBSUB, PUBLISH, "c/x", Standard));
        assert!(policy.allows(PUBSUB, "aws.greengrass#Other", "d", Standard));
        assert!(!policy.allows(PUBSUB, "aws.greengrass#Other", "a/b", Standard));
        // Without resources nothing is granted that has one.
        let get = "aws.greengrass#GetSecretValue";
        assert!(!policy.allows("aws.greengrass.SecretManager", get, "x", Standard));
        assert!(policy.allows_operation("aws.greengrass.SecretManager", get));
        assert!(policy.warnings().is_empty());
    }
    assert_eq!(read(json!(null)), AccessPolicy::default());
    assert_eq!(read(json!("{}")), AccessPolicy::default());
}

#[test]
fn a_bad_resource_voids_itself_alone() {
    let policy = read(json!({PUBSUB: {"id": {
        "operations": ["*"],
        "resources": ["a?", "", "${iot:thingName}/x", "$", "${", "${*", "good"]
    }}}));
    assert!(policy.allows(PUBSUB, PUBLISH, "good", Standard));
    assert!(policy.allows(PUBSUB, PUBLISH, "$", Standard));
    assert!(!policy.allows(PUBSUB, PUBLISH, "a?", Standard));
    let warnings: Vec<String> = policy.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 5);
    assert_eq!(
        warnings[0],
        "accessControl[\"aws.greengrass.ipc.pubsub\"].id.resources[0]: \
         the resource `a?` grants nothing: it contains a bare `?`; write `${?}` for the character itself"
    );
}

#[test]
fn a_policy_without_operations_grants_nothing_and_warns() {
    let policy = read(json!({PUBSUB: {"id": {"resources": ["*"]}}}));
    assert!(!policy.allows_operation(PUBSUB, PUBLISH));
    assert_eq!(policy.warnings().len(), 1);
}

#[test]
fn a_wrong_shape_refuses_the_whole_block() {
    #[rustfmt::skip]
    let table = [
        (json!([]), "accessControl: expected an object, came a list"),
        (json!(7), "accessControl: expected an object, came the number 7"),
        (json!({"s": []}), "accessControl.s: expected an object, came a list"),
        (json!({"s": {"id": "x"}}), "accessControl.s.id: expected an object, came the text `x`"),
        (json!({"s": {"id": {"operations": "*"}}}),
         "accessControl.s.id.operations: expected a list, came the text `*`"),
        (json!({"s": {"id": {"operations": [1]}}}),
         "accessControl.s.id.operations[0]: expected text (put it in quotes), came the number 1"),
        (json!({"s": {"id": {"operations": ["*"], "resources": [{}]}}}),
         "accessControl.s.id.resources[0]: expected text, came an object"),
        (json!({"s": {"id": {"operation": ["*"]}}}),
         "accessControl.s.id.operation: is not a known key; is it `operations`?"),
        (json!("{\"s\":"),
         "accessControl is text that is not JSON: line 1, column 5: EOF while parsing a value"),
        (json!("\"{}\""), "accessControl: expected an object, came the text `{}`"),
    ];
    for (value, expected) in table {
        let error = AccessPolicy::from_access_control(&value).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn sizes_are_limited() {
    let resources = |count: usize, length: usize| {
        let resource = "x".repeat(length);
        AccessPolicy::from_access_control(
            &json!({PUBSUB: {"id": {"operations": ["*"], "resources": vec![resource; count]}}}),
        )
    };
    assert!(resources(MAX_RESOURCES, 1).is_ok());
    assert!(matches!(resources(MAX_RESOURCES + 1, 1), Err(PolicyError::TooMany { .. })));
    assert!(resources(1, MAX_RESOURCE_BYTES).is_ok());
    assert!(matches!(
        resources(1, MAX_RESOURCE_BYTES + 1),
        Err(PolicyError::ResourceTooLong { length: 4097 })
    ));
    let operations = json!({PUBSUB: {"id": {"operations": vec!["*"; MAX_RESOURCES + 1]}}});
    assert!(matches!(
        AccessPolicy::from_access_control(&operations),
        Err(PolicyError::TooMany { what: "operations" })
    ));
    assert!(AccessPolicy::from_access_control(&json!("[".repeat(1_000_000))).is_err());
}

#[test]
fn merging_allows_what_either_allows() {
    let mut one = read(json!({PUBSUB: {"id": {"operations": ["*"], "resources": ["a", "?"]}}}));
    one.merge(read(json!({PUBSUB: {"id": {"operations": ["*"], "resources": ["b"]}}})));
    assert!(one.allows(PUBSUB, PUBLISH, "a", Standard));
    assert!(one.allows(PUBSUB, PUBLISH, "b", Standard));
    assert_eq!(one.warnings().len(), 1);
}

#[test]
fn a_pattern_given_by_hand_must_be_right() {
    let error = AccessPolicy::default().allow(PUBSUB, PUBLISH, "").unwrap_err();
    assert_eq!(error.to_string(), "the resource `` is empty; write `*` for all resources");
}

/// Matching by trying everything.
fn naive(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            naive(rest, text) || text.split_first().is_some_and(|(_, text)| naive(pattern, text))
        }
        ([wanted, rest @ ..], [byte, text @ ..]) => wanted == byte && naive(rest, text),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stars_agree_with_trying_everything(pattern in "[ab*/]{1,8}", text in "[ab/]{1,8}") {
        prop_assert_eq!(allows(&pattern, &text, Standard), naive(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn filters_agree_with_mqtt(filter in "([ab+]|)(/([ab+]|)){0,3}(/#)?", topic in "([ab]|)(/([ab]|)){0,4}") {
        if let (Ok(filter), Ok(topic)) = (filter.parse::<TopicFilter>(), topic.parse::<Topic>()) {
            prop_assert_eq!(allows(filter.as_str(), topic.as_str(), Mqtt), filter.matches(&topic));
        }
    }

    #[test]
    fn what_an_allowed_filter_receives_is_allowed_too(
        pattern in "([ab+*]{1,2}|)(/([ab+*]{1,2}|)){0,3}(/#)?",
        filter in "([ab+]|)(/([ab+]|)){0,3}(/#)?",
        topic in "([ab]|)(/([ab]|)){0,4}",
    ) {
        if let (Ok(filter), Ok(topic)) = (filter.parse::<TopicFilter>(), topic.parse::<Topic>())
            && !pattern.is_empty()
            && filter.matches(&topic)
            && allows(&pattern, filter.as_str(), Mqtt)
        {
            prop_assert!(allows(&pattern, topic.as_str(), Mqtt), "{} {} {}", pattern, filter, topic);
        }
    }

    #[test]
    fn a_filter_without_star_covers_itself(filter in "([ab+]|)(/([ab+]|)){0,3}(/#)?") {
        if let Ok(filter) = filter.parse::<TopicFilter>() {
            prop_assert!(allows(filter.as_str(), filter.as_str(), Mqtt));
        }
    }

    #[test]
    fn no_text_makes_matching_panic(pattern in ".{1,30}", text in ".{1,30}") {
        let mut policy = AccessPolicy::default();
        if policy.allow("s", "o", &pattern).is_ok() {
            policy.allows("s", "o", &text, Mqtt);
            policy.allows("s", "o", &text, Standard);
        }
    }
}
