//! Why there is no prediction, as the doors tell it apart.

use crate::error::Error;
use crate::inference::worker::{Ended, PredictionError, StartError};
use gg_inference::TensorError;
use gg_inference::backend::RunError;
use gg_model::ModelName;
use std::time::Duration;
use thiserror::Error;

/// Why there is no prediction.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum InferenceError {
    /// The caller may not.
    #[error(transparent)]
    Denied(Error),
    /// No model has this name.
    #[error(
        "there is no model {0:?} on this device; a deployed component declares it under `models`"
    )]
    NotFound(String),
    /// What was given is not what the model takes.
    #[error("{0}")]
    Input(String),
    /// It took too long, waiting for others included.
    #[error("the model {model} had no answer within {deadline:?}")]
    Late {
        /// Which model.
        model: ModelName,
        /// How long it had.
        deadline: Duration,
    },
    /// As many of the component wait as may.
    #[error(
        "{most} predictions of this component wait for the model {model} already; \
         the key `queue` of its declaration says how many may"
    )]
    Full {
        /// Which model.
        model: ModelName,
        /// How many may.
        most: usize,
    },
    /// The model is being taken away.
    #[error("the model {0} is being removed")]
    Removed(ModelName),
    /// The model cannot be run, or not now.
    #[error("the model {model} cannot be run: {reason}")]
    Load {
        /// Which model.
        model: ModelName,
        /// Why not.
        reason: String,
        /// There is not enough memory for it.
        too_large: bool,
    },
    /// There is no room for the model now.
    #[error("the model {model} is not loaded: {reason}")]
    NoRoom {
        /// Which model.
        model: ModelName,
        /// Who takes the room.
        reason: String,
    },
    /// The model does not compute this.
    #[error("the model {model} failed: {reason}")]
    Failed {
        /// Which model.
        model: ModelName,
        /// Why.
        reason: String,
    },
    /// Its worker ended over it; another is started for the next prediction.
    #[error("the model {model} failed: {reason}")]
    Crashed {
        /// Which model.
        model: ModelName,
        /// How it ended.
        reason: String,
    },
}

impl InferenceError {
    /// Of an input that is no tensor.
    pub(super) fn of_input(name: &str, error: &TensorError) -> Self {
        let name: String = name.chars().take(100).collect();
        Self::Input(format!("the input `{name}`: {error}"))
    }

    /// Of a model that is not ready.
    pub(super) fn load(model: &ModelName, error: &StartError) -> Self {
        Self::Load {
            model: model.clone(),
            reason: error.to_string(),
            too_large: matches!(error, StartError::TooLarge { .. }),
        }
    }

    /// Of a prediction that had so long.
    pub(super) fn run(model: &ModelName, deadline: Duration, error: PredictionError) -> Self {
        let model = model.clone();
        match error {
            PredictionError::Run(RunError::Input(reason)) => Self::Input(reason),
            PredictionError::Run(RunError::Late | RunError::Cancelled)
            | PredictionError::Killed => Self::Late { model, deadline },
            PredictionError::Run(error) => Self::Failed { model, reason: error.to_string() },
            PredictionError::Ended(Ended::Exit(reason) | Ended::Nonsense(reason)) => {
                Self::Crashed { model, reason }
            }
        }
    }
}

impl From<InferenceError> for Error {
    fn from(error: InferenceError) -> Self {
        let message = error.to_string();
        match error {
            InferenceError::Denied(error) => error,
            InferenceError::NotFound(_) => Self::not_found(message),
            InferenceError::Input(_) => Self::invalid(message),
            // Trying it again helps nobody.
            InferenceError::Failed { .. } | InferenceError::Load { .. } => Self::internal(message),
            InferenceError::Late { .. }
            | InferenceError::Full { .. }
            | InferenceError::Removed(_)
            | InferenceError::NoRoom { .. }
            | InferenceError::Crashed { .. } => Self::unavailable(message),
        }
    }
}
