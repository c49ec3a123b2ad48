//! Recurrent operators, made to remember nothing.
//!
//! tract means them for streams: what one prediction leaves in their state is where the next begins.
//! ONNX means every prediction to begin with `initial_h` and `initial_c`, and here the next one may well
//! be somebody else's.

use tract_onnx::prelude::TypedModel;
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
