//! The worker: a process that holds one model and makes predictions, one at a time.

use crate::backend::{Candidate, Chosen, Options, RunError, Session, Until, choose};
use crate::golden::{Golden, LONGEST_GOLDEN};
use crate::onnx::Model;
use crate::tensor::Named;
use crate::wire::{self, Loaded, Request, Response, Seen, WireError};
use bytes::Bytes;
use std::any::Any;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Predictions that wait. The host asks for one at a time, or a few.
const WAITING: usize = 64;

/// Stack of the thread that runs models: some engines follow a graph by calling themselves.
const STACK: usize = 16 << 20;

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
    /// A thread cannot be started.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
    /// The engine broke down; what it holds may be broken as well.
    #[error("the engine panicked")]
    Panicked,
}

/// A prediction that was asked for.
struct Job {
    id: u64,
    inputs: Vec<Named>,
    until: Until,
}

/// The predictions that are not made yet, and how to call each off.
type Open = Mutex<HashMap<u64, Arc<AtomicBool>>>;

/// Load the model that comes first, and make predictions until the host has gone. `candidates` run
/// models, the first that does so rightly.
///
/// # Errors
/// Something went wrong that a new worker is needed for.
pub fn serve<S: Read, W: Write + Send>(
    mut from: S,
    to: W,
    candidates: &[Candidate<'_>],
    limits: WorkerLimits,
) -> Result<(), WorkerError> {
    let to = Mutex::new(to);
    let Some((request, body)) = wire::read(&mut from, limits.body)? else { return Ok(()) };
    let Request::Load { options, model, golden } = request else { return Err(WorkerError::Order) };
    let (response, session) = load(candidates, &options, body, model, golden)?;
    say(&to, &response, &[])?;
    let Some(session) = session else { return Ok(()) };
    let open = Open::default();
    let (sender, jobs) = sync_channel::<Job>(WAITING);
    std::thread::scope(|scope| {
        let (open, to) = (&open, &to);
        // It takes the jobs with it, so that nobody sends more when it has ended.
        let run = move || run_all(session, jobs, open, to, limits);
        let runner = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run)?;
        let listened = listen(&mut from, limits, open, |job| sender.send(job).is_ok());
        // Nobody waits for the rest.
        lock(open).values().for_each(|cancelled| cancelled.store(true, Ordering::Relaxed));
        drop(sender);
        let ran = runner.join().unwrap_or(Err(WorkerError::Panicked));
        listened.and(ran)
    })
}

/// Take requests, until the host has gone or nobody takes them any more.
fn listen(
    from: &mut impl Read,
    limits: WorkerLimits,
    open: &Open,
    mut send: impl FnMut(Job) -> bool,
) -> Result<(), WorkerError> {
    while let Some((request, body)) = wire::read(from, limits.body)? {
        match request {
            Request::Run { id, inputs, millis } => {
                let inputs = wire::tensors(inputs, body)?;
                let deadline = millis
                    .and_then(|millis| Instant::now().checked_add(Duration::from_millis(millis)));
                let until = Until { deadline, cancelled: Arc::default() };
                lock(open).insert(id, Arc::clone(&until.cancelled));
                if !send(Job { id, inputs, until }) {
                    return Ok(());
                }
            }
            Request::Cancel { id } => {
                if let Some(cancelled) = lock(open).get(&id) {
                    cancelled.store(true, Ordering::Relaxed);
                }
            }
            Request::Load { .. } => return Err(WorkerError::Order),
        }
    }
    Ok(())
}

fn run_all<W: Write>(
    mut session: Box<dyn Session>,
    jobs: Receiver<Job>,
    open: &Open,
    to: &Mutex<W>,
    limits: WorkerLimits,
) -> Result<(), WorkerError> {
    for Job { id, inputs, until } in jobs {
        let run = || until.check().and_then(|()| session.run(&inputs, &until));
        // What it holds is not touched again after a panic.
        let outcome = catch_unwind(AssertUnwindSafe(run));
        lock(open).remove(&id);
        let panicked = outcome.is_err();
        let outcome = outcome.unwrap_or_else(|panic| Err(RunError::Broken(words(&*panic))));
        let outcome = outcome.and_then(|outputs| fitting(outputs, limits.outputs));
        match outcome {
            Ok(outputs) => {
                let body: Vec<&[u8]> = outputs.iter().map(|(_, tensor)| &**tensor.data()).collect();
                say(to, &Response::Done { id, outputs: wire::heads(&outputs) }, &body)?;
            }
            Err(error) => say(to, &Response::Failed { id, error }, &[])?,
        }
        if panicked {
            return Err(WorkerError::Panicked);
        }
    }
    Ok(())
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
            let loaded = Loaded { backend: backend.to_owned(), passed, refused, seen };
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

fn say<W: Write>(to: &Mutex<W>, response: &Response, body: &[&[u8]]) -> Result<(), WireError> {
    let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
    wire::write(&mut *to, response, body)
}

fn lock(open: &Open) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<AtomicBool>>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
