//! Shadows of things.

use super::ask::Refusal::{Conflict, InvalidArgument, NotFound, Unauthorized};
use super::ask::Shadow;
use super::{Answer, Ask, Door, Scene, grant, through_both_doors};
use serde_json::{Value, json};

through_both_doors! {
    a_grant_is_for_one_shadow,
    a_shadow_comes_changes_and_goes,
    names_come_in_pages,
    changes_are_told_on_local_topics,
    a_message_is_a_request,
}

const SERVICE: &str = "aws.greengrass.ShadowManager";
const OPERATIONS: [&str; 3] = ["GetThingShadow", "UpdateThingShadow", "DeleteThingShadow"];
const LAMP: &str = "$aws/things/Lamp/shadow/name/light";

fn lamp() -> Shadow {
    Shadow { thing: "Lamp".to_owned(), name: Some("light".to_owned()) }
}

fn update(document: &Value) -> Ask {
    Ask::UpdateShadow(lamp(), document.to_string())
}

fn get<D: Door>(me: &mut D) -> Value {
    match me.ask(Ask::Shadow(lamp())) {
        Answer::Value(document) => document,
        other => panic!("{other:?}"),
    }
}

/// Rights on the shadow, and on its local topics.
fn rights() -> Value {
    let mut rights = grant(SERVICE, &OPERATIONS, &[LAMP]);
    let topics = [format!("{LAMP}/*")];
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let pubsub =
        grant("aws.greengrass.ipc.pubsub", &["PublishToTopic", "SubscribeToTopic"], &topics);
    rights.as_object_mut().unwrap().extend(pubsub.as_object().unwrap().clone());
    json!({ "accessControl": rights })
}

fn a_grant_is_for_one_shadow<D: Door>() {
    let mut scene = Scene::<D>::new(rights(), json!({}));
    let document = r#"{"state":{"reported":{"on":true}}}"#;
    let others = [
        Shadow { name: None, ..lamp() },
        Shadow { name: Some("lights".to_owned()), ..lamp() },
        Shadow { thing: "Door".to_owned(), ..lamp() },
    ];
    for other in others {
        let asks = [
            Ask::Shadow(other.clone()),
            Ask::UpdateShadow(other.clone(), document.to_owned()),
            Ask::DeleteShadow(other.clone()),
        ];
        for ask in asks {
            assert_eq!(scene.me.ask(ask.clone()), Answer::Refused(Unauthorized), "{ask:?}");
        }
    }
    let names = Ask::ShadowNames { thing: "Lamp".to_owned(), page: 1, after: None };
    assert_eq!(scene.me.ask(names), Answer::Refused(Unauthorized));
    assert_eq!(scene.other.ask(Ask::Shadow(lamp())), Answer::Refused(Unauthorized));
    assert_eq!(scene.me.ask(Ask::Shadow(lamp())), Answer::Refused(NotFound));
    let nameless = Shadow { name: Some("no name".to_owned()), ..lamp() };
    assert_eq!(scene.me.ask(Ask::Shadow(nameless)), Answer::Refused(InvalidArgument));
}

fn a_shadow_comes_changes_and_goes<D: Door>() {
    let mut scene = Scene::<D>::new(rights(), json!({}));
    let me = &mut scene.me;
    let desired =
        json!({ "state": { "desired": { "on": true, "at": [1, 2] } }, "clientToken": "t" });
    let Answer::Value(accepted) = me.ask(update(&desired)) else { panic!("it is accepted") };
    assert_eq!(accepted["state"], desired["state"]);
    assert_eq!((&accepted["version"], &accepted["clientToken"]), (&json!(1), &json!("t")));
    assert_eq!(accepted["metadata"]["desired"]["on"]["timestamp"], accepted["timestamp"]);
    let reported = json!({ "state": { "reported": { "on": true } }, "version": 1 });
    assert!(matches!(me.ask(update(&reported)), Answer::Value(_)));
    let whole = get(me);
    let state = json!({
        "desired": { "on": true, "at": [1, 2] }, "reported": { "on": true }, "delta": { "at": [1, 2] },
    });
    assert_eq!((&whole["state"], &whole["version"]), (&state, &json!(2)));
    assert_eq!(me.ask(update(&reported)), Answer::Refused(Conflict), "an old version");
    let refused = [
        json!({}),
        json!({ "state": 1 }),
        json!({ "state": { "other": {} } }),
        json!({ "state": { "desired": [] } }),
        json!({ "state": {}, "clientToken": "t".repeat(65) }),
        json!({ "state": { "desired": { "a": "x".repeat(9000) } } }),
    ];
    for document in refused {
        let answer = me.ask(update(&document));
        assert_eq!(answer, Answer::Refused(InvalidArgument), "{document}");
    }
    assert!(matches!(me.ask(update(&json!({ "state": { "desired": null } }))), Answer::Value(_)));
    assert_eq!(get(me)["state"], json!({ "reported": { "on": true } }));
    assert_eq!(me.ask(Ask::DeleteShadow(lamp())), Answer::Done);
    assert_eq!(me.ask(Ask::DeleteShadow(lamp())), Answer::Refused(NotFound));
    assert_eq!(me.ask(Ask::Shadow(lamp())), Answer::Refused(NotFound));
    // Its versions go on.
    let Answer::Value(anew) = me.ask(update(&json!({ "state": {} }))) else { panic!("made anew") };
    assert_eq!(anew["version"], 5);
}

fn names_come_in_pages<D: Door>() {
    let mut rights = grant(SERVICE, &["UpdateThingShadow"], &["$aws/things/Lamp/shadow*"]);
    rights[SERVICE]["policy:2"] =
        json!({ "operations": ["aws.greengrass#ListNamedShadowsForThing"], "resources": ["Lamp"] });
    let mut scene = Scene::<D>::new(json!({ "accessControl": rights }), json!({}));
    let me = &mut scene.me;
    for name in [None, Some("c"), Some("a"), Some("b")] {
        let shadow = Shadow { name: name.map(str::to_owned), ..lamp() };
        let answer = me.ask(Ask::UpdateShadow(shadow, r#"{"state":{}}"#.to_owned()));
        assert!(matches!(answer, Answer::Value(_)), "{answer:?}");
    }
    let mut names = |page, after: Option<&str>| {
        let after = after.map(str::to_owned);
        me.ask(Ask::ShadowNames { thing: "Lamp".to_owned(), page, after })
    };
    let Answer::Names(first, Some(next)) = names(2, None) else { panic!("there are more") };
    assert_eq!(first, ["a", "b"]);
    assert_eq!(names(2, Some(&next)), Answer::Names(vec!["c".to_owned()], None));
    for page in [0, 101] {
        assert_eq!(names(page, None), Answer::Refused(InvalidArgument));
    }
}

fn told<D: Door>(door: &mut D, number: usize) -> (String, Value) {
    let Answer::Message(message) = door.ask(Ask::Next(number)) else { panic!("a message") };
    let document = serde_json::from_slice(&message.payload).unwrap();
    (message.topic.strip_prefix(LAMP).unwrap().to_owned(), document)
}

fn changes_are_told_on_local_topics<D: Door>() {
    let mut scene = Scene::<D>::new(rights(), rights());
    let subscribe = Ask::Subscribe { filter: format!("{LAMP}/#"), from_others: None };
    assert_eq!(scene.other.ask(subscribe), Answer::Number(0));
    let desired = json!({ "state": { "desired": { "on": true } } });
    assert!(matches!(scene.me.ask(update(&desired)), Answer::Value(_)));
    let (topic, delta) = told(&mut scene.other, 0);
    assert_eq!((topic.as_str(), &delta["state"]), ("/update/delta", &json!({ "on": true })));
    let (topic, documents) = told(&mut scene.other, 0);
    assert_eq!((topic.as_str(), &documents["previous"]), ("/update/documents", &Value::Null));
    let (topic, accepted) = told(&mut scene.other, 0);
    assert_eq!((topic.as_str(), &accepted["version"]), ("/update/accepted", &json!(1)));
}

fn a_message_is_a_request<D: Door>() {
    let mut scene = Scene::<D>::new(rights(), json!({}));
    let me = &mut scene.me;
    let subscribe = Ask::Subscribe { filter: format!("{LAMP}/get/#"), from_others: None };
    assert_eq!(me.ask(subscribe), Answer::Number(0));
    let mut publish = |level: &str, document: &Value| {
        let topic = format!("{LAMP}/{level}");
        let payload = document.to_string().into_bytes();
        me.ask(Ask::Publish(super::ask::Message { topic, payload, json: true }))
    };
    assert_eq!(publish("get", &json!({ "clientToken": "one" })), Answer::Done);
    let update = json!({ "state": { "reported": { "on": true } } });
    assert_eq!(publish("update", &update), Answer::Done);
    assert_eq!(publish("get", &json!({ "clientToken": "two" })), Answer::Done);
    let (topic, rejected) = told(me, 0);
    assert_eq!((topic.as_str(), &rejected["code"]), ("/get/rejected", &json!(404)));
    assert_eq!(rejected["clientToken"], "one");
    let (topic, accepted) = told(me, 0);
    assert_eq!((topic.as_str(), &accepted["clientToken"]), ("/get/accepted", &json!("two")));
    assert_eq!(accepted["state"]["reported"], json!({ "on": true }));
}
