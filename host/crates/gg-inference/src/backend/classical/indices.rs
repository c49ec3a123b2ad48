//! The places of elements, in another order than they lie in: what shapes and broadcasting come to.

use super::values::{count, failed};
use crate::backend::RunError;

/// The places of a shape's elements in row-major order, where a step along each dimension is this far.
#[derive(Clone, Debug)]
pub(super) struct Indices {
    /// Length and stride of each dimension, the last first. Strides back are two's complements.
    dims: Vec<(usize, usize)>,
    /// How far along each dimension.
    at: Vec<usize>,
    place: usize,
    left: usize,
}

impl Indices {
    /// Beginning at `place`.
    pub(super) fn new(shape: &[usize], strides: &[usize], place: usize) -> Self {
        let dims: Vec<_> = shape.iter().copied().zip(strides.iter().copied()).rev().collect();
        Self { at: vec![0; dims.len()], dims, place, left: count(shape).unwrap_or(0) }
    }
}

impl Iterator for Indices {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let place = self.place;
        for ((length, stride), at) in self.dims.iter().zip(&mut self.at) {
            *at += 1;
            self.place = self.place.wrapping_add(*stride);
            if *at < *length {
                break;
            }
            *at = 0;
            self.place = self.place.wrapping_sub(stride.wrapping_mul(*length));
        }
        Some(place)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// How far it is along each dimension of a whole array.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut stride = 1_usize;
    let mut strides: Vec<usize> = shape
        .iter()
        .rev()
        .map(|length| {
            let own = stride;
            stride = stride.wrapping_mul(*length);
            own
        })
        .collect();
    strides.reverse();
    strides
}

/// The shape that arrays have together (ONNX's multidirectional broadcasting).
pub(super) fn together<'a>(
    shapes: impl Iterator<Item = &'a [usize]>,
) -> Result<Vec<usize>, RunError> {
    let mut all: Vec<usize> = Vec::new();
    for shape in shapes {
        while all.len() < shape.len() {
            all.insert(0, 1);
        }
        for (one, other) in all.iter_mut().rev().zip(shape.iter().rev()) {
            *one = match (*one, *other) {
                (one, other) if one == other => one,
                (1, length) | (length, 1) => length,
                _ => {
                    return Err(failed(&format!(
                        "{shape:?} does not go with its other inputs' shapes"
                    )));
                }
            };
        }
    }
    Ok(all)
}

/// The places of an array's elements where it is spread over a shape that it goes with.
pub(super) fn spread(from: &[usize], to: &[usize]) -> Indices {
    let own = strides(from);
    let missing = to.len().saturating_sub(from.len());
    let along = (0..to.len()).map(|dim| match dim.checked_sub(missing) {
        Some(dim) if from.get(dim).is_some_and(|length| *length != 1) => {
            own.get(dim).copied().unwrap_or(0)
        }
        _ => 0,
    });
    Indices::new(to, &along.collect::<Vec<_>>(), 0)
}

/// A dimension's number, which may be counted from the end.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, RunError> {
    let signed = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let place = signed.and_then(|axis| usize::try_from(axis).ok()).filter(|axis| *axis < rank);
    place.ok_or_else(|| failed(&format!("there is no dimension {axis} of {rank}")))
}

/// A shape as elements outside a dimension, along it and inside.
pub(super) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    let part = |range: Option<&[usize]>| range.and_then(count).unwrap_or(0);
    let length = shape.get(axis).copied().unwrap_or(0);
    (part(shape.get(..axis)), length, part(shape.get(axis + 1..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_gone_through_in_order() {
        let places: Vec<_> = Indices::new(&[2, 3], &[1, 2], 0).collect();
        assert_eq!(places, [0, 2, 4, 1, 3, 5]);
        let back: Vec<_> = Indices::new(&[3], &[1_usize.wrapping_neg()], 2).collect();
        assert_eq!(back, [2, 1, 0]);
        assert_eq!(Indices::new(&[], &[], 0).collect::<Vec<_>>(), [0]);
        assert_eq!(Indices::new(&[0, 2], &[2, 1], 0).count(), 0);
        assert_eq!(
            spread(&[3, 1], &[2, 3, 2]).collect::<Vec<_>>(),
            [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]
        );
    }

    #[test]
    fn shapes_go_together_or_do_not() {
        let all = |shapes: &[&[usize]]| together(shapes.iter().copied());
        assert_eq!(all(&[&[2, 3], &[3]]), Ok(vec![2, 3]));
        assert_eq!(all(&[&[], &[2, 1], &[1, 4]]), Ok(vec![2, 4]));
        assert_eq!(all(&[&[0], &[1]]), Ok(vec![0]));
        assert!(all(&[&[2], &[3]]).is_err());
        assert!(all(&[&[2], &[0]]).is_err());
        assert_eq!(axis(-1, 3), Ok(2));
        assert!(axis(-4, 3).is_err() && axis(3, 3).is_err() && axis(i64::MIN, 3).is_err());
    }
}
