//! Linear models: LinearClassifier and LinearRegressor of `ai.onnx.ml`.

use super::attributes::Node;
use super::classes::{Labels, first_greatest};
use super::context::Context;
use super::operator::{Inputs, Operator, boxed};
use super::scores::{Second, Transform};
use super::values::{Data, Value, failed};
use crate::backend::{LoadError, RunError};

/// The sum of products, in eight sums that a processor computes at once.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Weights of targets, and what is added.
struct Linear {
    coefficients: Vec<f32>,
    intercepts: Vec<f32>,
    targets: usize,
}

impl Linear {
    fn new(node: &Node<'_>, targets: usize, intercepts: &[f32]) -> Result<Self, LoadError> {
        let coefficients = node.floats("coefficients").to_vec();
        if targets == 0 || coefficients.is_empty() || !coefficients.len().is_multiple_of(targets) {
            return Err(node.invalid(format_args!(
                "{} coefficients for {targets} targets",
                coefficients.len()
            )));
        }
        Ok(Self { coefficients, intercepts: intercepts.to_vec(), targets })
    }

    /// The scores of all rows.
    fn scores(&self, x: &Value, context: &Context<'_>) -> Result<(usize, Vec<f32>), RunError> {
        let (rows, width) = x.rows()?;
        let features = self.coefficients.len() / self.targets;
        if width != features {
            return Err(failed(&format!("rows of {width} features where {features} are expected")));
        }
        let x = x.floats()?;
        let mut scores = Vec::with_capacity(context.room(&[rows, self.targets], 8)?);
        for row in x.chunks_exact(features) {
            context.work(self.coefficients.len())?;
            for (target, weights) in self.coefficients.chunks_exact(features).enumerate() {
                scores
                    .push(dot(row, weights) + self.intercepts.get(target).copied().unwrap_or(0.0));
            }
        }
        Ok((rows, scores))
    }
}

/// LinearRegressor, version 1.
pub(super) fn regressor(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let targets = usize::try_from(node.int("targets").unwrap_or(1)).unwrap_or(0);
    let intercepts = node.floats("intercepts");
    let intercepts = if intercepts.len() == targets { intercepts } else { &[] };
    let linear = Linear::new(node, targets, intercepts)?;
    let transform = Transform::of(node)?;
    Ok(boxed(move |inputs: &Inputs<'_>, context: &Context<'_>| {
        let (rows, mut scores) = linear.scores(inputs.at(0)?, context)?;
        if linear.targets > 1 || transform == Transform::Probit {
            scores.chunks_exact_mut(linear.targets).for_each(|row| transform.apply(row));
        }
        Ok(vec![Value::new(vec![rows, linear.targets], Data::F32(scores))?])
    }))
}

/// LinearClassifier, version 1.
pub(super) fn classifier(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let labels = Labels::of(node, "classlabels_ints")?;
    let intercepts = node.floats("intercepts");
    // As onnxruntime has it, there are as many scores as intercepts.
    let targets = if intercepts.is_empty() { labels.len() } else { intercepts.len() };
    if targets > labels.len()
        || (targets == 1 && labels.len() != 2)
        || (targets > 1 && targets != labels.len())
    {
        return Err(node.invalid(format_args!("{targets} scores for {} classes", labels.len())));
    }
    let linear = Linear::new(node, targets, intercepts)?;
    let transform = Transform::of(node)?;
    Ok(boxed(move |inputs: &Inputs<'_>, context: &Context<'_>| {
        let (rows, mut scores) = linear.scores(inputs.at(0)?, context)?;
        let row = scores.chunks_exact(linear.targets);
        let classes: Vec<usize> = row
            .map(|row| match *row {
                [score] => usize::from(score > 0.0),
                _ => first_greatest(row),
            })
            .collect();
        if linear.targets == 1 {
            scores =
                scores.iter().flat_map(|score| transform.two(*score, Second::Complement)).collect();
        } else {
            scores.chunks_exact_mut(linear.targets).for_each(|row| transform.apply(row));
        }
        let scores = Value::new(vec![rows, labels.len()], Data::F32(scores))?;
        Ok(vec![labels.value(&classes)?, scores])
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::classical::operator::testing::*;

    const CLASSIFIER: &str = "ai.onnx.ml.LinearClassifier";
    const REGRESSOR: &str = "ai.onnx.ml.LinearRegressor";

    #[test]
    fn products_are_summed() {
        let a: Vec<f32> = (0..19).map(|i| i as f32).collect();
        assert_eq!(dot(&a, &a), 2109.0);
    }

    #[test]
    fn a_line_is_computed() {
        let attributes = [
            floats("coefficients", &[1.0, 2.0, 0.5, -1.0]),
            floats("intercepts", &[1.0, 0.0]),
            int("targets", 2),
        ];
        let x = array(&[2, 2], &[1.0, 1.0, 2.0, 0.0]);
        near(&one(REGRESSOR, &attributes, &[&x]), &[2, 2], &[4.0, -0.5, 3.0, 1.0]);
        near(&one(REGRESSOR, &attributes, &[&array(&[2], &[1.0, 1.0])]), &[1, 2], &[4.0, -0.5]);
        near(&one(REGRESSOR, &attributes, &[&array(&[0, 2], &[])]), &[0, 2], &[]);
        assert!(run(REGRESSOR, &attributes, &[&array(&[1, 3], &[0.0; 3])]).is_err());
        assert!(run(REGRESSOR, &attributes, &[&words(&[1, 2], &["", ""])]).is_err());
        assert!(run(REGRESSOR, &attributes, &[]).is_err());
    }

    #[test]
    fn classes_are_told_apart() {
        let attributes = [
            floats("coefficients", &[1.0, 0.0, -1.0]),
            floats("intercepts", &[0.0, 0.5, 0.0]),
            texts("classlabels_strings", &["a", "b", "c"]),
            text("post_transform", "SOFTMAX"),
        ];
        let got = run(CLASSIFIER, &attributes, &[&array(&[3, 1], &[1.0, 0.0, -1.0])]).unwrap();
        assert_eq!(got[0], words(&[3], &["a", "b", "c"]));
        near(
            &got[1],
            &[3, 3],
            &[
                0.574_096_9,
                0.348_207_4,
                0.077_695_6,
                0.274_068_6,
                0.451_862_7,
                0.274_068_6,
                0.077_695_6,
                0.348_207_4,
                0.574_096_9,
            ],
        );
        let attributes = [
            floats("coefficients", &[1.0]),
            floats("intercepts", &[-0.5]),
            ints("classlabels_ints", &[7, 9]),
        ];
        let got = run(CLASSIFIER, &attributes, &[&array(&[2, 1], &[1.0, 0.5])]).unwrap();
        assert_eq!(got[0], whole(&[2], &[9, 7]));
        near(&got[1], &[2, 2], &[0.5, 0.5, 1.0, 0.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for attributes in [
            vec![floats("coefficients", &[1.0; 3]), int("targets", 2)],
            vec![floats("coefficients", &[1.0; 3]), int("targets", -1)],
            vec![floats("coefficients", &[1.0; 3]), int("targets", 0)],
            vec![],
        ] {
            assert!(compile(REGRESSOR, 1, &attributes).is_err(), "{attributes:?}");
        }
        let labels = ints("classlabels_ints", &[0, 1]);
        for attributes in [
            vec![
                labels.clone(),
                floats("coefficients", &[1.0; 3]),
                floats("intercepts", &[1.0; 3]),
            ],
            vec![labels.clone(), floats("coefficients", &[1.0; 3])],
            vec![labels, floats("coefficients", &[1.0; 3]), text("post_transform", "X")],
            vec![floats("coefficients", &[1.0; 3])],
        ] {
            assert!(compile(CLASSIFIER, 1, &attributes).is_err(), "{attributes:?}");
        }
    }
}
