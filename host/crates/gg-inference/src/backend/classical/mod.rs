//! Classical models: the operators of `ai.onnx.ml`, and those of ONNX that converters put around them.
//!
//! What they compute is in the operator specifications of ONNX and of `ai.onnx.ml`; where those are
//! silent, it is what onnxruntime computes. A model is outside input: whatever it holds, loading and
//! running it end, with a bounded memory, and neither panic.
//!
//! In reading order:
//!
//! * [`values`], [`indices`], [`context`]: arrays, ways through them, and what a run may take.
//! * [`attributes`], [`operator`], [`table`]: how an operator is compiled, and which there are.
//! * [`graph`]: the operators of a model in their order.
//! * the others: operators by what they do.

mod attributes;
mod classes;
mod context;
mod elementwise;
mod graph;
mod indices;
mod linear;
mod logic;
mod mapping;
#[cfg(test)]
mod models;
mod operator;
mod order;
mod product;
mod reduce;
mod scale;
mod scores;
mod select;
mod shape;
mod softmax;
mod svm;
mod table;
mod trees;
mod values;

use super::{Backend, CPU, LoadError, Options, Session};
use crate::onnx::{ML_DOMAIN, Model};

/// Trees, linear models and their like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Classical;

impl Backend for Classical {
    fn name(&self) -> &'static str {
        "classical"
    }

    fn is_made_for(&self, model: &Model) -> bool {
        model.operators().keys().any(|name| name.starts_with(ML_DOMAIN))
    }

    fn load(&self, model: &Model, options: &Options) -> Result<Box<dyn Session>, LoadError> {
        options.device_among(&[CPU])?;
        Ok(Box::new(graph::compile(model)?))
    }
}
