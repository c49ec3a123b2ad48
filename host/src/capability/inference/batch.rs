//! PURE: predictions that are made together: inputs put one after the other along the first
//! dimension, and outputs taken apart again.

use gg_inference::{ElementType, Named, Port, Tensor};

/// Whether a model takes rows of any number at each input, and gives as many at each output.
pub(super) fn takes_batches(inputs: &[Port], outputs: &[Port]) -> bool {
    let free = |port: &Port| {
        port.element != ElementType::String
            && port.shape.as_ref().is_some_and(|shape| shape.first() == Some(&None))
    };
    !inputs.is_empty() && inputs.iter().all(free) && outputs.iter().all(free)
}

/// How many rows a prediction's inputs have; `None` where they do not have the same number.
pub(super) fn rows(inputs: &[Named]) -> Option<u32> {
    let mut rows = inputs.iter().map(|(_, tensor)| tensor.shape().first().copied());
    let first = rows.next()??;
    (first > 0 && rows.all(|other| other == Some(first))).then_some(first)
}

/// Whether two predictions differ in nothing but their rows and numbers.
pub(super) fn alike(one: &[Named], other: &[Named]) -> bool {
    let alike = |((name, tensor), (other_name, other)): (&Named, &Named)| {
        name == other_name
            && tensor.element() == other.element()
            && tensor.shape().get(1..) == other.shape().get(1..)
    };
    one.len() == other.len() && one.iter().zip(other).all(alike)
}

/// Several predictions' inputs as those of one. All are [`alike`], and each has [`rows`].
pub(super) fn together(all: &[&[Named]]) -> Option<Vec<Named>> {
    let first = all.first()?;
    let merged = first.iter().enumerate().map(|(at, (name, tensor))| {
        let mut shape = tensor.shape().to_vec();
        let parts: Vec<&Tensor> = all.iter().filter_map(|one| Some(&one.get(at)?.1)).collect();
        *shape.first_mut()? = parts.iter().filter_map(|part| part.shape().first()).sum();
        let data: Vec<u8> = parts.iter().flat_map(|part| part.data().iter().copied()).collect();
        Some((name.clone(), Tensor::new(tensor.element(), shape, data).ok()?))
    });
    merged.collect()
}

/// The outputs of each, by how many rows each put in; `None` where an output has another number of
/// rows than came in, so that nobody can say whose they are.
pub(super) fn apart(outputs: &[Named], rows: &[u32]) -> Option<Vec<Vec<Named>>> {
    let whole: u32 = rows.iter().sum();
    let mut all = vec![Vec::with_capacity(outputs.len()); rows.len()];
    for (name, tensor) in outputs {
        if tensor.shape().first() != Some(&whole) || tensor.element() == ElementType::String {
            return None;
        }
        let (width, mut at) = (tensor.data().len() / whole as usize, 0);
        for (one, rows) in all.iter_mut().zip(rows) {
            let mut shape = tensor.shape().to_vec();
            shape[0] = *rows;
            let end = at + width * *rows as usize;
            let part = Tensor::new(tensor.element(), shape, tensor.data().slice(at..end)).ok()?;
            one.push((name.clone(), part));
            at = end;
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gg_inference::ElementType::{Fp32, I64};
    use gg_inference::numbers::{numbers, tensor};

    fn one(name: &str, shape: &[u32], values: &[f64]) -> Named {
        (name.to_owned(), tensor(Fp32, shape.to_vec(), values).unwrap())
    }

    #[test]
    fn rows_go_in_together_and_come_out_apart() {
        let a = [one("x", &[1, 2], &[1.0, 2.0]), one("n", &[1], &[5.0])];
        let b = [one("x", &[2, 2], &[3.0, 4.0, 5.0, 6.0]), one("n", &[2], &[6.0, 7.0])];
        assert_eq!((rows(&a), rows(&b)), (Some(1), Some(2)));
        assert!(alike(&a, &b));
        let merged = together(&[&a, &b]).unwrap();
        let whole =
            [one("x", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), one("n", &[3], &[5.0, 6.0, 7.0])];
        assert_eq!(merged, whole);
        let parts = apart(&merged, &[1, 2]).unwrap();
        assert_eq!(parts, [a.to_vec(), b.to_vec()]);
        assert_eq!(numbers(&parts[1][0].1), [3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn what_cannot_go_together_does_not() {
        let a = [one("x", &[1, 2], &[1.0, 2.0])];
        let wide = [one("x", &[1, 3], &[1.0; 3])];
        let other = [("x".to_owned(), tensor(I64, vec![1, 2], &[1.0; 2]).unwrap())];
        assert!(!alike(&a, &wide) && !alike(&a, &other) && !alike(&a, &[]));
        assert_eq!(rows(&[one("x", &[], &[1.0])]), None);
        assert_eq!(rows(&[one("x", &[2], &[1.0; 2]), one("y", &[3], &[1.0; 3])]), None);
        assert_eq!(rows(&[one("x", &[0, 2], &[])]), None);
        // A sum over the batch, for example.
        assert_eq!(apart(&[one("sum", &[1], &[1.0])], &[1, 2]), None);
    }
}
