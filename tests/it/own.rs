//! The nucleus's own configuration, told by deployments.

use crate::device::Device;
use crate::host::{Host, guest};
use rustix::process::{Signal, geteuid};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;

const NAME: &str = "com.example.Native";
const NUCLEUS: &str = "aws.greengrass.Nucleus";
const SENSOR: &str = "com.example.Sensor";

/// A device with a native component that says as whom and where it runs; that takes root.
fn device() -> Option<(Device, Host)> {
    if !geteuid().is_root() {
        println!("skipped: components of a nucleus that is not root have no user of their own");
        return None;
    }
    let device = Device::reachable();
    device.settings("runWithDefault: {posixUser: nobody}, awsRegion: here");
    device.recipe(
        NAME,
        "1.0.0",
        "Manifests: [{Lifecycle: {run: 'echo as $(id -un) in $AWS_REGION; exec sleep 1000'}}]\n",
    );
    device.recipe(
        "com.example.Crash",
        "1.0.0",
        "Manifests: [{Platform: {runtime: wasm}, Lifecycle: {run: '{artifacts:path}/crash-site.wasm'}}]\n",
    );
    device.artifact("com.example.Crash", "1.0.0", &guest("crash-site"));
    let mut nucleus = device.start();
    device.deploy(["--merge", "com.example.Native=1.0.0"]).expect_code(0);
    nucleus.wait_until_said(NAME, "as nobody in here");
    Some((device, nucleus))
}

/// The component says this next.
fn says(nucleus: &mut Host, words: &str) {
    nucleus.wait_for(words, |event| event.says(NAME, words));
}

fn log_level(device: &Device) -> Value {
    device.ask("logs", ["level"]).expect_code(0).answer()["level"].clone()
}

/// What became of a deployment.
fn details(answer: &Value) -> (&str, &str) {
    let text = |key: &str| answer["deploymentStatusDetails"][key].as_str().unwrap_or_default();
    (text("detailedStatus"), text("failureCause"))
}

fn update(name: &str, update: &Value) -> String {
    json!({ name: update }).to_string()
}

#[test]
fn a_deployment_says_how_much_is_logged_and_who_components_run_as() {
    let Some((device, mut nucleus)) = device() else { return };
    let merge = json!({"logging": {"level": "DEBUG"}, "runWithDefault": {"posixUser": "daemon"}});
    let update_config = update(NUCLEUS, &json!({ "MERGE": merge }));

    let crash = ["--merge", "com.example.Crash=1.0.0", "--update-config", &update_config];
    let outcome = device.deploy(crash);
    assert_eq!(details(outcome.expect_code(1).answer()).0, "FAILED_ROLLBACK_COMPLETE");
    says(&mut nucleus, "as daemon in here");
    says(&mut nucleus, "as nobody in here");
    assert_eq!(log_level(&device), "INFO");

    device.deploy(["--update-config", &update_config]).expect_code(0);
    says(&mut nucleus, "as daemon in here");
    assert_eq!(log_level(&device), "DEBUG");
    let restarts = nucleus.seen().iter().filter(|event| event.says(NUCLEUS, "ready in")).count();
    assert_eq!(restarts, 1, "it takes no restart");

    nucleus.signal(Signal::KILL);
    drop(nucleus);
    let mut nucleus = device.start();
    nucleus.wait_until_said(NAME, "as daemon in here");
    assert_eq!(log_level(&device), "DEBUG");

    let reset = update(NUCLEUS, &json!({ "RESET": ["/logging", "/runWithDefault/posixUser"] }));
    device.deploy(["--update-config", &reset]).expect_code(0);
    says(&mut nucleus, "as nobody in here");
    assert_eq!(log_level(&device), "INFO");
}

#[test]
fn what_all_processes_are_made_from_restarts_the_nucleus() {
    let Some((device, mut nucleus)) = device() else { return };
    let told = |region: &str| {
        let proxy = json!({"proxy": {"url": "http://me:hidden@127.0.0.1:9"}});
        let merge = json!({"awsRegion": region, "networkProxy": proxy});
        update("aws.greengrass.NucleusLite", &json!({ "MERGE": merge }))
    };
    let plan = device.queue(["--update-config", &told("there"), "--plan"]);
    let restart = json!([{"component": NUCLEUS, "step": "restart"}]);
    assert_eq!(plan.expect_code(0).answer(), &restart);

    device.deploy(["--update-config", &told("there")]).expect_code(0);
    says(&mut nucleus, "as nobody in there");

    let crash = ["--merge", "com.example.Crash=1.0.0", "--update-config", &told("elsewhere")];
    let outcome = device.deploy(crash);
    assert_eq!(details(outcome.expect_code(1).answer()).0, "FAILED_ROLLBACK_COMPLETE");
    says(&mut nucleus, "as nobody in elsewhere");
    says(&mut nucleus, "as nobody in there");

    nucleus.signal(Signal::TERM);
    while nucleus.next().is_some() {}
    let shown: String = nucleus.seen().iter().map(|event| event.line.as_str()).collect();
    let logs = fs::read_dir(device.root().join("logs")).unwrap();
    let logs: String = logs.map(|log| fs::read_to_string(log.unwrap().path()).unwrap()).collect();
    assert!(!shown.contains("hidden") && !logs.contains("hidden"), "a password is logged");
}

#[test]
fn a_nucleus_that_cannot_start_as_it_is_told_goes_back() {
    let device = Device::new();
    device.sample("sensor", SENSOR);
    let mut nucleus = device.start();
    device.deploy(["--merge", "com.example.Sensor=1.0.0"]).expect_code(0);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let listen = update(NUCLEUS, &json!({ "MERGE": {"metrics": {"listen": listen}} }));
    let outcome = device.deploy(["--update-config", &listen]);
    let (status, cause) = details(outcome.expect_code(1).answer());
    assert_eq!(status, "FAILED_ROLLBACK_COMPLETE");
    assert!(cause.contains("cannot start with its new configuration"), "{cause}");
    assert_eq!(device.components(), ["com.example.Sensor 1.0.0 RUNNING"]);

    drop(taken);
    device.deploy(["--update-config", &listen]).expect_code(0);
    nucleus.wait_until_said(NUCLEUS, "Prometheus may ask");
}

#[test]
fn what_others_tell_their_nucleus_is_accepted_and_what_is_wrong_is_not() {
    let device = Device::new();
    device.sample("sensor", SENSOR);
    device.recipe(
        "com.example.Needs",
        "1.0.0",
        "ComponentDependencies: {aws.greengrass.Nucleus: {VersionRequirement: '>=2.0.0 <2.12.0'}}\n\
         Manifests: [{Lifecycle: {}}]\n",
    );
    let _nucleus = device.start();
    let told = json!({"RESET": [], "MERGE": {
        "componentStoreMaxSizeBytes": "20000000000",
        "deploymentPollingFrequencySeconds": 30,
        "fleetStatus": {"periodicStatusPublishIntervalSeconds": 86400},
        "greengrassDataPlanePort": 443,
        "httpClient": {"connectionTimeoutMs": 2000},
        "interpolateComponentConfiguration": true,
        "jvmOptions": "-Xmx64m",
        "logging": {"level": "INFO", "format": "JSON", "outputType": "FILE", "fileSizeKB": 1024},
        "platformOverride": {"site": "lab"},
        "runWithDefault": {"systemResourceLimits": {"cpus": 1.5, "memory": 102_400}},
        "telemetry": {"enabled": false},
    }});
    let merge = "aws.greengrass.Nucleus=2.9.1,com.example.Needs=1.0.0,com.example.Sensor=1.0.0";
    let arguments = ["--merge", merge, "--update-config", &update(NUCLEUS, &told)];
    device.deploy(arguments).expect_code(0);
    let own = device.ask("logs", ["greengrass", "--level", "warn"]);
    let warned = own.all(|event| event.says("greengrass", "nucleus's configuration"));
    let warned: Vec<&str> = warned.map(|event| event.message()).collect();
    assert_eq!(warned.len(), 1, "{own}");
    for key in ["httpClient", "jvmOptions", "telemetry", "fleetStatus"] {
        assert!(warned[0].contains(key), "{}", warned[0]);
    }

    for (merge, key) in [
        (json!({"logging": {"fileSizeKB": "big"}}), "logging.fileSizeKB"),
        (json!({"runWithDefault": {"posixUser": 7}}), "runWithDefault.posixUser"),
        (json!({"networkProxy": {"proxy": {"url": "socks5://a:1"}}}), "networkProxy.proxy.url"),
    ] {
        let wrong = update(NUCLEUS, &json!({ "MERGE": merge }));
        let outcome = device.deploy(["--update-config", &wrong]);
        let (status, cause) = details(outcome.expect_code(1).answer());
        assert_eq!(status, "FAILED_NO_STATE_CHANGE");
        assert!(cause.contains(&format!("{NUCLEUS}.{key}: ")), "{cause}");
    }
}
