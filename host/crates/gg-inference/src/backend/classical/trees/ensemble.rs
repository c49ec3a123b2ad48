//! Trees with the weights of their leaves, and the score that comes of them.

use super::nodes::Trees;
use super::number::Number;
use crate::backend::RunError;
use crate::backend::classical::context::Context;
use crate::backend::classical::values::failed;

/// How the weights of a target become its score.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::backend::classical) enum Aggregate {
    /// Their sum.
    Sum,
    /// Their sum by the number of trees.
    Average,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// Trees and what their leaves say.
#[derive(Clone, Debug)]
pub(in crate::backend::classical) struct Ensemble<T> {
    /// The trees.
    pub(in crate::backend::classical) trees: Trees<T>,
    /// What each leaf says of which target; those of leaf `i` are from `starts[i]` to `starts[i + 1]`.
    pub(in crate::backend::classical) weights: Vec<(u32, T)>,
    /// See `weights`.
    pub(in crate::backend::classical) starts: Vec<u32>,
    /// How they are put together.
    pub(in crate::backend::classical) aggregate: Aggregate,
    /// How many targets.
    pub(in crate::backend::classical) targets: usize,
}

/// The score of a target, and whether any leaf spoke of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend::classical) struct Score<S> {
    /// The score; nought if none did.
    pub(in crate::backend::classical) value: S,
    /// Whether any did.
    pub(in crate::backend::classical) some: bool,
}

impl<T: Number> Ensemble<T> {
    /// Give the scores of each row, before anything is added to them. They are computed as `S`.
    pub(in crate::backend::classical) fn scores<R: Number, S: Number>(
        &self,
        data: &[R],
        rows: usize,
        width: usize,
        context: &Context<'_>,
        mut give: impl FnMut(&mut [Score<S>]),
    ) -> Result<(), RunError> {
        if width < self.trees.features() && rows > 0 {
            let features = self.trees.features();
            return Err(failed(&format!(
                "rows of {width} features where {features} are asked for"
            )));
        }
        let none = Score { value: S::ZERO, some: false };
        let mut scores = vec![none; self.targets];
        for number in 0..rows {
            context.work(self.targets)?;
            let start = number * width;
            let row = data.get(start..start + width).unwrap_or(&[]);
            scores.fill(none);
            // Those of one kind in a loop of their own.
            match self.aggregate {
                Aggregate::Sum | Aggregate::Average => {
                    self.row(row, context, |target, weight| {
                        if let Some(score) = scores.get_mut(target) {
                            *score = Score { value: score.value.plus(weight), some: true };
                        }
                    })?;
                }
                Aggregate::Min => self.row(row, context, |target, weight| {
                    best(&mut scores, target, weight, S::less);
                })?,
                Aggregate::Max => self.row(row, context, |target, weight| {
                    best(&mut scores, target, weight, S::greater);
                })?,
            }
            if self.aggregate == Aggregate::Average {
                let trees = self.trees.len();
                scores.iter_mut().for_each(|score| score.value = score.value.over(trees));
            }
            give(&mut scores);
        }
        Ok(())
    }

    /// What the leaves say for a row.
    #[inline(always)]
    fn row<R: Number, S: Number>(
        &self,
        row: &[R],
        context: &Context<'_>,
        mut say: impl FnMut(usize, S),
    ) -> Result<(), RunError> {
        self.trees.leaves(row, context, |leaf| {
            let (Some(start), Some(end)) = (self.starts.get(leaf), self.starts.get(leaf + 1))
            else {
                return;
            };
            for (target, weight) in self.weights.get(*start as usize..*end as usize).unwrap_or(&[])
            {
                say(*target as usize, S::near(weight.wide()));
            }
        })
    }
}

fn best<S: Number>(scores: &mut [Score<S>], target: usize, weight: S, better: fn(S, S) -> bool) {
    if let Some(score) = scores.get_mut(target)
        && (!score.some || better(weight, score.value))
    {
        *score = Score { value: weight, some: true };
    }
}
