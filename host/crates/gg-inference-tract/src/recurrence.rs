//! Recurrent operators, made to remember nothing.
//!
//! tract means them for streams: what one prediction leaves in their state is where the next begins.
//! ONNX means every prediction to begin with `initial_h` and `initial_c`, and here the next one may well
//! be somebody else's.

use crate::lstm::Lstm;
use tract_onnx::prelude::{TractResult, TypedModel};
use tract_onnx::tract_core::internal::{AxisOp, OutletId, TypedModelPatch};
use tract_onnx::tract_core::ops::gru_seq::GruSeq;
use tract_onnx::tract_core::ops::scan::Scan;

/// Have every recurrent operator begin anew at every prediction.
pub(crate) fn forget(model: &mut TypedModel) {
    for node in &mut model.nodes {
        if let Some(scan) = node.op_as_mut::<Scan>() {
            scan.reset_every_turn = true;
            forget(&mut scan.body);
        } else if let Some(gru) = node.op_as_mut::<GruSeq>() {
            gru.reset_every_turn = true;
        }
    }
}

/// Run small LSTMs as one operator each, as tract does with GRUs: going through its nodes for every step
/// takes several times what the step does.
pub(crate) fn fuse(model: &mut TypedModel) -> TractResult<()> {
    for id in 0..model.nodes.len() {
        let node = &model.nodes[id];
        let Some(lstm) = node.op_as::<Scan>().and_then(Lstm::of) else { continue };
        let name = &node.name;
        let mut patch = TypedModelPatch::default();
        let mut inputs = patch.taps(model, &node.inputs)?;
        // A row of the weights for each number that they are multiplied with.
        for (weights, input) in ["w", "r"].iter().zip(&mut inputs[1..]) {
            let turned = format!("{name}.{weights}_by_input");
            *input = patch.wire_node(turned, AxisOp::Move(1, 0), &[*input])?[0];
        }
        let outputs = patch.wire_node(name, lstm, &inputs)?;
        for (slot, output) in outputs.into_iter().enumerate() {
            patch.shunt_outside(model, OutletId::new(id, slot), output)?;
        }
        patch.apply(model)?;
    }
    Ok(())
}
