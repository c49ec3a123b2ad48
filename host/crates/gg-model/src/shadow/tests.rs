mod hostile;
mod properties;
mod settings;
mod sync;

use super::*;
use serde_json::json;

const AT: u64 = 1_700_000_000;
const LIMIT: usize = 8192;

fn request(document: &Value) -> UpdateRequest {
    UpdateRequest::parse(document.to_string().as_bytes()).unwrap()
}

/// A shadow after these states of requests, a second apart.
fn shadow(states: &[Value]) -> Shadow {
    let mut before = Before::default();
    for (state, at) in states.iter().zip(AT..) {
        let request = request(&json!({ "state": state }));
        before = Before::Present(before.update(&request, at, LIMIT).unwrap().shadow);
    }
    before.present(None).unwrap()
}

fn refusal(document: &str) -> Refusal {
    UpdateRequest::parse(document.as_bytes()).unwrap_err().refusal
}

#[test]
fn states_merge_as_documented() {
    #[rustfmt::skip]
    let table = [
        // (states, one after the other; the state that comes of it)
        (vec![json!({"desired": {"a": 1}})], json!({"desired": {"a": 1}, "delta": {"a": 1}})),
        (vec![json!({"reported": {"a": 1}})], json!({"reported": {"a": 1}})),
        (vec![json!({"desired": {"a": 1}, "reported": {"a": 1}})], json!({"desired": {"a": 1}, "reported": {"a": 1}})),
        // Members are merged, and a null takes one away.
        (vec![json!({"reported": {"a": 1, "b": 2}}), json!({"reported": {"a": null, "c": 3}})], json!({"reported": {"b": 2, "c": 3}})),
        (vec![json!({"reported": {"a": {"b": 1, "c": 2}}}), json!({"reported": {"a": {"b": null}}})], json!({"reported": {"a": {"c": 2}}})),
        (vec![json!({"reported": {"a": {"b": 1}}}), json!({"reported": {"a": 5}})], json!({"reported": {"a": 5}})),
        (vec![json!({"reported": {"a": 5}}), json!({"reported": {"a": {"b": 1}}})], json!({"reported": {"a": {"b": 1}}})),
        (vec![json!({"reported": {"a": null}})], json!({})),
        // Lists are replaced as a whole.
        (vec![json!({"reported": {"a": [1, 2, 3]}}), json!({"reported": {"a": [4]}})], json!({"reported": {"a": [4]}})),
        // An object in which nothing is left stays, and one of nulls alone is not made.
        (vec![json!({"reported": {"a": {"b": {"c": 1}}, "d": 1}}), json!({"reported": {"a": {"b": {"c": null}}}})], json!({"reported": {"a": {"b": {}}, "d": 1}})),
        (vec![json!({"desired": {"a": {}, "b": {"c": 3}}}), json!({"desired": {"b": {"c": {}}}})], json!({"desired": {"a": {}, "b": {"c": {}}}, "delta": {"a": {}, "b": {"c": {}}}})),
        (vec![json!({"reported": {"a": {"b": {"c": null}}, "d": 1}})], json!({"reported": {"d": 1}})),
        (vec![json!({"reported": {"a": 1}}), json!({"reported": {"a": {"b": null}}})], json!({"reported": {"a": {}}})),
        (vec![json!({"reported": {"a": null}}), json!({"desired": {}})], json!({})),
        (vec![json!({"reported": {"a": {"b": 1}}}), json!({"reported": {"a": {}}})], json!({"reported": {"a": {"b": 1}}})),
        (vec![json!({"reported": {"a": 1}}), json!({"reported": {}})], json!({"reported": {"a": 1}})),
        // A section that is null goes, and so do both with the state.
        (vec![json!({"desired": {"a": 1}, "reported": {"a": 1}}), json!({"desired": null})], json!({"reported": {"a": 1}})),
        (vec![json!({"desired": {"a": 1}, "reported": {"a": 1}}), json!(null)], json!({})),
        (vec![json!({"desired": {"a": 1}}), json!({})], json!({"desired": {"a": 1}, "delta": {"a": 1}})),
        // What was answered can be sent back.
        (vec![json!({"desired": {"a": 1}, "delta": {"b": 1}})], json!({"desired": {"a": 1}, "delta": {"a": 1}})),
    ];
    for (states, wanted) in table {
        let shadow = shadow(&states);
        let document = shadow.document(AT, None);
        assert_eq!(document["state"], wanted, "{states:?}");
        assert_eq!(document["version"], states.len());
        assert_eq!(document["timestamp"], AT);
        assert_eq!(document.get("clientToken"), None);
    }
}

#[test]
fn a_delta_is_what_is_desired_and_not_reported() {
    #[rustfmt::skip]
    let table = [
        // (desired, reported, delta)
        (json!({"a": 1, "b": 2}), json!({"a": 1, "c": 3}), json!({"b": 2})),
        (json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": 1, "c": 3, "d": 4}}), json!({"a": {"c": 2}})),
        (json!({"a": {"b": 1}}), json!({"a": 1}), json!({"a": {"b": 1}})),
        (json!({"a": [1, 2]}), json!({"a": [1, 3]}), json!({"a": [1, 2]})),
        (json!({"a": [{"b": 1}]}), json!({"a": [{"b": 1.0}]}), json!(null)),
        (json!({"a": 1}), json!({"a": 1.0}), json!(null)),
        (json!({"a": 0.1}), json!({"a": 0.1}), json!(null)),
        (json!({"a": 9_007_199_254_740_993_i64}), json!({"a": 9_007_199_254_740_992_i64}), json!({"a": 9_007_199_254_740_993_i64})),
        (json!({"a": "1"}), json!({"a": 1}), json!({"a": "1"})),
        (json!({"a": false}), json!({"b": false}), json!({"a": false})),
    ];
    for (desired, reported, wanted) in table {
        let shadow = shadow(&[json!({ "desired": desired, "reported": reported })]);
        let message = shadow.delta_message(AT + 9, Some("t"));
        assert_eq!(message.clone().map_or(json!(null), |message| message["state"].clone()), wanted);
        let whole = shadow.document(AT, None)["state"].get("delta").cloned();
        assert_eq!(whole.unwrap_or(json!(null)), wanted);
        if let Some(message) = message {
            assert_eq!(message["clientToken"], "t");
            assert_eq!(message["version"], 1);
            assert_eq!(message["timestamp"], AT + 9);
        }
    }
}

#[test]
fn each_leaf_has_the_time_at_which_it_was_set() {
    let shadow = shadow(&[
        json!({"desired": {"a": {"b": 1, "c": 2}, "d": [1, {"e": 2}]}, "reported": {"a": 1}}),
        json!({"desired": {"a": {"c": 2, "b": null}, "f": 1}}),
        json!({"reported": {"a": {"x": 1}}}),
    ]);
    let (first, second, third) =
        (json!({"timestamp": AT}), json!({"timestamp": AT + 1}), json!({"timestamp": AT + 2}));
    let wanted = json!({
        "desired": {"a": {"c": second}, "d": [first, {"e": first}], "f": second},
        "reported": {"a": {"x": third}},
    });
    assert_eq!(shadow.document(AT, None)["metadata"], wanted);
    let delta = shadow.delta_message(AT, None).unwrap();
    assert_eq!(delta["state"], json!({"a": {"c": 2}, "d": [1, {"e": 2}], "f": 1}));
    assert_eq!(delta["metadata"], wanted["desired"]);
}

#[test]
fn what_comes_of_an_update_is_told() {
    let first = request(&json!({"state": {"desired": {"a": 1}}, "clientToken": "first"}));
    let first_done = Before::default().update(&first, AT, LIMIT).unwrap();
    assert_eq!(
        first_done.accepted(AT, first.client_token.as_deref()),
        json!({
            "state": {"desired": {"a": 1}},
            "metadata": {"desired": {"a": {"timestamp": AT}}},
            "version": 1,
            "timestamp": AT,
            "clientToken": "first",
        })
    );
    let side = json!({
        "state": {"desired": {"a": 1}},
        "metadata": {"desired": {"a": {"timestamp": AT}}},
        "version": 1,
    });
    assert_eq!(
        first_done.documents(AT, None),
        json!({"previous": null, "current": side, "timestamp": AT})
    );

    // The answer to the second tells of what it asked for alone, as it was asked for.
    let second = request(&json!({"state": {"reported": {"b": null, "c": {"d": 1}}}, "version": 1}));
    let second_done = Before::Present(first_done.shadow).update(&second, AT + 5, LIMIT).unwrap();
    let at = json!({"timestamp": AT + 5});
    assert_eq!(
        second_done.accepted(AT + 5, None),
        json!({
            "state": {"reported": {"b": null, "c": {"d": 1}}},
            "metadata": {"reported": {"b": at, "c": {"d": at}}},
            "version": 2,
            "timestamp": AT + 5,
        })
    );
    let documents = second_done.documents(AT + 5, Some("token"));
    assert_eq!(documents["previous"], side);
    assert_eq!(documents["current"]["version"], 2);
    assert_eq!(documents["current"]["state"]["reported"], json!({"c": {"d": 1}}));
    assert_eq!(documents["clientToken"], "token");

    let cleared = Before::Present(second_done.shadow)
        .update(&request(&json!({"state": null})), AT + 6, LIMIT)
        .unwrap();
    assert_eq!(cleared.accepted(AT + 6, None)["state"], json!(null));
    let section = request(&json!({"state": {"desired": null}}));
    let cleared = Before::Present(cleared.shadow).update(&section, AT + 7, LIMIT).unwrap();
    assert_eq!(cleared.accepted(AT + 7, None)["state"], json!({"desired": null}));
    let deleted = cleared.shadow.deleted_message(AT + 8, Some("t"));
    assert_eq!(deleted, json!({"version": 4, "timestamp": AT + 8, "clientToken": "t"}));
}

#[test]
fn versions_are_checked_and_go_on_after_a_deletion() {
    let update = |before: Before, version: Option<u64>| {
        let mut document = json!({"state": {"reported": {"a": 1}}});
        version.into_iter().for_each(|version| document["version"] = version.into());
        before.update(&request(&document), AT, LIMIT).map(|updated| updated.shadow.version)
    };
    assert_eq!(update(Before::default(), None), Ok(1));
    assert_eq!(update(Before::default(), Some(1)), Ok(1));
    assert_eq!(update(Before::default(), Some(2)), Err(Refusal::InvalidVersion));
    let third = Before::Present(Shadow { version: 3, ..Shadow::default() });
    assert_eq!(update(third.clone(), Some(3)), Ok(4));
    assert_eq!(update(third.clone(), None), Ok(4));
    for other in [0, 1, 2, 4] {
        assert_eq!(update(third.clone(), Some(other)), Err(Refusal::Conflict), "{other}");
    }
    assert_eq!(update(Before::Absent(7), None), Ok(8));
    assert_eq!(update(Before::Absent(7), Some(1)), Ok(8));
    assert_eq!(Before::Absent(7).present(None), Err(Refusal::NotFound(None)));
}

#[test]
fn what_breaks_a_rule_is_refused_in_the_words_of_aws() {
    let deep = |levels: usize| {
        let (open, close) = (r#"{"a":"#.repeat(levels), "}".repeat(levels));
        format!(r#"{{"state":{{"desired":{open}1{close}}}}}"#)
    };
    let long_token = format!(r#"{{"state":{{}},"clientToken":"{}"}}"#, "t".repeat(65));
    #[rustfmt::skip]
    let table = [
        ("", 400, "Missing update payload"),
        ("{", 400, "Invalid JSON"),
        ("[]", 400, "Invalid JSON"),
        ("null", 400, "Invalid JSON"),
        ("{}", 400, "Missing required node: state"),
        (r#"{"state":1}"#, 400, "State node must be an object"),
        (r#"{"state":[]}"#, 400, "State node must be an object"),
        (r#"{"state":{"desired":1}}"#, 400, "Desired node must be an object"),
        (r#"{"state":{"reported":[]}}"#, 400, "Reported node must be an object"),
        (r#"{"state":{"foo":{}}}"#, 400, "State contains an invalid node: 'foo'"),
        (r#"{"state":{},"version":"1"}"#, 400, "Invalid version"),
        (r#"{"state":{},"version":-1}"#, 400, "Invalid version"),
        (r#"{"state":{},"version":1.5}"#, 400, "Invalid version"),
        (r#"{"state":{},"version":null}"#, 400, "Invalid version"),
        (r#"{"state":{},"clientToken":1}"#, 400, "Invalid clientToken"),
        (&long_token, 400, "Invalid clientToken"),
        (&deep(7), 400, "JSON contains too many levels of nesting; maximum is 6"),
    ];
    for (document, code, message) in table {
        let refusal = refusal(document);
        assert_eq!((refusal.code(), &*refusal.to_string()), (code, message), "{document}");
    }
    assert!(UpdateRequest::parse(deep(6).as_bytes()).is_ok());
    assert_eq!(UpdateRequest::parse(b"{\"state\":\"\xff\"}").unwrap_err().refusal.code(), 415);
    // Whoever can be known by its token is.
    let error = UpdateRequest::parse(br#"{"clientToken":"mine"}"#).unwrap_err();
    assert_eq!(error.client_token.as_deref(), Some("mine"));
    let rejected = rejected(&error.refusal, AT, error.client_token.as_deref());
    assert_eq!(
        rejected,
        json!({
            "code": 400,
            "message": "Missing required node: state",
            "timestamp": AT,
            "clientToken": "mine",
        })
    );
    let name: ShadowName = "n".parse().unwrap();
    assert_eq!(Refusal::NotFound(Some(name)).to_string(), "No shadow exists with name: n");
    assert_eq!(Refusal::NotFound(None).to_string(), "No shadow exists with name: Unnamed Shadow");
    assert_eq!(request(&json!({"state": {}, "version": 2.0, "timestamp": 1})).version, Some(2));
}

#[test]
fn the_state_is_measured_without_what_is_said_about_it() {
    let fits = "x".repeat(LIMIT - r#"{"a":""}"#.len());
    let update = |text: &str, before: Before| {
        let request = request(&json!({"state": {"desired": {"a": text}}}));
        before.update(&request, AT, LIMIT).map(|updated| updated.shadow)
    };
    let full = update(&fits, Before::default()).unwrap();
    assert_eq!(full.bytes(), LIMIT);
    assert_eq!(update(&format!("{fits}x"), Before::default()), Err(Refusal::TooLarge));
    let reported = request(&json!({"state": {"reported": {"b": 1}}}));
    let error = Before::Present(full.clone()).update(&reported, AT, LIMIT).unwrap_err();
    assert_eq!((error.code(), error), (413, Refusal::TooLarge));
    // What makes it smaller is let through, whatever it weighs itself.
    assert!(update("x", Before::Present(full)).is_ok());
}

#[test]
fn shadows_and_their_topics_are_read_and_written() {
    let topic = |text: &str| ShadowTopic::parse(text);
    let classic = topic("$aws/things/T:1/shadow/update").unwrap();
    assert_eq!(classic.shadow.thing.as_ref(), "T:1");
    assert_eq!((classic.operation, classic.suffix), (ShadowOperation::Update, None));
    assert_eq!(classic.shadow.name, None);
    let named = topic("$aws/things/T/shadow/name/N$1/get/accepted").unwrap();
    assert_eq!(named.shadow.name.as_ref().map(AsRef::as_ref), Some("N$1"));
    assert_eq!(named.suffix, Some(Suffix::Accepted));
    for text in [
        "$aws/things/T/shadow/get",
        "$aws/things/T/shadow/delete/rejected",
        "$aws/things/T/shadow/name/N/update/delta",
        "$aws/things/T/shadow/name/update/update/documents",
    ] {
        assert_eq!(topic(text).unwrap().to_string(), text);
    }
    for text in [
        "",
        "$aws/things/T/shadow",
        "$aws/things/T/shadow/put",
        "$aws/things//shadow/get",
        "$aws/things/T/jobs/get",
        "$aws/things/T/shadow/get/delta",
        "$aws/things/T/shadow/update/accepted/x",
        "$aws/things/T/shadow/name/get",
        "$aws/things/T/shadow/name/a b/get",
        "aws/things/T/shadow/get",
    ] {
        assert_eq!(topic(text), None, "{text}");
    }
    for (name, is_one) in
        [("a", true), ("A-z_0:$", true), ("", false), ("a/b", false), ("ä", false)]
    {
        assert_eq!(name.parse::<ShadowName>().is_ok(), is_one, "{name}");
    }
    assert!("n".repeat(64).parse::<ShadowName>().is_ok());
    assert!("n".repeat(65).parse::<ShadowName>().is_err());
}
