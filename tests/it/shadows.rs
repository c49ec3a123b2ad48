//! Shadows as another implementation has them: moto's iot-data, whose tests were run against AWS for
//! the states among these (`tests/test_iotdata`, marked `aws_verified`). The same requests go to it and
//! to a component's door, and the answers are compared. Where moto is not as AWS documents it, a
//! request says how.

use crate::device::Device;
use crate::doors::ask::{Answer, Ask, Refusal, Shadow};
use crate::doors::{Door as _, Ipc, ME, deploy};
use crate::ipc::Client;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// One request, and why moto answers otherwise, if it does.
struct Request {
    operation: &'static str,
    thing: String,
    name: Option<&'static str>,
    document: String,
    differs: Option<&'static str>,
}

/// Requests for shadows of things, of which each takes one of its own.
#[derive(Default)]
struct Requests(Vec<Request>);

impl Requests {
    fn push(&mut self, operation: &'static str, name: Option<&'static str>, document: &str) {
        let thing = self.0.last().map_or_else(|| "thing".to_owned(), |last| last.thing.clone());
        let document = document.to_owned();
        self.0.push(Request { operation, thing, name, document, differs: None });
    }

    /// Those from here on are for this thing.
    fn of(&mut self, thing: &str, state: &Value) {
        self.update(state);
        thing.clone_into(&mut self.0.last_mut().unwrap().thing);
    }

    /// Update by this state, and look at what comes of it.
    fn update(&mut self, state: &Value) {
        self.push("update", None, &json!({ "state": state }).to_string());
    }

    fn get(&mut self) {
        self.push("get", None, "");
    }

    /// The last one is answered otherwise by moto.
    fn but(&mut self, reason: &'static str) {
        self.0.last_mut().unwrap().differs = Some(reason);
    }
}

/// The states that moto's tests have compared with AWS: one, another, and what there is then.
fn verified() -> Vec<[Value; 2]> {
    let pairs = json!([
        [{"desired": {"online": true}}, {"reported": {"online": false}}],
        [{"desired": {"enabled": true}}, {"reported": {"online": false, "enabled": true}}],
        [{}, {"reported": {"online": false}}],
        [{}, {"reported": {"online": null}}],
        [{"desired": {}}, {"reported": {"online": false}}],
        [{"desired": {"enabled": true}}, {"reported": {}}],
        [{"desired": {"enabled": true}}, {"reported": {"online": true}}],
        [{"reported": {"list": ["value_1", "value_2"]}}, {"desired": {"list": ["value_1"]}}],
        [{"reported": {"list": ["value_1", "value_2"]}}, {"desired": {"list": ["value_1", "value_3"]}}],
        [{"reported": {"list": [["value_1"], ["value_2"]]}}, {"desired": {"list": [["value_1"]]}}],
        [{"reported": {"a": {"b": ["d"]}}}, {"desired": {"a": {"b": ["c", "d"]}}}],
        [{"reported": {"a": {"b": {"c": "d", "e": "f"}}}}, {"desired": {"a": {"b": {"c": "d2"}}}}],
        [{"reported": {"a1": {"b1": {"c": "d"}}}}, {"desired": {"a1": {"b1": {"c": "d"}}, "a2": {"b2": "sth"}}}],
        [{"reported": {"a": {"b1": {"c": "d"}}}}, {"desired": {"a": {"b1": {"c": "d"}, "b2": "sth"}}}],
        [{"desired": {"a": 1, "b": {"c": 3}}}, {"desired": {"a": 1, "b": {"c": 3}, "d": {}}}],
        [{"desired": {"a": 1, "b": {"c": 3}, "d": {}}}, {"desired": {"a": 1, "b": {"c": {}}, "d": {}}}],
        [{"desired": {"a": 1, "b": {"c": 3}}}, {"desired": {"a": 1, "b": {"c": {"d": 3}}}}],
        [null, {"desired": {"a": "b"}}],
        [{"desired": {"a": 1, "b": 2}}, {"desired": {"a": null}}],
        [{"desired": {"a": 1}}, {"desired": {"a": null}}],
        [{"desired": {"a": [1, {"b": 2}]}, "reported": {"a": [1, {"b": 2.0}]}}, {"reported": {"c": 1}}],
    ]);
    serde_json::from_value(pairs).unwrap()
}

fn requests() -> Requests {
    let mut all = Requests::default();
    for (number, [one, other]) in verified().iter().enumerate() {
        all.of(&format!("verified{number}"), one);
        all.get();
        all.update(other);
        all.get();
    }
    all.of("versions", &json!({ "reported": { "a": 1 } }));
    all.push("update", None, r#"{"state":{"reported":{"a":2}},"version":1}"#);
    all.push("update", None, r#"{"state":{"reported":{"a":2}},"version":1}"#);
    all.push("update", None, r#"{"state":{"reported":{"a":3}},"version":5}"#);
    all.get();
    all.push("delete", None, "");
    all.get();
    all.update(&json!({ "reported": { "b": 1 } }));
    all.get();
    all.push("delete", None, "");
    all.push("delete", None, "");
    all.but("moto deletes what is deleted; AWS documents 404 for a shadow that is not there");
    all.push("get", Some("never"), "");

    all.of("refused", &json!({ "reported": { "a": 1 } }));
    for document in ["", "{", "{}", r#"{"state":1}"#, r#"{"state":{"other":{}}}"#] {
        all.push("update", None, document);
    }
    all.push("update", None, r#"{"state":{"desired":1}}"#);
    all.but("moto fails; AWS documents `Desired node must be an object`");
    all.push("update", None, r#"{"state":{},"version":"1"}"#);
    all.but("moto finds another version; AWS documents `Invalid version`");
    all.push("update", None, r#"{"state":{},"clientToken":5}"#);
    all.but("moto takes any token; AWS documents `Invalid clientToken`");
    let deep = r#"{"state":{"desired":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}"#;
    all.push("update", None, deep);
    all.but("moto takes any depth; AWS documents at most 6");
    let large = json!({ "state": { "desired": { "a": "x".repeat(9000) } } });
    all.push("update", None, &large.to_string());
    all.but("moto takes any size; AWS documents at most 8 KB");

    all.of("cleared", &json!({ "desired": { "a": 1 }, "reported": { "a": 1 } }));
    all.update(&json!({ "desired": null }));
    all.but(
        "moto leaves null sections out of its answer; AWS answers with the state as it was sent",
    );
    all.get();
    all.but("moto keeps a section that is set to null; AWS documents that it is removed");
    all.update(&json!(null));
    all.get();
    all.push("update", None, r#"{"state":{"reported":{"b":1}},"clientToken":"mine"}"#);
    all.but("moto does not answer with the token; AWS documents that it is there");

    all.of("named", &json!({ "reported": { "a": 1 } }));
    all.push("list", None, "");
    for name in ["two", "one"] {
        all.push("update", Some(name), r#"{"state":{"reported":{"a":1}}}"#);
    }
    all.push("list", None, "");
    all.but("moto lists in the order in which they were made; here they come in order of name");
    all.push("get", Some("one"), "");
    all.push("delete", Some("one"), "");
    all.push("get", Some("one"), "");
    all.push("list", None, "");
    all.but("moto lists what is deleted");
    all
}

/// What moto answers; `None` where it is not.
fn answers_of_moto(requests: &Requests) -> Option<Vec<Value>> {
    let client = Client::python()?;
    let Ok(packages) = std::env::var("GG_AWS_PACKAGES") else {
        println!("SKIPPED, NOTHING TESTED: shadows::, since GG_AWS_PACKAGES is not set");
        return None;
    };
    let all: Vec<Value> = requests
        .0
        .iter()
        .map(|request| {
            let Request { operation, thing, name, document, differs: _ } = request;
            json!({ "operation": operation, "thing": thing, "name": name, "document": document })
        })
        .collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/aws/shadows.py");
    let mut moto = Command::new(client.interpreter);
    moto.env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOME", "/nonexistent");
    moto.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut moto = moto.spawn().unwrap();
    moto.stdin.take().unwrap().write_all(Value::from(all).to_string().as_bytes()).unwrap();
    let output = moto.wait_with_output().unwrap();
    assert!(output.status.success(), "moto failed");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The same request of this host.
fn answer_of_host(me: &mut Ipc, request: &Request) -> Value {
    let thing = request.thing.clone();
    let shadow = Shadow { thing: thing.clone(), name: request.name.map(str::to_owned) };
    let ask = match request.operation {
        "get" => Ask::Shadow(shadow),
        "update" => Ask::UpdateShadow(shadow, request.document.clone()),
        "delete" => Ask::DeleteShadow(shadow),
        _ => Ask::ShadowNames { thing, page: 100, after: None },
    };
    match me.ask(ask) {
        Answer::Value(document) => json!({ "done": document }),
        Answer::Done => json!({ "done": null }),
        Answer::Names(names, _) => json!({ "done": names }),
        Answer::Refused(Refusal::NotFound) => json!({ "refused": 404 }),
        Answer::Refused(Refusal::Conflict) => json!({ "refused": 409 }),
        Answer::Refused(Refusal::InvalidArgument) => json!({ "refused": 400 }),
        other => panic!("{other:?}"),
    }
}

/// Without the times at which things happened to be done.
fn timeless(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match key.as_str() {
                    "timestamp" if value.is_u64() => *value = json!("a time"),
                    _ => timeless(value),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(timeless),
        _ => {}
    }
}

#[test]
fn a_deployment_sets_how_large_shadows_may_be_and_how_often_they_are_asked_for() {
    let device = Device::new();
    let mut nucleus = device.start();
    let rights = json!({ "accessControl": { "aws.greengrass.ShadowManager": {
        "policy:1": { "operations": ["*"], "resources": ["*"] },
    } } });
    let mut me: Ipc = deploy(&device, &mut nucleus, ME, rights);
    let mut update = |bytes: usize| {
        let shadow = Shadow { thing: "Lamp".to_owned(), name: None };
        let document = json!({ "state": { "reported": { "a": "x".repeat(bytes) } } });
        me.ask(Ask::UpdateShadow(shadow, document.to_string()))
    };
    let set = |configuration: Value| {
        let update = json!({ "aws.greengrass.ShadowManager": { "MERGE": configuration } });
        device.deploy(["--update-config", &update.to_string()])
    };
    assert!(matches!(update(1000), Answer::Value(_)));
    set(json!({ "shadowDocumentSizeLimitBytes": 500 })).expect_code(0);
    assert_eq!(update(1000), Answer::Refused(Refusal::InvalidArgument));
    assert!(matches!(update(400), Answer::Value(_)));
    set(json!({ "rateLimits": { "maxLocalRequestsPerSecondPerThing": 1 } })).expect_code(0);
    let answers = [update(1), update(1), update(1)];
    assert!(answers.contains(&Answer::Refused(Refusal::Unavailable)), "{answers:?}");
    set(json!({ "shadowDocumentSizeLimitBytes": 50_000 })).expect_code(1);
}

#[test]
fn shadows_are_as_moto_has_them_where_that_is_as_aws_documents_them() {
    let requests = requests();
    let Some(mut theirs) = answers_of_moto(&requests) else { return };
    let device = Device::new();
    let mut nucleus = device.start();
    let rights = json!({ "accessControl": { "aws.greengrass.ShadowManager": {
        "policy:1": { "operations": ["*"], "resources": ["*"] },
    } } });
    let mut me: Ipc = deploy(&device, &mut nucleus, ME, rights);
    assert_eq!(theirs.len(), requests.0.len());
    for (request, theirs) in requests.0.iter().zip(&mut theirs) {
        let mut ours = answer_of_host(&mut me, request);
        timeless(&mut ours);
        timeless(theirs);
        let Request { operation, thing, document, .. } = request;
        match request.differs {
            None => assert_eq!(ours, *theirs, "{operation} {thing} {document}"),
            Some(reason) => assert_ne!(ours, *theirs, "{operation} {thing} {document}: {reason}"),
        }
    }
}
