//! The samples that ask models, and a program of wasi:nn, give what onnxruntime has given.

use crate::host::{Outcome, Run, file, folder, guest, model_recipe, recipe, run};
use gg_host::inference::digest::digest;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn artifact(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("sample-components/models")
        .join(name)
}

/// What onnxruntime gives for a model: its cases.
fn golden(model: &str) -> Vec<Value> {
    let text = fs::read_to_string(artifact(&format!("{model}.golden.json"))).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    golden["cases"].as_array().unwrap().clone()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect()
}

/// The rows of an input or output: `side` is `inputs` or `outputs`.
fn rows(case: &Value, side: &str, name: &str) -> Vec<Vec<f64>> {
    let tensor = &case[side][name];
    let count: usize = tensor["shape"][0].as_u64().unwrap().try_into().unwrap();
    let data = numbers(&tensor["data"]);
    data.chunks(data.len() / count).map(<[f64]>::to_vec).collect()
}

/// Whether numbers are the same, within the tolerance of golden files.
#[track_caller]
fn assert_close(found: &[f64], wanted: &[f64], outcome: &Outcome) {
    let close = |(one, other): (&f64, &f64)| (one - other).abs() <= 1e-5 + 1e-4 * other.abs();
    let all = found.len() == wanted.len() && found.iter().zip(wanted).all(close);
    assert!(all, "{found:?} is not {wanted:?}\n{outcome}");
}

/// A reading of a pump as its sensors publish it.
fn reading(values: &[f64]) -> String {
    const SENSORS: [&str; 8] =
        ["temperature", "ambient", "pressure", "flow", "rpm", "current", "vibration", "sound"];
    let named = SENSORS.iter().zip(values).map(|(name, value)| ((*name).to_owned(), json!(value)));
    Value::Object(named.collect()).to_string()
}

/// What a watcher of pumps has to do in any language.
fn anomaly_scenario(name: &str, id: &str) {
    let cases = golden("autoencoder");
    let readings: Vec<String> =
        cases[..2].iter().map(|case| reading(&rows(case, "inputs", "sensors")[0])).collect();
    let watch = |run: Run| -> Run {
        run.subscribe("alerts/#")
            .publish("pumps/a/readings", &readings[0])
            .publish("pumps/b/readings", &readings[1])
            .publish("pumps/c/readings", r#"{"temperature": 20}"#)
            .publish("pumps/c/readings", "not json")
    };
    let outcome = watch(run([model_recipe("anomaly"), recipe(name)])).finish();
    outcome.expect_code(0);
    let alerts = outcome.payloads("alerts/pump");
    assert_eq!(alerts.len(), 1, "of the faulty pump alone\n{outcome}");
    assert_eq!(alerts[0]["pump"], "b");
    let error = alerts[0]["error"].as_f64().unwrap();
    assert_close(&[error], &rows(&cases[1], "outputs", "error")[0], &outcome);
    let (_, digest) = digest(&artifact("autoencoder.onnx")).unwrap();
    assert_eq!(alerts[0]["model"], json!({ "version": "1.0.0", "digest": digest }), "{outcome}");
    let rejected = outcome.all(|event| event.says(id, "rejected a message on")).count();
    assert_eq!(rejected, 2, "what is not a reading is rejected\n{outcome}");

    let outcome = watch(run([recipe(name)]))
        .arg("--model")
        .arg(format!("anomaly={}", artifact("autoencoder.onnx").display()))
        .config("threshold=2")
        .finish();
    outcome.expect_code(0);
    assert!(outcome.payloads("alerts/pump").is_empty(), "below the threshold\n{outcome}");
}

#[test]
fn anomaly_in_rust() {
    anomaly_scenario("anomaly-rs", "com.example.AnomalyRs");
}

#[test]
fn anomaly_in_python() {
    anomaly_scenario("anomaly-py", "com.example.AnomalyPy");
}

#[test]
fn without_the_model_no_reading_is_judged() {
    let faulty = reading(&rows(&golden("autoencoder")[1], "inputs", "sensors")[0]);
    let outcome = run([recipe("anomaly-rs")])
        .subscribe("alerts/#")
        .publish("pumps/b/readings", &faulty)
        .finish();
    outcome.expect("com.example.AnomalyRs", "rejected a message on");
    assert!(outcome.payloads("alerts/pump").is_empty(), "{outcome}");
}

#[test]
fn trees_say_what_is_wrong_with_a_pump() {
    const STATES: [&str; 4] = ["normal", "bearing", "blocked", "dry"];
    let mut start = run([model_recipe("faults"), recipe("trees")]).subscribe("pumps/+/state");
    let mut wanted = Vec::new();
    for case in golden("gbt_classifier") {
        for (x, shares) in
            rows(&case, "inputs", "x").iter().zip(rows(&case, "outputs", "probabilities"))
        {
            start = start.publish("pumps/a/readings", &reading(x));
            wanted.push(shares);
        }
    }
    let outcome = start.publish("pumps/a/readings", "{}").finish();
    outcome.expect_code(0).expect("com.example.Trees", "rejected a message on");
    let states = outcome.payloads("pumps/a/state");
    assert_eq!(states.len(), wanted.len(), "{outcome}");
    for (state, shares) in states.iter().zip(wanted) {
        let share = state["share"].as_f64().unwrap();
        let place = STATES.iter().position(|name| state["state"] == *name).unwrap();
        assert_close(&[share], &[shares[place]], &outcome);
        assert!(shares.iter().all(|other| *other <= shares[place]), "{state}: {shares:?}");
    }
}

#[test]
fn forecast_in_javascript() {
    let case = &golden("forecast")[0];
    let past = &rows(case, "inputs", "past")[0];
    let mut start = run([model_recipe("forecast"), recipe("forecast-js")]).subscribe("forecasts/#");
    // One that is no longer of the last 24, and one of another place.
    for value in [&99.0].into_iter().chain(&past[..23]) {
        start = start.publish("weather/here/temperature", &json!({ "value": value }).to_string());
    }
    let outcome = start
        .publish("weather/there/temperature", r#"{"value": 5}"#)
        .publish("weather/here/temperature", r#"{"value": "warm"}"#)
        .publish("weather/here/temperature", &json!({ "value": past[23] }).to_string())
        .finish();
    outcome.expect_code(0).expect("com.example.ForecastJs", "rejected a message on");
    let forecasts = outcome.payloads("forecasts/here");
    assert_eq!(forecasts.len(), 2, "{outcome}");
    assert_close(&numbers(&forecasts[1]["next"]), &rows(case, "outputs", "next")[0], &outcome);
    assert!(outcome.payloads("forecasts/there").is_empty(), "{outcome}");
}

#[test]
fn classify_says_what_is_in_a_picture() {
    const LABELS: [&str; 6] = ["empty", "person", "pallet", "forklift", "box", "smoke"];
    let case = &golden("mobilenet_tiny")[0];
    let image = &rows(case, "inputs", "image")[0];
    // The golden one has two decimals, which are samples of at most 100.
    let mut picture = "P3\n32 32\n100\n".to_owned();
    for pixel in 0..32 * 32 {
        for colour in 0..3 {
            let sample = (image[colour * 32 * 32 + pixel] * 100.0).round();
            let _infallible = write!(picture, "{sample} ");
        }
    }
    let outcome = run([model_recipe("pictures"), recipe("classify")])
        .subscribe("cameras/+/labels")
        .publish("cameras/gate/pictures", &picture)
        .publish("cameras/gate/pictures", "GIF89a")
        .publish("cameras/gate/pictures", "P6 1 1 100\nabc")
        .finish();
    outcome.expect_code(0);
    let found = outcome.payloads("cameras/gate/labels");
    assert_eq!(found.len(), 1, "{outcome}");
    let mut wanted: Vec<(f64, &str)> =
        rows(case, "outputs", "probabilities")[0].iter().copied().zip(LABELS).collect();
    wanted.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let found = found[0].as_array().unwrap();
    assert_eq!(found.len(), 3, "{outcome}");
    for (found, (share, label)) in found.iter().zip(wanted) {
        assert_eq!(found["label"], label, "{outcome}");
        assert_close(&[found["share"].as_f64().unwrap()], &[share], &outcome);
    }
    let rejected =
        outcome.all(|event| event.says("com.example.Classify", "rejected a message on")).count();
    assert_eq!(rejected, 2, "no picture, and one that the model does not take\n{outcome}");
}

#[test]
fn int8_in_c() {
    let real = |integers: &[f64], scale: f64, zero: f64| -> Vec<f64> {
        integers.iter().map(|integer| (integer - zero) * scale).collect()
    };
    let mut start = run([model_recipe("int8"), recipe("int8-c")]).subscribe("signals/out");
    let mut wanted = Vec::new();
    for case in golden("int8_io") {
        for (x, y) in rows(&case, "inputs", "x").iter().zip(rows(&case, "outputs", "y")) {
            start = start.publish("signals/in", &json!(real(x, 0.05, 3.0)).to_string());
            wanted.push(real(&y, 0.15, -5.0));
        }
    }
    let outcome = start.publish("signals/in", "[1, 2]").finish();
    outcome.expect_code(0).expect("com.example.Int8C", "rejected a message on");
    let found = outcome.payloads("signals/out");
    assert_eq!(found.len(), wanted.len(), "{outcome}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert_close(&numbers(found), &wanted, &outcome);
    }
}

#[test]
fn what_is_no_model_is_not_waited_for() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    for (file, words) in [
        (pipe, "pipe: it is no file"),
        ("/dev/zero".into(), "/dev/zero: it is no file"),
        (folder.path().join("none"), "none: No such file"),
        (artifact("README.md"), "the model a cannot be run: no backend can run it"),
    ] {
        let model = format!("a={}", file.display());
        let outcome = run([recipe("anomaly-rs")]).arg("--model").arg(model).finish();
        outcome.expect_code(1).expect_error(words);
    }
}

/// A program of wasi:nn, with a model that it knows by name.
fn nn(arguments: &[&str]) -> Run {
    run([guest("nn")])
        .args(["--allow", "inference:run:*", "--allow", "inference:load"])
        .arg("--model")
        .arg(format!("pump={}", artifact("autoencoder.onnx").display()))
        .guest_args(arguments)
}

fn comma_separated(values: &[f64]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[track_caller]
fn expect_output(outcome: &Outcome, case: &Value, name: &str) {
    let said = outcome.expect("nn", &format!("{name} TensorType::Fp32 ")).message();
    let found: Vec<f64> =
        said.rsplit(' ').next().unwrap().split(',').map(|number| number.parse().unwrap()).collect();
    assert_close(&found, &numbers(&case["outputs"][name]["data"]), outcome);
}

#[test]
fn a_program_of_wasi_nn_runs_a_model_of_the_host() {
    for case in golden("autoencoder") {
        let readings = rows(&case, "inputs", "sensors");
        let dimensions = format!("{}x8", readings.len());
        let values = comma_separated(&readings.concat());
        let outcome = nn(&["named", "pump", "sensors", &dimensions, &values]).finish();
        outcome.expect_code(0);
        expect_output(&outcome, &case, "error");
        expect_output(&outcome, &case, "reconstruction");
        outcome.expect("nn", &format!("reconstruction TensorType::Fp32 [{}, 8]", readings.len()));
    }
}

#[test]
fn a_program_of_wasi_nn_brings_a_model_of_its_own() {
    let case = &golden("gbt_classifier")[0];
    let values = comma_separated(&rows(case, "inputs", "x")[0]);
    let folder = folder();
    let model = fs::read(artifact("gbt_classifier.onnx")).unwrap();
    file(folder.path(), "model.onnx", model);
    let outcome = nn(&["load", "/models/model.onnx", "x", "1x8", &values])
        .arg("--dir")
        .arg(format!("{}::/models:ro", folder.path().display()))
        .finish();
    outcome.expect_code(0).expect("nn", "label TensorType::I64 [1] 3");
    expect_output(&outcome, case, "probabilities");
}

#[test]
fn a_program_of_wasi_nn_is_granted_what_it_uses() {
    for arguments in [&["missing"][..], &["nonsense"]] {
        let outcome = run([guest("nn")]).guest_args(arguments).finish();
        outcome.expect_code(1).expect("nn", "error ErrorCode::Security: ");
    }
}

#[test]
fn a_program_of_wasi_nn_is_told_what_is_wrong() {
    for (arguments, code) in [
        (&["wrong-type", "pump", "sensors"][..], "InvalidArgument"),
        (&["wrong-input", "pump"], "InvalidArgument"),
        (&["short", "pump", "sensors"], "InvalidArgument"),
        (&["missing"], "NotFound"),
        (&["nonsense"], "InvalidEncoding"),
        (&["encoding"], "InvalidEncoding"),
    ] {
        let outcome = nn(arguments).finish();
        outcome.expect_code(1).expect("nn", &format!("error ErrorCode::{code}: "));
    }
}
