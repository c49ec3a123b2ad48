//! What becomes of the scores of classes and targets (`post_transform` of `ai.onnx.ml`).

use super::attributes::Node;
use crate::backend::LoadError;

/// How scores become what is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Transform {
    /// Not at all.
    None,
    /// `exp(x) / sum(exp(x))`.
    Softmax,
    /// `1 / (1 + exp(-x))`.
    Logistic,
    /// Softmax of those that are not zero.
    SoftmaxZero,
    /// The inverse of the normal distribution's cumulative function.
    Probit,
}

/// How a single score becomes those of two classes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Second {
    /// It is a probability.
    Complement,
    /// It is a margin, of the second class.
    Margin,
}

impl Transform {
    /// The one that a node asks for.
    pub(super) fn of(node: &Node<'_>) -> Result<Self, LoadError> {
        Ok(match node.text("post_transform")? {
            None | Some("NONE") => Self::None,
            Some("SOFTMAX") => Self::Softmax,
            Some("LOGISTIC") => Self::Logistic,
            Some("SOFTMAX_ZERO") => Self::SoftmaxZero,
            Some("PROBIT") => Self::Probit,
            Some(other) => return Err(node.invalid(format_args!("post_transform {other:?}"))),
        })
    }

    /// The one with this number in TreeEnsemble. (onnxruntime 1.32 takes 1 for 2, and 2 for 1.)
    pub(super) fn numbered(number: i64) -> Option<Self> {
        let all = [Self::None, Self::Softmax, Self::Logistic, Self::SoftmaxZero, Self::Probit];
        usize::try_from(number).ok().and_then(|number| all.get(number).copied())
    }

    /// Transform a row of scores where it is.
    pub(super) fn apply(self, scores: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
            Self::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Self::Softmax => softmax(scores, false),
            Self::SoftmaxZero => softmax(scores, true),
        }
    }

    /// What becomes of a single score that stands for two classes, as onnxruntime has it.
    pub(super) fn two(self, score: f32, second: Second) -> [f32; 2] {
        match (self, second) {
            (Self::Logistic, _) => [logistic(-score), logistic(score)],
            // There is no second one.
            (Self::Probit, _) => [probit(score), 0.0],
            (_, Second::Complement) => [1.0 - score, score],
            (_, Second::Margin) => [-score, score],
        }
    }
}

/// `1 / (1 + exp(-x))` without overflow.
pub(super) fn logistic(x: f32) -> f32 {
    let of_positive = 1.0 / (1.0 + (-x.abs()).exp());
    if x < 0.0 { 1.0 - of_positive } else { of_positive }
}

/// By Winitzki's formula for the inverse of the error function. It loses digits near 0.5, so that each
/// is computed here as onnxruntime does.
pub(super) fn probit(p: f32) -> f32 {
    const A: f32 = 0.147;
    // With as many digits as onnxruntime takes of π.
    const PI_TIMES_A: f32 = 0.461_813_73;
    let x = 2.0 * p - 1.0;
    let sign = if x < 0.0 { -1.0 } else { 1.0 };
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let half = 2.0 / PI_TIMES_A + 0.5 * log;
    let inverse = (-half + (half * half - (1.0 / A) * log).sqrt()).sqrt();
    std::f32::consts::SQRT_2 * (sign * inverse)
}

/// Softmax, where `but_zero` leaves those that are nought at nought.
fn softmax(scores: &mut [f32], but_zero: bool) {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let of_zero = (-most).exp();
    let mut sum = 0.0;
    for score in &mut *scores {
        if but_zero && score.abs() <= 1e-7 {
            *score *= of_zero;
        } else {
            *score = (*score - most).exp();
            sum += *score;
        }
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: &[f32], wanted: &[f32]) {
        assert_eq!(got.len(), wanted.len());
        for (got, wanted) in got.iter().zip(wanted) {
            assert!((got - wanted).abs() < 1e-3, "{got} {wanted}");
        }
    }

    #[test]
    fn scores_are_transformed() {
        let with = |transform: Transform, scores: &[f32]| {
            let mut scores = scores.to_vec();
            transform.apply(&mut scores);
            scores
        };
        near(&with(Transform::None, &[1.0, 3.0]), &[1.0, 3.0]);
        near(&with(Transform::Softmax, &[0.0, 1.0]), &[0.268_94, 0.731_06]);
        near(&with(Transform::SoftmaxZero, &[0.0, 1.0, 2.0]), &[0.0, 0.268_94, 0.731_06]);
        near(&with(Transform::Logistic, &[-1.0, 1.0]), &[0.268_94, 0.731_06]);
        near(&with(Transform::Probit, &[0.5, 0.975]), &[0.0, 1.96]);
        near(&with(Transform::Softmax, &[1e30, -1e30]), &[1.0, 0.0]);
        assert!(with(Transform::Softmax, &[]).is_empty());
    }

    #[test]
    fn one_score_becomes_two() {
        near(&Transform::None.two(0.7, Second::Complement), &[0.3, 0.7]);
        near(&Transform::None.two(0.7, Second::Margin), &[-0.7, 0.7]);
        near(&Transform::Logistic.two(1.0, Second::Margin), &[0.268_94, 0.731_06]);
    }
}
