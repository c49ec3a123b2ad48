//! Golden vectors: inputs with the outputs that a model is known to give for them, as they travel
//! beside it. A JSON document:
//!
//! ```json
//! {"tolerance": {"absolute": 1e-5, "relative": 1e-4},
//!  "cases": [{"inputs": {"x": {"type": "fp32", "shape": [1, 2], "data": [0.5, 1]}},
//!             "outputs": {"y": {"type": "fp32", "shape": [1], "data": [0.75]}}}]}
//! ```

use crate::element::ElementType;
use crate::numbers::{numbers, tensor};
use crate::tensor::{Named, Tensor, TensorError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use thiserror::Error;

/// Bytes of the longest document.
pub const LONGEST_GOLDEN: usize = 16 << 20;

/// Most cases.
const MAX_CASES: usize = 1000;

/// Why a document holds no golden vectors.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GoldenError {
    /// It is not JSON, or not of this shape.
    #[error("these are no golden vectors: {0}")]
    Json(#[from] serde_json::Error),
    /// Its numbers are no tensor.
    #[error("case {case}, `{name}`: {error}")]
    Tensor {
        /// Which case, from 1.
        case: usize,
        /// Of which input or output.
        name: String,
        /// What is wrong.
        error: TensorError,
    },
    /// A value is of another type than its tensor.
    #[error("case {case}, `{name}`: {value} is no {element}")]
    Value {
        /// Which case, from 1.
        case: usize,
        /// Of which input or output.
        name: String,
        /// The value.
        value: String,
        /// What it should be.
        element: ElementType,
    },
    /// There is nothing to compare, or too much.
    #[error("there are {0} cases; golden vectors have 1 to {MAX_CASES}")]
    Cases(usize),
}

/// How far an output may be from what is expected: `absolute + relative * |expected|`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Tolerance {
    /// In the outputs' own unit.
    #[serde(default)]
    pub absolute: f64,
    /// As a part of what is expected.
    #[serde(default)]
    pub relative: f64,
}

/// Inputs and what they lead to.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What goes in.
    pub inputs: Vec<Named>,
    /// What comes out, or some of it.
    pub outputs: Vec<Named>,
}

/// What a model is known to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    /// How near is near enough.
    pub tolerance: Tolerance,
    /// At least one.
    pub cases: Vec<Case>,
}

/// Where an output is not what was expected.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Mismatch {
    /// There is no such output.
    #[error("the output `{0}` did not come")]
    Missing(String),
    /// It has another shape or type.
    #[error("`{name}` is {got} where {wanted} is expected")]
    Kind {
        /// The output.
        name: String,
        /// Type and shape that are expected.
        wanted: String,
        /// Those that came.
        got: String,
    },
    /// An element is too far away.
    #[error("`{name}` is {got} at element {at} where {wanted} is expected")]
    Element {
        /// The output.
        name: String,
        /// Which element, in row-major order.
        at: usize,
        /// What is expected.
        wanted: String,
        /// What came.
        got: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    tolerance: Tolerance,
    cases: Vec<CaseDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseDocument {
    inputs: BTreeMap<String, TensorDocument>,
    outputs: BTreeMap<String, TensorDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TensorDocument {
    #[serde(rename = "type")]
    element: ElementType,
    shape: Vec<u32>,
    data: Vec<Value>,
}

impl Golden {
    /// Read a document.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, GoldenError> {
        let document: Document = serde_json::from_slice(bytes)?;
        if !(1..=MAX_CASES).contains(&document.cases.len()) {
            return Err(GoldenError::Cases(document.cases.len()));
        }
        let case = |(number, case): (usize, CaseDocument)| {
            let all = |named: BTreeMap<String, TensorDocument>| {
                named
                    .into_iter()
                    .map(|(name, tensor)| Ok((name.clone(), read(number + 1, &name, tensor)?)))
                    .collect::<Result<Vec<Named>, GoldenError>>()
            };
            Ok(Case { inputs: all(case.inputs)?, outputs: all(case.outputs)? })
        };
        let cases = document.cases.into_iter().enumerate().map(case);
        let cases = cases.collect::<Result<_, GoldenError>>()?;
        Ok(Self { tolerance: document.tolerance, cases })
    }
}

fn read(case: usize, name: &str, document: TensorDocument) -> Result<Tensor, GoldenError> {
    let TensorDocument { element, shape, data } = document;
    let wrong = |value: &Value| GoldenError::Value {
        case,
        name: name.to_owned(),
        value: value.to_string().chars().take(40).collect(),
        element,
    };
    let made = match element {
        ElementType::String => {
            let texts = data.iter().map(|value| value.as_str().ok_or_else(|| wrong(value)));
            Tensor::of_texts(shape, &texts.collect::<Result<Vec<_>, _>>()?)
        }
        // With all their digits.
        ElementType::I64 | ElementType::U64 => {
            let bytes = |value: &Value| match element {
                ElementType::I64 => value.as_i64().map(i64::to_le_bytes),
                _ => value.as_u64().map(u64::to_le_bytes),
            };
            let all = data.iter().map(|value| bytes(value).ok_or_else(|| wrong(value)));
            Tensor::new(element, shape, all.collect::<Result<Vec<_>, _>>()?.concat())
        }
        _ => {
            let number = |value: &Value| match element {
                ElementType::Bool => value.as_bool().map(f64::from),
                _ => value.as_f64(),
            };
            let all = data.iter().map(|value| number(value).ok_or_else(|| wrong(value)));
            tensor(element, shape, &all.collect::<Result<Vec<_>, _>>()?)
        }
    };
    made.map_err(|error| GoldenError::Tensor { case, name: name.to_owned(), error })
}

/// Whether outputs are what a case expects.
///
/// # Errors
/// The first that is not.
pub fn compare(got: &[Named], wanted: &[Named], tolerance: Tolerance) -> Result<(), Mismatch> {
    for (name, wanted) in wanted {
        let Some((_, got)) = got.iter().find(|(other, _)| other == name) else {
            return Err(Mismatch::Missing(name.clone()));
        };
        if (got.element(), got.shape()) != (wanted.element(), wanted.shape()) {
            let (wanted, got) = (wanted.kind(), got.kind());
            return Err(Mismatch::Kind { name: name.clone(), wanted, got });
        }
        if got.data() == wanted.data() {
            continue;
        }
        let far = match wanted.element() {
            ElementType::String => {
                let pairs = got.texts().zip(wanted.texts()).enumerate();
                let mut odd = pairs.filter(|(_, (got, wanted))| got != wanted);
                odd.next()
                    .map(|(at, (got, wanted))| (at, format!("{got:?}"), format!("{wanted:?}")))
            }
            _ => {
                let (got, wanted) = (numbers(got), numbers(wanted));
                let pairs = got.into_iter().zip(wanted).enumerate();
                let mut odd = pairs.filter(|(_, (got, wanted))| !is_near(*got, *wanted, tolerance));
                odd.next().map(|(at, (got, wanted))| (at, got.to_string(), wanted.to_string()))
            }
        };
        if let Some((at, got, wanted)) = far {
            return Err(Mismatch::Element { name: name.clone(), at, wanted, got });
        }
    }
    Ok(())
}

fn is_near(got: f64, wanted: f64, tolerance: Tolerance) -> bool {
    got == wanted
        || (got.is_nan() && wanted.is_nan())
        || (got - wanted).abs() <= tolerance.absolute + tolerance.relative * wanted.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"tolerance": {"absolute": 0.1}, "cases": [{
        "inputs": {"x": {"type": "i64", "shape": [1], "data": [9007199254740993]}},
        "outputs": {"y": {"type": "fp32", "shape": [2], "data": [1, 2.5]},
                    "b": {"type": "bool", "shape": [1], "data": [true]},
                    "s": {"type": "string", "shape": [1], "data": ["a"]}}}]}"#;

    #[test]
    fn vectors_are_read_with_all_their_digits() {
        let golden = Golden::parse(ONE.as_bytes()).unwrap();
        let case = &golden.cases[0];
        assert_eq!(case.inputs[0].1.data()[..], 9_007_199_254_740_993_i64.to_le_bytes());
        assert_eq!(case.outputs.len(), 3);
        compare(&case.outputs, &case.outputs, golden.tolerance).unwrap();
    }

    #[test]
    fn what_is_near_enough_and_what_is_not() {
        let golden = Golden::parse(ONE.as_bytes()).unwrap();
        let wanted = &golden.cases[0].outputs;
        let with = |numbers: &[f64]| {
            let y = tensor(ElementType::Fp32, vec![2], numbers).unwrap();
            let mut got = wanted.clone();
            got.iter_mut().find(|(name, _)| name == "y").unwrap().1 = y;
            compare(&got, wanted, golden.tolerance).map_err(|far| far.to_string())
        };
        assert_eq!(with(&[1.05, 2.5]), Ok(()));
        let far = "`y` is 2.75 at element 1 where 2.5 is expected";
        assert_eq!(with(&[1.0, 2.75]), Err(far.to_owned()));
        assert!(with(&[1.0, f64::NAN]).is_err());
        let gone = compare(&wanted[..1], wanted, golden.tolerance);
        assert!(matches!(gone, Err(Mismatch::Missing(_))), "{gone:?}");
    }

    #[test]
    fn what_is_no_golden_vector_is_refused() {
        for (from, to) in [
            ("[1, 2.5]", "[1]"),
            ("[1, 2.5]", "[1, \"2\"]"),
            ("[true]", "[1]"),
            ("[9007199254740993]", "[1.5]"),
            ("\"i64\"", "\"i63\""),
            ("\"cases\"", "\"Cases\""),
        ] {
            let text = ONE.replace(from, to);
            assert_ne!(text, ONE);
            assert!(Golden::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Golden::parse(br#"{"tolerance": {}, "cases": []}"#).is_err());
    }
}
