//! Predictions by machine-learning models.

use super::ask::Refusal::{InvalidArgument, NotFound, Unauthorized, Unavailable};
use super::ask::{Element, Model, Tensor};
use super::{Answer, Ask, Door, Scene, through_both_doors};
use crate::host::{file, folder};
use crate::model::{hostile, sample_model, worker_of};
use gg_inference::golden::{Golden, compare};
use gg_inference::{ElementType, Named};
use rustix::process::{Signal, kill_process};
use serde_json::json;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

through_both_doors! {
    a_model_takes_a_grant,
    predictions_are_what_onnxruntime_makes_of_the_same,
    what_a_model_does_not_take_is_refused,
    a_deadline_ends_a_prediction_and_others_go_on,
    a_worker_that_ends_is_followed_by_another,
}

/// A run with a component that brings these models, of which the first of the others may use what
/// these patterns name.
fn scene<D: Door>(models: &[(&str, &Path)], patterns: &[&str]) -> (Scene<D>, TempDir) {
    let folder = folder();
    let artifact = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut declared = json!({});
    for (name, path) in models {
        fs::copy(path, folder.path().join(artifact(path))).unwrap();
        declared[*name] = json!({ "artifact": artifact(path) });
    }
    let recipe = json!({
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": "com.example.Models",
        "ComponentVersion": "1.2.3",
        "ComponentConfiguration": { "DefaultConfiguration": { "models": declared } },
        "Manifests": [{}],
    });
    let recipe = file(folder.path(), "models.json", recipe.to_string());
    let access = json!({ "gg.host.inference": {
        "policy:1": { "operations": ["gg.host#RunInference"], "resources": patterns }
    } });
    let none = json!({ "accessControl": {} });
    let scene = Scene::with(json!({ "accessControl": access }), none, |run| run.with(recipe));
    (scene, folder)
}

fn names(answer: &Answer) -> &[String] {
    let Answer::Names(names, None) = answer else { panic!("{answer:?}") };
    names
}

fn floats(name: &str, shape: &[u32], values: &[f32]) -> Tensor {
    let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor { name: name.to_owned(), element: Element::Fp32, shape: shape.to_vec(), data }
}

fn predict(model: &str, inputs: Vec<Tensor>) -> Ask {
    Ask::Predict { model: model.to_owned(), inputs, millis: None }
}

/// Eight readings, as the autoencoder takes them.
fn readings() -> Vec<Tensor> {
    vec![floats("sensors", &[1, 8], &[0.5; 8])]
}

fn a_model_takes_a_grant<D: Door>() {
    let (autoencoder, mlp) = (sample_model("autoencoder"), sample_model("mlp"));
    let models = [("anomaly", &*autoencoder), ("mlp", &*mlp)];
    let (mut scene, _folder) = scene::<D>(&models, &["anomaly", "missing"]);
    assert_eq!(names(&scene.me.ask(Ask::Models)), ["anomaly"]);
    assert_eq!(names(&scene.other.ask(Ask::Models)), [""; 0]);
    let model = |name: &str| Ask::Model(name.to_owned());
    for (name, refusal) in [("mlp", Unauthorized), ("missing", NotFound), ("", Unauthorized)] {
        assert_eq!(scene.me.ask(model(name)), Answer::Refused(refusal), "{name}");
        assert_eq!(scene.me.ask(predict(name, readings())), Answer::Refused(refusal), "{name}");
    }
    assert_eq!(scene.other.ask(model("anomaly")), Answer::Refused(Unauthorized));
    let asked = scene.other.ask(predict("anomaly", readings()));
    assert_eq!(asked, Answer::Refused(Unauthorized));

    let Answer::Model(found) = scene.me.ask(model("anomaly")) else { panic!() };
    let fp32 = |name: &str, shape: &[i64]| (name.to_owned(), Element::Fp32, Some(shape.to_vec()));
    let (_, digest) = gg_host::inference::digest::digest(&autoencoder).unwrap();
    let expected = Model {
        name: "anomaly".to_owned(),
        version: "1.2.3".to_owned(),
        digest,
        runs: ("tract".to_owned(), "cpu".to_owned(), 1),
        inputs: vec![fp32("sensors", &[-1, 8])],
        outputs: vec![fp32("reconstruction", &[-1, 8]), fp32("error", &[-1])],
    };
    assert_eq!(found, expected);
    let Answer::Tensors(outputs) = scene.me.ask(predict("anomaly", readings())) else { panic!() };
    let shapes: Vec<_> = outputs.iter().map(|one| (one.name.as_str(), &*one.shape)).collect();
    assert_eq!(shapes, [("reconstruction", &[1, 8][..]), ("error", &[1])]);
}

const ELEMENTS: [(ElementType, Element); 4] = [
    (ElementType::Fp32, Element::Fp32),
    (ElementType::I64, Element::I64),
    (ElementType::Bool, Element::Bool),
    (ElementType::String, Element::Text),
];

fn tensor((name, tensor): &Named) -> Tensor {
    let known = ELEMENTS.iter().find(|(known, _)| *known == tensor.element());
    Tensor {
        name: name.clone(),
        element: known.unwrap().1,
        shape: tensor.shape().to_vec(),
        data: tensor.data().to_vec(),
    }
}

fn named(tensor: Tensor) -> Named {
    let known = ELEMENTS.iter().find(|(_, known)| *known == tensor.element).unwrap().0;
    (tensor.name, gg_inference::Tensor::new(known, tensor.shape, tensor.data).unwrap())
}

fn predictions_are_what_onnxruntime_makes_of_the_same<D: Door>() {
    // A network, one in whole numbers inside, trees with texts, and truth values.
    let models = ["autoencoder", "mlp_int8", "forest_strings", "bools_and_strings", "transformer"];
    let paths = models.map(sample_model);
    let given: Vec<(&str, &Path)> = models.into_iter().zip(paths.iter().map(|p| &**p)).collect();
    let (mut scene, _folder) = scene::<D>(&given, &["*"]);
    for (name, path) in given {
        let golden = fs::read(path.with_extension("golden.json")).unwrap();
        let golden = Golden::parse(&golden).unwrap();
        assert!(!golden.cases.is_empty());
        for case in &golden.cases {
            let inputs = case.inputs.iter().map(tensor).collect();
            let answer = scene.me.ask(predict(name, inputs));
            let Answer::Tensors(outputs) = answer else { panic!("{name}: {answer:?}") };
            let outputs: Vec<Named> = outputs.into_iter().map(named).collect();
            let alike = compare(&outputs, &case.outputs, golden.tolerance);
            assert_eq!(alike, Ok(()), "{name}");
        }
    }
}

fn what_a_model_does_not_take_is_refused<D: Door>() {
    let autoencoder = sample_model("autoencoder");
    let (mut scene, _folder) = scene::<D>(&[("anomaly", &autoencoder)], &["*"]);
    let right = || floats("sensors", &[1, 8], &[0.0; 8]);
    let short = Tensor { data: vec![0; 31], ..right() };
    let whole = Tensor { element: Element::I64, data: vec![0; 64], ..right() };
    let text = Tensor { element: Element::Text, data: vec![255; 8], ..right() };
    for inputs in [
        vec![],
        vec![right(), right()],
        vec![right(), floats("other", &[1], &[0.0])],
        vec![floats("sensor", &[1, 8], &[0.0; 8])],
        vec![floats("sensors", &[8], &[0.0; 8])],
        vec![floats("sensors", &[2, 4], &[0.0; 8])],
        vec![floats("sensors", &[u32::MAX, u32::MAX], &[0.0; 8])],
        vec![short],
        vec![whole],
        vec![text],
    ] {
        let shown = format!("{inputs:?}");
        let answer = scene.me.ask(predict("anomaly", inputs));
        assert_eq!(answer, Answer::Refused(InvalidArgument), "{shown}");
    }
    let answer = scene.me.ask(predict("anomaly", vec![right()]));
    assert!(matches!(answer, Answer::Tensors(_)), "{answer:?}");
}

fn a_deadline_ends_a_prediction_and_others_go_on<D: Door>() {
    let (slow, mlp) = (hostile("long_run.onnx"), sample_model("mlp"));
    let (mut scene, _folder) = scene::<D>(&[("slow", &slow), ("mlp", &mlp)], &["*"]);
    let Answer::Model(found) = scene.me.ask(Ask::Model("slow".to_owned())) else { panic!() };
    let (name, _, shape) = &found.inputs[0];
    let shape: Vec<u32> = shape.iter().flatten().map(|length| *length as u32).collect();
    let values = vec![0.0; shape.iter().product::<u32>() as usize];
    let inputs = vec![floats(name, &shape, &values)];
    for _ in 0..2 {
        let late =
            Ask::Predict { model: "slow".to_owned(), inputs: inputs.clone(), millis: Some(5) };
        assert_eq!(scene.me.ask(late), Answer::Refused(Unavailable));
        let answer = scene.me.ask(predict("mlp", vec![floats("x", &[1, 8], &[0.0; 8])]));
        assert!(matches!(answer, Answer::Tensors(_)), "{answer:?}");
    }
}

fn a_worker_that_ends_is_followed_by_another<D: Door>() {
    let mlp = sample_model("mlp");
    let (mut scene, _folder) = scene::<D>(&[("mlp", &mlp)], &["*"]);
    let inputs = || vec![floats("x", &[1, 8], &[0.25; 8])];
    let before = scene.me.ask(predict("mlp", inputs()));
    assert!(matches!(before, Answer::Tensors(_)), "{before:?}");
    kill_process(worker_of(scene.host.pid()), Signal::KILL).unwrap();
    // Who finds it gone is answered by an error, or by another worker if it was gone before it was asked.
    let found = scene.me.ask(predict("mlp", inputs()));
    assert!(found == before || found == Answer::Refused(Unavailable), "{found:?}");
    assert_eq!(scene.me.ask(predict("mlp", inputs())), before);
}
