use super::*;
use crate::state::{Sqlite, State};
use serde_json::json;
use std::collections::BTreeMap;

const NOW: u64 = 1_700_000_000;

fn state() -> (tempfile::TempDir, Box<dyn State>) {
    let folder = tempfile::tempdir().unwrap();
    let state: Box<dyn State> = Box::new(Sqlite::open(&folder.path().join("state")).unwrap());
    state.change(|tx| things::create(tx, "lamp", None, BTreeMap::new())).unwrap();
    (folder, state)
}

/// What is said when a message comes.
fn told(state: &dyn State, thing: &str, suffix: &str, payload: &str) -> Vec<(String, Value)> {
    let thing: ThingName = thing.parse().unwrap();
    let handled = state.change(|tx| {
        handle(tx, &thing, suffix, payload.as_bytes(), Time::from_seconds(NOW))?;
        let waiting = outbox::OUTBOX.scan(tx, &Key::new(), None, usize::MAX)?;
        for (key, _) in &waiting {
            outbox::OUTBOX.delete(tx, key)?;
        }
        Ok::<_, Refusal>(waiting)
    });
    let message = |message: outbox::Message| {
        let topic = message.topic.strip_prefix(&format!("$aws/things/{thing}/shadow/")).unwrap();
        (topic.to_owned(), serde_json::from_slice(&message.payload.0).unwrap())
    };
    handled.unwrap().into_iter().map(|(_, row)| message(row)).collect()
}

#[test]
fn a_change_is_told_and_can_be_got() {
    let (_folder, state) = state();
    let request = r#"{"state":{"desired":{"on":true}},"clientToken":"t"}"#;
    let said = told(state.as_ref(), "lamp", "name/main/update", request);
    let topics: Vec<&str> = said.iter().map(|(topic, _)| topic.as_str()).collect();
    let update = "name/main/update";
    assert_eq!(
        topics,
        ["accepted", "delta", "documents"].map(|suffix| format!("{update}/{suffix}"))
    );
    let at = json!({"on": {"timestamp": NOW}});
    assert_eq!(
        said[0].1,
        json!({"state": {"desired": {"on": true}}, "metadata": {"desired": at}, "version": 1,
               "timestamp": NOW, "clientToken": "t"})
    );
    assert_eq!(said[1].1["state"], json!({"on": true}));
    assert_eq!(said[2].1["previous"], json!(null));
    let got = told(state.as_ref(), "lamp", "name/main/get", "");
    assert_eq!(got[0].0, "name/main/get/accepted");
    assert_eq!(got[0].1["state"], json!({"desired": {"on": true}, "delta": {"on": true}}));
}

#[test]
fn a_version_goes_on_after_a_deletion() {
    let (_folder, state) = state();
    let update = r#"{"state":{"reported":{"a":1}}}"#;
    told(state.as_ref(), "lamp", "update", update);
    let deleted = told(state.as_ref(), "lamp", "delete", r#"{"clientToken":"d"}"#);
    assert_eq!(
        deleted,
        [("delete/accepted".into(), json!({"version": 1, "timestamp": NOW, "clientToken": "d"}))]
    );
    let gone = told(state.as_ref(), "lamp", "get", "");
    assert_eq!(gone[0].0, "get/rejected");
    assert_eq!(gone[0].1["code"], 404);
    let again = told(state.as_ref(), "lamp", "update", update);
    assert_eq!(again[0].1["version"], 3);
}

#[test]
fn what_cannot_be_is_rejected_and_changes_nothing() {
    let (_folder, state) = state();
    let large = format!(r#"{{"state":{{"desired":{{"a":"{}"}}}}}}"#, "x".repeat(LARGEST));
    told(state.as_ref(), "lamp", "update", r#"{"state":{"desired":{"a":1}}}"#);
    for (payload, code, message) in [
        ("", 400, "Missing update payload"),
        ("{", 400, "Invalid JSON"),
        (r#"{"state":1,"clientToken":"t"}"#, 400, "State node must be an object"),
        (r#"{"state":{},"version":7}"#, 409, "Version conflict"),
        (large.as_str(), 413, "The payload exceeds the maximum size allowed"),
    ] {
        let said = told(state.as_ref(), "lamp", "update", payload);
        assert_eq!(said[0].0, "update/rejected", "{payload}");
        assert_eq!(
            (said[0].1["code"].clone(), said[0].1["message"].clone()),
            (code.into(), message.into())
        );
    }
    assert_eq!(told(state.as_ref(), "lamp", "get", "")[0].1["version"], 1);
    let unknown = told(state.as_ref(), "chair", "update", r#"{"state":{}}"#);
    assert_eq!(unknown[0].1["message"], "No thing exists with name: 'chair'");
}

#[test]
fn what_is_no_request_has_no_answer() {
    let (_folder, state) = state();
    for suffix in ["update/accepted", "name/a/b/get", "", "name//get", "put"] {
        assert_eq!(told(state.as_ref(), "lamp", suffix, "{}"), [], "{suffix}");
    }
}

#[test]
fn named_shadows_are_listed_and_counted() {
    let (_folder, state) = state();
    let update = r#"{"state":{"reported":{"a":1}}}"#;
    told(state.as_ref(), "lamp", "update", update);
    for number in 0..MOST_NAMED {
        let said = told(state.as_ref(), "lamp", &format!("name/n{number:03}/update"), update);
        assert!(said[0].0.ends_with("accepted"));
    }
    let refused = told(state.as_ref(), "lamp", "name/one-more/update", update);
    assert_eq!(refused[0].1["code"], 400);
    told(state.as_ref(), "lamp", "name/n001/delete", "");
    let rows = state.snapshot().unwrap();
    let thing: ThingName = "lamp".parse().unwrap();
    assert_eq!(named(rows.as_ref(), &thing, None, 2).unwrap(), ["n000", "n002"]);
    assert_eq!(named(rows.as_ref(), &thing, Some("n254"), 9).unwrap(), ["n255"]);
}
