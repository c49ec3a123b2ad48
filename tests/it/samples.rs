//! Each sample component does what its recipe says.

use crate::broker::{Broker, Peer};
use crate::host::{HttpServer, Run, TIMED_OUT, recipe, run, sample};
use gg_host::cloud::{Publication, Qos};
use serde_json::{Value, json};

/// The scenario that a filter in any language has to pass.
fn filter_scenario(name: &str) {
    // The full JavaScript engine runs the same source with the same recipe, but for the file.
    let (component, id) = match name {
        "filter-js-full" => (sample(name), "filter-js-full".to_owned()),
        _ => (recipe(name), component_name(name)),
    };
    let start = || -> Run {
        run([&component]).config(r#"subscriptions=["sensors/+/temperature"]"#).subscribe("alerts/#")
    };
    let topic = "sensors/boiler/temperature";

    let outcome = start()
        .publish(topic, r#"{"value": 31.5}"#)
        .publish(topic, r#"{"value": 29}"#)
        .publish(topic, "not json")
        .publish(topic, r#"{"unit": "C"}"#)
        .publish(topic, r#"{"value": 33, "retry": true}"#)
        .publish("sensors/boiler/pressure", r#"{"value": 99}"#)
        .publish("sensors/oven/temperature", r#"{"value": 250}"#)
        .finish();
    outcome.expect_code(0);
    let alerts = outcome.payloads("alerts/temperature");
    let wanted = [
        json!({ "sensor": "boiler", "value": 31.5 }),
        json!({ "sensor": "boiler", "value": 33 }),
        json!({ "sensor": "oven", "value": 250 }),
    ];
    assert!(same(&alerts, &wanted), "above the threshold and none below\n{outcome}");
    let rejected = outcome.all(|event| event.says(&id, "rejected a message on")).count();
    assert_eq!(rejected, 2, "what is not a reading is rejected\n{outcome}");
    let retried = outcome.all(|event| event.says(&id, "will retry a message on")).count();
    assert_eq!(retried, 1, "a message is tried again once\n{outcome}");

    let outcome = start()
        .config("threshold=40")
        .publish(topic, r#"{"value": 39.9}"#)
        .publish(topic, r#"{"value": 40}"#)
        .publish(topic, r#"{"value": 40.1}"#)
        .finish();
    outcome.expect_code(0);
    let alerts = outcome.payloads("alerts/temperature");
    let wanted = [json!({ "sensor": "boiler", "value": 40.1 })];
    assert!(same(&alerts, &wanted), "the threshold of the configuration\n{outcome}");
}

fn component_name(sample: &str) -> String {
    let words = sample.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    format!("com.example.{}", words.collect::<String>())
}

/// Equal, where 33 and 33.0 are the same number.
fn same(found: &[Value], wanted: &[Value]) -> bool {
    let plain = |all: &[Value]| -> Vec<(Value, Option<f64>)> {
        all.iter().map(|one| (one["sensor"].clone(), one["value"].as_f64())).collect()
    };
    plain(found) == plain(wanted)
}

#[test]
fn filter_in_rust() {
    filter_scenario("filter-rs");
}

#[test]
fn filter_in_javascript() {
    filter_scenario("filter-js");
}

#[test]
fn filter_in_javascript_with_the_full_engine() {
    filter_scenario("filter-js-full");
}

#[test]
fn filter_in_python() {
    filter_scenario("filter-py");
}

#[test]
fn filter_in_c() {
    filter_scenario("filter-c");
}

/// What a component that obeys the cloud has to do in any language.
async fn remote_scenario(name: &str) {
    let mut broker = Broker::start();
    let mut cloud = Peer::connect(broker.port, "cloud", &["answers/#"]).await;
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let host = run([recipe(name)]).args(["--broker", url.as_str()]).start();
    broker.says(&["commands/kettle (QoS 1)"]);
    let command = |text: &'static str, number: u8| Publication {
        response_topic: Some("answers/kettle".to_owned()),
        correlation_data: Some(vec![number].into()),
        ..Publication::new("commands/kettle", text, Qos::AtLeastOnce)
    };
    cloud.publish(&Publication { response_topic: None, ..command(r#"{"on": true}"#, 0) }).await;
    cloud.publish(&command("switch on", 1)).await;
    cloud.publish(&command(r#"{"on": false}"#, 2)).await;
    let answer = async |cloud: &mut Peer| {
        let answer = cloud.next().await;
        assert_eq!(answer.topic, "answers/kettle");
        let value: Value = serde_json::from_slice(&answer.payload).unwrap();
        (answer.correlation_data.unwrap().to_vec(), value)
    };
    let (number, error) = answer(&mut cloud).await;
    assert!(number == [1] && error["error"].is_string(), "{error}");
    assert_eq!(answer(&mut cloud).await, (vec![2], json!({ "name": "kettle", "on": false })));
    host.signal(rustix::process::Signal::INT);
    host.finish().expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_in_rust() {
    remote_scenario("remote-rs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_in_javascript() {
    remote_scenario("remote-js").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_in_python() {
    remote_scenario("remote-py").await;
}

#[test]
fn sensor_publishes_so_many_readings() {
    let outcome = run([recipe("sensor")])
        .config("count=5")
        .config("intervalMs=1")
        .config("name=oven")
        .subscribe("sensors/#")
        .finish();
    outcome.expect_code(0).expect("com.example.Sensor", "done");
    let readings = outcome.payloads("sensors/oven/temperature");
    assert_eq!(readings.len(), 5, "{outcome}");
    assert!(readings.iter().all(|reading| reading["value"].is_number() && reading["unit"] == "C"));
}

#[test]
fn sensor_and_filter_together_raise_alerts() {
    let outcome = run([recipe("sensor"), recipe("filter-rs")])
        .config("com.example.Sensor:count=12")
        .config("com.example.Sensor:intervalMs=1")
        .subscribe("alerts/#")
        .finish();
    outcome.expect_code(0);
    // A wave around 25 with an amplitude of 10 is above 30 in three of twelve steps.
    assert_eq!(outcome.payloads("alerts/temperature").len(), 3, "{outcome}");
}

#[test]
fn counter_in_c_counts_and_says_the_sum_when_it_is_stopped() {
    let mut host = run([recipe("counter-c")])
        .publish("sensors/a", "1")
        .publish("sensors/b/c", "2")
        .publish("sensors/a", "3")
        .subscribe("counter/#")
        .start();
    host.wait_for("the third count", |e| {
        e.is_on("counter/messages") && e.json["payload"]["count"] == 3
    });
    host.signal(rustix::process::Signal::INT);
    let outcome = host.finish();
    outcome.expect_code(0);
    assert_eq!(outcome.expect("com.example.CounterC", "done").json["fields"]["count"], "3");
}

#[test]
fn aggregator_sums_up_over_the_configured_window() {
    let mut start = run([recipe("aggregator")]).config("windowMs=1000").subscribe("aggregates/#");
    for message in [r#"{"value": 10}"#, r#"{"value": 20}"#, "nonsense", r#"{"value": 60}"#] {
        start = start.publish("sensors/boiler/temperature", message);
    }
    let mut host = start.start();
    // The messages come at once, but a window may end between two of them.
    let mut counted = 0;
    while counted < 3 {
        let event = host.wait_for("a summary", |event| event.is_on("aggregates/temperature"));
        counted += event.json["payload"]["count"].as_u64().unwrap();
    }
    host.signal(rustix::process::Signal::INT);
    let outcome = host.finish();
    outcome.expect_code(0).expect("com.example.Aggregator", "not a reading");
    let all = outcome.payloads("aggregates/temperature");
    assert_eq!(counted, 3, "{outcome}");
    let sum: f64 =
        all.iter().map(|one| one["mean"].as_f64().unwrap() * one["count"].as_f64().unwrap()).sum();
    assert!((sum - 90.0).abs() < 1e-9, "{outcome}");
    let least = all.iter().map(|one| one["min"].as_f64().unwrap()).fold(f64::MAX, f64::min);
    let most = all.iter().map(|one| one["max"].as_f64().unwrap()).fold(f64::MIN, f64::max);
    assert_eq!((least, most), (10.0, 60.0), "{outcome}");

    // A short window gives a summary of each reading, because the next comes later than it ends.
    let mut host = run([recipe("aggregator"), recipe("sensor")])
        .config("com.example.Aggregator:windowMs=20")
        .config("com.example.Sensor:intervalMs=200")
        .subscribe("aggregates/#")
        .start();
    host.wait_for_messages("aggregates/temperature", 3);
}

#[test]
fn keyvalue_keeps_the_last_message_of_each_topic() {
    let mut host = run([recipe("keyvalue")])
        .publish("sensors/a", "1")
        .publish("sensors/b", "2")
        .publish("sensors/a", "3")
        .start();
    let id = "com.example.KeyValue";
    let kept = |key: &'static str, known: &'static str, keys: &'static str| {
        move |event: &crate::host::Event| {
            let fields = &event.json["fields"];
            event.says(id, "kept")
                && fields["key"] == format!("last/{key}")
                && fields["known"] == known
                && fields["keys"] == keys
        }
    };
    host.wait_for("the first start", |e| e.says(id, "started") && e.json["fields"]["times"] == "1");
    host.wait_for("a new key", kept("sensors/a", "false", "2"));
    host.wait_for("another", kept("sensors/b", "false", "3"));
    host.wait_for("a known key", kept("sensors/a", "true", "3"));
    host.signal(rustix::process::Signal::TERM);
    host.finish().expect_code(0);
}

/// What a lamp has to do in any language.
fn lamp_scenario(name: &str) {
    let shadow = "$aws/things/local/shadow/name/light";
    let update = |desired: &str| format!(r#"{{"state": {{"desired": {desired}}}}}"#);
    let mut host = run([recipe(name)])
        .publish(&format!("{shadow}/update"), &update(r#"{"on": true, "brightness": 60}"#))
        .publish(&format!("{shadow}/update"), &update(r#"{"brightness": "dazzling"}"#))
        .publish(&format!("{shadow}/update"), &update(r#"{"brightness": 70}"#))
        .subscribe(&format!("{shadow}/update/accepted"))
        .start();
    host.wait_for("what is wanted last", |event| {
        event.json["payload"]["state"]["reported"]["brightness"] == 70
    });
    host.signal(rustix::process::Signal::INT);
    host.finish().expect_code(0);
}

#[test]
fn lamp_in_rust() {
    lamp_scenario("lamp");
}

#[test]
fn lamp_in_javascript() {
    lamp_scenario("lamp-js");
}

#[test]
fn lamp_in_python() {
    lamp_scenario("lamp-py");
}

/// The operator's file with the secret that both samples take, and one that neither may have.
fn sealing_key(folder: &std::path::Path) -> std::path::PathBuf {
    let secrets = crate::host::file(
        folder,
        "secrets.yaml",
        "secrets: [{Name: sealing-key, VersionId: '7', SecretString: hunter2},
                   {Name: other, SecretString: hunter2}]",
    );
    let only_mine = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&secrets, only_mine).unwrap();
    secrets
}

/// FNV-1a of `hunter2` and the text.
fn seal(text: &str) -> String {
    let hash = format!("hunter2{text}").bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[test]
fn sealed_takes_a_secret_and_shows_nothing_of_it() {
    let folder = crate::host::folder();
    let secrets = sealing_key(folder.path());
    let mut host = run([recipe("sealed")])
        .args(["--secrets", secrets.to_str().unwrap()])
        .subscribe("sealed")
        .publish("plain/a", "hello")
        .start();
    let id = "com.example.Sealed";
    host.wait_until_said(id, "sealed");
    let sealed =
        |event: &crate::host::Event| event.line.contains(&format!("hello {}", seal("hello")));
    if !host.seen().iter().any(sealed) {
        host.wait_for("the seal", sealed);
    }
    let said = host.seen().iter().find(|event| event.says(id, "sealed")).unwrap();
    assert_eq!(said.json["fields"]["version"], "7");
    host.signal(rustix::process::Signal::TERM);
    let outcome = host.finish();
    outcome.expect_code(0);
    assert!(outcome.events.iter().all(|event| !event.line.contains("hunter2")), "{outcome}");
}

#[test]
fn a_host_that_has_secrets_leaves_no_core_dump() {
    let folder = crate::host::folder();
    let secrets = sealing_key(folder.path());
    let start = |arguments: &[&str]| {
        let mut host = crate::host::command("run");
        host.args(["--output", "json"]).args(arguments).current_dir(folder.path());
        let host = crate::host::start(host);
        host.allow_core_dumps();
        host
    };
    let [sealed, sensor] = ["sealed", "sensor"].map(|name| recipe(name).display().to_string());
    let mut with =
        start(&["--secrets", secrets.to_str().unwrap(), "--publish", "plain/a=hello", &sealed]);
    with.wait_until_said("com.example.Sealed", "sealed");
    with.signal(rustix::process::Signal::QUIT);
    assert!(!with.leaves_core_dump(), "there is one with secrets in it");
    // Which is what this machine does with others.
    let mut without = start(&["--subscribe", "#", &sensor]);
    without.wait_for("a reading", |event| event.source() == "message");
    without.signal(rustix::process::Signal::QUIT);
    assert!(without.leaves_core_dump(), "there is none without secrets either");
}

#[test]
fn verified_in_python_takes_the_same_secret_and_shows_nothing_of_it() {
    let folder = crate::host::folder();
    let secrets = sealing_key(folder.path());
    let id = "com.example.VerifiedPy";
    let start = || {
        run([recipe("verified-py")])
            .args(["--secrets", secrets.to_str().unwrap()])
            .subscribe("verified")
            .publish("sealed", &format!("hello {}", seal("hello")))
    };
    let outcome = start().publish("sealed", &format!("other {}", seal("hello"))).finish();
    outcome.expect_code(0);
    assert_eq!(outcome.payloads("verified"), [json!("hello")], "{outcome}");
    let mut said = outcome.all(|event| event.says(id, "verified"));
    assert!(said.any(|event| event.json["fields"]["version"] == "7"), "{outcome}");
    let rejected = outcome.all(|event| event.says(id, "rejected a message on")).count();
    assert_eq!(rejected, 1, "the seal of another text\n{outcome}");
    assert!(outcome.events.iter().all(|event| !event.line.contains("hunter2")), "{outcome}");

    // One that is there, and that its recipe does not grant.
    let outcome = start().config("secret=other").finish();
    assert!(outcome.payloads("verified").is_empty(), "{outcome}");
    outcome.expect(id, "is not authorized to perform aws.greengrass#GetSecretValue");
}

#[test]
fn http_reaches_only_what_is_granted() {
    let server = HttpServer::start("hello from the test");
    let address = server.address;
    let fetch = || {
        run([recipe("http")]).config(format!("url=http://{address}/page?x=1")).subscribe("pages/#")
    };

    let outcome = fetch().finish();
    outcome.expect_code(1).expect(
        "com.example.Http",
        &format!("may not reach {address}; grant it under sandbox.network"),
    );
    outcome.expect("com.example.Http", &format!("--net {address}"));
    assert!(server.requests.try_recv().is_err(), "the server was reached\n{outcome}");

    let other_port = if address.port() == u16::MAX { 1 } else { address.port() + 1 };
    let outcome = fetch().arg("--net").arg(format!("127.0.0.1:{other_port}")).finish();
    outcome.expect_code(1).expect("com.example.Http", "may not reach");
    assert!(server.requests.try_recv().is_err(), "the server was reached\n{outcome}");

    let outcome = fetch().arg("--net").arg(address.to_string()).finish();
    outcome.expect_code(0);
    let page = &outcome.payloads("pages/fetched")[0];
    assert_eq!((&page["status"], &page["bytes"]), (&json!(200), &json!(19)), "{outcome}");
    assert_eq!(
        server.requests.recv_timeout(crate::host::DEADLINE).unwrap(),
        "GET /page?x=1 HTTP/1.1"
    );
}

#[test]
fn timeout_of_a_sample_that_goes_on_has_its_own_code() {
    run([recipe("sensor")]).args(["--timeout", "100ms"]).finish().expect_code(TIMED_OUT);
}
