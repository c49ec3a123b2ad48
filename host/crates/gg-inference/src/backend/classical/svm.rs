//! Support vector machines: SVMClassifier and SVMRegressor of `ai.onnx.ml`.

use super::attributes::Node;
use super::classes::{Labels, first_greatest};
use super::context::Context;
use super::linear::dot;
use super::operator::{Inputs, Operator, boxed};
use super::scores::{Second, Transform, logistic};
use super::values::{Data, Value, failed};
use crate::backend::{LoadError, RunError};

/// Most classes.
const MOST_CLASSES: usize = 4096;

/// How alike two vectors are.
#[derive(Clone, Copy, Debug)]
enum Kernel {
    Linear,
    Poly { gamma: f32, coef0: f32, degree: f32 },
    Rbf { gamma: f32 },
    Sigmoid { gamma: f32, coef0: f32 },
}

impl Kernel {
    fn of(node: &Node<'_>) -> Result<Self, LoadError> {
        let (gamma, coef0, degree) = match *node.floats("kernel_params") {
            [] => (0.0, 0.0, 0.0),
            [gamma, coef0, degree, ..] => (gamma, coef0, degree),
            _ => return Err(node.invalid("it has too few kernel_params")),
        };
        Ok(match node.text("kernel_type")? {
            None | Some("LINEAR") => Self::Linear,
            Some("POLY") => Self::Poly { gamma, coef0, degree },
            Some("RBF") => Self::Rbf { gamma },
            Some("SIGMOID") => Self::Sigmoid { gamma, coef0 },
            Some(other) => return Err(node.invalid(format_args!("kernel_type {other:?}"))),
        })
    }

    fn of_two(self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Self::Linear => dot(a, b),
            Self::Poly { gamma, coef0, degree } => (gamma * dot(a, b) + coef0).powf(degree),
            Self::Rbf { gamma } => {
                let far: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
                (-gamma * far).exp()
            }
            Self::Sigmoid { gamma, coef0 } => (gamma * dot(a, b) + coef0).tanh(),
        }
    }
}

/// Vectors that rows are compared with.
struct Vectors {
    kernel: Kernel,
    vectors: Vec<f32>,
    features: usize,
}

impl Vectors {
    fn new(
        node: &Node<'_>,
        kernel: Kernel,
        vectors: &[f32],
        count: usize,
    ) -> Result<Self, LoadError> {
        if count == 0 || vectors.is_empty() || !vectors.len().is_multiple_of(count) {
            return Err(node.invalid(format_args!("{} numbers for {count} vectors", vectors.len())));
        }
        Ok(Self { kernel, vectors: vectors.to_vec(), features: vectors.len() / count })
    }

    /// For each row, how alike it is to each vector.
    fn each(
        &self,
        x: &Value,
        context: &Context<'_>,
        mut give: impl FnMut(&[f32]) -> Result<(), RunError>,
    ) -> Result<usize, RunError> {
        let (rows, width) = x.rows()?;
        if width != self.features {
            return Err(failed(&format!(
                "rows of {width} features where {} are expected",
                self.features
            )));
        }
        let x = x.floats()?;
        let mut alike = Vec::with_capacity(self.vectors.len() / self.features);
        for row in x.chunks_exact(self.features) {
            context.work(self.vectors.len())?;
            alike.clear();
            alike.extend(
                self.vectors
                    .chunks_exact(self.features)
                    .map(|vector| self.kernel.of_two(row, vector)),
            );
            give(&alike)?;
        }
        Ok(rows)
    }
}

/// SVMRegressor, version 1; of one class as well.
pub(super) fn regressor(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let supports = usize::try_from(node.int("n_supports").unwrap_or(0)).ok();
    let supports = supports.ok_or_else(|| node.invalid("n_supports is out of range"))?;
    let coefficients = node.floats("coefficients");
    let Some(rho) = node.floats("rho").first().copied() else {
        return Err(node.invalid("it has no rho"));
    };
    let (vectors, coefficients) = match supports {
        0 => (Vectors::new(node, Kernel::Linear, coefficients, 1)?, vec![1.0]),
        _ if coefficients.len() != supports => {
            return Err(node.invalid(format_args!(
                "{} coefficients for {supports} vectors",
                coefficients.len()
            )));
        }
        _ => {
            let vectors = node.floats("support_vectors");
            (Vectors::new(node, Kernel::of(node)?, vectors, supports)?, coefficients.to_vec())
        }
    };
    let one_class = node.flag("one_class", false);
    Ok(boxed(move |inputs: &Inputs<'_>, context: &Context<'_>| {
        let mut out = Vec::new();
        let rows = vectors.each(inputs.at(0)?, context, |alike| {
            let score = dot(alike, &coefficients) + rho;
            out.push(match one_class {
                true if score > 0.0 => 1.0,
                true => -1.0,
                false => score,
            });
            Ok(())
        })?;
        Ok(vec![Value::new(vec![rows, 1], Data::F32(out))?])
    }))
}

/// What tells the classes apart.
enum Judge {
    /// A vector for each class (liblinear).
    Lines { rho: f32 },
    /// Every class against every other (libsvm).
    Pairs(Pairs),
}

/// Every class against every other.
struct Pairs {
    /// Where the vectors of each class begin and end.
    spans: Vec<(usize, usize)>,
    /// A row for each class but one, a column for each vector.
    coefficients: Vec<f32>,
    rho: Vec<f32>,
    /// Sigmoids that make probabilities of the scores of pairs, where there are any.
    sigmoids: Vec<(f32, f32)>,
}

/// SVMClassifier, version 1.
pub(super) fn classifier(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let labels = Labels::of(node, "classlabels_ints")?;
    let classes = labels.len();
    if !(2..=MOST_CLASSES).contains(&classes) {
        return Err(node.invalid(format_args!("{classes} classes")));
    }
    let coefficients = node.floats("coefficients");
    let positive = coefficients.iter().all(|coefficient| *coefficient >= 0.0);
    let mut spans = Vec::new();
    let mut count = 0_usize;
    for length in node.ints("vectors_per_class") {
        let end = usize::try_from(*length).ok().and_then(|length| count.checked_add(length));
        let end = end.ok_or_else(|| node.invalid("vectors_per_class is out of range"))?;
        spans.push((count, end));
        count = end;
    }
    let rho = node.floats("rho");
    let transform = Transform::of(node)?;
    let (vectors, judge) = if count == 0 {
        let Some(rho) = rho.first().copied() else { return Err(node.invalid("it has no rho")) };
        (Vectors::new(node, Kernel::Linear, coefficients, classes)?, Judge::Lines { rho })
    } else {
        let pairs = classes * (classes - 1) / 2;
        let (a, b) = (node.floats("prob_a"), node.floats("prob_b"));
        let wanted = (classes - 1).checked_mul(count);
        if spans.len() != classes
            || wanted.is_none_or(|wanted| coefficients.len() != wanted)
            || rho.len() < pairs
            || a.len() != b.len()
            || (!a.is_empty() && a.len() < pairs)
        {
            return Err(node.invalid("its attributes do not fit its classes"));
        }
        let sigmoids = a.iter().copied().zip(b.iter().copied()).collect();
        let vectors = Vectors::new(node, Kernel::of(node)?, node.floats("support_vectors"), count)?;
        let (coefficients, rho) = (coefficients.to_vec(), rho.to_vec());
        (vectors, Judge::Pairs(Pairs { spans, coefficients, rho, sigmoids }))
    };
    Ok(boxed(move |inputs: &Inputs<'_>, context: &Context<'_>| {
        let mut best = Vec::new();
        let mut out: Vec<f32> = Vec::new();
        let mut width = classes;
        let rows = vectors.each(inputs.at(0)?, context, |alike| {
            let (class, mut scores) = match &judge {
                Judge::Lines { rho } => {
                    let scores: Vec<f32> = alike.iter().map(|score| score + rho).collect();
                    (of_lines(&scores, positive), scores)
                }
                Judge::Pairs(pairs) => pairs.judge(alike, classes, context)?,
            };
            best.push(class);
            if let [score] = *scores {
                let kind =
                    if transform == Transform::None { Second::Margin } else { Second::Complement };
                scores = transform.two(score, kind).to_vec();
            } else {
                transform.apply(&mut scores);
            }
            width = scores.len();
            context.room(&[out.len() + width], 12)?;
            out.extend(scores);
            Ok(())
        })?;
        if rows == 0
            && let Judge::Pairs(pairs) = &judge
            && pairs.sigmoids.is_empty()
            && classes > 2
        {
            width = classes * (classes - 1) / 2;
        }
        Ok(vec![labels.value(&best)?, Value::new(vec![rows, width], Data::F32(out))?])
    }))
}

/// The class by the scores of lines, as onnxruntime has it.
fn of_lines(scores: &[f32], positive: bool) -> usize {
    let best = first_greatest(scores);
    let most = scores.get(best).copied().unwrap_or(0.0);
    match scores.len() == 2 && ((positive && most >= 0.5) || (!positive && most > 0.0)) {
        true => 1,
        false => best,
    }
}

impl Pairs {
    /// The class with the most votes, and the scores of the pairs or the probabilities of the classes.
    fn judge(
        &self,
        alike: &[f32],
        classes: usize,
        context: &Context<'_>,
    ) -> Result<(usize, Vec<f32>), RunError> {
        let mut votes = vec![0_u32; classes];
        let mut scores = Vec::with_capacity(self.rho.len());
        context.work(self.coefficients.len() + classes * classes)?;
        for i in 0..classes {
            for j in i + 1..classes {
                let sum = self.part(alike, j - 1, i) + self.part(alike, i, j);
                let rho = self.rho.get(scores.len()).copied().unwrap_or(0.0);
                let sum = sum + f64::from(rho);
                scores.push(sum as f32);
                if let Some(votes) = votes.get_mut(if sum > 0.0 { i } else { j }) {
                    *votes += 1;
                }
            }
        }
        let mut best = 0;
        for (class, count) in votes.iter().enumerate() {
            if votes.get(best).is_some_and(|most| count > most) {
                best = class;
            }
        }
        if self.sigmoids.is_empty() {
            return Ok((best, scores));
        }
        let pairwise = scores
            .iter()
            .zip(&self.sigmoids)
            .map(|(score, (a, b))| (1.0 - logistic(score * a + b)).clamp(1e-7, 1.0 - 1e-7));
        let pairwise: Vec<f32> = pairwise.collect();
        Ok((best, coupled(&pairwise, classes, context)?))
    }

    /// The sum over the vectors of a class with a row of coefficients.
    fn part(&self, alike: &[f32], row: usize, class: usize) -> f64 {
        let Some((start, end)) = self.spans.get(class).copied() else { return 0.0 };
        let weights = self.coefficients.get(row * alike.len() + start..row * alike.len() + end);
        let alike = alike.get(start..end).unwrap_or(&[]);
        weights
            .unwrap_or(&[])
            .iter()
            .zip(alike)
            .map(|(weight, alike)| f64::from(weight * alike))
            .sum()
    }
}

/// Probabilities of classes from those of pairs, by the second method of Wu, Lin and Weng (2004), as
/// libsvm has it.
fn coupled(pairs: &[f32], classes: usize, context: &Context<'_>) -> Result<Vec<f32>, RunError> {
    const ROUNDS: usize = 100;
    // r[i][j]: of i against j.
    let mut r = vec![0.0_f32; context.room(&[classes, classes], 8)?];
    let mut all = pairs.iter().copied();
    for i in 0..classes {
        for j in i + 1..classes {
            let p = all.next().unwrap_or(0.5);
            r[i * classes + j] = p;
            r[j * classes + i] = 1.0 - p;
        }
    }
    let mut q = vec![0.0_f32; classes * classes];
    for i in 0..classes {
        for j in (0..classes).filter(|j| *j != i) {
            q[i * classes + i] += r[j * classes + i] * r[j * classes + i];
            q[i * classes + j] = -r[j * classes + i] * r[i * classes + j];
        }
    }
    let mut p = vec![1.0 / classes as f32; classes];
    let mut qp = vec![0.0_f32; classes];
    let near = 0.005 / classes as f32;
    for _ in 0..ROUNDS {
        context.work(2 * classes * classes)?;
        for (qp, q) in qp.iter_mut().zip(q.chunks_exact(classes)) {
            *qp = q.iter().zip(&p).map(|(q, p)| q * p).sum();
        }
        let mut pqp: f32 = p.iter().zip(&qp).map(|(p, qp)| p * qp).sum();
        let worst = qp.iter().map(|qp| (qp - pqp).abs()).fold(0.0, f32::max);
        if worst < near {
            break;
        }
        for i in 0..classes {
            let own = q[i * classes + i];
            let step = (pqp - qp[i]) / own;
            p[i] += step;
            pqp = (pqp + step * (step * own + 2.0 * qp[i])) / (1.0 + step) / (1.0 + step);
            for j in 0..classes {
                qp[j] = (qp[j] + step * q[i * classes + j]) / (1.0 + step);
                p[j] /= 1.0 + step;
            }
        }
    }
    Ok(p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::classical::operator::testing::*;

    const CLASSIFIER: &str = "ai.onnx.ml.SVMClassifier";
    const REGRESSOR: &str = "ai.onnx.ml.SVMRegressor";

    #[test]
    fn kernels_are_as_the_specification_has_them() {
        let (a, b) = ([1.0, 2.0], [3.0, -1.0]);
        assert_eq!(Kernel::Linear.of_two(&a, &b), 1.0);
        assert_eq!(Kernel::Poly { gamma: 2.0, coef0: 1.0, degree: 3.0 }.of_two(&a, &b), 27.0);
        assert!((Kernel::Rbf { gamma: 0.1 }.of_two(&a, &b) - (-1.3_f32).exp()).abs() < 1e-6);
        assert!(
            (Kernel::Sigmoid { gamma: 0.5, coef0: 0.1 }.of_two(&a, &b) - 0.6_f32.tanh()).abs()
                < 1e-6
        );
    }

    #[test]
    fn a_regression_by_vectors_and_by_a_line() {
        let attributes = [
            text("kernel_type", "LINEAR"),
            floats("kernel_params", &[0.0; 3]),
            int("n_supports", 2),
            floats("support_vectors", &[1.0, 0.0, 0.0, 1.0]),
            floats("coefficients", &[2.0, -1.0]),
            floats("rho", &[0.5]),
        ];
        let x = array(&[2, 2], &[1.0, 1.0, 0.0, 2.0]);
        near(&one(REGRESSOR, &attributes, &[&x]), &[2, 1], &[1.5, -1.5]);
        let one_class = [&attributes[..], &[int("one_class", 1)]].concat();
        near(&one(REGRESSOR, &one_class, &[&x]), &[2, 1], &[1.0, -1.0]);
        let line = [floats("coefficients", &[2.0, -1.0]), floats("rho", &[0.5])];
        near(&one(REGRESSOR, &line, &[&x]), &[2, 1], &[1.5, -1.5]);
        near(&one(REGRESSOR, &line, &[&array(&[0, 2], &[])]), &[0, 1], &[]);
        assert!(run(REGRESSOR, &line, &[&array(&[1, 3], &[0.0; 3])]).is_err());
    }

    #[test]
    fn pairs_vote() {
        // Three classes with a vector each, on a line at -1, 0 and 1.
        let attributes = [
            floats("kernel_params", &[0.0; 3]),
            ints("classlabels_ints", &[5, 6, 7]),
            ints("vectors_per_class", &[1, 1, 1]),
            floats("support_vectors", &[-1.0, 0.0, 1.0]),
            floats("coefficients", &[1.0, 0.0, -1.0, 1.0, 1.0, -1.0]),
            floats("rho", &[-0.5, 0.0, 0.5]),
        ];
        let got = run(CLASSIFIER, &attributes, &[&array(&[3, 1], &[-2.0, 0.1, 2.0])]).unwrap();
        assert_eq!(got[0], whole(&[3], &[5, 6, 7]));
        near(&got[1], &[3, 3], &[1.5, 4.0, 2.5, -0.6, -0.2, 0.4, -2.5, -4.0, -1.5]);
        let probabilities =
            [&attributes[..], &[floats("prob_a", &[-1.0; 3]), floats("prob_b", &[0.0; 3])]]
                .concat();
        let got = run(CLASSIFIER, &probabilities, &[&array(&[1, 1], &[-2.0])]).unwrap();
        let p = got[1].floats().unwrap();
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-4 && p[0] > p[1] && p[1] > p[2], "{p:?}");
        let empty = run(CLASSIFIER, &attributes, &[&array(&[0, 1], &[])]).unwrap();
        assert_eq!(empty[1].shape(), [0, 3]);
    }

    #[test]
    fn machines_that_lie_are_refused() {
        let labels = ints("classlabels_ints", &[0, 1]);
        for attributes in [
            vec![labels.clone(), floats("coefficients", &[1.0; 4])],
            vec![labels.clone(), floats("coefficients", &[1.0; 3]), floats("rho", &[0.0])],
            vec![
                labels.clone(),
                ints("vectors_per_class", &[-1, 2]),
                floats("coefficients", &[1.0]),
            ],
            vec![
                labels.clone(),
                ints("vectors_per_class", &[i64::MAX, i64::MAX]),
                floats("coefficients", &[1.0]),
            ],
            vec![
                labels.clone(),
                ints("vectors_per_class", &[i64::MAX, i64::MAX, 2]),
                floats("coefficients", &[1.0]),
            ],
            vec![
                labels,
                ints("vectors_per_class", &[1, 1]),
                floats("coefficients", &[1.0; 2]),
                floats("rho", &[0.0]),
                floats("support_vectors", &[0.0; 3]),
            ],
        ] {
            assert!(compile(CLASSIFIER, 1, &attributes).is_err(), "{attributes:?}");
        }
        assert!(
            compile(
                REGRESSOR,
                1,
                &[
                    int("n_supports", i64::MAX),
                    floats("coefficients", &[1.0]),
                    floats("rho", &[0.0])
                ]
            )
            .is_err()
        );
        assert!(compile(REGRESSOR, 1, &[]).is_err());
    }
}
