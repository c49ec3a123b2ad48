//! Arithmetic on each element, of one array or of several that are broadcast: Add, Sqrt, Where and so on.

use super::attributes::Node;
use super::context::Context;
use super::indices::{spread, together};
use super::operator::{Operator, boxed, simple};
use super::values::{Data, Value, failed};
use crate::backend::{LoadError, RunError};

/// A function of two numbers, of each type.
#[derive(Clone, Copy)]
pub(super) struct Binary {
    pub(super) narrow: fn(f32, f32) -> f32,
    pub(super) wide: fn(f64, f64) -> f64,
    pub(super) int: fn(i64, i64) -> Option<i64>,
}

const ADD: Binary =
    Binary { narrow: |a, b| a + b, wide: |a, b| a + b, int: |a, b| Some(a.wrapping_add(b)) };
const SUB: Binary =
    Binary { narrow: |a, b| a - b, wide: |a, b| a - b, int: |a, b| Some(a.wrapping_sub(b)) };
const MUL: Binary =
    Binary { narrow: |a, b| a * b, wide: |a, b| a * b, int: |a, b| Some(a.wrapping_mul(b)) };
const DIV: Binary = Binary {
    narrow: |a, b| a / b,
    wide: |a, b| a / b,
    int: |a, b| (b != 0).then(|| a.wrapping_div(b)),
};
const POW: Binary = Binary {
    narrow: |a, b| if b == 2.0 { a * a } else { a.powf(b) },
    wide: f64::powf,
    int: |a, b| Some((a as f64).powf(b as f64) as i64),
};
// What is no number wins, as in onnxruntime.
const MIN: Binary = Binary {
    narrow: |a, b| if a.is_nan() || a < b { a } else { b },
    wide: |a, b| if a.is_nan() || a < b { a } else { b },
    int: |a, b| Some(a.min(b)),
};
const MAX: Binary = Binary {
    narrow: |a, b| if a.is_nan() || a > b { a } else { b },
    wide: |a, b| if a.is_nan() || a > b { a } else { b },
    int: |a, b| Some(a.max(b)),
};

/// Add, Sub, Mul and Div.
pub(super) fn arithmetic(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let binary = match node.operator() {
        "Add" => ADD,
        "Sub" => SUB,
        "Mul" => MUL,
        _ => DIV,
    };
    Ok(boxed(move |inputs, context| Ok(vec![two(inputs.at(0)?, inputs.at(1)?, binary, context)?])))
}

/// Pow: the exponent may be of another type than the base, whose type the result has.
pub(super) fn pow(_: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    Ok(boxed(|inputs, context| {
        let (base, exponent) = (inputs.at(0)?, inputs.at(1)?);
        if let (Data::Int(_), Data::F32(_) | Data::F64(_)) = (base.data(), exponent.data()) {
            let wide = two(&as_wide(base, context)?, &as_wide(exponent, context)?, POW, context)?;
            let Data::F64(all) = wide.data() else { return Err(failed("it takes numbers")) };
            let whole = Data::Int(all.iter().map(|one| *one as i64).collect());
            return Ok(vec![base.like(wide.shape().to_vec(), whole)?]);
        }
        let exponent = match (base.data(), exponent.data()) {
            (Data::F32(_), Data::F64(_) | Data::Int(_)) => {
                context.room(exponent.shape(), 4)?;
                Value::new(exponent.shape().to_vec(), Data::F32(exponent.floats()?.into_owned()))?
            }
            (Data::F64(_), _) => as_wide(exponent, context)?,
            _ => exponent.clone(),
        };
        Ok(vec![two(base, &exponent, POW, context)?])
    }))
}

fn as_wide(value: &Value, context: &Context<'_>) -> Result<Value, RunError> {
    context.room(value.shape(), 8)?;
    let wide = match value.data() {
        Data::F32(all) => all.iter().copied().map(f64::from).collect(),
        Data::F64(all) => all.clone(),
        Data::Int(all) => all.iter().map(|one| *one as f64).collect(),
        _ => return Err(failed("it takes numbers")),
    };
    Value::new(value.shape().to_vec(), Data::F64(wide))
}

/// Sum, Mean, Min and Max: of any number of arrays.
pub(super) fn variadic(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let (binary, mean) = match node.operator() {
        "Sum" => (ADD, false),
        "Mean" => (ADD, true),
        "Min" => (MIN, false),
        _ => (MAX, false),
    };
    Ok(boxed(move |inputs, context| {
        let mut all = inputs.all();
        let first = all.next().ok_or_else(|| failed("it has no input"))?;
        context.room(first.shape(), first.data().width())?;
        let mut result = first.clone();
        let mut count = 1.0_f32;
        for value in all {
            result = two(&result, value, binary, context)?;
            count += 1.0;
        }
        if mean {
            let count = Value::of(
                result.element(),
                vec![],
                match result.data() {
                    Data::F64(_) => Data::F64(vec![count.into()]),
                    Data::F32(_) => Data::F32(vec![count]),
                    _ => return Err(failed(&format!("it takes no {}", result.element()))),
                },
            )?;
            result = two(&result, &count, DIV, context)?;
        }
        Ok(vec![result])
    }))
}

/// A function of two arrays.
pub(super) fn two(
    a: &Value,
    b: &Value,
    binary: Binary,
    context: &Context<'_>,
) -> Result<Value, RunError> {
    if a.element() != b.element() {
        return Err(failed(&format!("{} and {} do not go together", a.element(), b.element())));
    }
    let shape = together([a.shape(), b.shape()].into_iter())?;
    context.room(&shape, a.data().width())?;
    let data = match (a.data(), b.data()) {
        (Data::F32(x), Data::F32(y)) => Data::F32(zipped(a, b, x, y, &shape, binary.narrow)),
        (Data::F64(x), Data::F64(y)) => Data::F64(zipped(a, b, x, y, &shape, binary.wide)),
        (Data::Int(x), Data::Int(y)) => {
            let all: Option<Vec<i64>> =
                zipped(a, b, x, y, &shape, binary.int).into_iter().collect();
            Data::Int(all.ok_or_else(|| failed("a division by nought"))?)
        }
        _ => return Err(failed(&format!("it takes no {}", a.element()))),
    };
    a.like(shape, data)
}

/// A function of the elements of two arrays that are broadcast.
pub(super) fn zipped<T: Clone, R>(
    a: &Value,
    b: &Value,
    x: &[T],
    y: &[T],
    shape: &[usize],
    both: impl Fn(T, T) -> R,
) -> Vec<R> {
    match (x, y) {
        _ if a.shape() == b.shape() => {
            x.iter().zip(y).map(|(x, y)| both(x.clone(), y.clone())).collect()
        }
        (_, [y]) if a.shape() == shape => x.iter().map(|x| both(x.clone(), y.clone())).collect(),
        ([x], _) if b.shape() == shape => y.iter().map(|y| both(x.clone(), y.clone())).collect(),
        _ => {
            let places = spread(a.shape(), shape).zip(spread(b.shape(), shape));
            let pairs =
                places.filter_map(|(i, j)| Some(both(x.get(i)?.clone(), y.get(j)?.clone())));
            pairs.collect()
        }
    }
}

/// A function of each number.
struct Unary {
    narrow: fn(f32) -> f32,
    wide: fn(f64) -> f64,
    int: Option<fn(i64) -> i64>,
}

macro_rules! unary {
    ($x:ident => $do:expr) => {
        Unary { narrow: |$x| $do, wide: |$x| $do, int: None }
    };
    ($x:ident => $do:expr, $int:expr) => {
        Unary { narrow: |$x| $do, wide: |$x| $do, int: Some($int) }
    };
}

/// Abs, Ceil, Exp, Floor, Log, Neg, Reciprocal, Relu, Round, Sigmoid, Sign, Softplus, Sqrt and Tanh.
pub(super) fn unary(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let unary = match node.operator() {
        "Abs" => unary!(x => x.abs(), i64::wrapping_abs),
        "Ceil" => unary!(x => x.ceil()),
        "Exp" => unary!(x => x.exp()),
        "Floor" => unary!(x => x.floor()),
        "Log" => unary!(x => x.ln()),
        "Neg" => unary!(x => -x, i64::wrapping_neg),
        "Reciprocal" => unary!(x => 1.0 / x),
        "Relu" => unary!(x => if x < 0.0 { 0.0 } else { x }, |x| x.max(0)),
        "Round" => unary!(x => x.round_ties_even()),
        "Sigmoid" => unary!(x => 1.0 / (1.0 + (-x).exp())),
        "Sign" => {
            unary!(x => if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x * 0.0 }, i64::signum)
        }
        "Softplus" => unary!(x => if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }),
        "Sqrt" => unary!(x => x.sqrt()),
        _ => unary!(x => x.tanh()),
    };
    Ok(simple(move |x, context| {
        context.room(x.shape(), x.data().width())?;
        let data = match (x.data(), unary.int) {
            (Data::F32(all), _) => Data::F32(all.iter().map(|x| (unary.narrow)(*x)).collect()),
            (Data::F64(all), _) => Data::F64(all.iter().map(|x| (unary.wide)(*x)).collect()),
            (Data::Int(all), Some(int)) => Data::Int(all.iter().map(|x| int(*x)).collect()),
            _ => return Err(failed(&format!("it takes no {}", x.element()))),
        };
        x.like(x.shape().to_vec(), data)
    }))
}

/// Clip: by attributes, or since version 11 by inputs.
pub(super) fn clip(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let bounds = [node.float("min"), node.float("max")];
    let bounds =
        bounds.map(|bound| bound.and_then(|bound| Value::new(vec![], Data::F32(vec![bound])).ok()));
    Ok(boxed(move |inputs, context| {
        let x = inputs.at(0)?;
        context.room(x.shape(), x.data().width())?;
        let mut clipped = x.clone();
        for ((place, by), bound) in [(1, MAX), (2, MIN)].into_iter().zip(&bounds) {
            if let Some(bound) = inputs.get(place).or(bound.as_ref()) {
                if bound.count() != 1 {
                    return Err(failed("a bound is one number"));
                }
                clipped = two(&clipped, bound, by, context)?;
            }
        }
        Ok(vec![clipped.shaped(x.shape().to_vec())?])
    }))
}

#[cfg(test)]
mod tests {
    use crate::backend::RunError;
    use crate::backend::classical::operator::testing::*;

    #[test]
    fn two_arrays_are_broadcast() {
        let (a, b) = (array(&[2, 1], &[6.0, 8.0]), array(&[3], &[1.0, 2.0, 4.0]));
        for (operator, wanted) in [
            ("Add", [7.0, 8.0, 10.0, 9.0, 10.0, 12.0]),
            ("Sub", [5.0, 4.0, 2.0, 7.0, 6.0, 4.0]),
            ("Mul", [6.0, 12.0, 24.0, 8.0, 16.0, 32.0]),
            ("Div", [6.0, 3.0, 1.5, 8.0, 4.0, 2.0]),
            ("Pow", [6.0, 36.0, 1296.0, 8.0, 64.0, 4096.0]),
            ("Min", [1.0, 2.0, 4.0, 1.0, 2.0, 4.0]),
            ("Max", [6.0, 6.0, 6.0, 8.0, 8.0, 8.0]),
            ("Mean", [3.5, 4.0, 5.0, 4.5, 5.0, 6.0]),
        ] {
            near(&one(operator, &[], &[&a, &b]), &[2, 3], &wanted);
        }
        near(&one("Sum", &[], &[&a, &a, &a]), &[2, 1], &[18.0, 24.0]);
        assert!(run("Add", &[], &[&a, &whole(&[1], &[1])]).is_err());
        assert!(run("Add", &[], &[&words(&[1], &["a"]), &words(&[1], &["a"])]).is_err());
        assert!(run("Add", &[], &[&a]).is_err());
        assert!(run("Sum", &[], &[]).is_err());
        let mean = run("Mean", &[], &[&whole(&[1], &[1])]);
        assert_eq!(mean, Err(RunError::Failed("it takes no i64".to_owned())));
    }

    #[test]
    fn integers_neither_overflow_nor_divide_by_nought() {
        let low = whole(&[1], &[i64::MIN]);
        assert_eq!(one("Div", &[], &[&low, &whole(&[1], &[-1])]), low);
        assert_eq!(one("Neg", &[], &[&low]), low);
        assert_eq!(one("Abs", &[], &[&low]), low);
        assert!(run("Div", &[], &[&low, &whole(&[1], &[0])]).is_err());
        assert_eq!(one("Div", &[], &[&whole(&[1], &[-7]), &whole(&[1], &[2])]), whole(&[1], &[-3]));
        assert_eq!(one("Pow", &[], &[&whole(&[1], &[3]), &array(&[1], &[2.0])]), whole(&[1], &[9]));
        near(&one("Pow", &[], &[&array(&[1], &[3.0]), &whole(&[1], &[2])]), &[1], &[9.0]);
    }

    #[test]
    fn broadcasting_ends_with_the_memory() {
        let (a, b) = (array(&[1, 100_000], &[0.0; 100_000]), array(&[100_000, 1], &[0.0; 100_000]));
        assert!(run("Add", &[], &[&a, &b]).is_err());
    }

    #[test]
    fn functions_of_one_number() {
        let x = array(&[4], &[-1.5, 0.0, 0.5, 2.5]);
        for (operator, wanted) in [
            ("Abs", [1.5, 0.0, 0.5, 2.5]),
            ("Ceil", [-1.0, 0.0, 1.0, 3.0]),
            ("Floor", [-2.0, 0.0, 0.0, 2.0]),
            ("Round", [-2.0, 0.0, 0.0, 2.0]),
            ("Neg", [1.5, 0.0, -0.5, -2.5]),
            ("Relu", [0.0, 0.0, 0.5, 2.5]),
            ("Sign", [-1.0, 0.0, 1.0, 1.0]),
            ("Exp", [0.223_130_16, 1.0, 1.648_721_3, 12.182_494]),
            ("Sigmoid", [0.182_425_52, 0.5, 0.622_459_3, 0.924_141_8]),
            ("Tanh", [-0.905_148_27, 0.0, 0.462_117_15, 0.986_614_3]),
            ("Softplus", [0.201_413_3, std::f32::consts::LN_2, 0.974_077, 2.578_889_8]),
            ("Sqrt", [f32::NAN, 0.0, 0.707_106_77, 1.581_138_8]),
            ("Log", [f32::NAN, f32::NEG_INFINITY, -std::f32::consts::LN_2, 0.916_290_7]),
            ("Reciprocal", [-0.666_666_7, f32::INFINITY, 2.0, 0.4]),
        ] {
            near(&one(operator, &[], &[&x]), &[4], &wanted);
        }
        assert!(run("Sqrt", &[], &[&whole(&[1], &[1])]).is_err());
    }

    #[test]
    fn numbers_are_clipped() {
        let x = array(&[3], &[-2.0, 0.5, 2.0]);
        let (low, high) = (array(&[], &[-1.0]), array(&[1], &[1.0]));
        near(&one("Clip", &[], &[&x, &low, &high]), &[3], &[-1.0, 0.5, 1.0]);
        near(&one("Clip", &[float("max", 0.0)], &[&x]), &[3], &[-2.0, 0.0, 0.0]);
        near(&one("Clip", &[], &[&x]), &[3], &[-2.0, 0.5, 2.0]);
        assert!(run("Clip", &[], &[&x, &array(&[2], &[0.0; 2])]).is_err());
    }
}
