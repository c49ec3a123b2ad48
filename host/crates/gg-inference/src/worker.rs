//! The worker: a process that holds one model and makes predictions, one at a time.

mod incoming;

pub use incoming::Line;

use crate::backend::{Candidate, Chosen, Options, Placement, RunError, Session, Until, choose};
use crate::golden::{Golden, LONGEST_GOLDEN};
use crate::onnx::Model;
use crate::tensor::Named;
use crate::wire::{self, Loaded, Request, Response, Seen, WireError};
use bytes::Bytes;
use incoming::Incoming;
use std::any::Any;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Stack of the thread that serves: some engines follow a graph by calling themselves.
pub const STACK: usize = 16 << 20;

/// What a worker holds to.
#[derive(Clone, Copy, Debug)]
pub struct WorkerLimits {
    /// Bytes of the largest model with its golden vectors, and of all inputs of a prediction.
    pub body: u64,
    /// Bytes of all outputs of a prediction.
    pub outputs: usize,
}

/// Why a worker ends early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The host does not speak as it should.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The first thing is a model.
    #[error("the first request is to load a model")]
    Order,
    /// The engine broke down; what it holds may be broken as well.
    #[error("the engine panicked")]
    Panicked,
}

/// Load the model that comes first, and make predictions until the host has gone. `candidates` run
/// models, the first that does so rightly. All of it happens on this thread, which is to have a
/// stack of [`STACK`]: each thread that had to be woken for a prediction would add to its time.
///
/// # Errors
/// Something went wrong that a new worker is needed for.
pub fn serve<L: Line>(
    from: L,
    mut to: impl Write,
    candidates: &[Candidate<'_>],
    limits: WorkerLimits,
) -> Result<(), WorkerError> {
    let from = Arc::new(Incoming::new(from));
    let Some((request, body)) = from.read(limits.body)? else { return Ok(()) };
    let Request::Load { options, model, golden } = request else { return Err(WorkerError::Order) };
    let (response, session) = load(candidates, &options, body, model, golden)?;
    wire::write(&mut to, &response, &[])?;
    let Some(mut session) = session else { return Ok(()) };
    while let Some((request, body)) = from.read(limits.body)? {
        match request {
            Request::Run { id, inputs, millis } => {
                let inputs = wire::tensors(inputs, body)?;
                let until = from.until(id, millis.map(Duration::from_millis));
                answer(&mut *session, id, &inputs, &until, limits, &mut to)?;
            }
            // Its prediction was over before this came.
            Request::Cancel { .. } => {}
            Request::Load { .. } => return Err(WorkerError::Order),
        }
    }
    Ok(())
}

/// Make a prediction, and say what has become of it.
fn answer(
    session: &mut dyn Session,
    id: u64,
    inputs: &[Named],
    until: &Until,
    limits: WorkerLimits,
    to: &mut impl Write,
) -> Result<(), WorkerError> {
    let run = || until.check().and_then(|()| session.run(inputs, until));
    // What it holds is not touched again after a panic.
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let panicked = outcome.is_err();
    let outcome = outcome.unwrap_or_else(|panic| Err(RunError::Broken(words(&*panic))));
    match outcome.and_then(|outputs| fitting(outputs, limits.outputs)) {
        Ok(outputs) => {
            let body: Vec<&[u8]> = outputs.iter().map(|(_, tensor)| &**tensor.data()).collect();
            wire::write(to, &Response::Done { id, outputs: wire::heads(&outputs) }, &body)?;
        }
        Err(error) => wire::write(to, &Response::Failed { id, error }, &[])?,
    }
    if panicked { Err(WorkerError::Panicked) } else { Ok(()) }
}

fn fitting(outputs: Vec<Named>, most: usize) -> Result<Vec<Named>, RunError> {
    let bytes: usize = outputs.iter().map(|(_, tensor)| tensor.data().len()).sum();
    if bytes > most {
        let reason = format!("the outputs have {bytes} bytes, which is more than {most}");
        return Err(RunError::Failed(reason));
    }
    Ok(outputs)
}

/// Get a model ready. The engine may panic at it, which is an answer too.
fn load(
    candidates: &[Candidate<'_>],
    options: &Options,
    mut body: Bytes,
    model: u64,
    golden: Option<u64>,
) -> Result<(Response, Option<Box<dyn Session>>), WorkerError> {
    let length = usize::try_from(model).ok().filter(|length| *length <= body.len());
    let model = body.split_to(length.ok_or(WireError::Body)?);
    if golden.unwrap_or_default() != body.len() as u64 || body.len() > LONGEST_GOLDEN {
        return Err(WireError::Body.into());
    }
    let refuse = |reason: String| Response::Refused {
        reason: Some(reason),
        refused: Vec::new(),
        seen: None,
    };
    let golden = match golden.map(|_| Golden::parse(&body)).transpose() {
        Ok(golden) => golden,
        Err(error) => return Ok((refuse(error.to_string()), None)),
    };
    let model = match Model::read(model) {
        Ok(model) => model,
        Err(error) => return Ok((refuse(error.to_string()), None)),
    };
    let seen = Seen {
        inputs: model.inputs().to_vec(),
        outputs: model.outputs().to_vec(),
        operators: model.operators().clone(),
        metadata: model.metadata().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    };
    let chosen =
        catch_unwind(AssertUnwindSafe(|| choose(candidates, &model, options, golden.as_ref())));
    Ok(match chosen {
        Ok(Ok(Chosen { backend, session, passed, refused })) => {
            let Placement { device, threads } = session.placement();
            let backend = backend.to_owned();
            let loaded = Loaded { backend, device, threads, passed, refused, seen };
            (Response::Loaded(Box::new(loaded)), Some(session))
        }
        Ok(Err(refused)) => (Response::Refused { reason: None, refused, seen: Some(seen) }, None),
        Err(panic) => {
            let reason = Some(format!("an engine broke down at it: {}", words(&*panic)));
            (Response::Refused { reason, refused: Vec::new(), seen: Some(seen) }, None)
        }
    })
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a word").chars().take(400).collect()
}

#[cfg(test)]
mod tests;
