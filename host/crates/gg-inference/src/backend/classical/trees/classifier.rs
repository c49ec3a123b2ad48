//! TreeEnsembleClassifier: the scores of classes, and the best of them.

use super::either::{Either, Rows};
use super::ensemble::{Aggregate, Ensemble, Score};
use super::number::Number;
use super::pairs::{MOST_TARGETS, Names, read};
use super::regressor::base;
use crate::backend::classical::attributes::Node;
use crate::backend::classical::classes::Labels;
use crate::backend::classical::context::Context;
use crate::backend::classical::operator::{Inputs, Operator};
use crate::backend::classical::scores::{Second, Transform};
use crate::backend::classical::values::{Data, Value};
use crate::backend::{LoadError, RunError};

struct Classifier {
    ensemble: Either,
    labels: Labels,
    base: Vec<f64>,
    transform: Transform,
    /// Whether all leaves speak of one class of two.
    binary: bool,
    /// Whether no weight is less than nought.
    positive: bool,
}

/// TreeEnsembleClassifier, versions 1 and 3.
pub(in crate::backend::classical) fn classifier(
    node: &Node<'_>,
) -> Result<Box<dyn Operator>, LoadError> {
    let names = Names {
        ids: "class_ids",
        nodes: "class_nodeids",
        trees: "class_treeids",
        weights: "class_weights",
    };
    let labels = Labels::of(node, "classlabels_int64s")?;
    let classes = labels.len();
    if !(2..=MOST_TARGETS).contains(&classes) {
        return Err(node.invalid(format_args!("{classes} classes")));
    }
    let ensemble = read(node, &names, classes, Aggregate::Sum)?;
    let base = base(node, classes)?;
    let positive = match &ensemble {
        Either::Narrow(ensemble) => ensemble.weights.iter().all(|(_, weight)| *weight >= 0.0),
        Either::Wide(ensemble) => ensemble.weights.iter().all(|(_, weight)| *weight >= 0.0),
    };
    let ids = node.ints(names.ids);
    let binary = classes == 2 && ids.first().is_some_and(|first| ids.iter().all(|id| id == first));
    let transform = Transform::of(node)?;
    Ok(Box::new(Classifier { ensemble, labels, base, transform, binary, positive }))
}

impl Operator for Classifier {
    fn run(&self, inputs: &Inputs<'_>, context: &Context<'_>) -> Result<Vec<Value>, RunError> {
        self.ensemble.run(inputs.at(0)?, self, context)
    }
}

impl Rows for Classifier {
    fn all<T: Number, R: Number, S: Number>(
        &self,
        ensemble: &Ensemble<T>,
        data: &[R],
        rows: usize,
        width: usize,
        context: &Context<'_>,
    ) -> Result<Vec<Value>, RunError> {
        let classes = self.labels.len();
        let count = context.room(&[rows, classes], 4)?;
        let mut best = Vec::with_capacity(context.room(&[rows], 24)?);
        let mut out = Vec::with_capacity(count);
        ensemble.scores(data, rows, width, context, |scores: &mut [Score<S>]| {
            best.push(match scores {
                [first, second] => self.two(first, second, &mut out),
                _ => self.many(scores, &mut out),
            });
        })?;
        Ok(vec![self.labels.value(&best)?, Value::new(vec![rows, classes], Data::F32(out))?])
    }
}

impl Classifier {
    /// The first of the best, of those that a leaf spoke of.
    fn many<S: Number>(&self, scores: &mut [Score<S>], out: &mut Vec<f32>) -> usize {
        for (score, base) in scores.iter_mut().zip(&self.base) {
            *score = Score { value: score.value.plus(S::near(*base)), some: true };
        }
        let mut best: Option<(usize, S)> = None;
        for (class, score) in scores.iter().enumerate() {
            if score.some && best.is_none_or(|(_, most)| score.value.greater(most)) {
                best = Some((class, score.value));
            }
        }
        let start = out.len();
        out.extend(scores.iter().map(|score| score.value.narrow()));
        self.transform.apply(out.get_mut(start..).unwrap_or(&mut []));
        best.map_or(0, |(class, _)| class)
    }

    /// Two classes, by onnxruntime's rules: where nothing is said of the second, the first score is
    /// that of the second class, as a probability if no weight is negative and else as a margin.
    fn two<S: Number>(
        &self,
        first: &mut Score<S>,
        second: &mut Score<S>,
        out: &mut Vec<f32>,
    ) -> usize {
        match *self.base {
            [_, of_second] if second.some => {
                second.value = first.value.plus(S::near(of_second));
                first.value = S::near(-second.value.wide());
            }
            [of_first, _] | [of_first] => first.value = first.value.plus(S::near(of_first)),
            _ => {}
        }
        let weight = if second.some { second.value } else { first.value };
        let probability = self.binary && self.positive;
        let class = usize::from(weight.wide() > if probability { 0.5 } else { 0.0 });
        if second.some || self.base.len() == 2 {
            let known = |score: &Score<S>| if score.some { score.value.narrow() } else { 0.0 };
            let mut row = [known(first), known(second)];
            self.transform.apply(&mut row);
            out.extend(row);
        } else {
            let kind = if probability { Second::Complement } else { Second::Margin };
            out.extend(self.transform.two(first.value.narrow(), kind));
        }
        class
    }
}
