//! An LSTM (Hochreiter & Schmidhuber 1997, with the gates of ONNX's operator `LSTM`) over all steps.

use tract_onnx::prelude::{Datum, TValue, TVec, Tensor, TractResult};
use tract_onnx::tract_core::internal::{
    DatumExt as _, EvalContext, EvalOp, Op, StaticName, ToDim as _, TypedFact, TypedOp, as_op,
    bail, op_as_typed_op, op_out_of_plan,
};
use tract_onnx::tract_core::ops::lstm_cell::LstmEpilogue;
use tract_onnx::tract_core::ops::scan::{InputMapping, Scan};
use tract_onnx::tract_core::tract_linalg::routines::Func;

/// How wide a state may be. Above, tract's own products of matrices save more than its nodes cost.
const WIDEST: usize = 64;

/// Gates: input, output, forget, and what the cell takes, in ONNX's order.
const GATES: usize = 4;

/// An LSTM in one direction. It takes X [batch, steps, input], W and R with a row for each input
/// [input, 4 hidden] and [hidden, 4 hidden], B [1, 8 hidden] if there is one, and the first state and
/// cell [batch, 1, hidden].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Lstm {
    hidden: usize,
    has_bias: bool,
    backward: bool,
    outputs: Vec<Output>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Output {
    /// The state after each step: [batch, steps, hidden].
    Every,
    /// The state at the end: [batch, 1, hidden].
    State,
    /// The cell at the end: [batch, 1, hidden].
    Cell,
}

impl Lstm {
    /// What tract does step by step, if that is an LSTM without peepholes that is not too wide.
    pub(crate) fn of(scan: &Scan) -> Option<Self> {
        use InputMapping as M;
        let cell = scan.body.nodes.iter().find_map(|node| node.op_as::<LstmEpilogue>())?;
        let (has_bias, steps) = match scan.input_mapping.as_slice() {
            [M::Scan(steps), M::Full, M::Full, M::State, M::State] => (false, steps),
            [M::Scan(steps), M::Full, M::Full, M::Full, M::State, M::State] => (true, steps),
            _ => return None,
        };
        let float = |node: usize| {
            let fact = scan.body.outlet_fact(scan.body.inputs[node]);
            fact.is_ok_and(|fact| fact.datum_type == f32::datum_type())
        };
        let [state, cells] = scan.output_mapping.as_slice() else { return None };
        if cell.hidden > WIDEST || scan.skip != 0 || !(0..scan.body.inputs.len()).all(float) {
            return None;
        }
        let mut outputs = vec![
            (state.scan.map(|(slot, _)| slot), Output::Every),
            (state.last_value_slot, Output::State),
            (cells.last_value_slot, Output::Cell),
        ];
        outputs.retain(|(slot, _)| slot.is_some());
        outputs.sort_by_key(|(slot, _)| *slot);
        Some(Self {
            hidden: cell.hidden,
            has_bias,
            backward: steps.chunk < 0,
            outputs: outputs.into_iter().map(|(_, output)| output).collect(),
        })
    }

    fn run(&self, inputs: &[&[f32]], batch: usize, steps: usize) -> TractResult<[Vec<f32>; 3]> {
        let (hidden, wide) = (self.hidden, GATES * self.hidden);
        let [x, w, r, bias @ .., state, cell] = inputs else {
            bail!("an LSTM takes 5 inputs or 6")
        };
        let taken = w.len().checked_div(wide).unwrap_or_default();
        let fits = [
            wide > 0,
            x.len() == batch * steps * taken,
            r.len() == hidden * wide,
            bias.iter().all(|bias| bias.len() == 2 * wide),
            state.len() == batch * hidden,
            cell.len() == batch * hidden,
        ];
        if fits.contains(&false) {
            bail!("an LSTM whose weights do not fit what it takes")
        }
        let (sigmoid, tanh) = (Func::Sigmoid.ew_f32()?, Func::Tanh.ew_f32()?);
        let bias: Vec<f32> = match bias.first().map(|bias| bias.split_at(wide)) {
            Some((of_w, of_r)) => of_w.iter().zip(of_r).map(|(one, other)| one + other).collect(),
            None => vec![0.0; wide],
        };
        let (mut state, mut cell) = (state.to_vec(), cell.to_vec());
        let mut every = vec![0.0; batch * steps * hidden];
        let mut gates = vec![0.0; wide];
        for step in 0..steps {
            let step = if self.backward { steps - 1 - step } else { step };
            let rows = state.chunks_exact_mut(hidden).zip(cell.chunks_exact_mut(hidden));
            for (row, (state, cell)) in rows.enumerate() {
                let at = row * steps + step;
                gates.copy_from_slice(&bias);
                add_product(&mut gates, &x[at * taken..(at + 1) * taken], w);
                add_product(&mut gates, state, r);
                let (open, new) = gates.split_at_mut(3 * hidden);
                sigmoid.run(open)?;
                tanh.run(new)?;
                let (input, others) = open.split_at(hidden);
                let (output, forget) = others.split_at(hidden);
                for (place, cell) in cell.iter_mut().enumerate() {
                    *cell = forget[place] * *cell + input[place] * new[place];
                }
                state.copy_from_slice(cell);
                tanh.run(state)?;
                state.iter_mut().zip(output).for_each(|(state, open)| *state *= open);
                every[at * hidden..(at + 1) * hidden].copy_from_slice(state);
            }
        }
        Ok([every, state, cell])
    }
}

/// Add the product of a vector and a matrix that has a row for each of its numbers.
fn add_product(sums: &mut [f32], vector: &[f32], matrix: &[f32]) {
    for (by, row) in vector.iter().zip(matrix.chunks_exact(sums.len())) {
        sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += by * weight);
    }
}

impl Op for Lstm {
    fn name(&self) -> StaticName {
        "Lstm".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Lstm {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let [batch, steps, _] = *inputs[0].shape() else { bail!("X has three dimensions") };
        let plain: TVec<_> =
            inputs.iter().map(|input| input.try_as_plain_ram()).collect::<TractResult<_>>()?;
        let slices: TVec<&[f32]> =
            plain.iter().map(|input| input.as_slice()).collect::<TractResult<_>>()?;
        let [every, state, cell] = self.run(&slices, batch, steps)?;
        let outputs = self.outputs.iter().map(|output| {
            let (length, data) = match output {
                Output::Every => (steps, &every),
                Output::State => (1, &state),
                Output::Cell => (1, &cell),
            };
            Ok(TValue::from(Tensor::from_shape(&[batch, length, self.hidden], data)?))
        });
        outputs.collect()
    }
}

impl TypedOp for Lstm {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x, ..] = inputs else { bail!("an LSTM without X") };
        let facts = self.outputs.iter().map(|output| {
            let length = match output {
                Output::Every => x.shape[1].clone(),
                Output::State | Output::Cell => 1.to_dim(),
            };
            f32::fact([x.shape[0].clone(), length, self.hidden.to_dim()])
        });
        Ok(facts.collect())
    }

    as_op!();
}
