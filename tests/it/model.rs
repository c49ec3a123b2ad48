//! Models in their workers, by `gg-host model` and as the host has them, by real files of ONNX. What
//! they are to give was made by onnxruntime, which runs none of them here but in `onnxruntime`: what
//! this machine may have is not used.

mod onnxruntime;

use crate::host::{Outcome, command, file, finish, folder, start};
use gg_host::inference::worker::{DEFAULT_MEMORY, ModelFiles, PredictionError, Settings, Worker};
use gg_inference::backend::{Options, RunError};
use gg_inference::numbers::{numbers, tensor};
use gg_inference::onnx::proto::{
    DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use gg_inference::{ElementType, Named};
use prost::Message as _;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Who runs each model of the samples; nobody, where that is so.
const RUN_BY: &[(&str, &str)] = &[
    ("autoencoder", "tract"),
    ("bools_and_strings", "classical"),
    ("cnn1d", "tract"),
    // Optimised, tract computes wrong numbers for it.
    ("cnn1d_int8_qdq", "tract-unoptimised"),
    // Nobody has all of bf16 and u64.
    ("every_type", ""),
    ("forecast", "tract"),
    ("forest_binary", "classical"),
    ("forest_strings", "classical"),
    ("forest_zipmap", "classical"),
    ("gbt_binary", "classical"),
    ("gbt_classifier", "classical"),
    ("gbt_regressor", "classical"),
    ("gru", "tract"),
    ("int8_io", "tract"),
    ("isolation_forest", "classical"),
    ("kmeans", "classical"),
    ("linear_regressor", "classical"),
    ("logreg_binary", "classical"),
    ("loop_if", ""),
    ("lstm", "tract"),
    ("mlp", "tract"),
    ("mlp_fp16", "classical"),
    ("mlp_int8", "tract"),
    ("mobilenet_tiny", "tract"),
    ("norm_svc", "classical"),
    ("one_class_svm", "classical"),
    ("scaler_logreg", "classical"),
    ("svc_binary", "classical"),
    ("svc_scores", "classical"),
    ("transformer", "tract"),
];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

pub(crate) fn sample_model(name: &str) -> PathBuf {
    project().join("sample-components/models").join(format!("{name}.onnx"))
}

pub(crate) fn hostile(name: &str) -> PathBuf {
    project().join("tests/models/hostile").join(name)
}

fn model<'a>(arguments: impl IntoIterator<Item = &'a str>, path: &Path) -> Outcome {
    model_with("none", arguments, path)
}

/// The same with this onnxruntime.
fn model_with<'a>(
    library: &str,
    arguments: impl IntoIterator<Item = &'a str>,
    path: &Path,
) -> Outcome {
    let mut command = command("model");
    command.args(arguments).args(["--onnxruntime", library]).arg(path);
    finish(command)
}

/// What it printed.
fn printed(outcome: &Outcome) -> String {
    let lines: Vec<_> = outcome.events.iter().map(|event| event.line.as_str()).collect();
    lines.join("\n")
}

fn json(outcome: &Outcome) -> Value {
    let text = printed(outcome);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}

#[test]
fn golden_vectors_are_met_by_who_is_made_for_the_model() {
    let mut found = Vec::new();
    for entry in fs::read_dir(project().join("sample-components/models")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "onnx") {
            found.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    assert_eq!(found, RUN_BY.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for (name, backend) in RUN_BY {
        let outcome = model(["check", "--output", "json"], &sample_model(name));
        let checked = json(&outcome);
        let runs = checked["backend"].as_str().unwrap_or_default();
        let cases = checked["checked"]["golden"].as_u64().unwrap_or_default();
        if runs != *backend || (cases > 0) == backend.is_empty() {
            wrong.push(format!("{name}: {checked}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn numbers_that_the_optimiser_gets_wrong_are_seen_with_golden_vectors_and_without() {
    let checked = json(&model(["check", "-o", "json"], &sample_model("cnn1d_int8_qdq")));
    let reason = checked["refused"][0]["reason"].as_str().unwrap();
    assert_eq!(checked["refused"][0]["backend"], "tract");
    assert!(reason.starts_with("golden vector 1: `y` is"), "{reason}");

    // Alone, without what was known of it.
    let folder = folder();
    let alone =
        file(folder.path(), "alone.onnx", fs::read(sample_model("cnn1d_int8_qdq")).unwrap());
    let seen = json(&model(["inspect", "-o", "json"], &alone));
    let backends = seen["backends"].as_array().unwrap();
    let of = |name: &str| backends.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(of("tract")["runs"], false);
    let reason = of("tract")["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("unlike tract-unoptimised on an input that was made up"),
        "{reason}"
    );
    assert_eq!(of("tract-unoptimised")["runs"], true);
    model(["check"], &alone).expect_code(1).expect_error("alone.onnx has no golden vectors");
}

#[test]
fn golden_vectors_that_are_not_met_refuse_a_model() {
    let folder = folder();
    let text = fs::read_to_string(sample_model("mlp").with_extension("golden.json")).unwrap();
    let mut golden: Value = serde_json::from_str(&text).unwrap();
    golden["cases"][1]["outputs"]["y"]["data"][2] = 77.into();
    let golden = file(folder.path(), "golden.json", golden.to_string());
    let mut command = command("model");
    command.args(["check", "--onnxruntime", "none"]).arg(sample_model("mlp"));
    command.arg("--golden").arg(golden);
    let outcome = finish(command);
    let text = printed(outcome.expect_code(1));
    assert!(text.contains("tract: golden vector 2: `y` is"), "{text}");
    assert!(text.contains("at element 2 where 77 is expected"), "{text}");
}

#[test]
fn what_a_model_is_is_shown() {
    let outcome = model(["inspect"], &sample_model("autoencoder"));
    let text = printed(outcome.expect_code(0));
    for words in [
        "inputs\n  sensors  fp32 [?, 8]",
        "  reconstruction  fp32 [?, 8]\n  error           fp32 [?]",
        "4 Gemm",
        "threshold = 0.03",
        "tract              runs; its 3 golden vectors are met",
    ] {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
    let seen = json(&model(["inspect", "-o", "json"], &sample_model("loop_if")));
    let reasons: BTreeMap<_, _> = seen["backends"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(reasons["tract"], "it does not know Loop");
}

#[test]
fn predictions_are_measured() {
    let outcome = model(["bench", "--seconds", "0.1", "-o", "json"], &sample_model("mlp"));
    let measured = json(outcome.expect_code(0));
    assert_eq!(measured["backend"], "tract");
    for figure in
        ["loadMillis", "predictions", "p50Micros", "p99Micros", "perSecond", "workerBytes"]
    {
        assert!(measured[figure].as_f64().unwrap() > 0.0, "{figure}: {measured}");
    }
    let missing = model(["bench"], Path::new("/nowhere/model.onnx"));
    missing.expect_code(1).expect_error("cannot read /nowhere/model.onnx");
    let wrong = model(["bench", "--backend", "abacus"], &sample_model("mlp"));
    wrong.expect_code(1).expect_error("there is no such backend here; there is classical, tract");
}

#[test]
fn who_needs_more_memory_than_there_may_be_is_told_so() {
    let limits = ["--memory", "100MB", "--seconds", "0"];
    let ran = model(["bench"].into_iter().chain(limits), &hostile("huge_constant.onnx"));
    ran.expect_code(1).expect_error("14400000000");
    let lies = ["inspect", "--memory", "1B"];
    let seen = model(lies, &sample_model("mobilenet_tiny"));
    assert!(seen.code < 2, "{seen}");
}

/// The hostile models that are kept with the others; some are too large for that.
fn hostile_models() -> impl Iterator<Item = BTreeMap<String, String>> {
    let list = fs::read(hostile("list.json")).unwrap();
    let list: Vec<BTreeMap<String, String>> = serde_json::from_slice(&list).unwrap();
    assert!(list.len() > 20);
    list.into_iter().filter(|one| hostile(&one["file"]).exists())
}

/// A hostile model harms its worker, and that alone. What must not load does not, and what cannot
/// end is ended.
#[test]
fn hostile_models_are_contained() {
    let mut wrong = Vec::new();
    for one in hostile_models() {
        let path = hostile(&one["file"]);
        let fails = one["fails"].as_str();
        let limits = ["--memory", "512MB", "--timeout", "20"];
        let seen = model(["inspect", "-o", "json"].into_iter().chain(limits), &path);
        let runs = seen.code == 0;
        if fails == "load" && runs {
            wrong.push(format!("{}: {seen}", one["file"]));
        }
        if !runs || fails == "neither" {
            continue;
        }
        let limits = ["--deadline", "1", "--seconds", "0"].into_iter().chain(limits);
        let ran = model(["bench"].into_iter().chain(limits), &path);
        if ran.code == 0 {
            wrong.push(format!("{}: {ran}", one["file"]));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_worker_has_nothing_and_ends_with_its_host() {
    let mut command = command("model");
    command.args(["bench", "--seconds", "3000", "--onnxruntime", "none"]).arg(sample_model("mlp"));
    let host = start(command);
    let worker = worker_of(host.pid());
    let of = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", worker.as_raw_nonzero()));
    let limits = of("limits").unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(limit("Max file size"), "0");
    // With what is the program's own.
    assert_eq!(limit("Max data size"), ((1_u64 << 30) + (32 << 20)).to_string());
    assert_eq!(limit("Max open files"), "64");
    let environment = of("environ").unwrap();
    let is_ours = |one: &str| one.starts_with("MALLOC_");
    assert!(environment.split_terminator('\0').all(is_ours), "{environment:?}");
    let status = of("status").unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    host.signal(Signal::KILL);
    drop(host);
    ends(worker);
}

#[test]
fn a_worker_ends_with_its_host_in_the_middle_of_an_endless_computation() {
    let mut command = command("model");
    command.args(["bench", "--backend", "classical", "--deadline", "3600"]);
    command.arg(hostile("long_run.onnx"));
    let host = start(command);
    let worker = worker_of(host.pid());
    let begin = Instant::now();
    while processor_time(worker) < Duration::from_secs(1) {
        assert!(begin.elapsed().as_secs() < 60, "it does not compute");
        std::thread::sleep(Duration::from_millis(20));
    }
    host.signal(Signal::KILL);
    drop(host);
    ends(worker);
}

#[test]
fn a_prediction_that_is_called_off_leaves_a_worker_that_predicts() {
    let folder = folder();
    let model = file(folder.path(), "powers.onnx", powers(100));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_gg-inference-worker"));
        let settings = Settings { program, library: None, memory: DEFAULT_MEMORY };
        let (files, options) = (ModelFiles { model, golden: None }, Options::default());
        let patience = Duration::from_secs(60);
        let started = Worker::start(&settings, &files, &options, patience).await;
        let mut worker = started.unwrap();
        let (short, long) = (matrix(1), matrix(2000));
        let hour = Duration::from_secs(3600);
        for _ in 0..3 {
            let soon = tokio::time::sleep(Duration::from_millis(50));
            let ended = worker.run(&long, hour, soon).await;
            assert!(matches!(ended, Err(PredictionError::Run(RunError::Cancelled))), "{ended:?}");
            let outputs = worker.run(&short, hour, pending()).await.unwrap();
            assert_eq!(numbers(&outputs[0].1), [1.0]);
            let late = worker.run(&long, Duration::from_millis(50), pending()).await;
            assert!(matches!(late, Err(PredictionError::Run(RunError::Late))), "{late:?}");
        }
        // What is called off when it is made already is made.
        let outputs = worker.run(&short, hour, std::future::ready(())).await;
        assert!(matches!(outputs, Ok(_) | Err(PredictionError::Run(RunError::Cancelled))));
        assert!(worker.run(&short, hour, pending()).await.is_ok());
    });
}

/// A model that multiplies a matrix with itself so many times.
fn powers(count: usize) -> Vec<u8> {
    let kind = TensorTypeProto { elem_type: 1, shape: Some(two_dimensions()) };
    let kind = TypeProto { tensor_type: Some(kind), ..TypeProto::default() };
    let port = |name: String| ValueInfoProto { name, r#type: Some(kind.clone()) };
    let product = |number: usize| NodeProto {
        op_type: "MatMul".to_owned(),
        input: vec![format!("x{number}"), "x0".to_owned()],
        output: vec![format!("x{}", number + 1)],
        ..NodeProto::default()
    };
    let graph = GraphProto {
        node: (0..count).map(product).collect(),
        input: vec![port("x0".to_owned())],
        output: vec![port(format!("x{count}"))],
        ..GraphProto::default()
    };
    let operators = OperatorSetIdProto { domain: String::new(), version: 13 };
    let opset_import = vec![operators];
    ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() }.encode_to_vec()
}

fn two_dimensions() -> TensorShapeProto {
    TensorShapeProto { dim: vec![DimensionProto::default(); 2] }
}

fn matrix(length: u32) -> [Named; 1] {
    let shape = vec![length; 2];
    let ones = vec![1.0; (length * length) as usize];
    [("x0".to_owned(), tensor(ElementType::Fp32, shape, &ones).unwrap())]
}

/// Wait for the end of a process.
fn ends(process: Pid) {
    let Ok(ended) = pidfd_open(process, PidfdFlags::empty()) else { return };
    let mut wait = [rustix::event::PollFd::new(&ended, rustix::event::PollFlags::IN)];
    let patience = rustix::event::Timespec { tv_sec: 30, tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut wait, Some(&patience)), Ok(1), "the worker goes on");
}

/// What a process has had of a processor.
fn processor_time(process: Pid) -> Duration {
    let text = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap();
    let mut fields = text.rsplit(')').next().unwrap().split_whitespace();
    // Hundredths of a second.
    let user: u64 = fields.nth(11).unwrap().parse().unwrap();
    Duration::from_millis(user * 10)
}

/// The worker that a process has, once it has confined itself.
pub(crate) fn worker_of(parent: Pid) -> Pid {
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed().as_secs() < 60, "no worker");
        for entry in fs::read_dir("/proc").unwrap() {
            let Some(id) = entry.unwrap().file_name().to_str().and_then(|name| name.parse().ok())
            else {
                continue;
            };
            let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let has = |line: &str| status.lines().any(|other| other == line);
            let is_worker = has("Name:\tgg-inference-wo");
            if is_worker
                && has(&format!("PPid:\t{}", parent.as_raw_nonzero()))
                && has("NoNewPrivs:\t1")
            {
                return Pid::from_raw(id).unwrap();
            }
        }
        std::thread::yield_now();
    }
}
