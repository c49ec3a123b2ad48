use super::*;
use crate::registry::Attributes;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PREFIX: &str = "arn:aws:iot:us-east-1:000000000000";

fn thing() -> Thing {
    let attributes = BTreeMap::from([("site".to_owned(), "hall-1".to_owned())]);
    Thing { name: "press".to_owned(), kind: None, attributes: Attributes::new(attributes).unwrap() }
}

fn document(statements: Value) -> Document {
    Document::parse(&json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
        .unwrap()
}

/// What a document says of `action` with `what` by the client `press` of the thing `press`.
fn ask(document: &Document, action: &str, what: &str) -> Decision {
    ask_as(document, action, what, Some("press"), Some(&thing()))
}

fn ask_as(
    document: &Document,
    action: &str,
    what: &str,
    client_id: Option<&str>,
    thing: Option<&Thing>,
) -> Decision {
    let certificate = BTreeMap::from([("CommonName".to_owned(), "press-cn".to_owned())]);
    let resource = format!("{PREFIX}:{what}");
    let subject = Subject { certificate: &certificate, thing };
    let request = Request {
        action,
        resource: &resource,
        client_id,
        source: None,
        connect: &["LastWill"],
        ..Request::default()
    };
    authorize([document], &subject, &request)
}

fn allow(action: &str, what: &str) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": format!("{PREFIX}:{what}") })
}

fn allow_if(condition: Value) -> Document {
    document(json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition }))
}

#[test]
fn what_nothing_allows_is_not_allowed() {
    let document = document(allow("iot:Publish", "topic/a/*"));
    assert_eq!(ask(&document, "iot:Publish", "topic/a/b/c"), Decision::Allowed);
    assert_eq!(ask(&document, "IOT:publish", "topic/a/b"), Decision::Allowed);
    for (action, what) in [
        ("iot:Publish", "topic/b"),
        ("iot:Publish", "topic/a"),
        ("iot:Receive", "topic/a/b"),
        ("iot:Subscribe", "topicfilter/a/b"),
        ("iot:Publish", "TOPIC/a/b"),
    ] {
        assert_eq!(ask(&document, action, what), Decision::NotAllowed, "{action} {what}");
    }
}

#[test]
fn a_denial_wins() {
    let deny = json!({ "Effect": "Deny", "Action": "iot:*", "Resource": "*/secret?" });
    let document = document(json!([allow("*", "topic/*"), deny, allow("*", "topic/*")]));
    assert_eq!(ask(&document, "iot:Publish", "topic/secret1"), Decision::Denied);
    assert_eq!(ask(&document, "iot:Publish", "topic/secret"), Decision::Allowed);
    assert_eq!(ask(&document, "greengrass:GetDeployment", "topic/secret1"), Decision::Allowed);
}

#[test]
fn wildcards_of_mqtt_are_letters_of_a_filter() {
    let document = document(allow("iot:Subscribe", "topicfilter/a/+/b"));
    assert!(ask(&document, "iot:Subscribe", "topicfilter/a/+/b").is_allowed());
    for filter in ["a/x/b", "a/#", "#", "a/+/+"] {
        let what = format!("topicfilter/{filter}");
        assert!(!ask(&document, "iot:Subscribe", &what).is_allowed(), "{filter}");
    }
}

#[test]
fn variables_have_the_values_of_who_asks() {
    for (variable, value) in [
        ("iot:ClientId", "press"),
        ("iot:Connection.Thing.ThingName", "press"),
        ("iot:Connection.Thing.Attributes[site]", "hall-1"),
        ("iot:Connection.Thing.IsAttached", "true"),
        ("iot:Certificate.Subject.CommonName", "press-cn"),
        ("iot:Certificate.Subject.CommonName.1", "press-cn"),
    ] {
        let document = document(allow("iot:Publish", &format!("topic/${{{variable}}}/x")));
        let what = format!("topic/{value}/x");
        assert!(ask(&document, "iot:Publish", &what).is_allowed(), "{variable}");
        assert!(!ask(&document, "iot:Publish", "topic/other/x").is_allowed(), "{variable}");
    }
}

#[test]
fn a_variable_without_a_value_allows_nothing_and_denies_anything() {
    for variable in
        ["iot:Unknown", "iot:Connection.Thing.ThingName", "iot:Connection.Thing.Attributes[x]", ""]
    {
        let what = format!("topic/${{{variable}}}");
        let ask = |document: &Document, what: &str| {
            ask_as(document, "iot:Publish", what, Some("press"), None)
        };
        let allowing = document(allow("*", &what));
        for topic in ["topic/", "topic/press", what.as_str()] {
            assert_eq!(ask(&allowing, topic), Decision::NotAllowed, "{variable} {topic}");
        }
        let denying = json!({ "Effect": "Deny", "Action": "*", "Resource": format!("*:{what}") });
        let both = document(json!([allow("*", "*"), denying]));
        assert_eq!(ask(&both, "topic/press"), Decision::Denied, "{variable}");
        assert_eq!(ask(&both, "other"), Decision::Allowed, "{variable}");
    }
}

#[test]
fn nobody_gets_at_other_topics_by_a_name() {
    let document = document(json!([
        allow("iot:Subscribe", "topicfilter/${iot:ClientId}/x"),
        allow("iot:Subscribe", "topicfilter/${iot:ClientId}"),
        allow("iot:Connect", "client/${iot:ClientId}"),
    ]));
    let ask = |action: &str, what: &str, id: &str| ask_as(&document, action, what, Some(id), None);
    for name in ["#", "+", "a/b", "press#2"] {
        let filter = format!("topicfilter/{name}");
        assert!(!ask("iot:Subscribe", &filter, name).is_allowed(), "{name}");
        assert!(!ask("iot:Subscribe", &format!("{filter}/x"), name).is_allowed(), "{name}");
    }
    assert!(ask("iot:Connect", "client/press#2", "press#2").is_allowed());
    // Nor by a letter that means something in patterns.
    assert!(!ask("iot:Subscribe", "topicfilter/press/x", "*").is_allowed());
    assert!(!ask("iot:Connect", "client/press", "${iot:ClientId}").is_allowed());
}

#[test]
fn letters_of_patterns_can_be_meant() {
    let document = document(allow("iot:Publish", "topic/a${*}b${?}${$}"));
    assert!(ask(&document, "iot:Publish", "topic/a*b?$").is_allowed());
    assert!(!ask(&document, "iot:Publish", "topic/axb?$").is_allowed());
}

#[test]
fn conditions_hold_or_do_not() {
    for (condition, holds) in [
        (json!({ "StringEquals": { "iot:ClientId": ["x", "press"] } }), true),
        (json!({ "StringEquals": { "iot:ClientId": "pre*" } }), false),
        (json!({ "StringEqualsIgnoreCase": { "iot:ClientId": "PRESS" } }), true),
        (json!({ "StringLike": { "iot:ClientId": "pre*" } }), true),
        (json!({ "StringNotLike": { "iot:ClientId": "pre*" } }), false),
        (json!({ "StringNotEquals": { "iot:ClientId": "x" } }), true),
        (json!({ "Bool": { "iot:Connection.Thing.IsAttached": ["true"] } }), true),
        (json!({ "Bool": { "iot:Connection.Thing.IsAttached": false } }), false),
        (json!({ "StringEquals": { "iot:ClientId": "${iot:Connection.Thing.ThingName}" } }), true),
        (json!({ "StringNotEquals": { "iot:ClientId": "${iot:Unknown}" } }), false),
        (json!({ "StringEquals": { "iot:SourceIp": "1.2.3.4" } }), false),
        (json!({ "StringEqualsIfExists": { "iot:SourceIp": "1.2.3.4" } }), true),
        (json!({ "ForAllValues:StringLike": { "iot:ConnectAttributes": ["LastWill"] } }), true),
        (json!({ "ForAnyValue:StringEquals": { "iot:ConnectAttributes": "X" } }), false),
        (json!({ "StringEquals": { "iot:ClientId": "press" }, "Bool": { "x": "true" } }), false),
        (json!({ "IpAddress": { "iot:SourceIp": "0.0.0.0/0" } }), false),
        (json!({ "Some:StringEquals": { "iot:ClientId": "press" } }), false),
    ] {
        let allowed = ask(&allow_if(condition.clone()), "iot:Connect", "client/press").is_allowed();
        assert_eq!(allowed, holds, "{condition}");
    }
}

#[test]
fn a_denial_whose_condition_is_not_known_denies() {
    let denying = json!({ "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": { "IpAddress": { "iot:SourceIp": "10.0.0.0/8" } } });
    let document = document(json!([allow("*", "*"), denying]));
    assert_eq!(ask(&document, "iot:Connect", "client/press"), Decision::Denied);
}

#[test]
fn what_is_no_policy_says_why() {
    let statement = allow("iot:Connect", "*");
    let with = |name: &str, value: Value| {
        let mut changed = statement.clone();
        changed[name] = value;
        json!({ "Version": "2012-10-17", "Statement": [changed] }).to_string()
    };
    for (text, why) in [
        ("{".to_owned(), "no JSON"),
        ("[]".to_owned(), "no JSON object"),
        ("[".repeat(2000), "no JSON"),
        (json!({ "Statement": statement }).to_string(), "Version"),
        (json!({ "Version": "2012-10-17" }).to_string(), "no Statement"),
        (with("Effect", json!("Maybe")), "Effect"),
        (with("Action", json!([])), "Action"),
        (with("Action", json!("Connect")), "no action"),
        (with("Resource", json!({ "a": 1 })), "Resource"),
        (with("NotAction", json!("*")), "NotAction"),
        (with("Condition", json!([])), "Condition"),
        (with("Condition", json!({ "Bool": { "x": [{}] } })), "compares with texts"),
        (with("Sid", json!("x".repeat(2048))), "more than 2048"),
        (" ".repeat(100_000), "more than 2048"),
    ] {
        let error = Document::parse(&text).unwrap_err();
        assert!(error.message.contains(why), "{why}: {}", error.message);
        assert_eq!(error.kind, Kind::Malformed);
    }
    // Blanks are not counted.
    Document::parse(&with("Sid", json!(" ".repeat(3000)))).unwrap();
}

/// What a pattern without variables matches, the slow way.
fn slowly(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => {
            slowly(rest, text) || (!text.is_empty() && slowly(pattern, &text[1..]))
        }
        (['?', rest @ ..], [_, after @ ..]) => slowly(rest, after),
        ([one, rest @ ..], [other, after @ ..]) => one == other && slowly(rest, after),
        _ => false,
    }
}

proptest! {
    #[test]
    fn patterns_match_what_they_say(pattern in "[ab*?]{0,8}", text in "[ab?]{0,10}") {
        let document = document(json!({ "Effect": "Allow", "Action": "*",
            "Resource": format!("{PREFIX}:{pattern}") }));
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = slowly(&letters(&pattern), &letters(&text));
        prop_assert_eq!(ask(&document, "iot:Publish", &text).is_allowed(), expected);
    }

    #[test]
    fn any_document_is_read_or_refused(text in "\\PC{0,200}") {
        let _either = Document::parse(&text);
    }

    #[test]
    fn a_denial_of_all_denies_all(resource in "\\PC{0,40}", client in "\\PC{0,20}") {
        let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
        let document = document(json!([deny, { "Effect": "Allow", "Action": "*", "Resource": "*" }]));
        let asked = ask_as(&document, "iot:Connect", &resource, Some(&client), None);
        prop_assert_eq!(asked, Decision::Denied);
    }
}

#[test]
fn hostile_patterns_take_no_time() {
    let pattern = "*a".repeat(900);
    let document = document(json!({ "Effect": "Allow", "Action": "*", "Resource": pattern }));
    let begun = std::time::Instant::now();
    assert!(!ask(&document, "iot:Publish", &"a".repeat(3000).replace("aa", "ab")).is_allowed());
    assert!(!ask(&document, "iot:Publish", &"a".repeat(100_000)).is_allowed());
    assert!(begun.elapsed() < std::time::Duration::from_secs(1));
}

/// What a document says of everything that a filter matches.
fn ask_all(document: &Document, filter: &str) -> bool {
    let (certificate, thing) = (BTreeMap::new(), thing());
    let subject = Subject { certificate: &certificate, thing: Some(&thing) };
    let resource = format!("{PREFIX}:topic/{filter}");
    let request =
        Request { action: "iot:Receive", resource: &resource, all: true, ..Request::default() };
    authorize([document], &subject, &request).is_allowed()
}

#[test]
fn all_that_a_filter_matches_is_allowed_only_where_one_pattern_takes_it() {
    for (allowed, filter, expected) in [
        ("a/*", "a/b", true),
        ("a/*", "a/+", true),
        ("a/*", "a/#", true),
        ("a/*", "a/+/c/#", true),
        ("*", "#", true),
        ("a/*/c", "a/+/c", true),
        ("a/?", "a/+", false),
        ("a/+", "a/+", false),
        ("a/#", "a/#", false),
        ("a/b", "a/+", false),
        ("a/*", "#", false),
        ("a/*", "+/b", false),
        ("a/*/c", "a/#", false),
        ("${iot:Connection.Thing.ThingName}/*", "press/#", true),
        ("${iot:Connection.Thing.ThingName}/*", "lathe/#", false),
    ] {
        let document = document(allow("iot:Receive", &format!("topic/{allowed}")));
        assert_eq!(ask_all(&document, filter), expected, "{allowed} {filter}");
    }
}

#[test]
fn a_filter_that_matches_what_is_denied_is_not_allowed() {
    for (denied, filter, expected) in [
        ("a/secret", "a/#", false),
        ("a/secret", "a/+", false),
        ("a/secret", "a/b", true),
        ("a/b/secret", "a/+", true),
        ("a/b/secret", "a/+/+", false),
        ("*/secret", "a/+", false),
        ("*/secret", "a/+/b", true),
        ("a", "a/#", false),
        ("ab", "a/#", true),
        ("a?", "a/#", false),
        ("b?", "a/#", true),
        ("a/?", "a/+", false),
        ("${iot:ClientId}/x", "b/x", false),
    ] {
        let denial = json!({
            "Effect": "Deny", "Action": "*", "Resource": format!("{PREFIX}:topic/{denied}")
        });
        let document = document(json!([allow("*", "*"), denial]));
        assert_eq!(ask_all(&document, filter), expected, "{denied} {filter}");
    }
}

proptest! {
    /// Topics are made of the filter, by saying something in place of each `+` and of `#`.
    #[test]
    fn whatever_a_granted_filter_matches_is_allowed(
        allowed in "[ab/*?]{0,6}",
        denied in "[ab/*?]{1,6}",
        levels in proptest::collection::vec("a|b|\\+", 1..4),
        said in proptest::collection::vec("[ab]{0,2}", 4),
        below in proptest::option::of("[ab/]{0,4}"),
    ) {
        let statement = |effect: &str, what: &str| json!({
            "Effect": effect, "Action": "*", "Resource": format!("{PREFIX}:topic/{what}")
        });
        let document = document(json!([statement("Allow", &allowed), statement("Deny", &denied)]));
        let filled = levels.iter().zip(&said).map(|(level, said)| match level.as_str() {
            "+" => said.as_str(),
            level => level,
        });
        let (mut filter, mut topic) = (levels.join("/"), filled.collect::<Vec<_>>().join("/"));
        if let Some(below) = below {
            filter += "/#";
            topic = format!("{topic}/{below}");
        }
        let one = ask(&document, "iot:Receive", &format!("topic/{topic}")).is_allowed();
        prop_assert!(one || !ask_all(&document, &filter), "{filter} {topic}");
    }
}
