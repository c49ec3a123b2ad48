use super::template::*;
use super::*;
use crate::artifacts::Artifacts;
use crate::clock::Clock;
use crate::pki::Authority;
use crate::registry::certificates::Status;
use crate::registry::groups::Properties;
use crate::registry::policies::Target;
use crate::registry::{
    Place, Refusal, Registry, certificates, groups, policies, principals, secrets, things,
};
use crate::state::{Sqlite, Transaction};
use crate::tasks::Tasks;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

const NOW: u64 = 1_800_000_000;

struct Bench {
    registry: Registry,
    seconds: Arc<AtomicU64>,
    _folder: TempDir,
}

impl Bench {
    /// With a group, a policy, and the template `fleet`.
    fn new(body: &Value) -> Self {
        let folder = TempDir::new().unwrap();
        let seconds = Arc::new(AtomicU64::new(NOW));
        let now = Arc::clone(&seconds);
        let clock = Clock::from_fn(move || {
            let since = std::time::Duration::from_secs(now.load(Ordering::Relaxed));
            std::time::UNIX_EPOCH + since
        });
        let path = |name: &str| folder.path().join(name);
        let registry = Registry {
            state: Arc::new(Sqlite::open(&path("state.sqlite")).unwrap()),
            artifacts: Artifacts::open(&path("objects")).unwrap(),
            authority: Arc::new(Authority::open(&path("pki"), &clock).unwrap()),
            vault: Arc::new(secrets::Vault::open(&path("secrets.json")).unwrap()),
            place: Place::new(None, None).unwrap(),
            clock,
            tasks: Tasks::default(),
        };
        let bench = Self { registry, seconds, _folder: folder };
        bench.change(|tx| {
            groups::create(tx, "hall", None, Properties::default(), bench.now())?;
            let text = r#"{"Version":"2012-10-17","Statement":[]}"#;
            policies::create(tx, "core", text, bench.now())
        });
        bench.template("fleet", body).unwrap();
        bench
    }

    fn now(&self) -> Time {
        self.registry.clock.now()
    }

    fn change<T>(&self, work: impl FnOnce(&mut dyn Transaction) -> Result<T, Refusal>) -> T {
        self.registry.state.change(work).unwrap()
    }

    fn template(&self, name: &str, body: &Value) -> Result<Stored, Refusal> {
        let creation = Creation {
            name: name.to_owned(),
            body: body.to_string(),
            is_enabled: true,
            ..Creation::default()
        };
        let (place, now) = (&self.registry.place, self.now());
        self.registry.state.change(|tx| create(tx, place, creation, now))
    }

    fn ask(&self, asked: &Asked, payload: &Value) -> (bool, Value) {
        let answer = answer(&self.registry, asked, payload.to_string().as_bytes()).unwrap();
        (answer.is_accepted, serde_json::from_str(&answer.payload).unwrap())
    }

    /// A certificate that is nobody's: its id and its token.
    fn keys(&self) -> (String, String) {
        let (accepted, said) = self.ask(&Asked::Keys, &json!({}));
        assert!(accepted, "{said}");
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        assert!(text("privateKey").contains("PRIVATE KEY"));
        (text("certificateId"), text("certificateOwnershipToken"))
    }

    fn register(&self, token: &str, parameters: &Value) -> (bool, Value) {
        let payload = json!({ "certificateOwnershipToken": token, "parameters": parameters });
        self.ask(&Asked::Registration("fleet".to_owned()), &payload)
    }

    fn status(&self, id: &str) -> Option<Status> {
        let rows = self.registry.state.snapshot().unwrap();
        certificates::get(rows.as_ref(), id).unwrap().map(|found| found.status)
    }
}

fn body() -> Value {
    json!({
        "Parameters": {
            "SerialNumber": { "Type": "String" },
            "Place": { "Type": "String", "Default": "nowhere" },
            "AWS::IoT::Certificate::Id": { "Type": "String" },
        },
        "Resources": {
            "thing": {
                "Type": "AWS::IoT::Thing",
                "Properties": {
                    "ThingName": { "Fn::Join": ["", ["press-", { "Ref": "SerialNumber" }]] },
                    "AttributePayload": { "place": { "Ref": "Place" } },
                    "ThingGroups": ["hall"],
                },
            },
            "certificate": {
                "Type": "AWS::IoT::Certificate",
                "Properties": {
                    "CertificateId": { "Ref": "AWS::IoT::Certificate::Id" }, "Status": "Active",
                },
            },
            "policy": { "Type": "AWS::IoT::Policy", "Properties": { "PolicyName": "core" } },
        },
        "DeviceConfiguration": { "url": { "Fn::Sub": "https://${Place}.${AWS::Region}/" } },
    })
}

#[test]
fn a_device_becomes_what_the_template_says() {
    let bench = Bench::new(&body());
    let (id, token) = bench.keys();
    assert_eq!(bench.status(&id), Some(Status::PendingActivation));
    let (accepted, said) = bench.register(&token, &json!({ "SerialNumber": "7", "Other": "x" }));
    assert!(accepted, "{said}");
    let wanted = json!({
        "thingName": "press-7", "deviceConfiguration": { "url": "https://nowhere.us-east-1/" },
    });
    assert_eq!(said, wanted);
    assert_eq!(bench.status(&id), Some(Status::Active));
    let rows = bench.registry.state.snapshot().unwrap();
    let rows = rows.as_ref();
    let thing = things::require(rows, "press-7").unwrap();
    assert_eq!(thing.attributes.get("place"), Some("nowhere"));
    assert_eq!(groups::direct_of(rows, "press-7").unwrap(), ["hall"]);
    assert_eq!(principals::of_thing(rows, "press-7").unwrap(), std::slice::from_ref(&id));
    assert_eq!(policies::attached_to(rows, &Target::Certificate(id)).unwrap(), ["core"]);
}

#[test]
fn a_token_counts_once_and_for_an_hour() {
    let bench = Bench::new(&body());
    let code = |(accepted, said): (bool, Value)| {
        assert!(!accepted, "{said}");
        said["errorCode"].as_str().unwrap().to_owned()
    };
    let serial = json!({ "SerialNumber": "7" });
    let (_, token) = bench.keys();
    // What is refused does not use it up.
    assert_eq!(code(bench.register(&token, &json!({}))), "InvalidParameters");
    assert_eq!(code(bench.register("other", &serial)), "InvalidCertificateOwnershipToken");
    assert!(bench.register(&token, &serial).0);
    assert_eq!(code(bench.register(&token, &serial)), "InvalidCertificateOwnershipToken");
    let (id, token) = bench.keys();
    bench.seconds.fetch_add(60 * 60, Ordering::Relaxed);
    assert_eq!(code(bench.register(&token, &serial)), "InvalidCertificateOwnershipToken");
    bench.change(|tx| expire(tx, bench.now()));
    assert_eq!(bench.status(&id), None);
    let missing = bench.ask(
        &Asked::Registration("none".to_owned()),
        &json!({
            "certificateOwnershipToken": "x",
        }),
    );
    assert_eq!(code(missing), "ResourceNotFound");
    assert_eq!(code(bench.ask(&Asked::Certificate, &json!({}))), "InvalidParameters");
}

#[test]
fn a_thing_that_is_there_stays_unless_the_template_says_otherwise() {
    for (settings, wanted) in [
        (json!({}), Ok(("before", vec![]))),
        (
            json!({ "AttributePayload": "REPLACE", "ThingGroups": "REPLACE" }),
            Ok(("new", vec!["hall"])),
        ),
        (json!({ "AttributePayload": "MERGE", "ThingGroups": "MERGE" }), Ok(("new", vec!["hall"]))),
        (json!({ "AttributePayload": "FAIL" }), Err("ResourceConflict")),
    ] {
        let mut body = body();
        body["Resources"]["thing"]["OverrideSettings"] = settings.clone();
        let bench = Bench::new(&body);
        bench.change(|tx| {
            let before = BTreeMap::from([("place".to_owned(), "before".to_owned())]);
            things::create(tx, "press-7", None, before)
        });
        let (id, token) = bench.keys();
        let (accepted, said) =
            bench.register(&token, &json!({ "SerialNumber": "7", "Place": "new" }));
        let rows = bench.registry.state.snapshot().unwrap();
        match wanted {
            Ok((place, wanted)) => {
                assert!(accepted, "{said}");
                let thing = things::require(rows.as_ref(), "press-7").unwrap();
                assert_eq!(thing.attributes.get("place"), Some(place), "{settings}");
                assert_eq!(groups::direct_of(rows.as_ref(), "press-7").unwrap(), wanted);
            }
            Err(code) => {
                assert_eq!(said["errorCode"], code);
                // Nothing of it was done.
                assert_eq!(bench.status(&id), Some(Status::PendingActivation));
            }
        }
    }
}

#[test]
fn a_claim_holds_for_minutes_and_leaves_nothing_behind() {
    let bench = Bench::new(&body());
    let (authority, place) = (&bench.registry.authority, &bench.registry.place);
    let made = bench.change(|tx| claim(tx, authority, place, "fleet", bench.now()));
    assert_eq!(made.expires, bench.now().plus_seconds(300));
    assert_eq!(bench.status(&made.id), Some(Status::Active));
    bench.change(|tx| expire(tx, bench.now()));
    assert_eq!(bench.status(&made.id), Some(Status::Active));
    bench.seconds.fetch_add(300, Ordering::Relaxed);
    bench.change(|tx| expire(tx, bench.now()));
    assert_eq!(bench.status(&made.id), None);
    let rows = bench.registry.state.snapshot().unwrap();
    let left = policies::list(rows.as_ref(), &crate::registry::Paging::all()).unwrap();
    assert_eq!(left.items.len(), 1);
    let off = Change { is_enabled: Some(false), ..Change::default() };
    bench.change(|tx| update(tx, "fleet", off, bench.now()));
    let refused = bench
        .registry
        .state
        .change(|tx| claim(tx, authority, place, "fleet", bench.now()).map(drop));
    assert!(refused.is_err());
    let (_, token) = bench.keys();
    assert!(!bench.register(&token, &json!({ "SerialNumber": "7" })).0);
}

#[test]
fn templates_that_are_none_are_refused() {
    let bench = Bench::new(&body());
    let resources = |thing: Value| {
        json!({ "Resources": {
            "certificate": { "Type": "AWS::IoT::Certificate" },
            "thing": { "Type": "AWS::IoT::Thing", "Properties": { "ThingName": thing } },
        } })
    };
    let mut deep = json!("x");
    for _ in 0..20 {
        deep = json!({ "Fn::Join": ["", [deep]] });
    }
    for wrong in [
        json!({}),
        json!([]),
        json!({ "Resources": {} }),
        json!({ "Resources": { "a": { "Type": "AWS::S3::Bucket" } } }),
        json!({ "Resources": {
            "a": { "Type": "AWS::IoT::Certificate" }, "b": { "Type": "AWS::IoT::Certificate" },
        } }),
        resources(json!({ "Ref": "Unknown" })),
        resources(json!({ "Fn::GetAtt": ["a", "b"] })),
        resources(json!({ "Fn::Join": ["-"] })),
        resources(json!({ "Fn::Sub": "${" })),
        resources(json!({ "Ref": "AWS::Region", "Fn::Sub": "x" })),
        resources(json!(null)),
        resources(json!(["a"])),
        resources(deep),
        json!({ "Description": "x".repeat(LARGEST) }),
    ] {
        assert!(bench.template("wrong", &wrong).is_err(), "{wrong}");
    }
    assert!(bench.template("fleet", &body()).is_err(), "it is there");
    assert!(bench.template("a b", &body()).is_err());
    assert!(bench.template(&"a".repeat(37), &body()).is_err());
}

#[test]
fn functions_make_texts() {
    let ask = |value: Value| {
        let body = json!({
            "Parameters": { "A": { "Type": "String" }, "B": { "Type": "String", "Default": "b" } },
            "Resources": { "certificate": { "Type": "AWS::IoT::Certificate" } },
            "DeviceConfiguration": { "it": value },
        });
        let said = Parameters::from([("A".to_owned(), "1-2-3".to_owned())]);
        let outcome = Template::parse(&body.to_string())?.ask(&said, Parameters::new())?;
        Ok::<_, Wrong>(outcome.configuration["it"].clone())
    };
    let split = json!({ "Fn::Split": ["-", { "Ref": "A" }] });
    for (value, wanted) in [
        (json!("text"), "text"),
        (json!(7), "7"),
        (json!({ "Ref": "B" }), "b"),
        (json!({ "Fn::Join": ["/", ["x", { "Ref": "A" }]] }), "x/1-2-3"),
        (json!({ "Fn::Join": [":", split] }), "1:2:3"),
        (json!({ "Fn::Select": [1, split] }), "2"),
        (json!({ "Fn::Select": ["0", ["x", "y"]] }), "x"),
        (json!({ "Fn::Sub": "${A}${!A}$B" }), "1-2-3${A}$B"),
        (json!({ "Fn::Sub": ["${X}/${B}", { "X": { "Ref": "A" } }] }), "1-2-3/b"),
    ] {
        assert_eq!(ask(value.clone()).as_deref(), Ok(wanted), "{value}");
    }
    assert!(ask(json!({ "Fn::Select": [3, split] })).is_err());
    // What would grow without end is refused.
    let much = format!("${{X}}{}", "${X}".repeat(1000));
    assert!(ask(json!({ "Fn::Sub": [much, { "X": "x".repeat(100) }] })).is_err());
    let own = Parameters::from([("AWS::IoT::Certificate::Id".to_owned(), "x".to_owned())]);
    let template = Template::parse(&body().to_string()).unwrap();
    assert!(template.ask(&own, Parameters::new()).is_err());
}
