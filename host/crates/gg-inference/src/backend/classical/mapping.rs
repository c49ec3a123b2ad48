//! Values in place of others: LabelEncoder, CategoryMapper and OneHotEncoder of `ai.onnx.ml`.

use super::attributes::Node;
use super::operator::{Operator, simple};
use super::values::{Data, Value, failed};
use crate::backend::{LoadError, RunError};
use std::collections::HashMap;
use std::sync::Arc;

/// What is looked up: a number by its bits.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Key {
    Text(Arc<str>),
    Int(i64),
    Float(u64),
}

impl Key {
    /// One key for both zeros, and one for all that are no number.
    fn float(number: f64) -> Self {
        match number {
            _ if number.is_nan() => Self::Float(f64::NAN.to_bits()),
            _ => Self::Float((number + 0.0).to_bits()),
        }
    }
}

fn keys(data: &Data) -> Vec<Key> {
    match data {
        Data::Text(all) => all.iter().cloned().map(Key::Text).collect(),
        Data::Int(all) => all.iter().copied().map(Key::Int).collect(),
        Data::Bool(all) => all.iter().map(|one| Key::Int(i64::from(*one))).collect(),
        Data::F32(all) => all.iter().map(|one| Key::float(f64::from(*one))).collect(),
        Data::F64(all) => all.iter().map(|one| Key::float(*one)).collect(),
    }
}

/// A value for each key; the place after them is that of the default.
fn mapping(
    keys_of: &Data,
    values: Value,
    default: &Value,
    node: &Node<'_>,
) -> Result<Box<dyn Operator>, LoadError> {
    let keys_of = keys(keys_of);
    let count = keys_of.len();
    if count != values.count() || count == 0 || default.count() != 1 {
        return Err(node.invalid("it has not as many keys as values"));
    }
    let values = match (values.data(), default.data()) {
        (Data::Text(all), Data::Text(one)) => Data::Text(all.iter().chain(one).cloned().collect()),
        (Data::Int(all), Data::Int(one)) => Data::Int(all.iter().chain(one).copied().collect()),
        (Data::F32(all), Data::F32(one)) => Data::F32(all.iter().chain(one).copied().collect()),
        (Data::F64(all), Data::F64(one)) => Data::F64(all.iter().chain(one).copied().collect()),
        (Data::Bool(all), Data::Bool(one)) => Data::Bool(all.iter().chain(one).copied().collect()),
        _ => return Err(node.invalid("its default is of another type than its values")),
    };
    let values = Value::of(default.element(), vec![count + 1], values)
        .map_err(|error| node.invalid(error))?;
    // Of keys that are there twice, the last.
    let places: HashMap<Key, usize> = keys_of.into_iter().zip(0..).collect();
    Ok(simple(move |x, context| {
        // The keys of all, and what they lead to.
        context.room(x.shape(), 40)?;
        let found =
            keys(x.data()).into_iter().map(|key| places.get(&key).copied().unwrap_or(count));
        values.like(x.shape().to_vec(), values.data().pick(found))
    }))
}

/// LabelEncoder, versions 2 and 4.
pub(super) fn label_encoder(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let list = |side: &str| -> Result<Value, LoadError> {
        let (texts, ints) =
            (node.texts(&format!("{side}_strings"))?, node.ints(&format!("{side}_int64s")));
        let floats = node.floats(&format!("{side}_floats"));
        if let Some(tensor) = node.tensor(&format!("{side}_tensor"))? {
            return Ok(tensor);
        }
        let data = match (texts.is_empty(), ints.is_empty()) {
            (false, _) => Data::Text(texts),
            (true, false) => Data::Int(ints.to_vec()),
            (true, true) => Data::F32(floats.to_vec()),
        };
        Value::new(vec![data.len()], data).map_err(|error| node.invalid(error))
    };
    if node.version() < 2 {
        // Version 1: texts to their places, and back.
        let classes = node.texts("classes_strings")?;
        let places = Data::Int((0..classes.len() as i64).collect());
        return two_ways(node, Data::Text(classes), places);
    }
    let (keys, values) = (list("keys")?, list("values")?);
    let default = match node.tensor("default_tensor")? {
        Some(tensor) => tensor,
        None => {
            let data = match values.data() {
                Data::Text(_) => {
                    Data::Text(vec![node.text("default_string")?.unwrap_or("_Unused").into()])
                }
                Data::Int(_) => Data::Int(vec![node.int("default_int64").unwrap_or(-1)]),
                Data::F32(_) => Data::F32(vec![node.float("default_float").unwrap_or(-0.0)]),
                Data::F64(_) => Data::F64(vec![node.float("default_float").unwrap_or(-0.0).into()]),
                Data::Bool(_) => Data::Bool(vec![false]),
            };
            Value::of(values.element(), vec![1], data).map_err(|error| node.invalid(error))?
        }
    };
    let default = Value::of(values.element(), vec![1], default.data().clone());
    let default =
        default.map_err(|_| node.invalid("its default is of another type than its values"))?;
    mapping(keys.data(), values, &default, node)
}

/// CategoryMapper, version 1.
pub(super) fn category_mapper(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let texts = Data::Text(node.texts("cats_strings")?);
    two_ways(node, texts, Data::Int(node.ints("cats_int64s").to_vec()))
}

/// Texts to integers, and integers to texts.
fn two_ways(node: &Node<'_>, texts: Data, ints: Data) -> Result<Box<dyn Operator>, LoadError> {
    let value =
        |data: Data| Value::new(vec![data.len()], data).map_err(|error| node.invalid(error));
    let text = value(Data::Text(vec![node.text("default_string")?.unwrap_or("_Unused").into()]))?;
    let int = value(Data::Int(vec![node.int("default_int64").unwrap_or(-1)]))?;
    let to_ints = mapping(&texts, value(ints.clone())?, &int, node)?;
    let to_texts = mapping(&ints, value(texts)?, &text, node)?;
    Ok(super::operator::boxed(move |inputs, context| match inputs.at(0)?.data() {
        Data::Text(_) => to_ints.run(inputs, context),
        Data::Int(_) => to_texts.run(inputs, context),
        _ => Err(failed("it takes texts or integers")),
    }))
}

/// OneHotEncoder, version 1.
pub(super) fn one_hot(node: &Node<'_>) -> Result<Box<dyn Operator>, LoadError> {
    let texts = node.texts("cats_strings")?;
    let ints = node.ints("cats_int64s");
    if texts.is_empty() == ints.is_empty() {
        return Err(node.invalid("it has no categories, or those of two types"));
    }
    let categories = match ints.is_empty() {
        true => Data::Text(texts),
        false => Data::Int(ints.to_vec()),
    };
    let count = categories.len();
    let places: HashMap<Key, usize> = keys(&categories).into_iter().zip(0..).collect();
    let zeros = node.flag("zeros", true);
    Ok(simple(move |x, context| {
        let mut shape = x.shape().to_vec();
        shape.push(count);
        context.room(x.shape(), 40)?;
        let mut out = vec![0.0_f32; context.room(&shape, 4)?];
        for (number, key) in whole_keys(x.data())?.iter().enumerate() {
            match places.get(key) {
                Some(place) => {
                    if let Some(one) = out.get_mut(number * count + place) {
                        *one = 1.0;
                    }
                }
                None if zeros => {}
                None => return Err(failed("a category that it does not know")),
            }
        }
        Value::new(shape, Data::F32(out))
    }))
}

/// Keys where numbers are cut to integers.
fn whole_keys(data: &Data) -> Result<Vec<Key>, RunError> {
    Ok(match data {
        Data::F32(all) => all.iter().map(|one| Key::Int(*one as i64)).collect(),
        Data::F64(all) => all.iter().map(|one| Key::Int(*one as i64)).collect(),
        other => keys(other),
    })
}

#[cfg(test)]
mod tests {
    use crate::backend::classical::operator::testing::*;

    #[test]
    fn labels_are_encoded() {
        let attributes = [
            texts("keys_strings", &["Amy", "Sally"]),
            ints("values_int64s", &[5, 6]),
            int("default_int64", -1),
        ];
        let x = words(&[5], &["Dori", "Amy", "Amy", "Sally", "Sally"]);
        assert_eq!(
            one("ai.onnx.ml.LabelEncoder", &attributes, &[&x]),
            whole(&[5], &[-1, 5, 5, 6, 6])
        );
        let floats_to_texts =
            [floats("keys_floats", &[f32::NAN, 0.0]), texts("values_strings", &["nan", "zero"])];
        let x = array(&[3, 1], &[-0.0, f32::NAN, 1.0]);
        let got = one("ai.onnx.ml.LabelEncoder", &floats_to_texts, &[&x]);
        assert_eq!(got, words(&[3, 1], &["zero", "nan", "_Unused"]));
        let tensors = [tensor("keys_tensor", &[1.0]), tensor("values_tensor", &[2.0])];
        near(&one("ai.onnx.ml.LabelEncoder", &tensors, &[&x]), &[3, 1], &[0.0, 0.0, 2.0]);
        let odd = [ints("keys_int64s", &[1, 2]), ints("values_int64s", &[1])];
        assert!(compile("ai.onnx.ml.LabelEncoder", 2, &odd).is_err());
        assert!(compile("ai.onnx.ml.LabelEncoder", 2, &[]).is_err());
    }

    #[test]
    fn categories_are_mapped_both_ways() {
        let attributes = [texts("cats_strings", &["a", "b"]), ints("cats_int64s", &[3, 4])];
        let got = one("ai.onnx.ml.CategoryMapper", &attributes, &[&words(&[2], &["b", "c"])]);
        assert_eq!(got, whole(&[2], &[4, -1]));
        let got = one("ai.onnx.ml.CategoryMapper", &attributes, &[&whole(&[2], &[3, 9])]);
        assert_eq!(got, words(&[2], &["a", "_Unused"]));
        assert!(run("ai.onnx.ml.CategoryMapper", &attributes, &[&array(&[1], &[1.0])]).is_err());
    }

    #[test]
    fn one_is_hot() {
        let attributes = [ints("cats_int64s", &[3, 4])];
        let got = one("ai.onnx.ml.OneHotEncoder", &attributes, &[&array(&[3], &[4.0, 3.0, 9.0])]);
        near(&got, &[3, 2], &[0.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
        let strict = [ints("cats_int64s", &[3, 4]), int("zeros", 0)];
        assert!(run("ai.onnx.ml.OneHotEncoder", &strict, &[&whole(&[1], &[9])]).is_err());
        assert!(compile("ai.onnx.ml.OneHotEncoder", 1, &[]).is_err());
    }
}
