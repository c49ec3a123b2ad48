//! Models by the machine's onnxruntime, for which `cargo xtask test` takes the one that Python has.

use super::{
    RUN_BY, hostile, hostile_models, json, model, model_with, printed, sample_model, worker_of,
};
use crate::host::{command, file, folder, start};
use serde_json::{Value, json};
use std::fs;
use std::time::Instant;

/// The library, if there is one to test with.
fn library() -> Option<String> {
    let library = std::env::var("GG_ONNXRUNTIME").ok();
    if library.is_none() {
        println!("SKIPPED, NOTHING TESTED: model::onnxruntime, since GG_ONNXRUNTIME is not set");
    }
    library
}

#[test]
fn all_models_run_and_meet_their_golden_vectors() {
    let Some(library) = library() else { return };
    let mut wrong = Vec::new();
    for (name, _) in RUN_BY {
        let arguments = ["check", "-o", "json", "--backend", "onnxruntime"];
        let checked = json(&model_with(&library, arguments, &sample_model(name)));
        let cases = checked["checked"]["golden"].as_u64().unwrap_or_default();
        if checked["backend"] != "onnxruntime" || cases == 0 {
            wrong.push(format!("{name}: {checked}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn it_comes_first_but_for_classical_models() {
    let Some(library) = library() else { return };
    for (name, backend) in [
        ("mlp", "onnxruntime"),
        ("mlp_fp16", "onnxruntime"),
        ("loop_if", "onnxruntime"),
        ("every_type", "onnxruntime"),
        ("gbt_classifier", "classical"),
        ("forest_zipmap", "classical"),
    ] {
        let checked = model_with(&library, ["check", "-o", "json"], &sample_model(name));
        assert_eq!(json(&checked)["backend"], backend, "{name}");
    }
}

/// What a sequence of maps holds is the same array by everybody.
#[test]
fn maps_are_arrays_of_their_numbers() {
    let mut backends = vec![("none".to_owned(), "classical")];
    backends.extend(library().map(|library| (library, "onnxruntime")));
    let golden = fs::read(sample_model("forest_zipmap").with_extension("golden.json")).unwrap();
    let mut golden: Value = serde_json::from_slice(&golden).unwrap();
    golden["cases"][0]["outputs"]["output_probability"] = json!({
        "type": "fp32",
        "shape": [1, 4],
        "data": [0.002314815, 0.9074943, 0.053426158, 0.036764707],
    });
    let folder = folder();
    let golden = file(folder.path(), "golden.json", golden.to_string());
    for (library, backend) in backends {
        let golden = golden.to_str().unwrap();
        let arguments = ["check", "--backend", backend, "--golden", golden];
        model_with(&library, arguments, &sample_model("forest_zipmap")).expect_code(0);
    }
}

#[test]
fn hostile_models_are_contained() {
    let Some(library) = library() else { return };
    let mut wrong = Vec::new();
    for one in hostile_models() {
        let (name, fails) = (&one["file"], one["fails"].as_str());
        let limits = ["--memory", "512MB", "--timeout", "20", "--deadline", "1", "--seconds", "0"];
        let arguments = ["bench", "--backend", "onnxruntime"].into_iter().chain(limits);
        let ran = model_with(&library, arguments, &hostile(name));
        let refused = ran.to_string().contains("no backend can run it");
        let as_said = match fails {
            "load" => refused,
            "run" => ran.code == 1 && !refused,
            "either" => ran.code == 1,
            _ => ran.code < 2,
        };
        if !as_said {
            wrong.push(format!("{name}: {ran}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The worker ends the prediction itself, and is not ended for it.
#[test]
fn a_prediction_without_end_is_ended_at_its_deadline() {
    let Some(library) = library() else { return };
    let arguments = ["bench", "--backend", "onnxruntime", "--deadline", "0.3", "--seconds", "0"];
    let ran = model_with(&library, arguments, &hostile("endless_loop.onnx"));
    ran.expect_code(1).expect_error("the prediction took longer than it may\n");
}

#[test]
fn an_operator_that_is_unknown_is_named() {
    let Some(library) = library() else { return };
    let arguments = ["check", "--backend", "onnxruntime", "--golden"];
    let golden = sample_model("mlp").with_extension("golden.json");
    let arguments = arguments.into_iter().chain(golden.to_str());
    let checked = model_with(&library, arguments, &hostile("unknown_operator.onnx"));
    let text = printed(checked.expect_code(1));
    assert!(text.contains("No Op registered for Frobnicate"), "{text}");
}

#[test]
fn who_runs_a_model_says_on_what_and_on_how_many_threads() {
    let asked = ["check", "-o", "json", "--threads", "2", "--device", "cpu"];
    let checked = json(&model(asked, &sample_model("mlp")));
    assert_eq!((&checked["device"], &checked["threads"]), (&json!("cpu"), &json!(1)));
    let elsewhere = model(["check", "--device", "abacus"], &sample_model("mlp"));
    let text = printed(elsewhere.expect_code(1));
    assert!(
        text.contains("tract: there is no device `abacus` for it here; there is cpu"),
        "{text}"
    );
    let Some(library) = library() else { return };
    let checked = json(&model_with(&library, asked, &sample_model("mlp")));
    let most = std::thread::available_parallelism().unwrap().get().min(2);
    assert_eq!((&checked["backend"], &checked["threads"]), (&json!("onnxruntime"), &json!(most)));
    let elsewhere = model_with(&library, ["check", "--device", "abacus"], &sample_model("mlp"));
    let text = printed(elsewhere.expect_code(1));
    assert!(
        text.contains("onnxruntime: there is no device `abacus` for it here; there is cpu"),
        "{text}"
    );
}

#[test]
fn a_library_that_is_none_is_named() {
    let asked = ["check", "--backend", "onnxruntime"];
    let missing = model_with("/nowhere/libonnxruntime.so", asked, &sample_model("mlp"));
    missing
        .expect_code(1)
        .expect_error("cannot use /nowhere/libonnxruntime.so as onnxruntime: No such");

    let folder = folder();
    let odd = file(folder.path(), "libodd.so", "no library");
    let odd = odd.to_str().unwrap();
    let refused = printed(model_with(odd, asked, &sample_model("mlp")).expect_code(1));
    assert!(refused.contains(&format!("onnxruntime: cannot load {odd}")), "{refused}");
    // What others run goes on.
    let checked = json(&model_with(odd, ["check", "-o", "json"], &sample_model("mlp")));
    assert_eq!(checked["backend"], "tract");
    assert_eq!(checked["refused"][0]["backend"], "onnxruntime");

    let none = printed(model(asked, &sample_model("mlp")).expect_code(1));
    assert!(none.contains("there is no such backend here; there is classical, tract"), "{none}");
}

/// Some of its threads start early: a thread that was there before would keep files and network.
#[test]
fn all_threads_of_its_worker_are_confined() {
    let Some(library) = library() else { return };
    let mut command = command("model");
    command.args(["bench", "--seconds", "3000", "--backend", "onnxruntime"]);
    command.args(["--onnxruntime", &library]).arg(sample_model("mlp"));
    let host = start(command);
    let worker = worker_of(host.pid()).as_raw_nonzero();
    let threads = || fs::read_dir(format!("/proc/{worker}/task")).unwrap();
    // Main, what looks at the deadline, and what runs the model: others have started before.
    let begin = Instant::now();
    while threads().count() < 3 {
        assert!(begin.elapsed().as_secs() < 60, "the model is not loaded");
        std::thread::yield_now();
    }
    for thread in threads() {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    }
}

#[test]
fn it_is_shown_where_it_is() {
    let names = |library: &str| -> Vec<String> {
        let seen = json(&model_with(library, ["inspect", "-o", "json"], &sample_model("loop_if")));
        let backends = seen["backends"].as_array().unwrap().iter();
        backends.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("none"), ["classical", "tract", "tract-unoptimised"]);
    let Some(library) = library() else { return };
    assert_eq!(names(&library), ["classical", "onnxruntime", "tract", "tract-unoptimised"]);
}
