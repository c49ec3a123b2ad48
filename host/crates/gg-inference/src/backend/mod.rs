//! Who runs a model: the seam, and the choice among those behind it.

mod choose;
pub mod classical;
mod placement;
mod words;

pub use choose::{Chosen, Passed, Refused, choose, made_up};
pub use placement::{CPU, Placement};
pub use words::line;

use crate::onnx::Model;
use crate::tensor::Named;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use thiserror::Error;

/// How a model is to be run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// The backend, by its name; by default the first that runs the model rightly.
    pub backend: Option<String>,
    /// Threads that share the work of a prediction, where the backend can; by default one.
    pub threads: Option<u32>,
    /// What it is to run on; by default the processor, [`CPU`].
    pub device: Option<String>,
}

/// Something that runs models.
pub trait Backend: Sync {
    /// Its name, and how it goes about it where it has several ways.
    fn name(&self) -> &'static str;

    /// Whether it is made for models like this one. Those that are not are asked last.
    fn is_made_for(&self, _model: &Model) -> bool {
        true
    }

    /// Get a model ready to run.
    ///
    /// # Errors
    /// It cannot be run here.
    fn load(&self, model: &Model, options: &Options) -> Result<Box<dyn Session>, LoadError>;
}

/// Who may run a model, and who is to agree with it where the model brings no golden vectors.
pub type Candidate<'a> = (&'a dyn Backend, Option<&'a dyn Backend>);

/// A model that is ready to run.
pub trait Session: Send {
    /// Run it. Inputs are those of the model, of its types, and have shapes that it allows.
    ///
    /// # Errors
    /// It failed, or was called off.
    fn run(&mut self, inputs: &[Named], until: &Until) -> Result<Vec<Named>, RunError>;

    /// Where it runs.
    fn placement(&self) -> Placement {
        Placement::default()
    }
}

/// Why a backend does not run a model.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It does not know all of its operators.
    #[error("it does not know {}", .0.join(", "))]
    Unsupported(Vec<String>),
    /// The model contradicts itself, or asks for what is not done.
    #[error("{0}")]
    Invalid(String),
    /// It is to run on what is not there.
    #[error("there is no device `{wanted}` for it here; there is {there}")]
    NoDevice {
        /// What is asked for.
        wanted: String,
        /// What there is.
        there: String,
    },
}

/// Why a prediction was not made.
#[derive(Clone, Debug, Deserialize, Error, PartialEq, Serialize)]
#[non_exhaustive]
pub enum RunError {
    /// What was given is not what the model takes.
    #[error("{0}")]
    Input(String),
    /// It took too long.
    #[error("the prediction took longer than it may")]
    Late,
    /// Nobody waits for it any more.
    #[error("the prediction was called off")]
    Cancelled,
    /// The model does not compute.
    #[error("{0}")]
    Failed(String),
    /// The engine broke down, and what it holds may be broken as well.
    #[error("the engine broke down: {0}")]
    Broken(String),
}

/// Who may hear in the middle of a prediction that nobody waits for it any more.
pub trait Ear: Send + Sync {
    /// Whether it was called off. Asked often: most answers are to cost next to nothing.
    fn is_called_off(&self, now: Instant) -> bool;
}

/// Until when a prediction may go on. Cheap to clone.
#[derive(Clone, Default)]
pub struct Until {
    /// The time; none is for ever.
    pub deadline: Option<Instant>,
    /// Whether it was called off.
    pub cancelled: Arc<AtomicBool>,
    /// Who may hear of that.
    pub ear: Option<Arc<dyn Ear>>,
}

impl Until {
    /// Whether to go on. Asked between two operators, and within a long one.
    ///
    /// # Errors
    /// It is time to end.
    pub fn check(&self) -> Result<(), RunError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(RunError::Cancelled);
        }
        if self.deadline.is_none() && self.ear.is_none() {
            return Ok(());
        }
        let now = Instant::now();
        if self.ear.as_ref().is_some_and(|ear| ear.is_called_off(now)) {
            self.cancelled.store(true, Ordering::Relaxed);
            return Err(RunError::Cancelled);
        }
        match self.deadline {
            Some(deadline) if now >= deadline => Err(RunError::Late),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Until {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { deadline, cancelled, ear: _ } = self;
        f.debug_struct("Until")
            .field("deadline", deadline)
            .field("cancelled", cancelled)
            .finish_non_exhaustive()
    }
}
