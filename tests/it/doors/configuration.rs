//! Configuration: a component's own, and another's.

use super::ask::Refusal::{Conflict, InvalidArgument, NotFound, Unauthorized};
use super::{Answer, Ask, Door, ME, OTHER, Scene, grant, path, through_both_doors};
use serde_json::{Value, json};

through_both_doors! {
    another_s_takes_a_grant,
    values_are_found_by_their_path,
    what_is_merged_holds_unless_a_newer_value_is_there,
    what_grants_rights_cannot_be_changed,
    changes_are_told,
}

fn scene<D: Door>() -> Scene<D> {
    let mine = json!({ "Leaf": [1, null], "In": { "side": "x", "number": 1.5 }, "empty": {} });
    Scene::new(mine, json!({}))
}

fn get(component: Option<&str>, dotted: &str) -> Ask {
    Ask::Get { component: component.map(str::to_owned), path: path(dotted) }
}

fn update(dotted: &str, value: Value, timestamp: Option<f64>) -> Ask {
    Ask::Update { path: path(dotted), value, timestamp }
}

fn another_s_takes_a_grant<D: Door>() {
    let service = "gg.host.configuration";
    let mine =
        json!({ "mine": 1, "accessControl": grant(service, &["GetConfiguration"], &[OTHER]) });
    let mut scene = Scene::<D>::new(mine, json!({ "others": { "leaf": 2 } }));
    for missing in [ME, "com.example.Nobody"] {
        let answer = scene.other.ask(get(Some(missing), ""));
        assert_eq!(answer, Answer::Refused(Unauthorized), "{missing}");
    }
    let answer = scene.me.ask(get(Some("com.example.Nobody"), ""));
    assert_eq!(answer, Answer::Refused(Unauthorized));
    assert_eq!(scene.me.ask(get(Some("no name"), "")), Answer::Refused(InvalidArgument));
    let granted = scene.me.ask(get(Some(OTHER), "others"));
    assert_eq!(granted, Answer::Value(json!({ "leaf": 2 })));
    assert_eq!(scene.me.ask(get(Some(OTHER), "others.leaf")), Answer::Value(json!(2)));
    assert_eq!(scene.me.ask(get(Some(ME), "mine")), Answer::Value(json!(1)), "its own by name");
}

fn values_are_found_by_their_path<D: Door>() {
    let mut scene = scene::<D>();
    let cases = [
        ("Leaf", json!([1, null])),
        ("leaf", json!([1, null])),
        ("In", json!({ "side": "x", "number": 1.5 })),
        ("IN.Side", json!("x")),
        ("empty", json!({})),
    ];
    for (path, value) in cases {
        assert_eq!(scene.me.ask(get(None, path)), Answer::Value(value), "{path}");
    }
    let Answer::Value(all) = scene.me.ask(get(None, "")) else { panic!("all of it is a value") };
    assert_eq!(all["In"]["number"], 1.5, "{all}");
    for missing in ["none", "In.none", "In.side.none", "Leaf.0"] {
        assert_eq!(scene.me.ask(get(None, missing)), Answer::Refused(NotFound), "{missing}");
    }
}

fn what_is_merged_holds_unless_a_newer_value_is_there<D: Door>() {
    let mut scene = scene::<D>();
    let me = &mut scene.me;
    assert_eq!(
        me.ask(update("in", json!({ "side": "y", "new": { "a": [] } }), None)),
        Answer::Done
    );
    let merged = json!({ "side": "y", "number": 1.5, "new": { "a": [] } });
    assert_eq!(me.ask(get(None, "In")), Answer::Value(merged.clone()));
    let old = me.ask(update("in", json!({ "side": "z" }), Some(1000.0)));
    assert_eq!(old, Answer::Refused(Conflict));
    assert_eq!(me.ask(get(None, "In")), Answer::Value(merged));
    assert_eq!(me.ask(update("made.here", json!({ "b": null }), None)), Answer::Done);
    assert_eq!(me.ask(get(None, "made")), Answer::Value(json!({ "here": { "b": null } })));
}

fn what_grants_rights_cannot_be_changed<D: Door>() {
    let mut scene = scene::<D>();
    let cases = [
        ("accessControl", json!({ "a": {} })),
        ("ACCESScontrol.x", json!({ "a": {} })),
        ("", json!({ "accessControl": {} })),
        ("sandbox", json!({ "network": ["192.0.2.1:1"] })),
        ("", json!({ "Sandbox": {} })),
    ];
    for (path, value) in cases {
        let answer = scene.me.ask(update(path, value, None));
        assert_eq!(answer, Answer::Refused(InvalidArgument), "{path}");
    }
}

fn changes_are_told<D: Door>() {
    let mut scene = scene::<D>();
    let me = &mut scene.me;
    assert_eq!(me.ask(Ask::Watch(path("none"))), Answer::Refused(NotFound));
    assert_eq!(me.ask(Ask::Watch(path("In"))), Answer::Number(0));
    for (path, value) in [("", json!({ "beside": 1 })), ("in", json!({ "side": "new" }))] {
        assert_eq!(me.ask(update(path, value, None)), Answer::Done);
    }
    let Answer::Path(changed) = me.ask(Ask::Change(0)) else { panic!("a change is told") };
    let changed: Vec<String> = changed.iter().map(|key| key.to_lowercase()).collect();
    assert_eq!(changed, ["in", "side"]);
}
