//! Trees as TreeEnsemble (`ai.onnx.ml` 5) has them: nodes and leaves by their place.

use super::either::Either;
use super::ensemble::{Aggregate, Ensemble};
use super::nodes::{LEAF, MOST, Mode, Node, Trees};
use super::number::Number;
use super::pairs::crooked;
use crate::backend::LoadError;
use crate::backend::classical::attributes::Node as Written;
use crate::backend::classical::values::{Data, Value};

/// Read the ensemble of a node.
pub(super) fn read(
    node: &Written<'_>,
    targets: usize,
    aggregate: Aggregate,
) -> Result<Either, LoadError> {
    let tensor = |name: &str| -> Result<Value, LoadError> {
        node.tensor(name)?.ok_or_else(|| node.invalid(format_args!("it has no {name}")))
    };
    let members = node.tensor("membership_values")?;
    let members = members.as_ref().map(Value::data);
    Ok(match (tensor("nodes_splits")?.data(), tensor("leaf_weights")?.data(), members) {
        (Data::F32(splits), Data::F32(weights), None) => {
            Either::Narrow(of(node, targets, aggregate, splits, weights, &[])?)
        }
        (Data::F32(splits), Data::F32(weights), Some(Data::F32(members))) => {
            Either::Narrow(of(node, targets, aggregate, splits, weights, members)?)
        }
        (Data::F64(splits), Data::F64(weights), None) => {
            Either::Wide(of(node, targets, aggregate, splits, weights, &[])?)
        }
        (Data::F64(splits), Data::F64(weights), Some(Data::F64(members))) => {
            Either::Wide(of(node, targets, aggregate, splits, weights, members)?)
        }
        _ => return Err(node.invalid("splits and weights are not of one type of floating point")),
    })
}

fn of<T: Number>(
    node: &Written<'_>,
    targets: usize,
    aggregate: Aggregate,
    splits: &[T],
    weights: &[T],
    members: &[T],
) -> Result<Ensemble<T>, LoadError> {
    let Some(modes) = node.tensor("nodes_modes")? else {
        return Err(node.invalid("it has no nodes_modes"));
    };
    let modes = modes.ints().map_err(|error| node.invalid(error))?;
    let features = node.ints("nodes_featureids");
    let (yes, no) = (node.ints("nodes_truenodeids"), node.ints("nodes_falsenodeids"));
    let (yes_leafs, no_leafs) = (node.ints("nodes_trueleafs"), node.ints("nodes_falseleafs"));
    let missing = node.ints("nodes_missing_value_tracks_true");
    let ids = node.ints("leaf_targetids");
    let count = features.len();
    let lengths = [modes.len(), splits.len(), yes.len(), no.len(), yes_leafs.len(), no_leafs.len()];
    if lengths.iter().any(|length| *length != count)
        || (!missing.is_empty() && missing.len() != count)
        || ids.len() != weights.len()
    {
        return Err(node.invalid("the attributes of its nodes or leaves have different lengths"));
    }
    if count >= MOST || weights.len() >= MOST {
        return Err(node.invalid("it has too large trees"));
    }
    let place =
        |id: i64, leaf: bool| match u32::try_from(id).ok().filter(|id| (*id as usize) < MOST) {
            Some(id) if leaf => Ok(LEAF | id),
            Some(id) => Ok(id),
            None => Err(node.invalid("a node of a tree leads to one that is not there")),
        };
    let mut sets = Vec::new();
    // What is no number ends a set, and is equal to nothing.
    let mut members = members.split_inclusive(|member| member.is_missing());
    let mut nodes = Vec::with_capacity(count);
    let all = modes
        .iter()
        .zip(splits)
        .zip(features)
        .zip(yes.iter().zip(yes_leafs))
        .zip(no.iter().zip(no_leafs));
    for (number, ((((mode, split), feature), (yes, yes_leaf)), (no, no_leaf))) in all.enumerate() {
        let mode = usize::try_from(*mode).ok().and_then(|mode| Mode::ALL.get(mode).copied());
        let mode = mode.ok_or_else(|| node.invalid("a node of an unknown mode"))?;
        let feature = u32::try_from(*feature).ok().filter(|feature| (*feature as usize) < MOST);
        let feature = feature.ok_or_else(|| node.invalid("a node's feature is out of range"))?;
        let threshold = match mode {
            Mode::Member => {
                let set =
                    members.next().ok_or_else(|| node.invalid("a node without its members"))?;
                // Exact in an `f32` as well.
                if sets.len() >= 1 << 24 {
                    return Err(node.invalid("it has too many sets of members"));
                }
                sets.push(set.to_vec());
                T::near((sets.len() - 1) as f64)
            }
            _ => *split,
        };
        let missing = missing.get(number).is_some_and(|tracks| *tracks == 1);
        let (yes, no) = (place(*yes, *yes_leaf != 0)?, place(*no, *no_leaf != 0)?);
        nodes.push(Node::new(mode, feature, threshold, missing, yes, no));
    }
    let roots = node.ints("tree_roots").iter().map(|root| place(*root, false));
    let roots = roots.collect::<Result<Vec<_>, _>>()?;
    let trees =
        Trees::new(nodes, &roots, weights.len(), sets).map_err(|what| crooked(node, what))?;
    let target = |id: &i64| u32::try_from(*id).ok().filter(|id| (*id as usize) < targets);
    let weights = ids.iter().zip(weights).map(|(id, weight)| Some((target(id)?, *weight)));
    let weights = weights.collect::<Option<Vec<_>>>();
    let weights = weights.ok_or_else(|| node.invalid("a leaf's target is out of range"))?;
    let starts = (0..=weights.len() as u32).collect();
    Ok(Ensemble { trees, weights, starts, aggregate, targets })
}
