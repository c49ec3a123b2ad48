//! Whole models: real ones, with what onnxruntime computed with them, and hostile ones.

use super::Classical;
use crate::backend::{Backend, Options, Until, made_up};
use crate::golden::{Golden, compare};
use crate::onnx::Model;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Where the models of the sample components are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../sample-components/models");

/// Where models are that mean harm.
const HOSTILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/models/hostile");

#[test]
fn models_give_what_they_are_known_to_give() {
    let mut passed = 0;
    let mut wrong = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        if file.extension().is_none_or(|extension| extension != "onnx") {
            continue;
        }
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let model = Model::read(std::fs::read(&file).unwrap().into()).unwrap();
        let is_classical =
            model.operators().keys().any(|operator| operator.starts_with("ai.onnx.ml"));
        let mut session = match Classical.load(&model, &Options::default()) {
            Ok(session) => session,
            // A network is for another backend.
            Err(_) if !is_classical => continue,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let golden = std::fs::read(file.with_extension("golden.json")).unwrap();
        let golden = Golden::parse(&golden).unwrap();
        for (number, case) in (1..).zip(&golden.cases) {
            match session.run(&case.inputs, &Until::default()) {
                Ok(got) => {
                    if let Err(far) = compare(&got, &case.outputs, golden.tolerance) {
                        wrong.push(format!("{name}, case {number}: {far}"));
                    }
                }
                Err(error) => wrong.push(format!("{name}, case {number}: {error}")),
            }
        }
        passed += usize::from(is_classical);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(passed > 0, "there are no classical models");
}

/// A model that means harm.
#[derive(Deserialize)]
struct Hostile {
    file: String,
    /// Where it is found out: at `load`, in a `run`, at `either`, or `neither`.
    fails: String,
}

#[test]
fn hostile_models_do_no_harm() {
    let list = std::fs::read(format!("{HOSTILE}/list.json")).unwrap();
    let list: Vec<Hostile> = serde_json::from_slice(&list).unwrap();
    assert!(!list.is_empty());
    for Hostile { file, fails } in list {
        let bytes = std::fs::read(format!("{HOSTILE}/{file}")).unwrap();
        let model = Model::read(bytes.into());
        let session = model.as_ref().ok().map(|model| Classical.load(model, &Options::default()));
        let (Ok(model), Some(Ok(mut session))) = (&model, session) else { continue };
        assert_ne!(fails, "load", "{file}");
        let inputs = made_up(model.inputs()).unwrap();
        let deadline = Instant::now() + Duration::from_millis(200);
        let until = Until { deadline: Some(deadline), ..Until::default() };
        let run = session.run(&inputs, &until);
        assert!(run.is_err() || fails == "neither", "{file}");
        // An operator that takes long is interrupted as well.
        assert!(deadline.elapsed() < Duration::from_secs(5), "{file}");
    }
}
