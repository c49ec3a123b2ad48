//! What is often done with what a classifier gives.

use crate::{Error, Result};
use std::cmp::Ordering;

/// Scores as shares that add up to 1. One that is not a number makes them all so.
pub fn softmax(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // The greatest ones count 1, also where they are infinite.
    let weight = |score: f32| if score == most { 1.0 } else { (score - most).exp() };
    let weights: Vec<f32> = scores.iter().map(|score| weight(*score)).collect();
    let sum: f32 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// The place of the greatest score, the first one of equal ones; `None` where none is a number.
pub fn argmax(scores: &[f32]) -> Option<usize> {
    top_k(scores, 1).first().map(|(index, _)| *index)
}

/// The `k` greatest scores and their places, greatest first and the first one of equal ones. Those
/// that are not numbers are left out.
pub fn top_k(scores: &[f32], k: usize) -> Vec<(usize, f32)> {
    let mut best: Vec<(usize, f32)> =
        scores.iter().copied().enumerate().filter(|(_, score)| !score.is_nan()).collect();
    best.sort_by(|(_, one), (_, other)| other.partial_cmp(one).unwrap_or(Ordering::Equal));
    best.truncate(k);
    best
}

/// The labels in a text that has one a line.
pub fn labels(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// As [`top_k`], with labels.
///
/// # Errors
/// [`Error::InvalidArgument`] when there are not as many labels as scores.
pub fn top_labels<'a, L: AsRef<str>>(
    labels: &'a [L],
    scores: &[f32],
    k: usize,
) -> Result<Vec<(&'a str, f32)>> {
    if labels.len() != scores.len() {
        let counts = format!("{} labels for {} scores", labels.len(), scores.len());
        return Err(Error::InvalidArgument(counts));
    }
    let label = |index: usize| labels.get(index).map(AsRef::as_ref).unwrap_or_default();
    Ok(top_k(scores, k).into_iter().map(|(index, score)| (label(index), score)).collect())
}
