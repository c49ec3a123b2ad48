//! Tests of the three operators.

use crate::backend::RunError;
use crate::backend::Until;
use crate::backend::classical::context::Context;
use crate::backend::classical::operator::Inputs;
use crate::backend::classical::operator::testing::*;
use crate::backend::classical::values::Value;
use crate::onnx::proto::AttributeProto;
use std::time::Instant;

const CLASSIFIER: &str = "ai.onnx.ml.TreeEnsembleClassifier";
const REGRESSOR: &str = "ai.onnx.ml.TreeEnsembleRegressor";

/// Two trees on one feature: at most 0, and greater than 1; leaves 1 and 2 of each, if `mode` is that
/// of the first.
fn trees(mode: &str) -> Vec<AttributeProto> {
    vec![
        ints("nodes_treeids", &[0, 0, 0, 1, 1, 1]),
        ints("nodes_nodeids", &[0, 1, 2, 0, 1, 2]),
        ints("nodes_featureids", &[0; 6]),
        floats("nodes_values", &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
        texts("nodes_modes", &[mode, "LEAF", "LEAF", "BRANCH_GT", "LEAF", "LEAF"]),
        ints("nodes_truenodeids", &[1, 0, 0, 1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0, 2, 0, 0]),
    ]
}

fn leaves(kind: &str, ids: &[i64], weights: &[f32]) -> Vec<AttributeProto> {
    vec![
        ints(&format!("{kind}_treeids"), &[0, 0, 1, 1]),
        ints(&format!("{kind}_nodeids"), &[1, 2, 1, 2]),
        ints(&format!("{kind}_ids"), ids),
        floats(&format!("{kind}_weights"), weights),
    ]
}

fn regressor(mode: &str, more: &[AttributeProto]) -> Vec<AttributeProto> {
    [&trees(mode)[..], &leaves("target", &[0; 4], &[1.0, 2.0, 10.0, 20.0]), more].concat()
}

#[test]
fn every_mode_compares() {
    let x = array(&[4, 1], &[-1.0, 0.0, 2.0, f32::NAN]);
    for (mode, wanted) in [
        ("BRANCH_LEQ", [21.0, 21.0, 12.0, 22.0]),
        ("BRANCH_LT", [21.0, 22.0, 12.0, 22.0]),
        ("BRANCH_GTE", [22.0, 21.0, 11.0, 22.0]),
        ("BRANCH_GT", [22.0, 22.0, 11.0, 22.0]),
        ("BRANCH_EQ", [22.0, 21.0, 12.0, 22.0]),
        ("BRANCH_NEQ", [21.0, 22.0, 11.0, 21.0]),
    ] {
        near(&one(REGRESSOR, &regressor(mode, &[]), &[&x]), &[4, 1], &wanted);
    }
    let missing = ints("nodes_missing_value_tracks_true", &[1, 0, 0, 1, 0, 0]);
    let got = one(REGRESSOR, &regressor("BRANCH_LEQ", &[missing]), &[&x]);
    near(&got, &[4, 1], &[21.0, 21.0, 12.0, 11.0]);
}

#[test]
fn every_aggregate_aggregates() {
    let x = array(&[1, 1], &[0.0]);
    for (aggregate, wanted) in [("SUM", 21.5), ("AVERAGE", 11.0), ("MIN", 1.5), ("MAX", 20.5)] {
        let more = [text("aggregate_function", aggregate), floats("base_values", &[0.5])];
        near(&one(REGRESSOR, &regressor("BRANCH_LEQ", &more), &[&x]), &[1, 1], &[wanted]);
    }
    near(&one(REGRESSOR, &regressor("BRANCH_LEQ", &[]), &[&array(&[0, 1], &[])]), &[0, 1], &[]);
    near(&one(REGRESSOR, &regressor("BRANCH_LEQ", &[]), &[&whole(&[1], &[2])]), &[1, 1], &[12.0]);
    assert!(run(REGRESSOR, &regressor("BRANCH_LEQ", &[]), &[&array(&[1, 0], &[])]).is_err());
    assert!(run(REGRESSOR, &regressor("BRANCH_LEQ", &[]), &[&words(&[1, 1], &["a"])]).is_err());
    assert!(run(REGRESSOR, &regressor("BRANCH_LEQ", &[]), &[&array(&[1, 1, 1], &[0.0])]).is_err());
}

fn classify(ids: &[i64], weights: &[f32], more: &[AttributeProto]) -> (Value, Vec<f32>) {
    let all = [&trees("BRANCH_LEQ")[..], &leaves("class", ids, weights), more].concat();
    let mut got = run(CLASSIFIER, &all, &[&array(&[1, 1], &[0.0])]).unwrap();
    let scores = got.remove(1).floats().unwrap().to_vec();
    (got.remove(0), scores)
}

#[test]
fn classes_by_their_scores() {
    let labels = texts("classlabels_strings", &["a", "b", "c"]);
    let (label, scores) = classify(&[0, 1, 2, 1], &[0.25, 0.5, 0.5, 0.75], &[labels]);
    assert_eq!((label, scores), (words(&[1], &["b"]), vec![0.25, 0.75, 0.0]));
}

#[test]
fn two_classes_of_one_column() {
    let labels = ints("classlabels_int64s", &[7, 9]);
    // A probability.
    let (label, scores) = classify(&[0; 4], &[0.25, 0.0, 0.0, 0.5], std::slice::from_ref(&labels));
    assert_eq!((label, scores), (whole(&[1], &[9]), vec![0.25, 0.75]));
    // A margin.
    let (label, scores) = classify(&[0; 4], &[-0.75, 0.0, 0.0, 0.5], std::slice::from_ref(&labels));
    assert_eq!((label, scores), (whole(&[1], &[7]), vec![0.25, -0.25]));
    let more = [labels, text("post_transform", "LOGISTIC"), floats("base_values", &[0.25])];
    let (label, scores) = classify(&[0; 4], &[-0.75, 0.0, 0.0, 0.5], &more);
    assert_eq!((label, scores), (whole(&[1], &[7]), vec![0.5, 0.5]));
}

#[test]
fn trees_that_lie_are_refused() {
    let right = regressor("BRANCH_LEQ", &[]);
    assert!(compile(REGRESSOR, 3, &right).is_ok());
    for lie in [
        ints("nodes_treeids", &[0, 0, 0, 1, 1]),
        ints("nodes_nodeids", &[0, 1, 1, 0, 1, 2]),
        ints("nodes_featureids", &[-1; 6]),
        ints("nodes_featureids", &[i64::MAX; 6]),
        ints("nodes_truenodeids", &[0, 0, 0, 1, 0, 0]),
        ints("nodes_truenodeids", &[9, 0, 0, 1, 0, 0]),
        ints("nodes_truenodeids", &[i64::MIN, 0, 0, 1, 0, 0]),
        floats("nodes_values", &[]),
        texts("nodes_modes", &["LEAF"; 5]),
        texts("nodes_modes", &["BRANCH_LEQ"; 6]),
        texts("nodes_modes", &["X"; 6]),
        ints("nodes_missing_value_tracks_true", &[1]),
        ints("target_ids", &[0, 0, 0, 1]),
        ints("target_ids", &[0, 0, 0, -1]),
        ints("target_ids", &[0]),
        ints("target_nodeids", &[1, 2, 1, 3]),
        floats("target_weights", &[1.0; 5]),
        int("n_targets", 0),
        int("n_targets", i64::MAX),
        floats("base_values", &[0.0; 2]),
        text("aggregate_function", "X"),
        text("post_transform", "X"),
    ] {
        let mut all: Vec<_> = right.iter().filter(|one| one.name != lie.name).cloned().collect();
        let what = format!("{lie:?}");
        all.push(lie);
        assert!(compile(REGRESSOR, 3, &all).is_err(), "{what}");
    }
    assert!(compile(CLASSIFIER, 3, &trees("BRANCH_LEQ")).is_err());
    assert!(compile(CLASSIFIER, 3, &[]).is_err());
    assert!(compile("ai.onnx.ml.TreeEnsemble", 5, &[]).is_err());
}

#[test]
fn a_walk_that_takes_too_long_ends() {
    // A chain of many nodes, and many rows.
    let count = 100_000;
    let ids: Vec<i64> = (0..count).collect();
    let modes: Vec<_> =
        (0..count).map(|id| if id + 1 == count { "LEAF" } else { "BRANCH_GT" }).collect();
    let next: Vec<i64> = (0..count).map(|id| (id + 1).min(count - 1)).collect();
    let chain = [
        ints("nodes_treeids", &vec![0; count as usize]),
        ints("nodes_nodeids", &ids),
        ints("nodes_featureids", &vec![0; count as usize]),
        floats("nodes_values", &vec![0.0; count as usize]),
        texts("nodes_modes", &modes),
        ints("nodes_truenodeids", &next),
        ints("nodes_falsenodeids", &next),
        ints("target_treeids", &[0]),
        ints("target_nodeids", &[count - 1]),
        ints("target_ids", &[0]),
        floats("target_weights", &[1.0]),
    ];
    let operator = compile(REGRESSOR, 3, &chain).unwrap();
    let x = array(&[1 << 20, 1], &vec![0.0; 1 << 20]);
    let until = Until { deadline: Some(Instant::now()), ..Until::default() };
    let got = operator.run(&Inputs(&[Some(&x)]), &Context::new(&until));
    assert_eq!(got, Err(RunError::Late));
}

/// TreeEnsemble with a node that asks for members, and one for a threshold below it.
fn flat(more: &[AttributeProto]) -> Vec<AttributeProto> {
    let all = [
        ints("tree_roots", &[0]),
        bytes("nodes_modes", &[6, 0]),
        ints("nodes_featureids", &[0, 1]),
        tensor("nodes_splits", &[0.0, 2.5]),
        tensor("membership_values", &[1.0, 3.0, f32::NAN]),
        ints("nodes_trueleafs", &[1, 1]),
        ints("nodes_truenodeids", &[0, 1]),
        ints("nodes_falseleafs", &[0, 1]),
        ints("nodes_falsenodeids", &[1, 2]),
        ints("leaf_targetids", &[0, 1, 1]),
        tensor("leaf_weights", &[1.0, 2.0, 4.0]),
        int("n_targets", 2),
    ];
    let kept = all.iter().filter(|one| more.iter().all(|other| other.name != one.name));
    kept.chain(more).cloned().collect()
}

#[test]
fn trees_without_names_of_nodes() {
    let x = array(&[3, 2], &[3.0, 0.0, 2.0, 2.5, 2.0, 3.0]);
    let got = one("ai.onnx.ml.TreeEnsemble", &flat(&[]), &[&x]);
    near(&got, &[3, 2], &[1.0, 0.0, 0.0, 2.0, 0.0, 4.0]);
    for lie in [
        ints("tree_roots", &[2]),
        ints("tree_roots", &[-1]),
        bytes("nodes_modes", &[7, 0]),
        bytes("nodes_modes", &[6, 6]),
        bytes("nodes_modes", &[6]),
        ints("nodes_falsenodeids", &[0, 2]),
        ints("nodes_falsenodeids", &[1, 3]),
        ints("nodes_falsenodeids", &[i64::MIN, 2]),
        ints("leaf_targetids", &[0, 1, 2]),
        int("post_transform", 5),
        int("aggregate_function", 4),
    ] {
        let what = format!("{lie:?}");
        assert!(compile("ai.onnx.ml.TreeEnsemble", 5, &flat(&[lie])).is_err(), "{what}");
    }
}
