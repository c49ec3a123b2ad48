//! A worker: models that are ONNX, and mostly make sense, in; each prediction that is asked for has one
//! answer, whose tensors are tensors.
#![no_main]

mod model;
mod operators;
mod trees;
mod values;

use gg_inference::backend::classical::Classical;
use gg_inference::backend::{Options, RunError};
use gg_inference::check::check;
use gg_inference::wire::{self, Request, Response};
use gg_inference::worker::{Line, WorkerLimits, serve};
use gg_inference::{Model, Named};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use prost::Message as _;
use std::io::{self, Read};

const LIMITS: WorkerLimits = WorkerLimits { body: 1 << 20, outputs: 1 << 20 };

/// Milliseconds that a prediction may take.
const PATIENCE: u64 = 500;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _too_short = drive(&mut Unstructured::new(bytes));
});

fn drive(from: &mut Unstructured<'_>) -> Result<()> {
    let model = model::model(from)?.encode_to_vec();
    let mut said = Vec::new();
    let options = Options::default();
    let load = Request::Load { options, model: model.len() as u64, golden: None };
    wire::write(&mut said, &load, &[&model]).unwrap();
    let mut asked = Vec::new();
    if let Ok(model) = Model::read(model.into()) {
        for id in 0..from.int_in_range(1..=3)? {
            let inputs = inputs(from, &model)?;
            let heads = wire::heads(&inputs);
            let body: Vec<&[u8]> = inputs.iter().map(|(_, tensor)| &**tensor.data()).collect();
            let run = Request::Run { id, inputs: heads, millis: Some(PATIENCE) };
            wire::write(&mut said, &run, &body).unwrap();
            asked.push(id);
            if values::rarely(from, 8)? {
                let off = Request::Cancel { id: from.int_in_range(0..=3)? };
                wire::write(&mut said, &off, &[]).unwrap();
            }
        }
    }
    let mut answers = Vec::new();
    serve(Said(io::Cursor::new(said)), &mut answers, &[(&Classical, None)], LIMITS).unwrap();
    look(&answers, &asked);
    Ok(())
}

/// Whether these are the answers that there are to be.
fn look(mut answers: &[u8], asked: &[u64]) {
    let mut next = || wire::read::<Response>(&mut answers, u64::MAX).unwrap();
    let names: Vec<String> = match next() {
        Some((Response::Loaded(loaded), _)) => {
            loaded.seen.outputs.into_iter().map(|port| port.name).collect()
        }
        Some((Response::Refused { .. }, _)) => return assert!(next().is_none()),
        other => panic!("{other:?}"),
    };
    for wanted in asked {
        match next() {
            Some((Response::Done { id, outputs }, body)) if id == *wanted => {
                let outputs = wire::tensors(outputs, body).unwrap();
                assert!(outputs.iter().map(|(name, _)| name).eq(&names));
            }
            Some((Response::Failed { id, error }, _)) if id == *wanted => {
                assert!(!matches!(error, RunError::Broken(_)), "{error}");
            }
            other => panic!("{wanted}: {other:?}"),
        }
    }
    assert!(next().is_none());
}

/// What a model takes.
fn inputs(from: &mut Unstructured<'_>, model: &Model) -> Result<Vec<Named>> {
    let mut inputs = Vec::new();
    for port in model.inputs() {
        let shape = match &port.shape {
            Some(lengths) => lengths
                .iter()
                .map(|length| length.map_or_else(|| values::length(from), Ok))
                .collect::<Result<_>>()?,
            None => values::shape(from)?,
        };
        inputs.push((port.name.clone(), values::tensor(from, port.element, shape)?));
    }
    check(model.inputs(), &inputs).unwrap();
    Ok(inputs)
}

/// What the host has said; it has gone after it.
struct Said(io::Cursor<Vec<u8>>);

impl Read for Said {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Line for Said {
    fn is_ready(&self) -> bool {
        true
    }
}
