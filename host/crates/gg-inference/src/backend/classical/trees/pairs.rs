//! Trees as TreeEnsembleClassifier and TreeEnsembleRegressor have them: nodes that are named by the
//! pair of their tree's number and their own.

use super::either::Either;
use super::ensemble::{Aggregate, Ensemble};
use super::nodes::{Crooked, LEAF, MOST, Mode, Node, Trees};
use super::number::Number;
use crate::backend::LoadError;
use crate::backend::classical::attributes::Node as Written;
use crate::backend::classical::values::Data;
use std::collections::HashMap;

/// Most targets or classes.
pub(super) const MOST_TARGETS: usize = 1 << 20;

/// What the attributes of leaves are called: `class_...` or `target_...`.
pub(super) struct Names {
    pub(super) ids: &'static str,
    pub(super) nodes: &'static str,
    pub(super) trees: &'static str,
    pub(super) weights: &'static str,
}

/// Read the ensemble of a node.
pub(super) fn read(
    node: &Written<'_>,
    names: &Names,
    targets: usize,
    aggregate: Aggregate,
) -> Result<Either, LoadError> {
    let thresholds = wide_or_narrow(node, "nodes_values")?;
    let weights = wide_or_narrow(node, names.weights)?;
    Ok(match (thresholds, weights) {
        (Data::F64(thresholds), Data::F64(weights)) => {
            Either::Wide(of(node, names, targets, aggregate, &thresholds, &weights)?)
        }
        (Data::F32(thresholds), Data::F32(weights)) => {
            Either::Narrow(of(node, names, targets, aggregate, &thresholds, &weights)?)
        }
        (Data::F64(thresholds), Data::F32(weights)) => {
            let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
            Either::Wide(of(node, names, targets, aggregate, &thresholds, &weights)?)
        }
        (Data::F32(thresholds), Data::F64(weights)) => {
            let thresholds: Vec<f64> = thresholds.into_iter().map(f64::from).collect();
            Either::Wide(of(node, names, targets, aggregate, &thresholds, &weights)?)
        }
        _ => return Err(node.invalid("thresholds or weights that are not floating point")),
    })
}

/// The attribute of this name, or its form for `f64`.
pub(super) fn wide_or_narrow(node: &Written<'_>, name: &str) -> Result<Data, LoadError> {
    Ok(match node.tensor(&format!("{name}_as_tensor"))? {
        Some(tensor) => tensor.data().clone(),
        None => Data::F32(node.floats(name).to_vec()),
    })
}

/// What is wrong with trees, in words.
pub(super) fn crooked(node: &Written<'_>, what: Crooked) -> LoadError {
    node.invalid(match what {
        Crooked::Astray => "a node of a tree leads to one that is not there",
        Crooked::Cycle => "a node of a tree leads back to itself",
    })
}

fn of<T: Number>(
    node: &Written<'_>,
    names: &Names,
    targets: usize,
    aggregate: Aggregate,
    thresholds: &[T],
    weights: &[T],
) -> Result<Ensemble<T>, LoadError> {
    let trees = node.ints("nodes_treeids");
    let ids = node.ints("nodes_nodeids");
    let features = node.ints("nodes_featureids");
    let yes = node.ints("nodes_truenodeids");
    let no = node.ints("nodes_falsenodeids");
    let modes = node.texts("nodes_modes")?;
    let missing = node.ints("nodes_missing_value_tracks_true");
    let count = trees.len();
    let lengths = [ids.len(), features.len(), yes.len(), no.len(), modes.len(), thresholds.len()];
    if lengths.iter().any(|length| *length != count)
        || (!missing.is_empty() && missing.len() != count)
    {
        return Err(node.invalid("the attributes of its nodes have different lengths"));
    }
    if count == 0 || count >= MOST {
        return Err(node.invalid("it has no trees, or too large ones"));
    }

    // Where each node goes: those with a condition among the nodes, the others among the leaves.
    let mut places = HashMap::with_capacity(count);
    let (mut branches, mut leaves) = (0_u32, 0_u32);
    for ((tree, id), mode) in trees.iter().zip(ids).zip(&modes) {
        let next = if &**mode == "LEAF" { &mut leaves } else { &mut branches };
        let place = if &**mode == "LEAF" { LEAF | *next } else { *next };
        *next += 1;
        if places.insert((*tree, *id), place).is_some() {
            return Err(
                node.invalid(format_args!("the node {id} of the tree {tree} is there twice"))
            );
        }
    }
    let find = |tree: i64, id: i64| {
        let place = places.get(&(tree, id)).copied();
        place.ok_or_else(|| crooked(node, Crooked::Astray))
    };

    let mut nodes = Vec::with_capacity(branches as usize);
    let mut roots = Vec::new();
    let mut previous = None;
    for (place, tree) in trees.iter().enumerate() {
        let (Some(id), Some(feature), Some(yes), Some(no), Some(mode), Some(threshold)) = (
            ids.get(place),
            features.get(place),
            yes.get(place),
            no.get(place),
            modes.get(place),
            thresholds.get(place),
        ) else {
            break;
        };
        if previous != Some(*tree) {
            roots.push(find(*tree, *id)?);
            previous = Some(*tree);
        }
        let mode = match &**mode {
            "LEAF" => continue,
            "BRANCH_LEQ" => Mode::AtMost,
            "BRANCH_LT" => Mode::Less,
            "BRANCH_GTE" => Mode::AtLeast,
            "BRANCH_GT" => Mode::Greater,
            "BRANCH_EQ" => Mode::Equal,
            "BRANCH_NEQ" => Mode::Unequal,
            other => return Err(node.invalid(format_args!("a node of the mode {other:?}"))),
        };
        let feature = u32::try_from(*feature).ok().filter(|feature| (*feature as usize) < MOST);
        let feature = feature.ok_or_else(|| node.invalid("a node's feature is out of range"))?;
        let missing = missing.get(place).is_some_and(|tracks| *tracks == 1);
        let (yes, no) = (find(*tree, *yes)?, find(*tree, *no)?);
        nodes.push(Node::new(mode, feature, *threshold, missing, yes, no));
    }
    let trees = Trees::new(nodes, &roots, leaves as usize, Vec::new());
    let trees = trees.map_err(|what| crooked(node, what))?;

    let said = weights_of_leaves(node, names, targets, weights, leaves as usize, find)?;
    let (weights, starts) = said;
    Ok(Ensemble { trees, weights, starts, aggregate, targets })
}

/// What each leaf says, and from where to where in the order of the leaves.
type Said<T> = (Vec<(u32, T)>, Vec<u32>);

fn weights_of_leaves<T: Number>(
    node: &Written<'_>,
    names: &Names,
    targets: usize,
    weights: &[T],
    leaves: usize,
    find: impl Fn(i64, i64) -> Result<u32, LoadError>,
) -> Result<Said<T>, LoadError> {
    let (ids, nodes, trees) =
        (node.ints(names.ids), node.ints(names.nodes), node.ints(names.trees));
    let count = weights.len();
    if [ids.len(), nodes.len(), trees.len()].iter().any(|length| *length != count) || count >= MOST
    {
        return Err(node.invalid("the attributes of its leaves have different lengths"));
    }
    let mut said = Vec::with_capacity(count);
    for (((tree, id), target), weight) in trees.iter().zip(nodes).zip(ids).zip(weights) {
        let target = u32::try_from(*target).ok().filter(|target| (*target as usize) < targets);
        let target =
            target.ok_or_else(|| node.invalid("a leaf's class or target is out of range"))?;
        let place = find(*tree, *id)?;
        // What a node says that is no leaf is never heard.
        if place & LEAF != 0 {
            said.push((place & !LEAF, target, *weight));
        }
    }
    // In the order in which they are written for each leaf.
    said.sort_by_key(|(leaf, _, _)| *leaf);
    let mut starts = vec![0_u32; leaves + 1];
    for (leaf, _, _) in &said {
        if let Some(end) = starts.get_mut(*leaf as usize + 1) {
            *end += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    Ok((said.into_iter().map(|(_, target, weight)| (target, weight)).collect(), starts))
}
