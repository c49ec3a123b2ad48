//! Models that deployments bring, take the place of and take away.

use crate::device::Device;
use crate::host::{Host, command, finish, recipe, sample};
use crate::model::{sample_model, worker_of};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

const MODELS: &str = "com.example.models.Anomaly";
const WATCHER: &str = "com.example.AnomalyRs";

/// A device with the recipe of the watcher, which needs the model.
fn device() -> Device {
    let device = Device::new();
    device.artifact(WATCHER, "1.0.0", &sample("anomaly-rs"));
    let text = fs::read_to_string(recipe("anomaly-rs")).unwrap();
    let needs = text.replace("SOFT", "HARD").replace("^1.0.0", "'>=1.0.0'");
    assert_ne!(needs, text);
    let head = needs.find("ComponentDescription").unwrap();
    device.recipe(WATCHER, "1.0.0", &needs[head..]);
    device
}

/// Bring a version of the model: the sample with a field behind it that means nothing, so that it
/// is another file; and what it is to give.
fn bring(device: &Device, version: &str, golden: &str) {
    let mut bytes = fs::read(sample_model("autoencoder")).unwrap();
    // Field 1000, a number.
    bytes.extend([0xC0, 0x3E, version.as_bytes()[0]]);
    let artifact = |name: &str, bytes: &[u8]| {
        let path: PathBuf = device.path(name);
        fs::write(&path, bytes).unwrap();
        device.artifact(MODELS, version, &path);
    };
    artifact("pump.onnx", &bytes);
    artifact("pump.golden.json", golden.as_bytes());
    declare(
        device,
        MODELS,
        version,
        &json!({ "anomaly": {
        "artifact": "pump.onnx", "golden": "pump.golden.json"
    } }),
    );
}

fn declare(device: &Device, name: &str, version: &str, models: &Value) {
    let artifacts = "[{URI: 'file:pump.onnx'}, {URI: 'file:pump.golden.json'}]";
    device.recipe(
        name,
        version,
        &format!(
            "ComponentConfiguration: {{DefaultConfiguration: {{models: {models}}}}}\n\
         Manifests: [{{Artifacts: {artifacts}}}]\n"
        ),
    );
}

fn golden() -> String {
    fs::read_to_string(sample_model("autoencoder").with_extension("golden.json")).unwrap()
}

fn deploy(device: &Device, version: &str) -> crate::host::Outcome {
    device.deploy(["--merge", &format!("{WATCHER}=1.0.0,{MODELS}={version}")])
}

/// Have the watcher judge a reading that no healthy pump gives.
fn judge(device: &Device, nucleus: &mut Host) {
    let reading = json!({
        "temperature": 99, "ambient": 20, "pressure": 1, "flow": 0, "rpm": 9000, "current": 90,
        "vibration": 9, "sound": 99
    });
    let mut publish = command("pub");
    publish.args(["pumps/a/readings", &reading.to_string(), "--root"]).arg(device.root());
    finish(publish).expect_code(0);
    nucleus.wait_until_said(WATCHER, "odd");
}

/// What is measured of the model, and how often the watcher was started again.
fn figures(device: &Device) -> (Value, u64) {
    let measured =
        device.ask("top", ["--once", "--interval", "100ms"]).expect_code(0).events[0].json.clone();
    let all = measured["components"].as_array().unwrap();
    let watcher = all.iter().find(|one| one["componentName"] == WATCHER);
    (measured["models"][0].clone(), watcher.unwrap()["restarts"].as_u64().unwrap())
}

#[test]
fn a_deployment_swaps_a_model_alone() {
    let device = device();
    bring(&device, "1.0.0", &golden());
    let mut nucleus = device.start();
    deploy(&device, "1.0.0").expect_code(0);
    judge(&device, &mut nucleus);
    let (model, restarts) = figures(&device);
    let of = |model: &Value| ["modelName", "version", "backend"].map(|key| model[key].clone());
    assert_eq!(of(&model), ["anomaly", "1.0.0", "tract"]);
    assert_eq!((&model["calls"], &model["loads"], restarts), (&json!(1), &json!(1), 0));
    let before = worker_of(nucleus.pid());

    bring(&device, "2.0.0", &golden());
    deploy(&device, "2.0.0").expect_code(0);
    judge(&device, &mut nucleus);
    let (model, restarts) = figures(&device);
    assert_eq!(of(&model), ["anomaly", "2.0.0", "tract"]);
    assert_eq!((&model["calls"], &model["loads"], restarts), (&json!(2), &json!(2), 0));
    assert_ne!(worker_of(nucleus.pid()), before);
    let lines = [format!("{WATCHER} 1.0.0 RUNNING"), format!("{MODELS} 2.0.0 FINISHED")];
    assert_eq!(device.components(), lines);

    // How it is run can change by configuration alone.
    let update = json!({ MODELS: { "MERGE": { "models": { "anomaly": { "queue": 7 } } } } });
    let outcome = device.deploy(["--update-config", &update.to_string()]);
    outcome.expect_code(0);
    judge(&device, &mut nucleus);
    let (model, restarts) = figures(&device);
    assert_eq!((of(&model), restarts), (["anomaly", "2.0.0", "tract"].map(Value::from), 0));
    assert_eq!(model["loads"], 3);

    // As when the power goes: the model is loaded when it is first asked for.
    nucleus.signal(Signal::KILL);
    drop(nucleus);
    let mut nucleus = device.start();
    assert_eq!(figures(&device).0["loaded"], false);
    judge(&device, &mut nucleus);
    let (model, _) = figures(&device);
    assert_eq!((&model["version"], &model["loads"]), (&json!("2.0.0"), &json!(1)));
}

#[test]
fn a_model_that_gives_other_numbers_is_not_deployed() {
    let device = device();
    bring(&device, "1.0.0", &golden());
    let mut nucleus = device.start();
    deploy(&device, "1.0.0").expect_code(0);
    let mut wrong: Value = serde_json::from_str(&golden()).unwrap();
    wrong["cases"][0]["outputs"]["error"]["data"][0] = 77.into();
    bring(&device, "2.0.0", &wrong.to_string());
    let outcome = deploy(&device, "2.0.0");
    let answer = outcome.expect_code(1).answer();
    let details = &answer["deploymentStatusDetails"];
    assert_eq!(details["detailedStatus"], "FAILED_NO_STATE_CHANGE", "{outcome}");
    let cause = details["failureCause"].as_str().unwrap();
    assert!(cause.contains("the model anomaly cannot be run"), "{cause}");
    assert!(cause.contains("golden vector 1: `error` is"), "{cause}");
    judge(&device, &mut nucleus);
    assert_eq!(figures(&device).0["version"], "1.0.0");

    // Two of one name: nobody could say which is meant.
    const TWIN: &str = "com.example.models.Twin";
    let pump = device.path("pump.onnx");
    device.artifact(TWIN, "1.0.0", &pump);
    device.artifact(TWIN, "1.0.0", &device.path("pump.golden.json"));
    declare(&device, TWIN, "1.0.0", &json!({ "anomaly": { "artifact": "pump.onnx" } }));
    let outcome = device.deploy(["--merge", &format!("{TWIN}=1.0.0")]);
    let answer = outcome.expect_code(1).answer();
    let cause = answer["deploymentStatusDetails"]["failureCause"].as_str().unwrap();
    assert!(cause.contains("two models are named anomaly"), "{cause}");

    // A key that means nothing, and a file that is not there.
    for (models, words) in [
        (json!({ "twin": { "artifact": "pump.onnx", "thread": 2 } }), "models.twin.thread"),
        (json!({ "twin": { "artifact": "other.onnx" } }), "other.onnx"),
    ] {
        declare(&device, TWIN, "1.0.1", &models);
        device.artifact(TWIN, "1.0.1", &pump);
        device.artifact(TWIN, "1.0.1", &device.path("pump.golden.json"));
        let outcome = device.deploy(["--merge", &format!("{TWIN}=1.0.1")]);
        let answer = outcome.expect_code(1).answer();
        let cause = answer["deploymentStatusDetails"]["failureCause"].as_str().unwrap();
        assert!(cause.contains(words), "{cause}");
    }
    judge(&device, &mut nucleus);
}
