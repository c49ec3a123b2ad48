//! The same elements in another shape or order: Reshape, Transpose, Concat, Expand and so on.

use super::attributes::Node;
use super::indices::{Indices, around, axis, spread, strides, together};
use super::operator::{Inputs, Operator, boxed, simple};
use super::values::{Data, Value, count, failed};
use crate::backend::{LoadError, RunError};

/// Identity; and ZipMap of `ai.onnx.ml`, whose maps are arrays of numbers here.
pub(super) fn identity(_: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    Ok(simple(|x, context| {
        context.room(x.shape(), x.data().width())?;
        Ok(x.clone())
    }))
}

/// Reshape, version 5 and later.
pub(super) fn reshape(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let zeros = node.flag("allowzero", false);
    Ok(boxed(move |inputs, context| {
        let (x, wanted) = (inputs.at(0)?, inputs.at(1)?.ints()?);
        let odd = || failed(&format!("{:?} to {wanted:?}", x.shape()));
        let mut shape = Vec::new();
        let mut open = None;
        for (place, length) in wanted.iter().enumerate() {
            let length = match *length {
                -1 if open.is_none() => {
                    open = Some(place);
                    1
                }
                0 if !zeros => x.shape().get(place).copied().ok_or_else(odd)?,
                length => usize::try_from(length).map_err(|_| odd())?,
            };
            shape.push(length);
        }
        if let Some(open) = open.and_then(|open| shape.get_mut(open)) {
            *open = 0;
        }
        let known: Vec<usize> = shape
            .iter()
            .enumerate()
            .filter(|(place, _)| Some(*place) != open)
            .map(|(_, length)| *length)
            .collect();
        if let Some(place) = open {
            let known = count(&known).filter(|known| *known > 0).ok_or_else(odd)?;
            if let Some(open) = shape.get_mut(place) {
                *open = x.count() / known;
            }
        }
        if count(&shape) != Some(x.count()) {
            return Err(odd());
        }
        context.room(x.shape(), x.data().width())?;
        Ok(vec![x.shaped(shape)?])
    }))
}

/// Flatten.
pub(super) fn flatten(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let at = node.int("axis").unwrap_or(1);
    Ok(simple(move |x, context| {
        let rank = x.shape().len();
        let at = if at == rank as i64 { rank } else { axis(at, rank)? };
        let (before, after) = x.shape().split_at_checked(at).ok_or_else(|| failed("its axis"))?;
        context.room(x.shape(), x.data().width())?;
        let parts =
            count(before).zip(count(after)).ok_or_else(|| failed("its shape is too large"))?;
        x.shaped(vec![parts.0, parts.1])
    }))
}

/// The dimensions that a node speaks of: by its attribute, or since version 13 or 18 by an input.
pub(super) fn axes<'a>(
    attribute: Option<&'a Vec<i64>>,
    inputs: &Inputs<'a>,
    place: usize,
) -> Result<Option<&'a [i64]>, RunError> {
    match (attribute, inputs.get(place)) {
        (Some(axes), _) => Ok(Some(axes)),
        (None, Some(value)) => Ok(Some(value.ints()?)),
        (None, None) => Ok(None),
    }
}

/// Squeeze.
pub(super) fn squeeze(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let attribute = node.some_ints("axes").map(<[_]>::to_vec);
    Ok(boxed(move |inputs, context| {
        let x = inputs.at(0)?;
        let rank = x.shape().len();
        let which = match axes(attribute.as_ref(), inputs, 1)? {
            Some(axes) => axes.iter().map(|one| axis(*one, rank)).collect::<Result<Vec<_>, _>>()?,
            None => (0..rank).filter(|dim| x.shape().get(*dim) == Some(&1)).collect(),
        };
        if which.iter().any(|dim| x.shape().get(*dim) != Some(&1)) {
            return Err(failed(&format!("a dimension of {:?} that is not 1", x.shape())));
        }
        context.room(x.shape(), x.data().width())?;
        let left = x.shape().iter().enumerate().filter(|(dim, _)| !which.contains(dim));
        Ok(vec![x.shaped(left.map(|(_, length)| *length).collect())?])
    }))
}

/// Unsqueeze.
pub(super) fn unsqueeze(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let attribute = node.some_ints("axes").map(<[_]>::to_vec);
    Ok(boxed(move |inputs, context| {
        let x = inputs.at(0)?;
        let axes = axes(attribute.as_ref(), inputs, 1)?.ok_or_else(|| failed("it has no axes"))?;
        if axes.len() > crate::tensor::MAX_RANK {
            return Err(failed("too many dimensions"));
        }
        let rank = x.shape().len() + axes.len();
        let which = axes.iter().map(|one| axis(*one, rank)).collect::<Result<Vec<_>, _>>()?;
        let mut old = x.shape().iter().copied();
        let shape = (0..rank).map(|dim| if which.contains(&dim) { Some(1) } else { old.next() });
        let shape = shape
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| failed("a dimension that is there twice"))?;
        context.room(x.shape(), x.data().width())?;
        Ok(vec![x.shaped(shape)?])
    }))
}

/// Transpose.
pub(super) fn transpose(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let order = node.some_ints("perm").map(<[_]>::to_vec);
    Ok(simple(move |x, context| {
        let rank = x.shape().len();
        let order = match &order {
            Some(order) => {
                order.iter().map(|dim| axis(*dim, rank)).collect::<Result<Vec<_>, _>>()?
            }
            None => (0..rank).rev().collect(),
        };
        let mut seen = order.clone();
        seen.sort_unstable();
        if !seen.iter().copied().eq(0..rank) {
            return Err(failed("its perm does not fit"));
        }
        context.room(x.shape(), x.data().width())?;
        let own = strides(x.shape());
        let pick =
            |of: &[usize]| order.iter().filter_map(|dim| of.get(*dim).copied()).collect::<Vec<_>>();
        let shape = pick(x.shape());
        let places = Indices::new(&shape, &pick(&own), 0);
        x.like(shape, x.data().pick(places))
    }))
}

/// Concat.
pub(super) fn concat(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let at = node.int("axis").ok_or_else(|| node.invalid("it has no axis"))?;
    Ok(boxed(move |inputs, context| {
        let all: Vec<&Value> = inputs.all().collect();
        let first = *all.first().ok_or_else(|| failed("it has no input"))?;
        let at = axis(at, first.shape().len())?;
        let mut shape = first.shape().to_vec();
        let mut length = 0_usize;
        for value in &all {
            let alike = value.shape().len() == shape.len()
                && value
                    .shape()
                    .iter()
                    .zip(&shape)
                    .enumerate()
                    .all(|(dim, (a, b))| dim == at || a == b);
            if !alike || value.element() != first.element() {
                return Err(failed("its inputs do not go together"));
            }
            let own = value.shape().get(at).copied().unwrap_or(0);
            length = length.checked_add(own).ok_or_else(|| failed("its inputs are too long"))?;
        }
        if let Some(place) = shape.get_mut(at) {
            *place = length;
        }
        context.room(&shape, first.data().width())?;
        let (outer, _, inner) = around(&shape, at);
        let data = match first.data() {
            Data::F32(_) => Data::F32(joined(&all, outer, at, inner, |data| {
                if let Data::F32(all) = data { all } else { &[] }
            })),
            Data::F64(_) => Data::F64(joined(&all, outer, at, inner, |data| {
                if let Data::F64(all) = data { all } else { &[] }
            })),
            Data::Int(_) => Data::Int(joined(&all, outer, at, inner, |data| {
                if let Data::Int(all) = data { all } else { &[] }
            })),
            Data::Bool(_) => Data::Bool(joined(&all, outer, at, inner, |data| {
                if let Data::Bool(all) = data { all } else { &[] }
            })),
            Data::Text(_) => Data::Text(joined(&all, outer, at, inner, |data| {
                if let Data::Text(all) = data { all } else { &[] }
            })),
        };
        Ok(vec![first.like(shape, data)?])
    }))
}

fn joined<T: Clone>(
    all: &[&Value],
    outer: usize,
    at: usize,
    inner: usize,
    kind: impl Fn(&Data) -> &[T],
) -> Vec<T> {
    let mut joined = Vec::new();
    // Without elements there may be any number of outer ones.
    if all.iter().all(|value| value.count() == 0) {
        return joined;
    }
    for number in 0..outer {
        for value in all {
            let length = value.shape().get(at).copied().unwrap_or(0) * inner;
            joined.extend_from_slice(
                kind(value.data()).get(number * length..(number + 1) * length).unwrap_or(&[]),
            );
        }
    }
    joined
}

/// Expand.
pub(super) fn expand(_: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    Ok(boxed(|inputs, context| {
        let (x, wanted) = (inputs.at(0)?, lengths(inputs.at(1)?)?);
        let shape = together([x.shape(), &wanted].into_iter())?;
        context.room(&shape, x.data().width())?;
        let places = spread(x.shape(), &shape);
        Ok(vec![x.like(shape, x.data().pick(places))?])
    }))
}

/// Shape.
pub(super) fn shape(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let (start, end) = (node.int("start").unwrap_or(0), node.int("end").unwrap_or(i64::MAX));
    Ok(simple(move |x, _| {
        let rank = x.shape().len() as i64;
        let place =
            |at: i64| if at < 0 { at.saturating_add(rank) } else { at }.clamp(0, rank) as usize;
        let lengths = x.shape().get(place(start)..place(end)).unwrap_or(&[]);
        let lengths: Vec<i64> = lengths.iter().map(|length| *length as i64).collect();
        Value::new(vec![lengths.len()], Data::Int(lengths))
    }))
}

/// ConstantOfShape.
pub(super) fn constant_of_shape(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let value = match node.tensor("value")? {
        Some(value) if value.count() == 1 => value,
        Some(_) => return Err(node.invalid("its value is not one number")),
        None => Value::new(vec![1], Data::F32(vec![0.0])).map_err(|error| node.invalid(error))?,
    };
    Ok(simple(move |x, context| {
        let shape = lengths(x)?;
        let count = context.room(&shape, value.data().width())?;
        value.like(shape, value.data().pick(std::iter::repeat_n(0, count)))
    }))
}

/// Constant.
pub(super) fn constant(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let odd = |error: RunError| node.invalid(error);
    let list = |data: Data| Value::new(vec![data.len()], data).map_err(odd);
    let value = if let Some(value) = node.tensor("value")? {
        value
    } else if let Some(int) = node.int("value_int") {
        Value::new(vec![], Data::Int(vec![int])).map_err(odd)?
    } else if let Some(float) = node.float("value_float") {
        Value::new(vec![], Data::F32(vec![float])).map_err(odd)?
    } else if let Some(text) = node.text("value_string")? {
        Value::new(vec![], Data::Text(vec![text.into()])).map_err(odd)?
    } else if let Some(ints) = node.some_ints("value_ints") {
        list(Data::Int(ints.to_vec()))?
    } else if !node.floats("value_floats").is_empty() {
        list(Data::F32(node.floats("value_floats").to_vec()))?
    } else if !node.texts("value_strings")?.is_empty() {
        list(Data::Text(node.texts("value_strings")?))?
    } else {
        return Err(node.invalid("it has no value"));
    };
    Ok(boxed(move |_, context| {
        context.room(value.shape(), value.data().width())?;
        Ok(vec![value.clone()])
    }))
}

/// Lengths of dimensions that are computed.
pub(super) fn lengths(value: &Value) -> Result<Vec<usize>, RunError> {
    let ints = value.ints()?;
    if ints.len() > crate::tensor::MAX_RANK {
        return Err(failed("too many dimensions"));
    }
    let lengths = ints.iter().map(|length| usize::try_from(*length)).collect::<Result<_, _>>();
    lengths.map_err(|_| failed("a length that is less than nought"))
}

#[cfg(test)]
mod tests {
    use crate::backend::classical::operator::testing::*;

    #[test]
    fn elements_are_reshaped() {
        let x = whole(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let to = |wanted: &[i64], attributes: &[_]| {
            run("Reshape", attributes, &[&x, &whole(&[wanted.len()], wanted)])
        };
        assert_eq!(to(&[3, -1], &[]).unwrap()[0].shape(), [3, 2]);
        assert_eq!(to(&[0, -1, 1], &[]).unwrap()[0].shape(), [2, 3, 1]);
        for wanted in [
            &[4, -1][..],
            &[5],
            &[-1, -1],
            &[-2, 3],
            &[0, 0, 0],
            &[i64::MAX, i64::MAX],
            &[1 << 62, 4, -1],
        ] {
            assert!(to(wanted, &[]).is_err(), "{wanted:?}");
        }
        assert!(to(&[0, -1], &[int("allowzero", 1)]).is_err());
        let empty = run("Reshape", &[], &[&whole(&[0, 3], &[]), &whole(&[2], &[-1, 3])]).unwrap();
        assert_eq!(empty[0].shape(), [0, 3]);
        assert_eq!(one("Flatten", &[int("axis", 0)], &[&x]).shape(), [1, 6]);
        assert_eq!(one("Flatten", &[int("axis", 2)], &[&x]).shape(), [6, 1]);
        assert!(run("Flatten", &[int("axis", 3)], &[&x]).is_err());
    }

    #[test]
    fn dimensions_come_and_go() {
        let x = whole(&[1, 2, 1], &[1, 2]);
        assert_eq!(one("Squeeze", &[], &[&x]).shape(), [2]);
        assert_eq!(one("Squeeze", &[ints("axes", &[-1])], &[&x]).shape(), [1, 2]);
        assert_eq!(one("Squeeze", &[], &[&x, &whole(&[1], &[0])]).shape(), [2, 1]);
        assert!(run("Squeeze", &[ints("axes", &[1])], &[&x]).is_err());
        assert_eq!(one("Unsqueeze", &[ints("axes", &[0, -1])], &[&x]).shape(), [1, 1, 2, 1, 1]);
        assert!(run("Unsqueeze", &[ints("axes", &[0, 0])], &[&x]).is_err());
        assert!(run("Unsqueeze", &[ints("axes", &[0; 1000])], &[&x]).is_err());
        assert!(run("Unsqueeze", &[], &[&x]).is_err());
    }

    #[test]
    fn elements_are_put_in_another_order() {
        let x = whole(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        assert_eq!(one("Transpose", &[], &[&x]), whole(&[3, 2], &[1, 4, 2, 5, 3, 6]));
        assert_eq!(one("Transpose", &[ints("perm", &[0, 1])], &[&x]), x);
        for perm in [&[0, 0][..], &[0], &[0, 2], &[0, 1, 2]] {
            assert!(run("Transpose", &[ints("perm", perm)], &[&x]).is_err());
        }
        let wide = one("Concat", &[int("axis", -1)], &[&x, &whole(&[2, 1], &[7, 8])]);
        assert_eq!(wide, whole(&[2, 4], &[1, 2, 3, 7, 4, 5, 6, 8]));
        assert!(run("Concat", &[int("axis", 0)], &[&x, &whole(&[2, 1], &[7, 8])]).is_err());
        assert!(run("Concat", &[int("axis", 0)], &[]).is_err());
    }

    #[test]
    fn shapes_are_values_too() {
        let x = whole(&[2, 3], &[0; 6]);
        assert_eq!(one("Shape", &[], &[&x]), whole(&[2], &[2, 3]));
        assert_eq!(one("Shape", &[int("start", -1)], &[&x]), whole(&[1], &[3]));
        assert_eq!(
            one("Shape", &[int("start", i64::MAX), int("end", i64::MIN)], &[&x]),
            whole(&[0], &[])
        );
        assert_eq!(
            one("Expand", &[], &[&whole(&[2, 1], &[1, 2]), &whole(&[1], &[2])]),
            whole(&[2, 2], &[1, 1, 2, 2])
        );
        near(&one("ConstantOfShape", &[], &[&whole(&[1], &[2])]), &[2], &[0.0, 0.0]);
        near(
            &one("ConstantOfShape", &[tensor("value", &[7.0])], &[&whole(&[0], &[])]),
            &[],
            &[7.0],
        );
        assert_eq!(one("Constant", &[ints("value_ints", &[1, 2])], &[]), whole(&[2], &[1, 2]));
        assert!(compile("Constant", 13, &[]).is_err());
    }

    #[test]
    fn what_is_too_large_is_not_made() {
        let x = whole(&[1], &[0]);
        for huge in [&[1 << 40, 1 << 40][..], &[1 << 31], &[i64::MAX; 8], &[-1], &[1; 100]] {
            let wanted = whole(&[huge.len()], huge);
            assert!(run("Expand", &[], &[&x, &wanted]).is_err(), "{huge:?}");
            assert!(run("ConstantOfShape", &[], &[&wanted]).is_err(), "{huge:?}");
        }
    }
}
