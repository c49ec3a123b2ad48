//! Numbers along a dimension in proportion: Softmax, LogSoftmax and LpNormalization.

use super::attributes::Node;
use super::indices::{around, axis};
use super::operator::{Operator, simple};
use super::values::{Data, failed};
use crate::backend::LoadError;

/// Softmax and LogSoftmax. Before version 13, along all dimensions from the axis on.
pub(super) fn softmax(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let log = node.operator() == "LogSoftmax";
    let old = node.version() < 13;
    let at = node.int("axis").unwrap_or(if old { 1 } else { -1 });
    Ok(simple(move |x, context| {
        let rank = x.shape().len();
        // Of a single number, there is but one.
        let at = if rank == 0 { 0 } else { axis(at, rank)? };
        let (_, length, inner) = match around(x.shape(), at) {
            (outer, length, inner) if old => (outer, length * inner, 1),
            all => all,
        };
        context.room(x.shape(), 2 * x.data().width())?;
        let line = |all: &mut [f64]| {
            let most = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = all.iter().map(|x| (x - most).exp()).sum();
            let of = |x: f64| if log { x - most - sum.ln() } else { (x - most).exp() / sum };
            all.iter_mut().for_each(|x| *x = of(*x));
        };
        let data = lines(
            x.data(),
            length.max(usize::from(rank == 0)),
            inner.max(usize::from(rank == 0)),
            line,
        );
        x.like(x.shape().to_vec(), data.ok_or_else(|| failed("it takes floating point"))?)
    }))
}

/// LpNormalization.
pub(super) fn normalize(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let at = node.int("axis").unwrap_or(-1);
    let p = node.int("p").unwrap_or(2);
    if !matches!(p, 1 | 2) {
        return Err(node.invalid(format_args!("p is 1 or 2, not {p}")));
    }
    Ok(simple(move |x, context| {
        let at = axis(at, x.shape().len())?;
        let (_, length, inner) = around(x.shape(), at);
        context.room(x.shape(), 2 * x.data().width())?;
        let line = |all: &mut [f64]| {
            let norm: f64 = match p {
                1 => all.iter().map(|x| x.abs()).sum(),
                _ => all.iter().map(|x| x * x).sum::<f64>().sqrt(),
            };
            if norm != 0.0 {
                all.iter_mut().for_each(|x| *x /= norm);
            }
        };
        let data = lines(x.data(), length, inner, line);
        x.like(x.shape().to_vec(), data.ok_or_else(|| failed("it takes floating point"))?)
    }))
}

/// Do something to each line of `length` numbers that are `inner` apart.
fn lines(
    data: &Data,
    length: usize,
    inner: usize,
    mut line: impl FnMut(&mut [f64]),
) -> Option<Data> {
    let mut each = |all: &mut [f64]| {
        if length == 0 || inner == 0 {
            return;
        }
        let mut one = Vec::with_capacity(length);
        for block in all.chunks_exact_mut(length * inner) {
            for start in 0..inner {
                one.clear();
                one.extend(block.iter().skip(start).step_by(inner));
                line(&mut one);
                let places = block.iter_mut().skip(start).step_by(inner);
                places.zip(&one).for_each(|(place, x)| *place = *x);
            }
        }
    };
    Some(match data {
        Data::F32(all) => {
            let mut wide: Vec<f64> = all.iter().copied().map(f64::from).collect();
            each(&mut wide);
            Data::F32(wide.into_iter().map(|x| x as f32).collect())
        }
        Data::F64(all) => {
            let mut wide = all.clone();
            each(&mut wide);
            Data::F64(wide)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {

    use crate::backend::Until;
    use crate::backend::classical::context::Context;
    use crate::backend::classical::operator::Inputs;
    use crate::backend::classical::operator::testing::*;

    #[test]
    fn numbers_are_put_in_proportion() {
        use std::f32::consts::LN_2;
        let x = array(&[2, 2], &[0.0, 1.0, 1000.0, 1000.0]);
        near(&one("Softmax", &[], &[&x]), &[2, 2], &[0.268_941_4, 0.731_058_6, 0.5, 0.5]);
        near(&one("Softmax", &[int("axis", 0)], &[&x]), &[2, 2], &[0.0, 0.0, 1.0, 1.0]);
        near(&one("LogSoftmax", &[], &[&x]), &[2, 2], &[-1.313_261_7, -0.313_261_7, -LN_2, -LN_2]);
        near(&one("Softmax", &[], &[&array(&[], &[3.0])]), &[], &[1.0]);
        near(&one("Softmax", &[], &[&array(&[0, 2], &[])]), &[0, 2], &[]);
        let old = compile("Softmax", 11, &[]).unwrap();
        let x = array(&[1, 2, 2], &[0.0; 4]);
        let got = old.run(&Inputs(&[Some(&x)]), &Context::new(&Until::default())).unwrap();
        near(&got[0], &[1, 2, 2], &[0.25; 4]);
        assert!(run("Softmax", &[], &[&whole(&[1], &[1])]).is_err());
    }

    #[test]
    fn lines_get_the_norm_one() {
        let x = array(&[2, 2], &[3.0, 4.0, 0.0, 0.0]);
        near(&one("LpNormalization", &[], &[&x]), &[2, 2], &[0.6, 0.8, 0.0, 0.0]);
        near(
            &one("LpNormalization", &[int("p", 1), int("axis", 0)], &[&x]),
            &[2, 2],
            &[1.0, 1.0, 0.0, 0.0],
        );
        assert!(compile("LpNormalization", 1, &[int("p", 3)]).is_err());
    }
}
