//! `gg-host start` and what asks it: local deployments of wasm components, rollback, restarts.

use crate::device::Device;
use crate::host::guest;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const SENSOR: &str = "com.example.Sensor";
const FILTER: &str = "com.example.FilterRs";

/// The configuration of a component that may use all local topics, and is called for `a`.
const ALL_TOPICS: &str = "ComponentConfiguration:
  DefaultConfiguration:
    subscriptions: [a]
    accessControl:
      aws.greengrass.ipc.pubsub:
        policy: {operations: ['*'], resources: ['*']}
";

/// A device with the recipes of the sensor and the filter.
fn device() -> Device {
    let device = Device::new();
    device.sample("sensor", SENSOR);
    device.sample("filter-rs", FILTER);
    device
}

/// A recipe of a wasm component that says nothing else.
fn wasm(file: &str, rest: &str) -> String {
    format!(
        "Manifests:\n  - Platform: {{runtime: wasm}}\n    Lifecycle: {{run: '{{artifacts:path}}/{file}'}}\n{rest}"
    )
}

fn detailed(answer: &Value) -> &str {
    answer["deploymentStatusDetails"]["detailedStatus"].as_str().unwrap_or_default()
}

#[test]
fn a_deployment_runs_survives_a_restart_and_is_taken_back() {
    let device = device();
    let mut nucleus = device.start();
    let merge = format!("{SENSOR}=1.0.0,{FILTER}=1.0.0");
    let outcome = device.deploy(["--merge", &merge]);
    assert_eq!(outcome.expect_code(0).answer()["status"], "SUCCEEDED");
    nucleus.wait_until_said(FILTER, "too hot");
    let running = [format!("{FILTER} 1.0.0 RUNNING"), format!("{SENSOR} 1.0.0 RUNNING")];
    assert_eq!(device.components(), running);

    // As when the power goes.
    nucleus.signal(Signal::KILL);
    drop(nucleus);
    let mut nucleus = device.start();
    nucleus.wait_until_said(FILTER, "too hot");
    let outcome = device.deploy(["--remove", FILTER]);
    assert_eq!(detailed(outcome.expect_code(0).answer()), "SUCCESSFUL");
    assert_eq!(device.components(), [format!("{SENSOR} 1.0.0 RUNNING")]);
    nucleus.signal(Signal::TERM);
    nucleus.finish().expect_code(0);
    // What was said is in the log files, of both lives.
    device.ask("logs", [FILTER]).expect(FILTER, "too hot");
    let own = device.ask("logs", ["greengrass", "--level", "info"]);
    let succeeded = own.all(|event| event.says("greengrass", "deployment succeeded")).count();
    assert_eq!(succeeded, 2, "{own}");
}

#[test]
fn a_configuration_reaches_a_component_as_it_runs_and_stays() {
    let device = device();
    let nucleus = device.start();
    let merge = format!("{SENSOR}=1.0.0");
    device.deploy(["--merge", &merge]).expect_code(0);
    let update = format!(r#"{{"{SENSOR}": {{"MERGE": {{"name": "kettle"}}}}}}"#);
    device.deploy(["--update-config", &update]).expect_code(0);
    nucleus.signal(Signal::KILL);
    drop(nucleus);
    let mut nucleus = device.start();
    nucleus.wait_until_said(SENSOR, "sensors/kettle/temperature");
    let update = format!(r#"{{"{SENSOR}": {{"RESET": ["/name"]}}}}"#);
    device.deploy(["--update-config", &update]).expect_code(0);
    device.ask("component", ["restart", SENSOR]).expect_code(0);
    nucleus.wait_until_said(SENSOR, "sensors/boiler/temperature");
}

#[test]
fn a_failed_deployment_rolls_back_to_what_ran() {
    let device = device();
    let mut nucleus = device.start();
    let merge = format!("{SENSOR}=1.0.0");
    device.deploy(["--merge", &merge]).expect_code(0);
    device.recipe("com.example.Crash", "1.0.0", &wasm("crash-site.wasm", ""));
    device.artifact("com.example.Crash", "1.0.0", &guest("crash-site"));
    let outcome = device.deploy(["--merge", "com.example.Crash=1.0.0"]);
    let answer = outcome.expect_code(1).answer();
    assert_eq!(detailed(answer), "FAILED_ROLLBACK_COMPLETE", "{answer}");
    let cause = answer["deploymentStatusDetails"]["failureCause"].as_str().unwrap();
    assert!(cause.contains("com.example.Crash is broken"), "{cause}");
    assert_eq!(device.components(), [format!("{SENSOR} 1.0.0 RUNNING")]);
    nucleus.signal(Signal::TERM);
    while nucleus.next().is_some() {}
    // The sensor was not touched: it began once.
    let begun = nucleus.seen().iter().filter(|event| event.says(SENSOR, "publishing to"));
    assert_eq!(begun.count(), 1);
}

#[test]
fn a_deployment_that_may_not_roll_back_leaves_what_it_did() {
    let device = device();
    let _nucleus = device.start();
    device.recipe("com.example.Crash", "1.0.0", &wasm("crash-site.wasm", ""));
    device.artifact("com.example.Crash", "1.0.0", &guest("crash-site"));
    let arguments =
        ["--merge", "com.example.Crash=1.0.0", "--failure-handling-policy", "DO_NOTHING"];
    let outcome = device.deploy(arguments);
    assert_eq!(detailed(outcome.expect_code(1).answer()), "FAILED_ROLLBACK_NOT_REQUESTED");
    assert_eq!(device.components(), ["com.example.Crash 1.0.0 BROKEN"]);
}

#[test]
fn nothing_is_touched_when_versions_do_not_fit() {
    let device = device();
    let _nucleus = device.start();
    device.recipe(
        "com.example.Needy",
        "1.0.0",
        &wasm(
            "crash-site.wasm",
            &format!("ComponentDependencies:\n  {SENSOR}: {{VersionRequirement: '^2.0.0'}}\n"),
        ),
    );
    let merge = format!("{SENSOR}=1.0.0,com.example.Needy=1.0.0");
    let outcome = device.deploy(["--merge", &merge]);
    let answer = outcome.expect_code(1).answer();
    assert_eq!(detailed(answer), "FAILED_NO_STATE_CHANGE");
    let cause = answer["deploymentStatusDetails"]["failureCause"].as_str().unwrap();
    for words in [SENSOR, "com.example.Needy 1.0.0 needs ^2.0.0"] {
        assert!(cause.contains(words), "{cause}");
    }
    assert!(device.components().is_empty());
}

#[test]
fn a_plan_says_what_would_be_done_and_nothing_is() {
    let device = device();
    let _nucleus = device.start();
    let merge = format!("{SENSOR}=1.0.0");
    let outcome = device.deploy(["--merge", &merge, "--plan"]);
    assert_eq!(
        *outcome.expect_code(0).answer(),
        json!([{ "component": SENSOR, "step": "install" }])
    );
    assert!(device.components().is_empty());
}

#[test]
fn one_nucleus_at_a_time_and_none_is_said_to_be_none() {
    let device = device();
    let outcome = device.ask("component", ["list"]);
    outcome.expect_code(1);
    assert!(outcome.stderr.contains("no nucleus runs"), "{}", outcome.stderr);
    let _nucleus = device.start();
    let second = device.ask("start", [] as [&str; 0]);
    second.expect_code(1);
    assert!(second.stderr.contains("another nucleus"), "{}", second.stderr);
}

/// Kills the nucleus at random moments of a deployment, and looks what it makes of it.
#[test]
fn whenever_it_is_killed_it_comes_back_to_one_deployment_or_the_other() {
    const KILLS: u32 = 200;
    const NAMES: [&str; 3] = ["com.example.A", "com.example.B", "com.example.C"];
    let device = Device::new();
    for name in NAMES {
        for version in ["1.0.0", "2.0.0"] {
            device.recipe(name, version, &wasm("filter-rs.wasm", ALL_TOPICS));
            device.artifact(name, version, &crate::host::sample("filter-rs"));
        }
    }
    let mut random = Random::new();
    let mut nucleus = device.start();
    let all = |version: &str| NAMES.map(|name| format!("{name}={version}")).join(",");
    device.deploy(["--merge", &all("1.0.0")]).expect_code(0);
    let mut before = "1.0.0";
    for round in 0..KILLS {
        let wanted = if before == "1.0.0" { "2.0.0" } else { "1.0.0" };
        let asked = device.queue(["--merge", &all(wanted)]);
        let id = asked.expect_code(0).answer()["deploymentId"].as_str().unwrap().to_owned();
        std::thread::sleep(std::time::Duration::from_micros(random.below(60_000)));
        nucleus.signal(Signal::KILL);
        drop(nucleus);
        nucleus = device.start();
        let status = device.ask("deployment", ["status", &id, "--wait"]);
        let status = status.answer().clone();
        let expected = match status["status"].as_str() {
            Some("SUCCEEDED") => wanted,
            _ => before,
        };
        let versions = NAMES.map(|name| format!("{name} {expected} RUNNING"));
        assert_eq!(device.components(), versions, "round {round}, {random:?}: {status}");
        assert_eq!(status["status"], "SUCCEEDED", "round {round}, {random:?}: {status}");
        before = wanted;
    }
}

/// Numbers that are others in every run; shown when a test fails.
#[derive(Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new() -> Self {
        let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        Self { state: u64::try_from(seed & u128::from(u64::MAX)).unwrap() | 1 }
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % most
    }
}

#[test]
fn systemd_hears_that_it_is_ready_that_it_is_alive_and_that_it_stops() {
    let device = device();
    let path = device.path("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(crate::host::DEADLINE)).unwrap();
    let nucleus =
        device.start_with([("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "20000")]);
    let heard = || {
        let mut bytes = [0; 64];
        let count = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    };
    let mut first = vec![heard(), heard(), heard()];
    first.sort();
    first.dedup();
    assert_eq!(first, ["READY=1", "WATCHDOG=1"]);
    nucleus.signal(Signal::TERM);
    while heard() != "STOPPING=1" {}
    nucleus.finish().expect_code(0);
}

#[test]
fn what_depends_on_a_component_is_restarted_with_it() {
    let device = Device::new();
    device.sample("sensor", SENSOR);
    let needs = format!(
        "{ALL_TOPICS}ComponentDependencies:\n  {SENSOR}: {{VersionRequirement: '^1.0.0', \
         DependencyType: HARD}}\n"
    );
    device.recipe("com.example.Waits", "1.0.0", &wasm("waits.wasm", &needs));
    device.artifact("com.example.Waits", "1.0.0", &guest("waits"));
    let mut nucleus = device.start();
    // The sensor comes along, since it is needed.
    device.deploy(["--merge", "com.example.Waits=1.0.0"]).expect_code(0);
    let running = [format!("{SENSOR} 1.0.0 RUNNING"), "com.example.Waits 1.0.0 RUNNING".to_owned()];
    assert_eq!(device.components(), running);
    device.ask("component", ["restart", SENSOR]).expect_code(0);
    nucleus.wait_until_said("com.example.Waits", "stops, because com.example.Sensor is not up");
    device.ask("component", ["restart", "com.example.Waits"]).expect_code(0);
    assert_eq!(device.components(), running);
    // And goes when nobody needs it any more.
    device.deploy(["--remove", "com.example.Waits"]).expect_code(0);
    assert!(device.components().is_empty());
}

#[test]
fn a_deployment_is_called_off_while_it_waits_and_while_it_is_prepared() {
    let device = device();
    // Compiling it takes long enough.
    device.sample("filter-js", "com.example.FilterJs");
    let _nucleus = device.start();
    let id = |merge: &str| {
        let asked = device.queue(["--merge", merge]);
        asked.expect_code(0).answer()["deploymentId"].as_str().unwrap().to_owned()
    };
    let (first, second) = (id("com.example.FilterJs=1.0.0"), id(&format!("{SENSOR}=1.0.0")));
    device.ask("deployment", ["cancel", &second]).expect_code(0);
    device.ask("deployment", ["cancel", &first]).expect_code(0);
    for id in [first, second] {
        let outcome = device.ask("deployment", ["status", &id, "--wait"]);
        assert_eq!(outcome.expect_code(1).answer()["status"], "CANCELED");
        let again = device.ask("deployment", ["cancel", &id]);
        again.expect_code(1);
        assert!(again.stderr.contains("cannot be called off any more"), "{}", again.stderr);
    }
    assert!(device.components().is_empty());
}

#[test]
fn recipes_are_checked_without_a_nucleus() {
    let folder = crate::host::folder();
    let good = "RecipeFormatVersion: '2020-01-25'
ComponentName: com.example.Good
ComponentVersion: 1.0.0
ComponentDependencies:
  aws.greengrass.StreamManager: {VersionRequirement: '^2.0.0'}
Manifests:
  - Lifecycle: {Run: 'true'}
    Artefacts: []
    Artifacts: [{URI: 's3://bucket/file.zip'}, {URI: 'greengrass:other.zip'}]
";
    let good = crate::host::file(folder.path(), "good.yaml", good);
    let mut command = crate::host::command("recipe");
    command.args(["check", "--output", "json"]).arg(&good);
    let outcome = crate::host::finish(command);
    let answer = outcome.expect_code(0).answer();
    assert_eq!(answer["component"], "com.example.Good 1.0.0");
    assert!(answer["warnings"][0].as_str().unwrap().contains("Artifacts"), "{answer}");
    let missing = answer["notServed"].to_string();
    for words in ["StreamManager", "greengrass:other.zip", "--artifact-dir"] {
        assert!(missing.contains(words), "{missing}");
    }
    assert!(!missing.contains("s3:"), "{missing}");
    let bad = crate::host::file(folder.path(), "bad.yaml", "ComponentName: a\n");
    let mut command = crate::host::command("recipe");
    command.arg("check").args([&good, &bad]);
    let outcome = crate::host::finish(command);
    outcome.expect_code(1);
    let text: Vec<&str> = outcome.events.iter().map(|event| event.line.as_str()).collect();
    assert!(
        text.iter().any(|line| line.contains("bad.yaml: error: RecipeFormatVersion")),
        "{text:?}"
    );
    assert!(text.last().unwrap().starts_with("1 of 2 are recipes"), "{text:?}");
}

#[test]
fn recipes_are_checked_for_what_they_say_of_models() {
    let folder = crate::host::folder();
    let check = |models: &str| {
        let recipe = format!(
            "RecipeFormatVersion: '2020-01-25'
ComponentName: com.example.Models
ComponentVersion: 1.0.0
ComponentConfiguration: {{DefaultConfiguration: {{models: {models}}}}}
Manifests:
  - Artifacts: [{{URI: 'file:a.onnx'}}, {{URI: 'file:more.tar.gz', Unarchive: TAR}}]
  - Artifacts: [{{URI: 'file:a.onnx'}}, {{URI: 'file:more.zip', Unarchive: ZIP}}]
"
        );
        let recipe = crate::host::file(folder.path(), "models.yaml", recipe);
        let mut command = crate::host::command("recipe");
        command.args(["check", "--output", "json"]).arg(&recipe);
        crate::host::finish(command)
    };
    let good = check("{a: {artifact: a.onnx}, b: {artifact: more/b.onnx, golden: more/b.json}}");
    assert_eq!(good.expect_code(0).answer()["warnings"], json!([]), "{good}");
    let missing = check("{a: {artifact: a.onnx, golden: a.json}}");
    let warnings = missing.expect_code(0).answer()["warnings"].to_string();
    for words in ["models.a.golden", "`a.json`", "Manifests[0].Artifacts", "Manifests[1].Artifacts"]
    {
        assert!(warnings.contains(words), "{warnings}");
    }
    let wrong = check("{a: {artifact: a.onnx, thread: 2}}");
    let error = wrong.expect_code(1).answer()["error"].to_string();
    assert!(error.contains("models.a.thread: is not a known key; is it `threads`?"), "{error}");
}

/// All files below a folder, and what is in them.
fn files(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
        }
        found.entry(path).or_default();
    }
}

#[test]
fn a_plan_sees_what_a_deployment_would_bring_and_brings_nothing() {
    let device = device();
    let _nucleus = device.start();
    device.deploy(["--merge", &format!("{SENSOR}=1.0.0")]).expect_code(0);
    let stored = || {
        let mut found = BTreeMap::new();
        files(&device.root().join("packages"), &mut found);
        found
    };
    let before = stored();
    let digest = "rgE7EzpoZ8w4LT1b5fFxvfhQsMcpHhvhSrPTKrhEgRM=";
    let artifact = format!(
        "    Artifacts: [{{URI: 's3://bucket/new.wasm', Digest: '{digest}', Algorithm: SHA-256}}]\n"
    );
    device.recipe("com.example.New", "1.0.0", &wasm("new.wasm", &artifact));
    device.recipe(SENSOR, "1.1.0", &wasm("sensor.wasm", ""));
    let merge = format!("{SENSOR}=1.1.0,com.example.New=1.0.0");
    let outcome = device.queue(["--merge", &merge, "--plan"]);
    let answer = outcome.expect_code(0).answer();
    let step = |component: &str, step: &str| json!({ "component": component, "step": step });
    assert_eq!(answer, &json!([step(SENSOR, "reinstall"), step("com.example.New", "install")]));
    assert!(stored() == before, "the component store has changed");
    let outcome = device.queue(["--merge", "com.example.Nowhere=1.0.0", "--plan"]);
    outcome.expect_code(1).expect_error("com.example.Nowhere");
}
