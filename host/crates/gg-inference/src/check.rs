//! Whether tensors are what a model takes, before anything sees them that might not look.

use crate::onnx::Port;
use crate::tensor::Named;
use thiserror::Error;

/// What is wrong with a prediction's inputs.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InputError {
    /// One is missing.
    #[error("the input `{0}` is missing; {1}")]
    Missing(String, String),
    /// One is there twice.
    #[error("the input `{0}` is there twice")]
    Twice(String),
    /// The model has no such input.
    #[error("the model has no input `{0}`; {1}")]
    Unknown(String, String),
    /// One is of another type or shape.
    #[error("the input `{name}` is {got}; the model takes {wanted}")]
    Kind {
        /// The input.
        name: String,
        /// Type and shape that the model takes.
        wanted: String,
        /// Those that came.
        got: String,
    },
}

/// Whether each of a model's inputs is there once, of its type and with a shape that it allows.
///
/// # Errors
/// The first that is not.
pub fn check(ports: &[Port], inputs: &[Named]) -> Result<(), InputError> {
    let takes = || {
        let names: Vec<_> =
            ports.iter().map(|port| format!("`{}` ({})", port.name, kind(port))).collect();
        format!("it takes {}", names.join(", "))
    };
    for (number, (name, tensor)) in inputs.iter().enumerate() {
        let Some(port) = ports.iter().find(|port| port.name == *name) else {
            return Err(InputError::Unknown(shown(name), takes()));
        };
        if inputs[..number].iter().any(|(other, _)| other == name) {
            return Err(InputError::Twice(shown(name)));
        }
        if !port.fits(tensor) {
            let (name, wanted, got) = (name.clone(), kind(port), tensor.kind());
            return Err(InputError::Kind { name, wanted, got });
        }
    }
    let missing = ports.iter().find(|port| inputs.iter().all(|(name, _)| port.name != *name));
    match missing {
        Some(port) => Err(InputError::Missing(port.name.clone(), takes())),
        None => Ok(()),
    }
}

/// A port's type and shape: `fp32 [?, 3, 224, 224]`, or `fp32 [...]` where any shape will do.
pub fn kind(port: &Port) -> String {
    let Some(shape) = &port.shape else { return format!("{} [...]", port.element) };
    let lengths: Vec<_> = shape
        .iter()
        .map(|length| length.map_or_else(|| "?".to_owned(), |length| length.to_string()))
        .collect();
    format!("{} [{}]", port.element, lengths.join(", "))
}

fn shown(name: &str) -> String {
    name.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::ElementType::{Fp32, I64};
    use crate::numbers::tensor;

    #[test]
    fn errors_name_the_input_what_was_expected_and_what_came() {
        let ports = [
            Port { name: "x".to_owned(), element: Fp32, shape: Some(vec![None, Some(2)]) },
            Port { name: "n".to_owned(), element: I64, shape: Some(vec![]) },
        ];
        let x = ("x".to_owned(), tensor(Fp32, vec![3, 2], &[0.0; 6]).unwrap());
        let n = ("n".to_owned(), tensor(I64, vec![], &[1.0]).unwrap());
        let refused = |inputs: &[Named]| check(&ports, inputs).map_err(|error| error.to_string());
        assert_eq!(refused(&[n.clone(), x.clone()]), Ok(()));
        let takes = "it takes `x` (fp32 [?, 2]), `n` (i64 [])";
        assert_eq!(
            refused(std::slice::from_ref(&x)),
            Err(format!("the input `n` is missing; {takes}"))
        );
        let twice = Err("the input `x` is there twice".to_owned());
        assert_eq!(refused(&[x.clone(), x.clone()]), twice);
        let y = ("y".to_owned(), n.1.clone());
        assert_eq!(refused(&[y]), Err(format!("the model has no input `y`; {takes}")));
        let wide = ("x".to_owned(), tensor(Fp32, vec![1, 3], &[0.0; 3]).unwrap());
        let sentence = "the input `x` is fp32 [1, 3]; the model takes fp32 [?, 2]";
        assert_eq!(refused(&[wide, n.clone()]), Err(sentence.to_owned()));
        let whole = ("x".to_owned(), tensor(I64, vec![1, 2], &[0.0; 2]).unwrap());
        let sentence = "the input `x` is i64 [1, 2]; the model takes fp32 [?, 2]";
        assert_eq!(refused(&[whole, n]), Err(sentence.to_owned()));
    }

    #[test]
    fn a_scalar_is_not_any_shape() {
        let port = |shape| Port { name: "x".to_owned(), element: Fp32, shape };
        let (scalar, any) = (port(Some(vec![])), port(None));
        assert_eq!([kind(&scalar), kind(&any)], ["fp32 []", "fp32 [...]"]);
        let one = tensor(Fp32, vec![], &[1.0]).unwrap();
        let row = tensor(Fp32, vec![1], &[1.0]).unwrap();
        assert_eq!([&one, &row].map(|tensor| scalar.fits(tensor)), [true, false]);
        assert_eq!([&one, &row].map(|tensor| any.fits(tensor)), [true, true]);
    }
}
