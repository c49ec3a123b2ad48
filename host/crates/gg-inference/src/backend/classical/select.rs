//! Some of the elements: Gather, Slice and, of `ai.onnx.ml`, ArrayFeatureExtractor and FeatureVectorizer.

use super::attributes::Node;
use super::indices::{Indices, around, axis, strides};
use super::operator::{Operator, boxed};
use super::values::{Data, Value, failed};
use crate::backend::{LoadError, RunError};

/// Where a place along a dimension is, which may be counted from the end.
fn within(place: i64, length: usize) -> Result<usize, RunError> {
    axis(place, length).map_err(|_| failed(&format!("there is no element {place} of {length}")))
}

/// Gather.
pub(super) fn gather(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let at = node.int("axis").unwrap_or(0);
    Ok(boxed(move |inputs, context| {
        let (x, which) = (inputs.at(0)?, inputs.at(1)?);
        let at = axis(at, x.shape().len())?;
        let (outer, length, inner) = around(x.shape(), at);
        let places = which.ints()?.iter().map(|place| within(*place, length));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let (before, after) =
            (x.shape().get(..at).unwrap_or(&[]), x.shape().get(at + 1..).unwrap_or(&[]));
        let shape = [before, which.shape(), after].concat();
        let count = context.room(&shape, x.data().width())?;
        let outer = if count == 0 { 0 } else { outer };
        let all = (0..outer).flat_map(|number| {
            places.iter().flat_map(move |place| {
                let start = (number * length + place) * inner;
                start..start + inner
            })
        });
        Ok(vec![x.like(shape, x.data().pick(all))?])
    }))
}

/// ArrayFeatureExtractor, version 1: columns of the last dimension.
pub(super) fn features(_: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    Ok(boxed(|inputs, context| {
        let (x, which) = (inputs.at(0)?, inputs.at(1)?);
        let width = x.shape().last().copied().ok_or_else(|| failed("its input is one number"))?;
        let places = which.ints()?.iter().map(|place| match usize::try_from(*place) {
            Ok(place) if place < width => Ok(place),
            _ => Err(failed(&format!("there is no feature {place} of {width}"))),
        });
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let mut shape = x.shape().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = places.len();
        }
        if shape.len() == 1 {
            shape.insert(0, 1);
        }
        context.room(&shape, x.data().width())?;
        let rows = x.count().checked_div(width).unwrap_or(0);
        let all = (0..rows).flat_map(|row| places.iter().map(move |place| row * width + place));
        Ok(vec![x.like(shape, x.data().pick(all))?])
    }))
}

/// FeatureVectorizer, version 1: arrays of rows side by side, as `fp32`.
pub(super) fn vectorizer(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let widths = node.ints("inputdimensions").to_vec();
    Ok(boxed(move |inputs, context| {
        let mut columns = Vec::new();
        let mut rows = None;
        let mut total = 0_usize;
        for (number, value) in inputs.all().enumerate() {
            let (own, width) = value.rows()?;
            if *rows.get_or_insert(own) != own {
                return Err(failed("its inputs have different numbers of rows"));
            }
            // Cut or filled up to what is written.
            let wanted = widths.get(number).map_or(Ok(width), |wanted| usize::try_from(*wanted));
            let wanted = wanted.map_err(|_| failed("inputdimensions are out of range"))?;
            total = total
                .checked_add(wanted)
                .ok_or_else(|| failed("inputdimensions are out of range"))?;
            context.room(value.shape(), 4)?;
            columns.push((value.floats()?, width, wanted));
        }
        let rows = rows.ok_or_else(|| failed("it has no input"))?;
        let mut out = Vec::with_capacity(context.room(&[rows, total], 4)?);
        let rows_with_any = if total == 0 { 0 } else { rows };
        for row in 0..rows_with_any {
            for (all, width, wanted) in &columns {
                let taken =
                    all.get(row * width..row * width + (*width).min(*wanted)).unwrap_or(&[]);
                out.extend_from_slice(taken);
                out.extend(std::iter::repeat_n(0.0, wanted - taken.len()));
            }
        }
        Ok(vec![Value::new(vec![rows, total], Data::F32(out))?])
    }))
}

/// Slice: by attributes, or since version 10 by inputs.
pub(super) fn slice(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let written = ["starts", "ends", "axes"].map(|name| node.some_ints(name).map(<[_]>::to_vec));
    Ok(boxed(move |inputs, context| {
        let x = inputs.at(0)?;
        let rank = x.shape().len();
        let list = |place: usize| match (
            written.get(place - 1).and_then(Option::as_deref),
            inputs.get(place),
        ) {
            (Some(all), _) => Ok(Some(all)),
            (None, Some(value)) => value.ints().map(Some),
            (None, None) => Ok(None),
        };
        let (Some(starts), Some(ends)) = (list(1)?, list(2)?) else {
            return Err(failed("it has no starts or no ends"));
        };
        let (axes, steps) = (list(3)?, list(4)?);
        let fits = |all: Option<&[i64]>| all.is_none_or(|all| all.len() == starts.len());
        if starts.len() > rank || ends.len() != starts.len() || !fits(axes) || !fits(steps) {
            return Err(failed("its inputs have different lengths"));
        }
        let mut shape = x.shape().to_vec();
        let mut along = strides(x.shape());
        let mut first = 0_usize;
        for (number, (start, end)) in starts.iter().zip(ends).enumerate() {
            let at = axes.and_then(|axes| axes.get(number).copied()).unwrap_or(number as i64);
            let at = axis(at, rank)?;
            let step = steps.and_then(|steps| steps.get(number).copied()).unwrap_or(1);
            let (Some(length), Some(stride)) = (shape.get_mut(at), along.get_mut(at)) else {
                continue;
            };
            let (start, count) = span(*start, *end, step, *length)?;
            first = first.wrapping_add(start.wrapping_mul(*stride));
            *stride = stride.wrapping_mul(step as usize);
            *length = count;
        }
        context.room(&shape, x.data().width())?;
        let places = Indices::new(&shape, &along, first);
        Ok(vec![x.like(shape, x.data().pick(places))?])
    }))
}

/// Where a slice begins, and how many elements it has.
fn span(start: i64, end: i64, step: i64, length: usize) -> Result<(usize, usize), RunError> {
    let all = i64::try_from(length).map_err(|_| failed("a dimension is too long"))?;
    let place = |at: i64, low: i64, high: i64| {
        let at = if at < 0 { at.saturating_add(all) } else { at };
        at.clamp(low, high)
    };
    let (start, far) = match step {
        0 => return Err(failed("a step of nought")),
        1.. => {
            let (start, end) = (place(start, 0, all), place(end, 0, all));
            (start, end - start)
        }
        _ if all == 0 => (0, 0),
        _ => {
            let (start, end) = (place(start, 0, all - 1), place(end, -1, all - 1));
            (start, start - end)
        }
    };
    let far = u64::try_from(far).unwrap_or(0);
    Ok((start as usize, far.div_ceil(step.unsigned_abs()) as usize))
}

#[cfg(test)]
mod tests {
    use crate::backend::classical::operator::testing::*;

    #[test]
    fn elements_are_gathered() {
        let x = whole(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let got = one("Gather", &[int("axis", 1)], &[&x, &whole(&[2], &[2, -3])]);
        assert_eq!(got, whole(&[2, 2], &[3, 1, 6, 4]));
        assert_eq!(one("Gather", &[], &[&x, &whole(&[], &[1])]), whole(&[3], &[4, 5, 6]));
        for place in [2, -3, i64::MAX, i64::MIN] {
            assert!(run("Gather", &[], &[&x, &whole(&[1], &[place])]).is_err());
        }
        let huge = whole(&[1 << 16, 1], &[0; 1 << 16]);
        let wide = whole(&[1, 1 << 16], &[0; 1 << 16]);
        assert!(run("Gather", &[], &[&wide, &huge]).is_err());
    }

    #[test]
    fn features_are_extracted() {
        let x = array(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let name = "ai.onnx.ml.ArrayFeatureExtractor";
        near(&one(name, &[], &[&x, &whole(&[1, 2], &[2, 0])]), &[2, 2], &[3.0, 1.0, 6.0, 4.0]);
        near(&one(name, &[], &[&array(&[2], &[7.0, 8.0]), &whole(&[1], &[1])]), &[1, 1], &[8.0]);
        assert!(run(name, &[], &[&x, &whole(&[1], &[3])]).is_err());
        assert!(run(name, &[], &[&x, &whole(&[1], &[-1])]).is_err());
    }

    #[test]
    fn features_are_put_side_by_side() {
        let name = "ai.onnx.ml.FeatureVectorizer";
        let (a, b) = (array(&[2, 1], &[1.0, 2.0]), whole(&[2, 2], &[3, 4, 5, 6]));
        near(
            &one(name, &[ints("inputdimensions", &[1, 2])], &[&a, &b]),
            &[2, 3],
            &[1.0, 3.0, 4.0, 2.0, 5.0, 6.0],
        );
        near(
            &one(name, &[ints("inputdimensions", &[2, 1])], &[&a, &b]),
            &[2, 3],
            &[1.0, 0.0, 3.0, 2.0, 0.0, 5.0],
        );
        assert!(run(name, &[ints("inputdimensions", &[-1])], &[&a]).is_err());
        assert!(run(name, &[ints("inputdimensions", &[i64::MAX])], &[&a]).is_err());
        assert!(run(name, &[], &[]).is_err());
    }

    #[test]
    fn slices_go_both_ways() {
        let x = whole(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let cut = |starts: &[i64], ends: &[i64], axes: &[i64], steps: &[i64]| {
            let all = [starts, ends, axes, steps].map(|list| whole(&[list.len()], list));
            run("Slice", &[], &[&x, &all[0], &all[1], &all[2], &all[3]])
                .map(|mut all| all.remove(0))
        };
        assert_eq!(cut(&[1], &[i64::MAX], &[1], &[1]), Ok(whole(&[2, 2], &[2, 3, 5, 6])));
        assert_eq!(cut(&[-1], &[i64::MIN], &[1], &[-2]), Ok(whole(&[2, 2], &[3, 1, 6, 4])));
        assert_eq!(cut(&[2], &[1], &[0], &[1]).unwrap().shape(), [0, 3]);
        assert_eq!(cut(&[0], &[2], &[0], &[i64::MAX]), Ok(whole(&[1, 3], &[1, 2, 3])));
        assert_eq!(cut(&[1], &[i64::MIN], &[0], &[i64::MIN]), Ok(whole(&[1, 3], &[4, 5, 6])));
        assert!(cut(&[0], &[1], &[0], &[0]).is_err());
        assert!(cut(&[0], &[1], &[2], &[1]).is_err());
        assert!(cut(&[0; 3], &[1; 3], &[0; 3], &[1; 3]).is_err());
        assert!(cut(&[0], &[1; 2], &[0], &[1]).is_err());
        let old = [ints("starts", &[1]), ints("ends", &[2])];
        assert_eq!(one("Slice", &old, &[&x]), whole(&[1, 3], &[4, 5, 6]));
    }
}
