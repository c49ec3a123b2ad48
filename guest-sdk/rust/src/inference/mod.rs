//! Predictions by machine-learning models that are on the device by name.
//!
//! ```ignore
//! let model = inference::model("anomaly");
//! let outputs = model.run(&[Tensor::new("sensors", [1, 8], &readings)?])?;
//! let error: f32 = outputs.get("error")?.only()?;
//! let again: Vec<f32> = outputs.get("reconstruction")?.to_vec()?;
//! ```

mod element;
mod scores;
mod tensor;
#[cfg(test)]
mod tests;

use crate::bindings::gg::host::inference as wit;
use crate::{Error, Result};
use std::time::Duration;

pub use crate::bindings::gg::host::inference::{ElementType, ModelInfo, Port, Tensor};
pub use element::{Bf16, Element, F16};
pub use scores::{argmax, labels, softmax, top_k, top_labels};

/// The names of the models on this device that this component may use.
///
/// # Errors
/// The host failed.
pub fn models() -> Result<Vec<String>> {
    Ok(wit::models()?)
}

/// A model by its name. That it exists is found out when it is used.
pub fn model(name: &str) -> Model {
    Model { name: name.to_owned(), deadline: None }
}

/// A model, which a deployment may replace at any time.
#[derive(Clone, Debug)]
pub struct Model {
    name: String,
    deadline: Option<Duration>,
}

impl Model {
    /// The same, with at most so much time for each run; otherwise it is the model's own limit.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// What is known of it. Loads it, if it is not loaded.
    ///
    /// # Errors
    /// Unauthorized; no such model; one that could not be loaded.
    pub fn describe(&self) -> Result<ModelInfo> {
        Ok(wit::describe(&self.name)?)
    }

    /// Run it on every input once.
    ///
    /// # Errors
    /// Unauthorized; no such model; [`Error::InvalidArgument`] for what is wrong with an input;
    /// [`Error::Unavailable`] when too many wait for it, the time is up, or it broke off;
    /// [`Error::Internal`] when nobody can run it, or it does not compute this.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Outputs> {
        let deadline = self.deadline.map(crate::pubsub::millis);
        Ok(Outputs(wit::run(&self.name, inputs, deadline)?))
    }
}

/// What a model has given, in its own order.
#[derive(Clone, Debug)]
pub struct Outputs(pub Vec<Tensor>);

impl Outputs {
    /// The output of a name.
    ///
    /// # Errors
    /// [`Error::NotFound`], which names those that there are.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.0.iter().find(|output| output.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(|output| output.name.as_str()).collect();
            Error::NotFound(format!("the model gives no {name}; it gives {}", names.join(", ")))
        })
    }
}
