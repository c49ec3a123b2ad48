//! Trees of narrow or wide numbers, and the rows that are walked through them.

use super::ensemble::Ensemble;
use super::number::Number;
use crate::backend::RunError;
use crate::backend::classical::context::Context;
use crate::backend::classical::values::{Data, Value};

/// An ensemble of either kind of numbers.
#[derive(Clone, Debug)]
pub(super) enum Either {
    /// Of `f32`.
    Narrow(Ensemble<f32>),
    /// Of `f64`.
    Wide(Ensemble<f64>),
}

/// What becomes of the scores of rows.
pub(super) trait Rows {
    /// What comes out for these rows, whose scores are computed as `S`.
    fn all<T: Number, R: Number, S: Number>(
        &self,
        ensemble: &Ensemble<T>,
        data: &[R],
        rows: usize,
        width: usize,
        context: &Context<'_>,
    ) -> Result<Vec<Value>, RunError>;
}

impl Either {
    /// Walk the trees for each row. Scores are wide where trees or rows are.
    pub(super) fn run(
        &self,
        x: &Value,
        to: &impl Rows,
        context: &Context<'_>,
    ) -> Result<Vec<Value>, RunError> {
        let (rows, width) = x.rows()?;
        match (self, x.data()) {
            (Self::Narrow(ensemble), Data::F64(data)) => {
                to.all::<_, _, f64>(ensemble, data, rows, width, context)
            }
            (Self::Wide(ensemble), Data::F64(data)) => {
                to.all::<_, _, f64>(ensemble, data, rows, width, context)
            }
            (Self::Narrow(ensemble), _) => {
                to.all::<_, _, f32>(ensemble, &x.floats()?, rows, width, context)
            }
            (Self::Wide(ensemble), _) => {
                to.all::<_, _, f64>(ensemble, &x.floats()?, rows, width, context)
            }
        }
    }
}
