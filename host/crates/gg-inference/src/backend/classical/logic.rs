//! Comparisons and truth values: Less, Not, Where, IsNaN and so on.

use super::attributes::Node;
use super::elementwise::zipped;
use super::indices::{spread, together};
use super::operator::{Operator, boxed, simple};
use super::values::{Data, Value, failed};
use crate::backend::{LoadError, RunError};
use crate::element::ElementType;
use std::cmp::Ordering;
use std::sync::Arc;

/// Equal, Less, LessOrEqual, Greater and GreaterOrEqual.
pub(super) fn compare(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let holds: fn(Option<Ordering>) -> bool = match node.operator() {
        "Equal" => |order| order == Some(Ordering::Equal),
        "Less" => |order| order == Some(Ordering::Less),
        "LessOrEqual" => |order| order.is_some_and(Ordering::is_le),
        "Greater" => |order| order == Some(Ordering::Greater),
        _ => |order| order.is_some_and(Ordering::is_ge),
    };
    Ok(boxed(move |inputs, context| {
        let (a, b) = (inputs.at(0)?, inputs.at(1)?);
        let shape = together([a.shape(), b.shape()].into_iter())?;
        context.room(&shape, 1)?;
        let truths = match (a.data(), b.data()) {
            (Data::F32(x), Data::F32(y)) => {
                zipped(a, b, x, y, &shape, |x, y| holds(x.partial_cmp(&y)))
            }
            (Data::F64(x), Data::F64(y)) => {
                zipped(a, b, x, y, &shape, |x, y| holds(x.partial_cmp(&y)))
            }
            (Data::Int(x), Data::Int(y)) => {
                zipped(a, b, x, y, &shape, |x, y| holds(Some(x.cmp(&y))))
            }
            (Data::Bool(x), Data::Bool(y)) => {
                zipped(a, b, x, y, &shape, |x, y| holds(Some(x.cmp(&y))))
            }
            (Data::Text(x), Data::Text(y)) => {
                zipped(a, b, x, y, &shape, |x, y| holds(Some(x.cmp(&y))))
            }
            _ => {
                return Err(failed(&format!(
                    "{} and {} do not go together",
                    a.element(),
                    b.element()
                )));
            }
        };
        Ok(vec![Value::new(shape, Data::Bool(truths))?])
    }))
}

/// And, Or and Xor.
pub(super) fn logical(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let both: fn(bool, bool) -> bool = match node.operator() {
        "And" => |a, b| a && b,
        "Or" => |a, b| a || b,
        _ => |a, b| a != b,
    };
    Ok(boxed(move |inputs, context| {
        let (a, b) = (inputs.at(0)?, inputs.at(1)?);
        let shape = together([a.shape(), b.shape()].into_iter())?;
        context.room(&shape, 1)?;
        let (Data::Bool(x), Data::Bool(y)) = (a.data(), b.data()) else {
            return Err(failed("it takes truth values"));
        };
        Ok(vec![Value::new(shape.clone(), Data::Bool(zipped(a, b, x, y, &shape, both)))?])
    }))
}

/// Not.
pub(super) fn not(_: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    Ok(simple(|x, context| {
        context.room(x.shape(), 1)?;
        let Data::Bool(all) = x.data() else { return Err(failed("it takes truth values")) };
        Value::new(x.shape().to_vec(), Data::Bool(all.iter().map(|one| !one).collect()))
    }))
}

/// IsNaN.
pub(super) fn is_nan(_: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    Ok(simple(|x, context| {
        context.room(x.shape(), 1)?;
        let truths = match x.data() {
            Data::F32(all) => all.iter().map(|x| x.is_nan()).collect(),
            Data::F64(all) => all.iter().map(|x| x.is_nan()).collect(),
            _ => return Err(failed(&format!("it takes no {}", x.element()))),
        };
        Value::new(x.shape().to_vec(), Data::Bool(truths))
    }))
}

/// Where.
pub(super) fn either(_: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    Ok(boxed(|inputs, context| {
        let (truth, a, b) = (inputs.at(0)?, inputs.at(1)?, inputs.at(2)?);
        let Data::Bool(truths) = truth.data() else {
            return Err(failed("its first input is not of truth values"));
        };
        if a.element() != b.element() {
            return Err(failed(&format!("{} and {} do not go together", a.element(), b.element())));
        }
        let shape = together([truth.shape(), a.shape(), b.shape()].into_iter())?;
        context.room(&shape, a.data().width())?;
        let places = spread(truth.shape(), &shape)
            .zip(spread(a.shape(), &shape).zip(spread(b.shape(), &shape)));
        // A place in both of them, one after the other.
        let count = a.count();
        let places = places.map(|(truth, (i, j))| match truths.get(truth) {
            Some(true) => i,
            _ => count.saturating_add(j),
        });
        let data = match (a.data(), b.data()) {
            (Data::F32(x), Data::F32(y)) => Data::F32(of_both(x, y, places)),
            (Data::F64(x), Data::F64(y)) => Data::F64(of_both(x, y, places)),
            (Data::Int(x), Data::Int(y)) => Data::Int(of_both(x, y, places)),
            (Data::Bool(x), Data::Bool(y)) => Data::Bool(of_both(x, y, places)),
            (Data::Text(x), Data::Text(y)) => Data::Text(of_both(x, y, places)),
            _ => return Err(failed("its inputs are of different types")),
        };
        Ok(vec![a.like(shape, data)?])
    }))
}

/// The elements at these places of two arrays, one after the other.
fn of_both<T: Clone>(a: &[T], b: &[T], places: impl Iterator<Item = usize>) -> Vec<T> {
    let find = |place: usize| match place.checked_sub(a.len()) {
        None => a.get(place),
        Some(place) => b.get(place),
    };
    places.filter_map(|place| find(place).cloned()).collect()
}

/// Cast, and CastLike, to the type of its second input.
pub(super) fn cast(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let to = match node.operator() {
        "CastLike" => None,
        _ => {
            let number = node.int("to").and_then(|to| i32::try_from(to).ok());
            let to = number.and_then(ElementType::of_onnx).filter(|to| *to != ElementType::U64);
            Some(to.ok_or_else(|| node.invalid("to a type that is not computed with"))?)
        }
    };
    Ok(boxed(move |inputs, context| {
        let x = inputs.at(0)?;
        let to = match to {
            Some(to) => to,
            None => inputs.at(1)?.element(),
        };
        context.room(x.shape(), if to == ElementType::String { 64 } else { 8 })?;
        if x.element() == to {
            return Ok(vec![x.clone()]);
        }
        let data = match to {
            ElementType::Fp32 | ElementType::Fp16 | ElementType::Bf16 => {
                Data::F32(numbers(x, |one| one as f32, |wide| wide as f32)?)
            }
            ElementType::Fp64 => Data::F64(numbers(x, |one| one as f64, |wide| wide)?),
            ElementType::Bool => Data::Bool(numbers(x, |one| one != 0, |wide| wide != 0.0)?),
            ElementType::String => Data::Text(written(x)),
            _ => Data::Int(numbers(x, |one| one, |wide| wide as i64)?),
        };
        Ok(vec![Value::of(to, x.shape().to_vec(), data)?])
    }))
}

fn numbers<T>(x: &Value, int: fn(i64) -> T, wide: fn(f64) -> T) -> Result<Vec<T>, RunError> {
    Ok(match x.data() {
        Data::F32(all) => all.iter().map(|one| wide(f64::from(*one))).collect(),
        Data::F64(all) => all.iter().map(|one| wide(*one)).collect(),
        Data::Int(all) => all.iter().map(|one| int(*one)).collect(),
        Data::Bool(all) => all.iter().map(|one| int(i64::from(*one))).collect(),
        Data::Text(all) => {
            let read = |text: &Arc<str>| match text.trim().parse::<i64>() {
                Ok(one) => Some(int(one)),
                Err(_) => text.trim().parse::<f64>().ok().map(wide),
            };
            let all: Option<Vec<T>> = all.iter().map(read).collect();
            all.ok_or_else(|| failed("a text that is no number"))?
        }
    })
}

fn written(x: &Value) -> Vec<Arc<str>> {
    match x.data() {
        Data::Text(all) => all.clone(),
        Data::F32(all) => all.iter().map(|one| printed(f64::from(*one), 8).into()).collect(),
        Data::F64(all) => all.iter().map(|one| printed(*one, 17).into()).collect(),
        Data::Int(all) => all.iter().map(|one| one.to_string().into()).collect(),
        Data::Bool(all) => all.iter().map(|one| if *one { "1" } else { "0" }.into()).collect(),
    }
}

/// A number with so many digits, as C's `%g` prints it, and so onnxruntime.
fn printed(number: f64, digits: i32) -> String {
    let text = format!("{number:.*e}", usize::try_from(digits - 1).unwrap_or(0));
    let Some((figures, exponent)) = text.split_once('e') else {
        let text = if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "INF"
        } else {
            "-INF"
        };
        return text.to_owned();
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let short = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..digits).contains(&exponent) {
        return short(&format!("{number:.*}", usize::try_from(digits - 1 - exponent).unwrap_or(0)));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", short(figures), exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::printed;
    use crate::backend::classical::operator::testing::*;

    #[test]
    fn numbers_and_texts_are_compared() {
        let (a, b) = (array(&[2, 1], &[1.0, f32::NAN]), array(&[3], &[0.0, 1.0, 2.0]));
        for (operator, wanted) in [
            ("Equal", [false, true, false]),
            ("Less", [false, false, true]),
            ("LessOrEqual", [false, true, true]),
            ("Greater", [true, false, false]),
            ("GreaterOrEqual", [true, true, false]),
        ] {
            let all = [&wanted[..], &[false; 3]].concat();
            assert_eq!(one(operator, &[], &[&a, &b]), truths(&[2, 3], &all), "{operator}");
        }
        let (x, y) = (words(&[2], &["a", "b"]), words(&[1], &["b"]));
        assert_eq!(one("Equal", &[], &[&x, &y]), truths(&[2], &[false, true]));
        assert!(run("Equal", &[], &[&x, &a]).is_err());
    }

    #[test]
    fn truth_values_are_combined() {
        let (a, b) = (truths(&[2, 1], &[true, false]), truths(&[2], &[true, false]));
        assert_eq!(one("And", &[], &[&a, &b]), truths(&[2, 2], &[true, false, false, false]));
        assert_eq!(one("Or", &[], &[&a, &b]), truths(&[2, 2], &[true, true, true, false]));
        assert_eq!(one("Xor", &[], &[&a, &b]), truths(&[2, 2], &[false, true, true, false]));
        assert_eq!(one("Not", &[], &[&b]), truths(&[2], &[false, true]));
        assert_eq!(
            one("IsNaN", &[], &[&array(&[2], &[f32::NAN, 1.0])]),
            truths(&[2], &[true, false])
        );
        assert!(run("Not", &[], &[&array(&[1], &[1.0])]).is_err());
    }

    #[test]
    fn one_or_the_other() {
        let which = truths(&[2, 1], &[true, false]);
        let got = one("Where", &[], &[&which, &whole(&[2], &[1, 2]), &whole(&[], &[9])]);
        assert_eq!(got, whole(&[2, 2], &[1, 2, 9, 9]));
        assert!(run("Where", &[], &[&which, &whole(&[2], &[1, 2]), &array(&[], &[9.0])]).is_err());
    }

    #[test]
    fn numbers_are_printed_as_in_c() {
        for (number, wanted) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (-300.0, "-300"),
            (0.1, "0.1"),
            (1e8, "1e+08"),
            (12_345_678.0, "12345678"),
            (0.000_012, "1.2e-05"),
            (0.000_12, "0.00012"),
            (f64::MAX, "1.7976931e+308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-INF"),
        ] {
            assert_eq!(printed(number, 8), wanted);
        }
        assert_eq!(printed(0.1, 17), "0.10000000000000001");
    }

    #[test]
    fn types_are_cast() {
        let x = array(&[3], &[-1.7, 0.0, 300.0]);
        assert_eq!(one("Cast", &[int("to", 7)], &[&x]), whole(&[3], &[-1, 0, 300]));
        assert_eq!(one("Cast", &[int("to", 9)], &[&x]), truths(&[3], &[true, false, true]));
        assert_eq!(one("Cast", &[int("to", 8)], &[&whole(&[1], &[7])]), words(&[1], &["7"]));
        assert_eq!(
            one("Cast", &[int("to", 7)], &[&words(&[1], &["9007199254740993"])]),
            whole(&[1], &[9_007_199_254_740_993])
        );
        assert_eq!(one("CastLike", &[], &[&x, &whole(&[1], &[0])]), whole(&[3], &[-1, 0, 300]));
        assert!(run("Cast", &[int("to", 1)], &[&words(&[1], &["x"])]).is_err());
        for to in [13, 99, -1, i64::MAX] {
            assert!(compile("Cast", 13, &[int("to", to)]).is_err());
        }
    }
}
