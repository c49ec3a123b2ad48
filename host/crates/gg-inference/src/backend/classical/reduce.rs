//! One number for many: ReduceSum, ReduceMean and so on.

use super::attributes::Node;
use super::indices::{axis, spread};
use super::operator::{Operator, boxed};
use super::shape::axes;
use super::values::{Data, count, failed};
use crate::backend::{LoadError, RunError};

/// What a number is computed from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Sum,
    Mean,
    Max,
    Min,
    Prod,
    SumSquare,
    L1,
    L2,
    LogSum,
    LogSumExp,
}

/// ReduceSum, Mean, Max, Min, Prod, SumSquare, L1, L2, LogSum and LogSumExp.
pub(super) fn reduce(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let kind = match node.operator() {
        "ReduceSum" => Kind::Sum,
        "ReduceMean" => Kind::Mean,
        "ReduceMax" => Kind::Max,
        "ReduceMin" => Kind::Min,
        "ReduceProd" => Kind::Prod,
        "ReduceSumSquare" => Kind::SumSquare,
        "ReduceL1" => Kind::L1,
        "ReduceL2" => Kind::L2,
        "ReduceLogSum" => Kind::LogSum,
        _ => Kind::LogSumExp,
    };
    let attribute = node.some_ints("axes").map(<[_]>::to_vec);
    let keep = node.flag("keepdims", true);
    let none_is_none = node.flag("noop_with_empty_axes", false);
    Ok(boxed(move |inputs, context| {
        let x = inputs.at(0)?;
        let rank = x.shape().len();
        let which = axes(attribute.as_ref(), inputs, 1)?.unwrap_or(&[]);
        let which = match which.is_empty() {
            true if none_is_none => Vec::new(),
            true => (0..rank).collect(),
            false => which.iter().map(|one| axis(*one, rank)).collect::<Result<Vec<_>, _>>()?,
        };
        let kept: Vec<usize> = x
            .shape()
            .iter()
            .enumerate()
            .map(|(dim, length)| match which.contains(&dim) {
                true => 1,
                false => *length,
            })
            .collect();
        let made = context.room(&kept, 24)?;
        let each = x.count().checked_div(made).unwrap_or(0);
        context.work(x.count())?;
        // For each element, which number it goes into.
        let into = spread(&kept, x.shape());
        let data = match x.data() {
            Data::F32(all) => {
                let all = all.iter().map(|one| f64::from(*one));
                Data::F32(
                    floats(kind, all, into, made, each)?
                        .into_iter()
                        .map(|one| one as f32)
                        .collect(),
                )
            }
            Data::F64(all) => Data::F64(floats(kind, all.iter().copied(), into, made, each)?),
            Data::Int(all) => Data::Int(whole_numbers(kind, all, into, made, each)?),
            _ => return Err(failed(&format!("it takes no {}", x.element()))),
        };
        let shape = match keep {
            true => kept,
            false => kept
                .iter()
                .enumerate()
                .filter(|(dim, _)| !which.contains(dim))
                .map(|(_, length)| *length)
                .collect(),
        };
        if count(&shape) != Some(made) {
            return Err(failed("its shape is too large"));
        }
        Ok(vec![x.like(shape, data)?])
    }))
}

fn floats(
    kind: Kind,
    all: impl Iterator<Item = f64> + Clone,
    into: impl Iterator<Item = usize> + Clone,
    made: usize,
    each: usize,
) -> Result<Vec<f64>, RunError> {
    let fold = |from: f64, both: &dyn Fn(f64, f64) -> f64| {
        let mut out = vec![from; made];
        for (x, place) in all.clone().zip(into.clone()) {
            if let Some(out) = out.get_mut(place) {
                *out = both(*out, x);
            }
        }
        out
    };
    // What is no number stays so.
    let max = |a: f64, b: f64| if a.is_nan() || a > b { a } else { b };
    let min = |a: f64, b: f64| if a.is_nan() || a < b { a } else { b };
    let sum = |of: &dyn Fn(f64) -> f64| fold(0.0, &|sum, x| sum + of(x));
    let then =
        |all: Vec<f64>, of: &dyn Fn(f64) -> f64| all.into_iter().map(of).collect::<Vec<f64>>();
    Ok(match kind {
        Kind::Sum => sum(&|x| x),
        Kind::Mean => then(sum(&|x| x), &|sum| sum / each as f64),
        Kind::Max => fold(f64::NEG_INFINITY, &max),
        Kind::Min => fold(f64::INFINITY, &min),
        Kind::Prod => fold(1.0, &|product, x| product * x),
        Kind::SumSquare => sum(&|x| x * x),
        Kind::L1 => sum(&f64::abs),
        Kind::L2 => then(sum(&|x| x * x), &f64::sqrt),
        Kind::LogSum => then(sum(&|x| x), &f64::ln),
        Kind::LogSumExp => {
            let most = fold(f64::NEG_INFINITY, &max);
            let most: Vec<f64> =
                most.into_iter().map(|one| if one.is_finite() { one } else { 0.0 }).collect();
            let mut out = vec![0.0; made];
            for (x, place) in all.clone().zip(into.clone()) {
                if let (Some(out), Some(most)) = (out.get_mut(place), most.get(place)) {
                    *out += (x - most).exp();
                }
            }
            out.into_iter().zip(most).map(|(sum, most): (f64, f64)| sum.ln() + most).collect()
        }
    })
}

fn whole_numbers(
    kind: Kind,
    all: &[i64],
    into: impl Iterator<Item = usize>,
    made: usize,
    each: usize,
) -> Result<Vec<i64>, RunError> {
    let (from, both): (i64, fn(i64, i64) -> i64) = match kind {
        Kind::Sum | Kind::Mean => (0, i64::wrapping_add),
        Kind::Max => (i64::MIN, i64::max),
        Kind::Min => (i64::MAX, i64::min),
        Kind::Prod => (1, i64::wrapping_mul),
        Kind::SumSquare => (0, |sum, x| sum.wrapping_add(x.wrapping_mul(x))),
        Kind::L1 => (0, |sum, x| sum.wrapping_add(x.wrapping_abs())),
        Kind::L2 | Kind::LogSum | Kind::LogSumExp => return Err(failed("it takes no integers")),
    };
    let mut out = vec![from; made];
    for (x, place) in all.iter().zip(into) {
        if let Some(out) = out.get_mut(place) {
            *out = both(*out, *x);
        }
    }
    if kind == Kind::Mean {
        let each = i64::try_from(each)
            .ok()
            .filter(|each| *each > 0)
            .ok_or_else(|| failed("a mean of nothing"))?;
        out.iter_mut().for_each(|one| *one /= each);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {

    use crate::backend::classical::operator::testing::*;

    #[test]
    fn many_become_one() {
        let x = array(&[2, 3], &[1.0, -2.0, 3.0, 4.0, 5.0, 6.0]);
        for (operator, wanted) in [
            ("ReduceSum", [2.0, 15.0]),
            ("ReduceMean", [0.666_666_7, 5.0]),
            ("ReduceMax", [3.0, 6.0]),
            ("ReduceMin", [-2.0, 4.0]),
            ("ReduceProd", [-6.0, 120.0]),
            ("ReduceSumSquare", [14.0, 77.0]),
            ("ReduceL1", [6.0, 15.0]),
            ("ReduceL2", [3.741_657_4, 8.774_964]),
            ("ReduceLogSum", [std::f32::consts::LN_2, 2.708_050_3]),
            ("ReduceLogSumExp", [3.132_818_2, 6.407_606]),
        ] {
            near(&one(operator, &[ints("axes", &[-1])], &[&x]), &[2, 1], &wanted);
            near(&one(operator, &[int("keepdims", 0)], &[&x, &whole(&[1], &[1])]), &[2], &wanted);
        }
        near(&one("ReduceSum", &[], &[&x]), &[1, 1], &[17.0]);
        near(
            &one("ReduceSum", &[int("noop_with_empty_axes", 1)], &[&x]),
            &[2, 3],
            &[1.0, -2.0, 3.0, 4.0, 5.0, 6.0],
        );
        near(
            &one("ReduceLogSumExp", &[], &[&array(&[2], &[1000.0, 1000.0])]),
            &[1],
            &[1_000.693_1],
        );
        assert_eq!(one("ReduceSum", &[], &[&whole(&[2], &[1, 2])]), whole(&[1], &[3]));
    }

    #[test]
    fn of_nothing_there_is_little() {
        let none = array(&[0, 2], &[]);
        near(&one("ReduceSum", &[ints("axes", &[0])], &[&none]), &[1, 2], &[0.0, 0.0]);
        near(&one("ReduceSum", &[ints("axes", &[1])], &[&none]), &[0, 1], &[]);
        assert!(run("ReduceMean", &[], &[&whole(&[0], &[])]).is_err());
        assert!(run("ReduceSum", &[ints("axes", &[2])], &[&none]).is_err());
        assert!(run("ReduceL2", &[], &[&whole(&[1], &[1])]).is_err());
        assert!(run("ReduceSum", &[], &[&words(&[1], &["a"])]).is_err());
        let many = array(&[1 << 40, 0], &[]);
        assert!(run("ReduceSum", &[ints("axes", &[1])], &[&many]).is_err());
    }
}
