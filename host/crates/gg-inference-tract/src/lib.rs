//! Networks, by tract: no library of the system, no graphics card.
//!
//! What is done here that tract leaves to its users, each by experiment with 0.23.9: inputs get a
//! concrete shape and a plan of their own (with a symbolic batch a small convolutional network is
//! seven times slower); what a file says of shapes inside is not believed (quantised models do not
//! load otherwise); batches of convolutional networks go through one by one (faster than together);
//! and its operator for trees, which writes wherever a class number says, is not there.

#![forbid(unsafe_code)]

mod layer_norm;
mod lstm;
mod plans;
mod recurrence;
mod tensors;
#[cfg(test)]
mod tests;

use gg_inference::backend::{
    Backend, CPU, Candidate, LoadError, Options, RunError, Session, Until, line,
};
use gg_inference::onnx::ML_DOMAIN;
use gg_inference::{ElementType, Model, Named, Tensor};
use plans::Plans;
use tract_onnx::Onnx;

/// tract, with its optimiser or without it: it computes wrong numbers for some quantised models.
#[derive(Clone, Copy, Debug)]
pub struct Tract {
    /// Whether the optimiser runs.
    pub optimised: bool,
}

const PLAIN: &Tract = &Tract { optimised: false };

/// tract in the order of preference: with its optimiser, which is to agree with the same without it
/// where a model brings no golden vectors, and without.
pub const CANDIDATES: [Candidate<'static>; 2] =
    [(&Tract { optimised: true }, Some(PLAIN)), (PLAIN, None)];

impl Backend for Tract {
    fn name(&self) -> &'static str {
        if self.optimised { "tract" } else { "tract-unoptimised" }
    }

    fn load(&self, model: &Model, options: &Options) -> Result<Box<dyn Session>, LoadError> {
        options.device_among(&[CPU])?;
        let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
        onnx.op_register.0.remove("TreeEnsembleClassifier");
        if self.optimised {
            onnx.op_register.insert(layer_norm::NAME, layer_norm::read);
        }
        let unsupported = unsupported(&onnx, model);
        if !unsupported.is_empty() {
            return Err(LoadError::Unsupported(unsupported));
        }
        let plans = Plans::parse(&onnx, model, self.optimised)?;
        Ok(Box::new(Network { one_by_one: has_free_batch(model), plans }))
    }
}

/// The operators and types that tract does not have.
fn unsupported(onnx: &Onnx, model: &Model) -> Vec<String> {
    let known = |name: &str| match name.split_once('.').is_some() {
        true => name
            .strip_prefix(ML_DOMAIN)
            .and_then(|name| name.strip_prefix('.'))
            .is_some_and(|name| onnx.op_register.0.contains_key(name)),
        false => onnx.op_register.0.contains_key(name),
    };
    let operators = model.operators().keys().filter(|name| !known(name)).cloned();
    let ports = model.inputs().iter().chain(model.outputs());
    let types =
        ports.filter(|port| matches!(port.element, ElementType::String | ElementType::Bf16));
    operators.chain(types.map(|port| format!("{} (`{}`)", port.element, port.name))).collect()
}

/// Whether a model convolves, and takes batches of any length of everything.
fn has_free_batch(model: &Model) -> bool {
    let mut ports = model.inputs().iter().chain(model.outputs());
    model.operators().contains_key("Conv")
        && ports.all(|port| matches!(port.shape.as_deref(), Some([None, ..])))
}

struct Network {
    plans: Plans,
    one_by_one: bool,
}

impl Session for Network {
    fn run(&mut self, inputs: &[Named], until: &Until) -> Result<Vec<Named>, RunError> {
        let batch = inputs.first().and_then(|(_, tensor)| tensor.shape().first()).copied();
        match batch {
            Some(batch) if self.one_by_one && batch > 1 => self.run_each(inputs, batch, until),
            _ => self.plans.run(inputs, until),
        }
    }
}

impl Network {
    /// Run a batch one by one.
    fn run_each(
        &mut self,
        inputs: &[Named],
        batch: u32,
        until: &Until,
    ) -> Result<Vec<Named>, RunError> {
        if inputs.iter().any(|(_, tensor)| tensor.shape().first() != Some(&batch)) {
            return self.plans.run(inputs, until);
        }
        let mut all: Vec<(String, ElementType, Vec<u32>, Vec<u8>)> = Vec::new();
        for at in 0..batch as usize {
            let one = inputs.iter().map(|(name, tensor)| {
                let mut shape = tensor.shape().to_vec();
                shape[0] = 1;
                let size = tensor.data().len() / batch as usize;
                let data = tensor.data().slice(at * size..(at + 1) * size);
                Ok((name.clone(), Tensor::new(tensor.element(), shape, data).map_err(failed)?))
            });
            let one: Vec<Named> = one.collect::<Result<_, RunError>>()?;
            let outputs = self.plans.run(&one, until)?;
            if outputs.iter().any(|(_, tensor)| tensor.shape().first() != Some(&1)) {
                return self.plans.run(inputs, until);
            }
            for (number, (name, tensor)) in outputs.into_iter().enumerate() {
                match all.get_mut(number) {
                    Some((_, _, _, data)) => data.extend_from_slice(tensor.data()),
                    None => {
                        let mut shape = tensor.shape().to_vec();
                        shape[0] = batch;
                        all.push((name, tensor.element(), shape, tensor.data().to_vec()));
                    }
                }
            }
        }
        let whole = all.into_iter().map(|(name, element, shape, data)| {
            Ok((name, Tensor::new(element, shape, data).map_err(failed)?))
        });
        whole.collect()
    }
}

/// What went wrong, in one line.
fn failed(error: impl std::fmt::Display) -> RunError {
    RunError::Failed(line(&format!("{error:#}")))
}
