//! TreeEnsembleRegressor, and TreeEnsemble: the scores of targets.

use super::either::{Either, Rows};
use super::ensemble::{Aggregate, Ensemble, Score};
use super::flat;
use super::number::Number;
use super::pairs::{MOST_TARGETS, Names, read, wide_or_narrow};
use crate::backend::classical::attributes::Node;
use crate::backend::classical::context::Context;
use crate::backend::classical::operator::{Inputs, Operator};
use crate::backend::classical::scores::Transform;
use crate::backend::classical::values::{Data, Value, failed};
use crate::backend::{LoadError, RunError};

struct Regressor {
    ensemble: Either,
    base: Vec<f64>,
    transform: Transform,
    /// Whether wide numbers come out where wide ones went in.
    wide: bool,
}

/// TreeEnsembleRegressor, versions 1 and 3.
pub(in crate::backend::classical) fn regressor(
    node: &Node<'_>,
) -> Result<Box<dyn Operator>, LoadError> {
    let aggregate = match node.text("aggregate_function")? {
        None | Some("SUM") => Aggregate::Sum,
        Some("AVERAGE") => Aggregate::Average,
        Some("MIN") => Aggregate::Min,
        Some("MAX") => Aggregate::Max,
        Some(other) => return Err(node.invalid(format_args!("aggregate_function {other:?}"))),
    };
    let names = Names {
        ids: "target_ids",
        nodes: "target_nodeids",
        trees: "target_treeids",
        weights: "target_weights",
    };
    let targets = targets(node)?;
    let ensemble = read(node, &names, targets, aggregate)?;
    let base = base(node, targets)?;
    Ok(Box::new(Regressor { ensemble, base, transform: Transform::of(node)?, wide: false }))
}

/// TreeEnsemble, version 5.
pub(in crate::backend::classical) fn ensemble(
    node: &Node<'_>,
) -> Result<Box<dyn Operator>, LoadError> {
    let aggregate = match node.int("aggregate_function").unwrap_or(1) {
        0 => Aggregate::Average,
        1 => Aggregate::Sum,
        2 => Aggregate::Min,
        3 => Aggregate::Max,
        other => return Err(node.invalid(format_args!("aggregate_function {other}"))),
    };
    let transform = Transform::numbered(node.int("post_transform").unwrap_or(0));
    let transform = transform.ok_or_else(|| node.invalid("an unknown post_transform"))?;
    let ensemble = flat::read(node, targets(node)?, aggregate)?;
    Ok(Box::new(Regressor { ensemble, base: Vec::new(), transform, wide: true }))
}

fn targets(node: &Node<'_>) -> Result<usize, LoadError> {
    let targets = usize::try_from(node.int("n_targets").unwrap_or(1)).ok();
    let targets = targets.filter(|targets| (1..=MOST_TARGETS).contains(targets));
    targets.ok_or_else(|| node.invalid("n_targets is out of range"))
}

/// What is added to the scores, if it is written for each.
pub(super) fn base(node: &Node<'_>, targets: usize) -> Result<Vec<f64>, LoadError> {
    let base: Vec<f64> = match wide_or_narrow(node, "base_values")? {
        Data::F32(all) => all.into_iter().map(f64::from).collect(),
        Data::F64(all) => all,
        _ => return Err(node.invalid("base_values that are not floating point")),
    };
    if base.len() > targets {
        return Err(node.invalid("it has more base_values than targets"));
    }
    Ok(base)
}

impl Operator for Regressor {
    fn run(&self, inputs: &Inputs<'_>, context: &Context<'_>) -> Result<Vec<Value>, RunError> {
        self.ensemble.run(inputs.at(0)?, self, context)
    }
}

impl Rows for Regressor {
    fn all<T: Number, R: Number, S: Number>(
        &self,
        ensemble: &Ensemble<T>,
        data: &[R],
        rows: usize,
        width: usize,
        context: &Context<'_>,
    ) -> Result<Vec<Value>, RunError> {
        let targets = ensemble.targets;
        let wide = self.wide && !R::NARROW;
        let count = context.room(&[rows, targets], if wide { 8 } else { 4 })?;
        let (mut narrow_out, mut wide_out) = (Vec::new(), Vec::new());
        match wide {
            true => wide_out.reserve(count),
            false => narrow_out.reserve(count),
        }
        let base = if self.base.len() == targets { &*self.base } else { &[] };
        ensemble.scores(data, rows, width, context, |scores: &mut [Score<S>]| {
            for (score, base) in scores.iter_mut().zip(base) {
                // One of several targets of which no leaf speaks stays nought, as in onnxruntime.
                if score.some || targets == 1 {
                    score.value = score.value.plus(S::near(*base));
                }
            }
            if wide && self.transform == Transform::None {
                wide_out.extend(scores.iter().map(|score| score.value.wide()));
                return;
            }
            let start = narrow_out.len();
            narrow_out.extend(scores.iter().map(|score| score.value.narrow()));
            // A single target is left as it is by all but one, as onnxruntime has it.
            if let Some(row) = narrow_out.get_mut(start..)
                && (row.len() > 1 || self.transform == Transform::Probit)
            {
                self.transform.apply(row);
            }
            if wide {
                wide_out.extend(narrow_out.drain(..).map(f64::from));
            }
        })?;
        if wide_out.len() + narrow_out.len() != count {
            return Err(failed("not all rows have scores"));
        }
        let data = if wide { Data::F64(wide_out) } else { Data::F32(narrow_out) };
        Ok(vec![Value::new(vec![rows, targets], data)?])
    }
}
