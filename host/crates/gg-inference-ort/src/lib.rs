//! Models of all kinds, by onnxruntime: a library of the machine, which is loaded when the process
//! starts and linked by nobody.
//!
//! It has all operators of ONNX, is the fastest on a processor, and reaches accelerators. It is also
//! large, written in C++ and not made for hostile files, so the process that loads it is confined.
//!
//! In reading order:
//!
//! * [`devices`]: what the library can run models on.
//! * [`tensors`], [`maps`]: its values and ours.
//! * [`watch`]: how a prediction is ended.

mod devices;
mod maps;
mod tensors;
mod watch;

use gg_inference::backend::{
    Backend, LoadError, Options, Placement, RunError, Session, Until, line,
};
use gg_inference::{Model, Named};
use maps::Classes;
use ort::environment::Environment;
use ort::session::{RunOptions, SessionInputValue};
use std::borrow::Cow;
use std::error::Error as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::available_parallelism;
use tensors::{given, taken};
use watch::Watch;

/// onnxruntime. There is one in a process.
#[derive(Debug)]
pub struct Onnxruntime {
    library: PathBuf,
    loaded: Result<(), String>,
    /// Made when the first model comes: it may start threads, which are to be confined like all others.
    environment: OnceLock<Result<Environment, String>>,
}

impl Onnxruntime {
    /// Load the library. Where that fails the reason is given for each model, as others may run it.
    pub fn load(library: &Path) -> Self {
        let loaded = ort::init_from(library).map(drop).map_err(|error| match error {
            ort::LoadDynamicError::Dlopen { error, .. } => {
                // What the system's loader says.
                let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                line(&format!("cannot load {}: {reason}", library.display()))
            }
            error => line(&format!("cannot use {}: {error}", library.display())),
        });
        Self { library: library.to_owned(), loaded, environment: OnceLock::new() }
    }

    fn environment(&self) -> Result<&Environment, LoadError> {
        let make = || {
            self.loaded.clone()?;
            let environment = ort::init().with_name("gg-inference").with_telemetry(false).build();
            environment
                .map_err(|error| line(&format!("cannot use {}: {error}", self.library.display())))
        };
        let environment = self.environment.get_or_init(make).as_ref();
        environment.map_err(|reason| LoadError::Invalid(reason.clone()))
    }
}

impl Backend for Onnxruntime {
    fn name(&self) -> &'static str {
        "onnxruntime"
    }

    fn load(&self, model: &Model, options: &Options) -> Result<Box<dyn Session>, LoadError> {
        let environment = self.environment()?;
        let device = options.device_among(&devices::there())?;
        let threads = threads(options);
        let invalid = |error: ort::Error| LoadError::Invalid(reason(error.message()));
        let session = open(environment, model, device, threads).map_err(invalid)?;
        let outputs = session.outputs().iter().map(|output| {
            let classes = match output.dtype().is_sequence() {
                true => Some(Classes::of(model, output.name())?),
                false => None,
            };
            Ok(classes)
        });
        let outputs = outputs.collect::<Result<_, LoadError>>()?;
        let watch = Watch::start(RunOptions::new().map_err(invalid)?);
        let watch = watch.map_err(|error| LoadError::Invalid(format!("no thread: {error}")))?;
        let placement = Placement { device: device.to_owned(), threads };
        Ok(Box::new(Loaded { session, outputs, watch, placement }))
    }
}

/// Threads for a model: as many as are asked for, and no more than there are processors.
fn threads(options: &Options) -> u32 {
    let most = available_parallelism().map_or(1, NonZero::get);
    options.threads.unwrap_or(1).clamp(1, u32::try_from(most).unwrap_or(u32::MAX))
}

fn open(
    environment: &Environment,
    model: &Model,
    device: &str,
    threads: u32,
) -> ort::Result<ort::session::Session> {
    ort::session::Session::builder(environment)?
        .with_intra_threads(threads as usize)?
        // Threads that wait do not burn the processor meanwhile.
        .with_intra_op_spinning(false)?
        .with_inter_threads(1)?
        // No other format that it has, which nobody has looked at.
        .with_config_entry("session.load_model_format", "ONNX")?
        .with_execution_providers(devices::providers(device))?
        .commit_from_memory(model.bytes())
}

/// A model that onnxruntime has loaded.
struct Loaded {
    session: ort::session::Session,
    /// The classes of each output that is a sequence of maps.
    outputs: Vec<Option<Classes>>,
    watch: Watch,
    placement: Placement,
}

impl Session for Loaded {
    fn run(&mut self, inputs: &[Named], until: &Until) -> Result<Vec<Named>, RunError> {
        let given = inputs.iter().map(|(name, tensor)| {
            Ok((Cow::Borrowed(name.as_str()), SessionInputValue::from(given(tensor)?)))
        });
        let given: Vec<_> = given.collect::<Result<_, RunError>>()?;
        let Self { session, outputs, watch, placement: _ } = self;
        watch.over(until, |options| {
            let given = ort::session::SessionInputs::<0>::from(given);
            let values = session.run_with_options(given, options).map_err(failed)?;
            let all = values.into_iter().zip(outputs.iter()).map(|((name, value), classes)| {
                let tensor = match classes {
                    Some(classes) => classes.numbers(&value)?,
                    None => taken(value)?,
                };
                Ok((name.to_owned(), tensor))
            });
            all.collect()
        })
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }
}

/// What went wrong, in one line.
fn failed(error: impl std::fmt::Display) -> RunError {
    RunError::Failed(reason(&error.to_string()))
}

/// A reason in words.
fn reason(text: &str) -> String {
    line(&text.replace("std::bad_alloc", "it needs more memory than there is for it"))
}
