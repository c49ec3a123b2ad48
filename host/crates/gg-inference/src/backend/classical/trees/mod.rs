//! Ensembles of trees: TreeEnsembleClassifier, TreeEnsembleRegressor and TreeEnsemble of `ai.onnx.ml`.

mod classifier;
mod either;
mod ensemble;
mod flat;
mod nodes;
mod number;
mod pairs;
mod regressor;
#[cfg(test)]
mod tests;

pub(super) use classifier::classifier;
pub(super) use regressor::{ensemble, regressor};
