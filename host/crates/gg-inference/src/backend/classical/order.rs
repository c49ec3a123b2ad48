//! The greatest and the least, and where they are: ArgMax, ArgMin and TopK.

use super::attributes::Node;
use super::context::Context;
use super::indices::{around, axis};
use super::operator::{Operator, boxed, simple};
use super::values::{Data, Value, failed};
use crate::backend::{LoadError, RunError};
use std::cmp::Ordering;

/// How two elements compare; those that are no number are equal to all.
fn order<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

/// The places of elements that lie along a dimension, for all that is outside and inside it.
fn along(x: &Value, at: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
    let (outer, length, inner) = around(x.shape(), at);
    let outer = if length == 0 { 0 } else { outer };
    (0..outer).flat_map(move |i| (0..inner).map(move |j| (i * length * inner + j, inner)))
}

/// ArgMax and ArgMin.
pub(super) fn arg(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let better = if node.operator() == "ArgMax" { Ordering::Greater } else { Ordering::Less };
    let (at, keep) = (node.int("axis").unwrap_or(0), node.flag("keepdims", true));
    let last = node.flag("select_last_index", false);
    Ok(simple(move |x, context| {
        let at = axis(at, x.shape().len())?;
        let mut shape = x.shape().to_vec();
        let length = shape.get(at).copied().unwrap_or(0);
        if length == 0 {
            return Err(failed("the greatest of nothing"));
        }
        match keep {
            true => shape.iter_mut().skip(at).take(1).for_each(|one| *one = 1),
            false => drop(shape.remove(at)),
        }
        context.room(&shape, 8)?;
        context.work(x.count())?;
        let places = match x.data() {
            Data::F32(all) => best(all, x, at, length, better, last),
            Data::F64(all) => best(all, x, at, length, better, last),
            Data::Int(all) => best(all, x, at, length, better, last),
            _ => return Err(failed(&format!("it takes no {}", x.element()))),
        };
        Value::new(shape, Data::Int(places))
    }))
}

fn best<T: PartialOrd>(
    all: &[T],
    x: &Value,
    at: usize,
    length: usize,
    better: Ordering,
    last: bool,
) -> Vec<i64> {
    let of_one = |(start, step): (usize, usize)| {
        let mut best = 0;
        for place in 1..length {
            let pair = (all.get(start + place * step), all.get(start + best * step));
            let order = pair.0.zip(pair.1).map_or(Ordering::Equal, |(a, b)| order(a, b));
            if order == better || (last && order == Ordering::Equal) {
                best = place;
            }
        }
        best as i64
    };
    along(x, at).map(of_one).collect()
}

/// TopK: the number by an attribute, or since version 10 by an input.
pub(super) fn top(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let (at, largest) = (node.int("axis").unwrap_or(-1), node.flag("largest", true));
    let written = node.int("k");
    Ok(boxed(move |inputs, context| {
        let x = inputs.at(0)?;
        let k = match (written, inputs.get(1)) {
            (Some(k), _) => k,
            (None, Some(k)) => k.ints()?.first().copied().ok_or_else(|| failed("it has no k"))?,
            (None, None) => return Err(failed("it has no k")),
        };
        let at = axis(at, x.shape().len())?;
        let mut shape = x.shape().to_vec();
        let length = shape.get(at).copied().unwrap_or(0);
        let k = usize::try_from(k).ok().filter(|k| *k <= length);
        let k = k.ok_or_else(|| failed(&format!("the first of only {length}")))?;
        if let Some(place) = shape.get_mut(at) {
            *place = k;
        }
        context.room(&shape, 8 + x.data().width())?;
        context.room(&[length], 8)?;
        let places = match x.data() {
            Data::F32(all) => first(all, x, at, length, k, largest, context)?,
            Data::F64(all) => first(all, x, at, length, k, largest, context)?,
            Data::Int(all) => first(all, x, at, length, k, largest, context)?,
            _ => return Err(failed(&format!("it takes no {}", x.element()))),
        };
        // They come for each line of the array; they lie along the dimension.
        let (outer, _, inner) = around(&shape, at);
        let mut out = vec![0_usize; places.len()];
        let mut which = vec![0_i64; places.len()];
        if outer > 0 && k > 0 {
            for (number, (place, index)) in places.into_iter().enumerate() {
                let (line, rank) = (number / k, number % k);
                let to = (line / inner * k + rank) * inner + line % inner;
                if let (Some(out), Some(which)) = (out.get_mut(to), which.get_mut(to)) {
                    (*out, *which) = (place, index as i64);
                }
            }
        }
        let values = x.like(shape.clone(), x.data().pick(out.into_iter()))?;
        Ok(vec![values, Value::new(shape, Data::Int(which))?])
    }))
}

/// For each line, the first `k`: where they are in the array, and in the line.
fn first<T: PartialOrd>(
    all: &[T],
    x: &Value,
    at: usize,
    length: usize,
    k: usize,
    largest: bool,
    context: &Context<'_>,
) -> Result<Vec<(usize, usize)>, RunError> {
    let mut found = Vec::new();
    let mut line: Vec<usize> = Vec::with_capacity(length);
    for (start, step) in along(x, at) {
        context.work(length.saturating_mul(16))?;
        line.clear();
        line.extend(0..length);
        let key = |place: &usize| all.get(start + place * step);
        // An order of all, so that the sort cannot go wrong: numbers, then what is none, by place.
        let compare = |a: &usize, b: &usize| {
            let (x, y) = (key(a), key(b));
            let is_none = |one: Option<&T>| one.is_none_or(|one| one.partial_cmp(one).is_none());
            let by_value = match (x, y) {
                (Some(x), Some(y)) if largest => order(y, x),
                (Some(x), Some(y)) => order(x, y),
                _ => Ordering::Equal,
            };
            is_none(x).cmp(&is_none(y)).then(by_value).then(a.cmp(b))
        };
        if k > 0 && k < length {
            line.select_nth_unstable_by(k - 1, compare);
            line.truncate(k);
        }
        line.sort_unstable_by(compare);
        found.extend(line.iter().take(k).map(|place| (start + place * step, *place)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use crate::backend::classical::operator::testing::*;

    #[test]
    fn where_the_greatest_and_the_least_are() {
        let x = array(&[2, 3], &[1.0, 3.0, 3.0, 0.0, -1.0, -1.0]);
        let rows = [int("axis", 1), int("keepdims", 0)];
        assert_eq!(one("ArgMax", &rows, &[&x]), whole(&[2], &[1, 0]));
        assert_eq!(one("ArgMin", &rows, &[&x]), whole(&[2], &[0, 1]));
        let last = [int("axis", 1), int("select_last_index", 1)];
        assert_eq!(one("ArgMax", &last, &[&x]), whole(&[2, 1], &[2, 0]));
        assert_eq!(one("ArgMax", &[], &[&x]), whole(&[1, 3], &[0, 0, 0]));
        assert!(run("ArgMax", &[], &[&array(&[0, 3], &[])]).is_err());
        assert_eq!(one("ArgMax", &rows, &[&array(&[0, 3], &[])]), whole(&[0], &[]));
        assert!(run("ArgMax", &[], &[&array(&[], &[1.0])]).is_err());
    }

    #[test]
    fn the_first_of_many() {
        let x = array(&[2, 4], &[0.0, 5.0, 5.0, 2.0, f32::NAN, 1.0, 3.0, 2.0]);
        let got = run("TopK", &[], &[&x, &whole(&[1], &[2])]).unwrap();
        near(&got[0], &[2, 2], &[5.0, 5.0, 3.0, 2.0]);
        assert_eq!(got[1], whole(&[2, 2], &[1, 2, 2, 3]));
        let got =
            run("TopK", &[int("axis", 0), int("largest", 0)], &[&x, &whole(&[1], &[1])]).unwrap();
        near(&got[0], &[1, 4], &[0.0, 1.0, 3.0, 2.0]);
        assert_eq!(got[1], whole(&[1, 4], &[0, 1, 1, 0]));
        let got = run("TopK", &[], &[&x, &whole(&[1], &[0])]).unwrap();
        assert_eq!(got[1].shape(), [2, 0]);
        assert!(run("TopK", &[], &[&x, &whole(&[1], &[5])]).is_err());
        assert!(run("TopK", &[], &[&x, &whole(&[1], &[-1])]).is_err());
        assert!(run("TopK", &[], &[&x]).is_err());
    }
}
