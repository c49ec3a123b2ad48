//! Products of matrices: MatMul and Gemm; and CDist, the distances of rows.

use super::attributes::Node;
use super::context::Context;
use super::elementwise::{Binary, two};
use super::indices::{spread, together};
use super::operator::{Operator, boxed};
use super::values::{Data, Value, failed};
use crate::backend::{LoadError, RunError};

/// Numbers that are multiplied.
trait Factor: Copy + Default {
    fn plus_product(self, a: Self, b: Self) -> Self;
}

impl Factor for f32 {
    fn plus_product(self, a: Self, b: Self) -> Self {
        self + a * b
    }
}

impl Factor for f64 {
    fn plus_product(self, a: Self, b: Self) -> Self {
        self + a * b
    }
}

impl Factor for i64 {
    fn plus_product(self, a: Self, b: Self) -> Self {
        self.wrapping_add(a.wrapping_mul(b))
    }
}

/// Add the product of `a`, rows of `inner` numbers, and `b`, rows of `width`, to `out`.
fn multiply<T: Factor>(
    a: &[T],
    b: &[T],
    out: &mut [T],
    inner: usize,
    width: usize,
    context: &Context<'_>,
) -> Result<(), RunError> {
    if inner == 0 || width == 0 {
        return Ok(());
    }
    for (row, out) in a.chunks_exact(inner).zip(out.chunks_exact_mut(width)) {
        context.work(inner.saturating_mul(width))?;
        for (factor, row) in row.iter().zip(b.chunks_exact(width)) {
            for (out, b) in out.iter_mut().zip(row) {
                *out = out.plus_product(*factor, *b);
            }
        }
    }
    Ok(())
}

/// MatMul, of stacks of matrices as well.
pub(super) fn matmul(_: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    Ok(boxed(|inputs, context| {
        let (a, b) = (inputs.at(0)?, inputs.at(1)?);
        let odd = || failed(&format!("{:?} by {:?}", a.shape(), b.shape()));
        // A vector is a row on the left and a column on the right.
        let (a_stack, rows, inner) = match a.shape() {
            [] => return Err(odd()),
            [inner] => (&[][..], 1, *inner),
            [stack @ .., rows, inner] => (stack, *rows, *inner),
        };
        let (b_stack, other, width) = match b.shape() {
            [] => return Err(odd()),
            [inner] => (&[][..], *inner, 1),
            [stack @ .., inner, width] => (stack, *inner, *width),
        };
        if inner != other || a.element() != b.element() {
            return Err(odd());
        }
        let stack = together([a_stack, b_stack].into_iter())?;
        let mut shape = stack.clone();
        if a.shape().len() > 1 {
            shape.push(rows);
        }
        if b.shape().len() > 1 {
            shape.push(width);
        }
        let count = context.room(&shape, a.data().width())?;
        let places = || spread(a_stack, &stack).zip(spread(b_stack, &stack));
        let sizes = Sizes { rows, inner, width };
        let data = match (a.data(), b.data()) {
            (Data::F32(x), Data::F32(y)) => {
                Data::F32(stacked(x, y, count, places(), sizes, context)?)
            }
            (Data::F64(x), Data::F64(y)) => {
                Data::F64(stacked(x, y, count, places(), sizes, context)?)
            }
            (Data::Int(x), Data::Int(y)) => {
                Data::Int(stacked(x, y, count, places(), sizes, context)?)
            }
            _ => return Err(failed(&format!("it takes no {}", a.element()))),
        };
        Ok(vec![a.like(shape, data)?])
    }))
}

#[derive(Clone, Copy)]
struct Sizes {
    rows: usize,
    inner: usize,
    width: usize,
}

fn stacked<T: Factor>(
    a: &[T],
    b: &[T],
    count: usize,
    places: impl Iterator<Item = (usize, usize)>,
    sizes: Sizes,
    context: &Context<'_>,
) -> Result<Vec<T>, RunError> {
    let Sizes { rows, inner, width } = sizes;
    let mut out = vec![T::default(); count];
    if count == 0 || inner == 0 {
        return Ok(out);
    }
    for (out, (i, j)) in out.chunks_exact_mut(rows * width).zip(places) {
        let a = a.get(i * rows * inner..(i + 1) * rows * inner).unwrap_or(&[]);
        let b = b.get(j * inner * width..(j + 1) * inner * width).unwrap_or(&[]);
        multiply(a, b, out, inner, width, context)?;
    }
    Ok(out)
}

/// Gemm: `alpha * A * B + beta * C`.
pub(super) fn gemm(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let (alpha, beta) = (node.float("alpha").unwrap_or(1.0), node.float("beta").unwrap_or(1.0));
    let (trans_a, trans_b) = (node.flag("transA", false), node.flag("transB", false));
    Ok(boxed(move |inputs, context| {
        let (a, b) =
            (turned(inputs.at(0)?, trans_a, context)?, turned(inputs.at(1)?, trans_b, context)?);
        let (&[rows, inner], &[other, width]) = (a.shape(), b.shape()) else {
            return Err(failed("it takes matrices"));
        };
        if inner != other || a.element() != b.element() {
            return Err(failed(&format!("{:?} by {:?}", a.shape(), b.shape())));
        }
        let count = context.room(&[rows, width], a.data().width())?;
        let one = std::iter::once((0, 0));
        let sizes = Sizes { rows, inner, width };
        let (data, scale) = match (a.data(), b.data()) {
            (Data::F32(x), Data::F32(y)) => {
                let mut all = stacked(x, y, count, one, sizes, context)?;
                all.iter_mut().for_each(|one| *one *= alpha);
                (Data::F32(all), Data::F32(vec![beta]))
            }
            (Data::F64(x), Data::F64(y)) => {
                let mut all = stacked(x, y, count, one, sizes, context)?;
                all.iter_mut().for_each(|one| *one *= f64::from(alpha));
                (Data::F64(all), Data::F64(vec![beta.into()]))
            }
            _ => return Err(failed(&format!("it takes no {}", a.element()))),
        };
        let product = a.like(vec![rows, width], data)?;
        let Some(c) = inputs.get(2) else { return Ok(vec![product]) };
        let c =
            if beta == 1.0 { c.clone() } else { two(c, &c.like(vec![], scale)?, MUL, context)? };
        let sum = two(&product, &c, ADD, context)?;
        if sum.shape() != product.shape() {
            return Err(failed(&format!(
                "{:?} is not spread over {:?}",
                c.shape(),
                product.shape()
            )));
        }
        Ok(vec![sum])
    }))
}

const ADD: Binary =
    Binary { narrow: |a, b| a + b, wide: |a, b| a + b, int: |a, b| Some(a.wrapping_add(b)) };
const MUL: Binary =
    Binary { narrow: |a, b| a * b, wide: |a, b| a * b, int: |a, b| Some(a.wrapping_mul(b)) };

/// A matrix, or its transpose.
fn turned(x: &Value, turn: bool, context: &Context<'_>) -> Result<Value, RunError> {
    let [rows, width] = *x.shape() else { return Err(failed("it takes matrices")) };
    context.room(x.shape(), x.data().width())?;
    match turn {
        false => Ok(x.clone()),
        true => {
            let places = super::indices::Indices::new(&[width, rows], &[1, width], 0);
            x.like(vec![width, rows], x.data().pick(places))
        }
    }
}

/// CDist of `com.microsoft`: the distances of the rows of one matrix from those of another.
pub(super) fn cdist(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let squared = match node.text("metric")? {
        None | Some("sqeuclidean") => true,
        Some("euclidean") => false,
        Some(other) => return Err(node.invalid(format_args!("metric {other:?}"))),
    };
    Ok(boxed(move |inputs, context| {
        let (a, b) = (inputs.at(0)?, inputs.at(1)?);
        let (&[rows, inner], &[columns, other]) = (a.shape(), b.shape()) else {
            return Err(failed("it takes matrices"));
        };
        if inner != other || a.element() != b.element() {
            return Err(failed(&format!("{:?} and {:?}", a.shape(), b.shape())));
        }
        let count = context.room(&[rows, columns], a.data().width())?;
        let data = match (a.data(), b.data()) {
            (Data::F32(x), Data::F32(y)) => {
                let of_two = |x: &[f32], y: &[f32]| {
                    let sum: f32 = x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum();
                    if squared { sum } else { sum.sqrt() }
                };
                Data::F32(distances(x, y, inner, count, columns, context, of_two)?)
            }
            (Data::F64(x), Data::F64(y)) => {
                let of_two = |x: &[f64], y: &[f64]| {
                    let sum: f64 = x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum();
                    if squared { sum } else { sum.sqrt() }
                };
                Data::F64(distances(x, y, inner, count, columns, context, of_two)?)
            }
            _ => return Err(failed(&format!("it takes no {}", a.element()))),
        };
        Ok(vec![a.like(vec![rows, columns], data)?])
    }))
}

fn distances<T: Copy + Default>(
    a: &[T],
    b: &[T],
    inner: usize,
    count: usize,
    columns: usize,
    context: &Context<'_>,
    of_two: impl Fn(&[T], &[T]) -> T,
) -> Result<Vec<T>, RunError> {
    if inner == 0 {
        return Ok(vec![T::default(); count]);
    }
    let mut all = Vec::with_capacity(count);
    for row in a.chunks_exact(inner) {
        context.work(inner.saturating_mul(columns))?;
        all.extend(b.chunks_exact(inner).map(|other| of_two(row, other)));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use crate::backend::classical::operator::testing::*;

    #[test]
    fn matrices_are_multiplied() {
        let a = array(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let b = array(&[3, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        near(&one("MatMul", &[], &[&a, &b]), &[2, 2], &[4.0, 5.0, 10.0, 11.0]);
        near(&one("MatMul", &[], &[&a, &array(&[3], &[1.0, 0.0, 1.0])]), &[2], &[4.0, 10.0]);
        near(&one("MatMul", &[], &[&array(&[2], &[1.0, 1.0]), &a]), &[3], &[5.0, 7.0, 9.0]);
        let stack = array(&[2, 1, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        near(&one("MatMul", &[], &[&stack, &b]), &[2, 1, 2], &[1.0, 0.0, 0.0, 1.0]);
        assert!(run("MatMul", &[], &[&a, &a]).is_err());
        assert!(run("MatMul", &[], &[&a, &array(&[], &[1.0])]).is_err());
        near(
            &one("MatMul", &[], &[&array(&[1, 0], &[]), &array(&[0, 2], &[])]),
            &[1, 2],
            &[0.0, 0.0],
        );
        let tall = array(&[1 << 20, 0], &[]);
        assert!(run("MatMul", &[], &[&tall, &array(&[0, 1 << 20], &[])]).is_err());
    }

    #[test]
    fn a_product_is_scaled_and_added_to() {
        let a = array(&[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        let b = array(&[2, 3], &[1.0, 0.0, 1.0, 0.0, 1.0, 1.0]);
        let turned = [int("transA", 1), int("transB", 1), float("alpha", 2.0), float("beta", 0.5)];
        let got = one("Gemm", &turned, &[&a, &b, &array(&[2], &[2.0, 4.0])]);
        near(&got, &[2, 2], &[9.0, 12.0, 21.0, 24.0]);
        assert!(run("Gemm", &[], &[&a, &a]).is_err());
        assert!(run("Gemm", &[], &[&a, &b, &array(&[2, 3, 3], &[0.0; 18])]).is_err());
    }

    #[test]
    fn rows_are_so_far_apart() {
        let (a, b) = (array(&[1, 2], &[0.0, 0.0]), array(&[2, 2], &[3.0, 4.0, 1.0, 0.0]));
        near(&one("com.microsoft.CDist", &[], &[&a, &b]), &[1, 2], &[25.0, 1.0]);
        near(
            &one("com.microsoft.CDist", &[text("metric", "euclidean")], &[&a, &b]),
            &[1, 2],
            &[5.0, 1.0],
        );
        assert!(compile("com.microsoft.CDist", 1, &[text("metric", "x")]).is_err());
    }
}
