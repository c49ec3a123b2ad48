//! What is done to features: Scaler, Normalizer, Imputer and Binarizer of `ai.onnx.ml`.

use super::attributes::Node;
use super::operator::{Operator, simple};
use super::values::{Data, Value, failed};
use crate::backend::LoadError;

/// Scaler, version 1: `(x - offset) * scale`.
pub(super) fn scaler(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let (offset, scale) = (node.floats("offset").to_vec(), node.floats("scale").to_vec());
    if offset.len() != scale.len() || scale.is_empty() {
        return Err(node.invalid("it has not as many offsets as scales"));
    }
    Ok(simple(move |x, context| {
        let width = x.shape().last().copied().unwrap_or(1);
        if scale.len() != 1 && scale.len() != width {
            return Err(failed(&format!(
                "rows of {width} features where {} are expected",
                scale.len()
            )));
        }
        context.room(x.shape(), 8)?;
        let all = offset.iter().zip(&scale).cycle();
        let scaled =
            x.floats()?.iter().zip(all).map(|(x, (offset, scale))| (x - offset) * scale).collect();
        Value::new(x.shape().to_vec(), Data::F32(scaled))
    }))
}

/// Normalizer, version 1: each row by its greatest element, or by its norm.
pub(super) fn normalizer(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let norm: fn(&[f32]) -> f32 = match node.text("norm")? {
        None | Some("MAX") => |row| row.iter().copied().fold(f32::MIN, f32::max),
        Some("L1") => |row| row.iter().map(|x| x.abs()).sum(),
        Some("L2") => |row| row.iter().map(|x| x * x).sum::<f32>().sqrt(),
        Some(other) => return Err(node.invalid(format_args!("norm {other:?}"))),
    };
    Ok(simple(move |x, context| {
        let (_, width) = x.rows()?;
        context.room(x.shape(), 8)?;
        let mut rows = x.floats()?.into_owned();
        if width > 0 {
            for row in rows.chunks_exact_mut(width) {
                let norm = norm(row);
                if norm != 0.0 {
                    row.iter_mut().for_each(|x| *x /= norm);
                }
            }
        }
        Value::new(x.shape().to_vec(), Data::F32(rows))
    }))
}

/// Imputer, version 1: what is missing, or is equal to what stands for it, is replaced.
pub(super) fn imputer(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let floats = node.floats("imputed_value_floats").to_vec();
    let ints = node.ints("imputed_value_int64s").to_vec();
    if floats.is_empty() == ints.is_empty() {
        return Err(node.invalid("it has no values, or those of two types"));
    }
    let float = node.float("replaced_value_float").unwrap_or(0.0);
    let int = node.int("replaced_value_int64").unwrap_or(0);
    Ok(simple(move |x, context| {
        let width = x.shape().last().copied().unwrap_or(1);
        context.room(x.shape(), x.data().width())?;
        let data = match x.data() {
            Data::F32(all) if !floats.is_empty() => {
                let odd = |x: &f32| *x == float || (x.is_nan() && float.is_nan());
                Data::F32(imputed(all, width, &floats, odd))
            }
            Data::F64(all) if !floats.is_empty() => {
                let floats: Vec<f64> = floats.iter().copied().map(f64::from).collect();
                let odd = |x: &f64| *x == f64::from(float) || (x.is_nan() && float.is_nan());
                Data::F64(imputed(all, width, &floats, odd))
            }
            Data::Int(all) if !ints.is_empty() => {
                Data::Int(imputed(all, width, &ints, |x| *x == int))
            }
            _ => return Err(failed("its values are of another type than its input")),
        };
        x.like(x.shape().to_vec(), data)
    }))
}

fn imputed<T: Copy>(all: &[T], width: usize, values: &[T], odd: impl Fn(&T) -> bool) -> Vec<T> {
    // One for each feature, or else the first for all.
    let values = if values.len() == width { values } else { values.get(..1).unwrap_or(&[]) };
    let each = all.iter().zip(values.iter().cycle());
    each.map(|(x, value)| if odd(x) { *value } else { *x }).collect()
}

/// Binarizer, version 1: whether it is beyond the threshold.
pub(super) fn binarizer(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let threshold = node.float("threshold").unwrap_or(0.0);
    Ok(simple(move |x, context| {
        context.room(x.shape(), x.data().width())?;
        let data = match x.data() {
            Data::F32(all) => {
                Data::F32(all.iter().map(|x| f32::from(u8::from(*x > threshold))).collect())
            }
            Data::F64(all) => Data::F64(
                all.iter().map(|x| f64::from(u8::from(*x > f64::from(threshold)))).collect(),
            ),
            Data::Int(all) => {
                Data::Int(all.iter().map(|x| i64::from(*x as f64 > f64::from(threshold))).collect())
            }
            _ => return Err(failed("it takes numbers")),
        };
        x.like(x.shape().to_vec(), data)
    }))
}

#[cfg(test)]
mod tests {
    use crate::backend::classical::operator::testing::*;

    #[test]
    fn features_are_scaled() {
        let x = array(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
        let each = [floats("offset", &[1.0, 0.0]), floats("scale", &[2.0, 0.5])];
        near(&one("ai.onnx.ml.Scaler", &each, &[&x]), &[2, 2], &[0.0, 1.0, 4.0, 2.0]);
        let all = [floats("offset", &[1.0]), floats("scale", &[2.0])];
        near(&one("ai.onnx.ml.Scaler", &all, &[&x]), &[2, 2], &[0.0, 2.0, 4.0, 6.0]);
        near(&one("ai.onnx.ml.Scaler", &all, &[&whole(&[1, 1], &[3])]), &[1, 1], &[4.0]);
        assert!(run("ai.onnx.ml.Scaler", &each, &[&array(&[1, 3], &[0.0; 3])]).is_err());
        assert!(compile("ai.onnx.ml.Scaler", 1, &[floats("offset", &[1.0])]).is_err());
    }

    #[test]
    fn rows_are_normalized() {
        let x = array(&[2, 2], &[3.0, -4.0, 0.0, 0.0]);
        for (norm, wanted) in
            [("MAX", [1.0, -4.0 / 3.0]), ("L1", [3.0 / 7.0, -4.0 / 7.0]), ("L2", [0.6, -0.8])]
        {
            let got = one("ai.onnx.ml.Normalizer", &[text("norm", norm)], &[&x]);
            near(&got, &[2, 2], &[wanted[0], wanted[1], 0.0, 0.0]);
        }
        near(&one("ai.onnx.ml.Normalizer", &[], &[&array(&[2, 0], &[])]), &[2, 0], &[]);
        assert!(run("ai.onnx.ml.Normalizer", &[], &[&array(&[1, 1, 1], &[0.0])]).is_err());
    }

    #[test]
    fn what_is_missing_is_replaced() {
        let x = array(&[2, 2], &[f32::NAN, 1.0, 2.0, f32::NAN]);
        let missing = float("replaced_value_float", f32::NAN);
        let each = [floats("imputed_value_floats", &[7.0, 8.0]), missing.clone()];
        near(&one("ai.onnx.ml.Imputer", &each, &[&x]), &[2, 2], &[7.0, 1.0, 2.0, 8.0]);
        let all = [floats("imputed_value_floats", &[7.0]), missing];
        near(&one("ai.onnx.ml.Imputer", &all, &[&x]), &[2, 2], &[7.0, 1.0, 2.0, 7.0]);
        let whole_numbers = [ints("imputed_value_int64s", &[7]), int("replaced_value_int64", -1)];
        assert_eq!(
            one("ai.onnx.ml.Imputer", &whole_numbers, &[&whole(&[2], &[-1, 3])]),
            whole(&[2], &[7, 3])
        );
        assert!(run("ai.onnx.ml.Imputer", &whole_numbers, &[&x]).is_err());
        assert!(compile("ai.onnx.ml.Imputer", 1, &[]).is_err());
    }

    #[test]
    fn what_is_beyond_a_threshold() {
        let x = array(&[3], &[1.0, 1.5, 2.0]);
        near(
            &one("ai.onnx.ml.Binarizer", &[float("threshold", 1.5)], &[&x]),
            &[3],
            &[0.0, 0.0, 1.0],
        );
    }
}
