//! `wasi:nn` as the specification has it (0.2.0-rc-2024-10-28): models by name, and from bytes where
//! that is granted. What it has no words for, [`super::wit`] has.

pub mod wit;

use super::{InferenceError, LoadedModel};
use crate::capability::caller::Budget;
use gg_inference::{ElementType, Tensor};
use std::sync::Arc;

/// Characters of the longest message.
const LONGEST: usize = 1000;

/// A model, as a guest holds it.
#[derive(Clone, Debug)]
pub(super) enum Graph {
    /// One of the device's, by its name: whichever serves when a prediction is made.
    Named(String),
    /// The guest's own.
    Loaded(Arc<LoadedModel>),
}

/// An array that a guest has made or was given. Whether it is one is asked when it is used, since
/// there is no other answer to making one than a trap.
#[derive(Debug)]
pub(super) struct GuestTensor {
    element: ElementType,
    shape: Vec<u32>,
    data: bytes::Bytes,
    taken: u64,
    budget: Budget,
}

impl GuestTensor {
    /// So many bytes of the host's memory that are the guest's to answer for; `None` when it has
    /// too many.
    fn new(
        element: ElementType,
        shape: Vec<u32>,
        data: bytes::Bytes,
        budget: Budget,
    ) -> Option<Self> {
        let taken = data.len() + shape.len() * size_of::<u32>() + size_of::<Self>();
        let taken = taken as u64;
        budget.take(taken).then(|| Self { element, shape, data, taken, budget })
    }

    fn tensor(&self, name: &str) -> Result<Tensor, InferenceError> {
        Tensor::new(self.element, self.shape.clone(), self.data.clone())
            .map_err(|error| InferenceError::of_input(name, &error))
    }
}

impl Drop for GuestTensor {
    fn drop(&mut self) {
        self.budget.give(self.taken);
    }
}

/// An error, as a guest holds it.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    code: Code,
    data: String,
}

/// What kind of error it is: the cases of `wasi:nn/errors.error-code` that are used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Code {
    InvalidArgument,
    InvalidEncoding,
    NotFound,
    RuntimeError,
    Security,
    Timeout,
    TooLarge,
    UnsupportedOperation,
}

impl Fault {
    fn new(code: Code, data: impl Into<String>) -> Self {
        // The guest keeps it for as long as it likes.
        let data: String = data.into();
        Self { code, data: data.chars().take(LONGEST).collect() }
    }

    /// Of a model that was to be loaded from bytes: what no backend takes is not in an encoding
    /// that it has.
    fn of_load(error: &InferenceError) -> Self {
        match error {
            InferenceError::Load { too_large: false, .. } => {
                Self::new(Code::InvalidEncoding, error.to_string())
            }
            _ => Self::from(error),
        }
    }
}

impl From<&InferenceError> for Fault {
    fn from(error: &InferenceError) -> Self {
        let code = match error {
            InferenceError::Denied(_) => Code::Security,
            InferenceError::NotFound(_) => Code::NotFound,
            InferenceError::Input(_) => Code::InvalidArgument,
            InferenceError::Late { .. } => Code::Timeout,
            InferenceError::Load { too_large: true, .. } | InferenceError::NoRoom { .. } => {
                Code::TooLarge
            }
            InferenceError::Load { .. }
            | InferenceError::Full { .. }
            | InferenceError::Removed(_)
            | InferenceError::Failed { .. }
            | InferenceError::Crashed { .. } => Code::RuntimeError,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::testing::with_limits;
    use gg_model::{AccessPolicy, Limits};

    #[test]
    fn all_that_is_kept_for_a_guest_counts_and_is_given_back() {
        let limits = Limits { memory: 10_000, ..Limits::default() };
        let caller = with_limits("a", AccessPolicy::default(), limits);
        let make = |shape: usize, data: usize| {
            let (shape, data) = (vec![1; shape], vec![0; data].into());
            GuestTensor::new(ElementType::U8, shape, data, caller.tensor_budget())
        };
        assert!(make(0, 10_000).is_none() && make(2500, 0).is_none());
        for _ in 0..10 {
            let (one, other) = (make(1, 5000).unwrap(), make(500, 1).unwrap());
            assert!(make(1, 5000).is_none());
            drop((one, other));
        }
        let kept: Vec<_> = std::iter::from_fn(|| make(0, 0)).collect();
        assert!(kept.len() < 200, "those without an element count as well: {}", kept.len());
    }

    #[test]
    fn a_message_that_a_guest_keeps_has_an_end() {
        let fault = Fault::from(&InferenceError::NotFound("x".repeat(1 << 20)));
        assert_eq!((fault.code, fault.data.len()), (Code::NotFound, LONGEST));
        let error = gg_inference::TensorError::Texts(1);
        let fault = Fault::from(&InferenceError::of_input(&"x".repeat(1 << 20), &error));
        assert!(fault.data.len() < 250, "{}", fault.data);
    }
}
