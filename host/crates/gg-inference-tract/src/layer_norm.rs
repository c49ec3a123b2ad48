//! Layer normalization (Ba, Kiros & Hinton 2016, ONNX's operator `LayerNormalization`) in one pass, where
//! tract takes six.

use std::sync::LazyLock;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::{Datum, IntoTensor as _, TValue, TVec, TractResult, TypedModel};
use tract_onnx::tract_core::internal::{
    EvalContext, EvalOp, Op, OutletId, SpecialOps as _, StaticName, TypedFact, TypedOp, as_op,
    bail, op_as_typed_op, op_out_of_plan, tvec,
};
use tract_onnx::tract_hir::infer::InferenceOp;
use tract_onnx::tract_hir::internal::{Expansion, InferenceResult, Solver, TensorProxy, expand};

/// The operator in ONNX.
pub(crate) const NAME: &str = "LayerNormalization";

/// What reads an operator from a file.
type Reader = fn(&ParsingContext<'_>, &NodeProto) -> TractResult<Made>;
type Made = (Box<dyn InferenceOp>, Vec<String>);

/// How tract reads it.
static TRACT: LazyLock<Option<Reader>> =
    LazyLock::new(|| tract_onnx::onnx().op_register.0.remove(NAME));

/// Read it from a file.
///
/// # Errors
/// What tract says of it.
pub(crate) fn read(context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<Made> {
    let Some(tract) = *TRACT else { bail!("tract does not know {NAME}") };
    let (operator, names) = tract(context, node)?;
    let axis = node.get_attr_opt("axis")?.unwrap_or(-1);
    let epsilon = node.get_attr_opt("epsilon")?.unwrap_or(1e-5);
    match operator.as_op().downcast_ref::<Box<dyn Expansion>>() {
        Some(tract) => Ok((expand(Read { tract: tract.clone(), axis, epsilon }), names)),
        None => Ok((operator, names)),
    }
}

/// It as a file has it.
#[derive(Clone, Debug)]
struct Read {
    tract: Box<dyn Expansion>,
    axis: i64,
    epsilon: f32,
}

impl Expansion for Read {
    fn name(&self) -> StaticName {
        self.tract.name()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.tract.nboutputs()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.tract.rules(solver, inputs, outputs)
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        match self.is_plain(model, inputs)? {
            true => {
                let layer_norm = LayerNorm { epsilon: self.epsilon.to_bits() };
                model.wire_node(prefix, layer_norm, inputs)
            }
            false => self.tract.wire(prefix, model, inputs),
        }
    }
}

impl Read {
    /// Whether the weights are as long as what is normalized, and nobody asks for mean and deviation:
    /// nearly always.
    fn is_plain(&self, model: &TypedModel, inputs: &[OutletId]) -> TractResult<bool> {
        let facts: TVec<_> =
            inputs.iter().map(|input| model.outlet_fact(*input)).collect::<TractResult<_>>()?;
        let [x, weights @ ..] = facts.as_slice() else { bail!("{NAME} of nothing") };
        let axis = if self.axis < 0 { self.axis + x.rank() as i64 } else { self.axis };
        let row = usize::try_from(axis).ok().and_then(|axis| x.shape.get(axis..));
        let is_float = facts.iter().all(|fact| fact.datum_type == f32::datum_type());
        let fits = weights.iter().all(|fact| Some(&fact.shape[..]) == row);
        Ok(is_float && fits && self.nboutputs()? == 1)
    }
}

/// It takes what is normalized, the scale for each number of a row, and the bias if there is one.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct LayerNorm {
    /// Its bits.
    epsilon: u32,
}

impl LayerNorm {
    fn run(&self, values: &mut [f32], scale: &[f32], bias: Option<&[f32]>) {
        let epsilon = f32::from_bits(self.epsilon);
        for row in values.chunks_exact_mut(scale.len().max(1)) {
            let count = row.len() as f32;
            let mean = sum(row, |value| value) / count;
            row.iter_mut().for_each(|value| *value -= mean);
            let by = (sum(row, |value| value * value) / count + epsilon).sqrt().recip();
            row.iter_mut().zip(scale).for_each(|(value, scale)| *value *= by * scale);
            for (value, bias) in row.iter_mut().zip(bias.unwrap_or_default()) {
                *value += bias;
            }
        }
    }
}

/// The sum over a row, in eight lanes.
fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; 8];
    let (eights, rest) = row.as_chunks::<8>();
    for eight in eights {
        lanes.iter_mut().zip(eight).for_each(|(lane, value)| *lane += of(*value));
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|value| of(*value)).sum::<f32>()
}

impl Op for LayerNorm {
    fn name(&self) -> StaticName {
        NAME.into()
    }

    op_as_typed_op!();
}

impl EvalOp for LayerNorm {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut inputs = inputs.into_iter();
        let (Some(x), Some(scale)) = (inputs.next(), inputs.next()) else {
            bail!("{NAME} takes two inputs or three")
        };
        let (mut x, bias) = (x.into_tensor(), inputs.next());
        let bias = bias.as_ref().map(|bias| bias.try_as_plain_ram()).transpose()?;
        self.run(
            x.try_as_plain_ram_mut()?.as_slice_mut()?,
            scale.try_as_plain_ram()?.as_slice()?,
            bias.as_ref().map(|bias| bias.as_slice()).transpose()?,
        );
        Ok(tvec![TValue::from(x)])
    }
}

impl TypedOp for LayerNorm {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x, ..] = inputs else { bail!("{NAME} of nothing") };
        Ok(tvec![TypedFact::dt_shape(x.datum_type, x.shape.clone())])
    }

    as_op!();
}
