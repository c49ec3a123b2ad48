//! A network for each shape of its inputs: the last few are kept ready.

use super::failed;
use super::recurrence;
use super::tensors::{datum_type, given, taken};
use gg_inference::backend::{LoadError, RunError, Until, line};
use gg_inference::{Model, Named};
use std::collections::VecDeque;
use tract_onnx::Onnx;
use tract_onnx::prelude::{
    DatumType, Framework as _, InferenceFact, InferenceModel, InferenceModelExt as _, TValue, TVec,
};
use tract_onnx::tract_core::model::TypedSimpleState;
use tract_onnx::tract_core::plan::{SimplePlan, eval};

/// How many are kept.
const KEPT: usize = 8;

/// A network of any shape, and those that were made of it.
pub(super) struct Plans {
    network: InferenceModel,
    inputs: Vec<(String, DatumType)>,
    outputs: Vec<String>,
    optimised: bool,
    /// The one that ran last comes first.
    ready: VecDeque<Ready>,
}

/// A network whose inputs have these shapes.
struct Ready {
    shapes: Vec<Vec<u32>>,
    state: TypedSimpleState,
}

impl Plans {
    pub(super) fn parse(onnx: &Onnx, model: &Model, optimised: bool) -> Result<Self, LoadError> {
        let invalid =
            |error: &dyn std::fmt::Display| LoadError::Invalid(line(&format!("{error:#}")));
        let mut network =
            onnx.model_for_read(&mut &**model.bytes()).map_err(|error| invalid(&error))?;
        for output in 0..model.outputs().len() {
            network
                .set_output_fact(output, InferenceFact::default())
                .map_err(|error| invalid(&error))?;
        }
        let inputs = model.inputs().iter().map(|port| {
            let no_type = || LoadError::Unsupported(vec![port.element.to_string()]);
            Ok((port.name.clone(), datum_type(port.element).ok_or_else(no_type)?))
        });
        let inputs: Vec<_> = inputs.collect::<Result<_, LoadError>>()?;
        let outputs = model.outputs().iter().map(|port| port.name.clone()).collect();
        let mut plans = Self { network, inputs, outputs, optimised, ready: VecDeque::new() };
        // So that what cannot be planned is found out now; with a batch of one, most likely.
        let shapes = model.inputs().iter().map(|port| {
            Some(port.shape.as_ref()?.iter().map(|length| length.unwrap_or(1)).collect())
        });
        if let Some(shapes) = shapes.collect() {
            let ready = plans.make(shapes).map_err(|error| invalid(&error))?;
            plans.ready.push_front(ready);
        }
        Ok(plans)
    }

    fn make(&self, shapes: Vec<Vec<u32>>) -> Result<Ready, RunError> {
        let mut network = self.network.clone();
        for (number, ((_, kind), shape)) in self.inputs.iter().zip(&shapes).enumerate() {
            let shape: TVec<usize> = shape.iter().map(|length| *length as usize).collect();
            let fact = InferenceFact::dt_shape(*kind, shape);
            network.set_input_fact(number, fact).map_err(failed)?;
        }
        let mut typed = network.into_typed().map_err(failed)?;
        recurrence::forget(&mut typed);
        if self.optimised {
            recurrence::fuse(&mut typed).map_err(failed)?;
            typed = typed.into_optimized().map_err(failed)?;
        }
        let plan = SimplePlan::new(typed).map_err(failed)?;
        Ok(Ready { shapes, state: plan.spawn().map_err(failed)? })
    }

    /// Run the network for these inputs' shapes.
    pub(super) fn run(&mut self, inputs: &[Named], until: &Until) -> Result<Vec<Named>, RunError> {
        let ordered = self.inputs.iter().map(|(name, _)| {
            let found = inputs.iter().find(|(other, _)| other == name);
            found.map(|(_, tensor)| tensor).ok_or_else(|| RunError::Input(format!("no `{name}`")))
        });
        let ordered: Vec<_> = ordered.collect::<Result<_, RunError>>()?;
        let shapes: Vec<Vec<u32>> = ordered.iter().map(|tensor| tensor.shape().to_vec()).collect();
        let mut ready = match self.ready.iter().position(|ready| ready.shapes == shapes) {
            Some(at) => self.ready.remove(at),
            None => None,
        };
        if ready.is_none() {
            until.check()?;
            ready = Some(self.make(shapes)?);
        }
        let Some(mut ready) = ready else { return Err(RunError::Failed("no plan".to_owned())) };
        let values = ordered.into_iter().map(|tensor| Ok(TValue::from(given(tensor)?)));
        let values: TVec<TValue> = values.collect::<Result<_, RunError>>()?;
        let mut ended = None;
        let outputs = ready.state.run_plan_with_eval(values, |context, state, node, inputs| {
            if let Err(error) = until.check() {
                ended = Some(error.clone());
                return Err(tract_onnx::prelude::TractError::from(error));
            }
            eval(context, state, node, inputs)
        });
        // One that failed is not run again from where it stopped.
        let outputs = outputs.map_err(|error| ended.unwrap_or_else(|| failed(error)))?;
        let named = self.outputs.iter().zip(&outputs);
        let named = named.map(|(name, value)| Ok((name.clone(), taken(value)?)));
        let named = named.collect::<Result<_, RunError>>()?;
        self.ready.push_front(ready);
        self.ready.truncate(KEPT);
        Ok(named)
    }
}
