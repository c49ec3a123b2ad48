use super::*;
use crate::capability::pubsub::{PayloadFormat, SubscribeOptions, Subscription};
use crate::capability::testing::{nobody, with_policy};
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

const AT: u64 = 1_700_000_000;

struct Fixture {
    shadows: Shadows,
    pubsub: PubSub,
    tasks: Tasks,
}

impl Fixture {
    fn new() -> Self {
        Self::keeping(None)
    }

    fn keeping(store: Option<Store>) -> Self {
        let (tasks, pubsub) = (Tasks::new(None).unwrap(), PubSub::default());
        let clock = Clock::from_fn(|| UNIX_EPOCH + Duration::from_secs(AT));
        let thing = "thing".parse().unwrap();
        let shadows = Shadows::new(clock, store, thing, &pubsub, &tasks);
        shadows.configure(rates(100_000, 100_000));
        Self { shadows, pubsub, tasks }
    }

    async fn update(&self, name: Option<&str>, document: Value) -> Result<Value> {
        let text = document.to_string();
        let answer = self.shadows.update(&everybody(), None, name, text.as_bytes()).await?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    async fn get(&self, name: Option<&str>) -> Result<Value> {
        let answer = self.shadows.get(&everybody(), None, name).await?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    fn subscribe(&self, filter: &str) -> Subscription {
        self.pubsub.subscribe(&everybody(), filter, SubscribeOptions::default()).unwrap()
    }
}

/// So many requests a second.
fn rates(total: u32, thing: u32) -> ShadowSettings {
    let mut settings = ShadowSettings::default();
    (settings.total_rate, settings.thing_rate) = (total, thing);
    settings
}

/// A component that may do everything with shadows.
fn everybody() -> Caller {
    let mut policy = AccessPolicy::default();
    for operation in Operation::ALL {
        policy.allow(operation.service(), operation.name(), "*").unwrap();
    }
    with_policy("everybody", policy)
}

async fn next(subscription: &mut Subscription) -> (String, Value) {
    let message = subscription.next().await.unwrap();
    let document = serde_json::from_slice(&message.payload).unwrap();
    (message.topic.to_string(), document)
}

fn kind<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorKind {
    outcome.unwrap_err().kind()
}

#[tokio::test]
async fn without_a_policy_no_shadow_is_seen_or_touched() {
    let fixture = Fixture::new();
    fixture.update(None, json!({"state": {"desired": {"a": 1}}})).await.unwrap();
    let (shadows, nobody) = (&fixture.shadows, nobody("nobody"));
    let mut told = fixture.subscribe("$aws/things/thing/shadow/#");
    assert_eq!(kind(shadows.get(&nobody, None, None).await), ErrorKind::Unauthorized);
    let update = shadows.update(&nobody, None, None, br#"{"state":null}"#).await;
    assert_eq!(kind(update), ErrorKind::Unauthorized);
    assert_eq!(kind(shadows.delete(&nobody, None, None).await), ErrorKind::Unauthorized);
    assert_eq!(kind(shadows.list(&nobody, None, None, None).await), ErrorKind::Unauthorized);
    assert_eq!(kind(shadows.deltas(&nobody, None, None)), ErrorKind::Unauthorized);
    // Nor is there a trace of it for those who listen.
    assert!(told.try_next().is_none());
    assert_eq!(fixture.get(None).await.unwrap()["version"], 1);
}

#[tokio::test]
async fn a_grant_is_for_one_shadow_and_one_operation() {
    let fixture = Fixture::new();
    let mut policy = AccessPolicy::default();
    let operation = Operation::UpdateThingShadow;
    let resource = "$aws/things/Lamp/shadow/name/light";
    policy.allow(operation.service(), operation.name(), resource).unwrap();
    let (shadows, caller) = (&fixture.shadows, with_policy("one", policy));
    let update = async |thing, name| {
        let document = br#"{"state":{"reported":{"on":true}}}"#;
        shadows.update(&caller, Some(thing), name, document).await
    };
    assert!(update("Lamp", Some("light")).await.is_ok());
    assert_eq!(kind(update("Lamp", Some("lights")).await), ErrorKind::Unauthorized);
    assert_eq!(kind(update("Lamp", None).await), ErrorKind::Unauthorized);
    assert_eq!(kind(update("Lamps", Some("light")).await), ErrorKind::Unauthorized);
    let get = shadows.get(&caller, Some("Lamp"), Some("light")).await;
    assert_eq!(kind(get), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn shadows_come_change_and_go() {
    let fixture = Fixture::new();
    assert_eq!(kind(fixture.get(None).await), ErrorKind::NotFound);
    let desired = json!({"state": {"desired": {"on": true}}, "clientToken": "t"});
    let answer = fixture.update(None, desired).await.unwrap();
    let about = json!({"desired": {"on": {"timestamp": AT}}});
    assert_eq!(
        answer,
        json!({
            "state": {"desired": {"on": true}}, "metadata": about,
            "version": 1, "timestamp": AT, "clientToken": "t",
        })
    );
    assert_eq!(
        fixture.get(None).await.unwrap(),
        json!({
            "state": {"desired": {"on": true}, "delta": {"on": true}}, "metadata": about,
            "version": 1, "timestamp": AT,
        })
    );
    let old = fixture.update(None, json!({"state": {}, "version": 9})).await;
    assert_eq!(kind(old), ErrorKind::Conflict);
    assert_eq!(kind(fixture.update(None, json!({})).await), ErrorKind::InvalidArgument);
    let deleted = fixture.shadows.delete(&everybody(), None, None).await.unwrap();
    let deleted: Value = serde_json::from_str(&deleted).unwrap();
    assert_eq!(deleted, json!({"version": 1, "timestamp": AT}));
    assert_eq!(kind(fixture.get(None).await), ErrorKind::NotFound);
    let again = fixture.shadows.delete(&everybody(), None, None).await;
    assert_eq!(kind(again), ErrorKind::NotFound);
    let anew = fixture.update(None, json!({"state": {"reported": {"on": 1}}})).await.unwrap();
    assert_eq!(anew["version"], 3);
}

#[tokio::test]
async fn names_are_checked_and_listed_in_pages() {
    let fixture = Fixture::new();
    let (shadows, caller) = (&fixture.shadows, everybody());
    for name in ["a b", "a/b", &"n".repeat(65)] {
        assert_eq!(kind(fixture.get(Some(name)).await), ErrorKind::InvalidArgument, "{name}");
    }
    let nameless = shadows.get(&caller, Some(""), None).await;
    assert_eq!(kind(nameless), ErrorKind::InvalidArgument);
    // An empty name is that of the classic shadow.
    for name in [None, Some(""), Some("c"), Some("a"), Some("b"), Some("gone")] {
        fixture.update(name, json!({"state": {"reported": {"a": 1}}})).await.unwrap();
    }
    shadows.delete(&caller, None, Some("gone")).await.unwrap();
    assert_eq!(fixture.get(None).await.unwrap()["version"], 2);
    let list = async |page, after| shadows.list(&caller, None, page, after).await;
    let all = list(None, None).await.unwrap();
    assert_eq!((all.names, all.next), (vec!["a".into(), "b".into(), "c".into()], None));
    assert_eq!(all.at, i64::try_from(AT).unwrap() * 1000);
    let first = list(Some(2), None).await.unwrap();
    assert_eq!(first.names, ["a", "b"]);
    let rest = list(Some(2), first.next.as_deref()).await.unwrap();
    assert_eq!((rest.names, rest.next), (vec!["c".into()], None));
    for page in [0, 101] {
        assert_eq!(kind(list(Some(page), None).await), ErrorKind::InvalidArgument);
    }
    assert_eq!(kind(list(None, Some("no such token")).await), ErrorKind::InvalidArgument);
    let other = shadows.list(&caller, Some("other"), None, None).await.unwrap();
    assert!(other.names.is_empty());
}

#[tokio::test]
async fn whoever_listens_is_told() {
    let fixture = Fixture::new();
    let mut told = fixture.subscribe("$aws/things/thing/shadow/name/n/#");
    let base = "$aws/things/thing/shadow/name/n";
    let update = json!({"state": {"desired": {"on": true}}, "clientToken": "t"});
    let answer = fixture.update(Some("n"), update).await.unwrap();
    let (topic, delta) = next(&mut told).await;
    assert_eq!(topic, format!("{base}/update/delta"));
    assert_eq!(delta["state"], json!({"on": true}));
    let (topic, documents) = next(&mut told).await;
    assert_eq!(topic, format!("{base}/update/documents"));
    assert_eq!(
        (&documents["previous"], &documents["current"]["version"]),
        (&Value::Null, &1.into())
    );
    assert_eq!(next(&mut told).await, (format!("{base}/update/accepted"), answer));
    let refused = json!({"state": 1, "clientToken": "u"});
    assert!(fixture.update(Some("n"), refused).await.is_err());
    let wanted = json!({
        "code": 400, "message": "State node must be an object", "timestamp": AT, "clientToken": "u",
    });
    assert_eq!(next(&mut told).await, (format!("{base}/update/rejected"), wanted));
    let document = fixture.get(Some("n")).await.unwrap();
    assert_eq!(next(&mut told).await, (format!("{base}/get/accepted"), document));
    // Nothing differs: there is no delta.
    let same = json!({"state": {"reported": {"on": true}}});
    fixture.update(Some("n"), same).await.unwrap();
    assert_eq!(next(&mut told).await.0, format!("{base}/update/documents"));
    assert_eq!(next(&mut told).await.0, format!("{base}/update/accepted"));
    fixture.shadows.delete(&everybody(), None, Some("n")).await.unwrap();
    let wanted = json!({"version": 2, "timestamp": AT});
    assert_eq!(next(&mut told).await, (format!("{base}/delete/accepted"), wanted));
    assert!(fixture.get(Some("n")).await.is_err());
    let wanted = json!({"code": 404, "message": "No shadow exists with name: n", "timestamp": AT});
    assert_eq!(next(&mut told).await, (format!("{base}/get/rejected"), wanted));
    assert!(told.try_next().is_none());
}

#[tokio::test]
async fn messages_are_requests_served_in_their_order() {
    let fixture = Fixture::new();
    let (shadows, pubsub) = (fixture.shadows.clone(), &fixture.pubsub);
    let requests = topics::Requests::listen(shadows, pubsub, "thing".parse().unwrap()).unwrap();
    let stop = CancellationToken::new();
    let serving = fixture.tasks.spawn(requests.serve(fixture.tasks.clone(), stop.clone()));
    let mut told = fixture.subscribe("$aws/things/Lamp/shadow/update/accepted");
    let mut refused = fixture.subscribe("$aws/things/Lamp/shadow/name/n/get/rejected");
    let mut publisher = pubsub.publisher(everybody());
    let mut publish = async |topic: &str, document: Value| {
        let payload = document.to_string().into_bytes();
        publisher.publish(topic, payload, PayloadFormat::Json).await.unwrap();
    };
    for number in 1..=100 {
        let update = json!({"state": {"reported": {"n": number}}});
        publish("$aws/things/Lamp/shadow/update", update).await;
    }
    for number in 1..=100 {
        let (_, accepted) = next(&mut told).await;
        assert_eq!(
            (&accepted["version"], &accepted["state"]["reported"]["n"]),
            (&number.into(), &number.into())
        );
    }
    // What is no thing or no shadow is let be.
    publish("$aws/things/La mp/shadow/update", json!({})).await;
    publish("$aws/things/Lamp/shadow/name/n/get", json!({"clientToken": "mine"})).await;
    let (_, rejected) = next(&mut refused).await;
    assert_eq!((&rejected["code"], &rejected["clientToken"]), (&404.into(), &"mine".into()));
    let mut deleted = fixture.subscribe("$aws/things/Lamp/shadow/delete/accepted");
    publish("$aws/things/Lamp/shadow/delete", json!({"clientToken": "mine"})).await;
    assert_eq!(next(&mut deleted).await.1["clientToken"], "mine");
    stop.cancel();
    serving.await.unwrap();
}

#[tokio::test]
async fn deltas_come_at_once_and_with_each_change() {
    let fixture = Fixture::new();
    let desired = |value: i32| json!({"state": {"desired": {"n": value}}});
    fixture.update(None, desired(1)).await.unwrap();
    let caller = everybody();
    let mut deltas = fixture.shadows.deltas(&caller, None, None).unwrap();
    let mut delta = async || -> Option<Value> {
        let text = deltas.next().await.unwrap()?;
        Some(serde_json::from_str(&text).unwrap())
    };
    let first = delta().await.unwrap();
    assert_eq!((&first["state"], &first["version"]), (&json!({"n": 1}), &1.into()));
    // Who is slow sees the last.
    fixture.update(None, desired(2)).await.unwrap();
    fixture.update(None, desired(3)).await.unwrap();
    assert_eq!(delta().await.unwrap()["state"], json!({"n": 3}));
    // What is reported is no delta: the next is that after it.
    let (shadows, two) = (&fixture.shadows, async || {
        fixture.update(None, json!({"state": {"reported": {"n": 3}}})).await.unwrap();
        fixture.update(None, desired(4)).await.unwrap();
    });
    let (next, ()) = tokio::join!(delta(), two());
    assert_eq!(next.unwrap()["state"], json!({"n": 4}));
    // One that is deleted has none, and one made anew has.
    let anew = async || {
        shadows.delete(&caller, None, None).await.unwrap();
        fixture.update(None, desired(5)).await.unwrap();
    };
    let (next, ()) = tokio::join!(delta(), anew());
    assert_eq!(next.unwrap()["state"], json!({"n": 5}));
    caller.ask_to_stop();
    assert_eq!(delta().await, None);
    drop(deltas);
    assert!(fixture.shadows.inner.watched.is_empty());
}

#[test]
fn rates_are_limited_for_a_thing_and_for_all() {
    let settings = rates(5, 2);
    let (mut rates, start) = (Rates::default(), Instant::now());
    let mut take = |thing: &str, after: u64| {
        let thing = thing.parse().unwrap();
        rates.take(&thing, start + Duration::from_millis(after), &settings)
    };
    assert_eq!([take("one", 0), take("one", 0), take("one", 0)], [true, true, false]);
    assert_eq!([take("two", 0), take("two", 0), take("two", 0)], [true, true, false]);
    assert_eq!([take("three", 0), take("three", 0)], [true, false]);
    // Half a second later one has come back for each thing.
    assert_eq!([take("one", 500), take("one", 500)], [true, false]);
    // However many things there are, what they take is counted.
    for number in 0..5000_u64 {
        assert!(take(&format!("thing{number}"), 2000 + number * 200));
    }
}

#[tokio::test]
async fn more_requests_than_are_served_are_refused() {
    let fixture = Fixture::new();
    fixture.shadows.configure(rates(100, 1));
    let mut told = fixture.subscribe("$aws/things/thing/shadow/get/rejected");
    assert_eq!(kind(fixture.get(None).await), ErrorKind::NotFound);
    let error = fixture.get(None).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "Too Many Requests"));
    assert_eq!(next(&mut told).await.1["code"], 404);
    assert_eq!(next(&mut told).await.1["code"], 429);
}

#[tokio::test]
async fn what_is_acknowledged_outlives_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let (path, tasks) = (folder.path().join("store.db"), Tasks::new(None).unwrap());
    let before = {
        let fixture = Fixture::keeping(Some(Store::open(&path, &tasks).unwrap()));
        for number in 0..50 {
            let update = json!({"state": {"desired": {"n": number, "list": [1, {"a": 2}]}}});
            fixture.update(Some("n"), update).await.unwrap();
        }
        fixture.update(None, json!({"state": {"reported": {"n": 1}}})).await.unwrap();
        fixture.shadows.delete(&everybody(), None, None).await.unwrap();
        fixture.get(Some("n")).await.unwrap()
    };
    // The thread of the store has the file until it has ended.
    let store = loop {
        match Store::open(&path, &tasks) {
            Ok(store) => break store,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let fixture = Fixture::keeping(Some(store));
    assert_eq!(fixture.get(Some("n")).await.unwrap(), before);
    assert_eq!(kind(fixture.get(None).await), ErrorKind::NotFound);
    let anew = fixture.update(None, json!({"state": {"reported": {"n": 1}}})).await.unwrap();
    assert_eq!(anew["version"], 3);
}

#[tokio::test]
async fn updates_at_the_same_time_are_each_counted_once() {
    let fixture = Fixture::new();
    let mut told = fixture.subscribe("$aws/things/thing/shadow/update/accepted");
    let updates = (0..64).map(|number| {
        let update = json!({"state": {"reported": {number.to_string(): number}}});
        fixture.update(None, update)
    });
    let answers = futures_util::future::join_all(updates).await;
    let mut versions: Vec<u64> =
        answers.into_iter().map(|answer| answer.unwrap()["version"].as_u64().unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=64).collect::<Vec<_>>());
    for version in 1..=64 {
        assert_eq!(next(&mut told).await.1["version"], version);
    }
    let whole = fixture.get(None).await.unwrap();
    assert_eq!(whole["state"]["reported"].as_object().unwrap().len(), 64);
}
