//! What a run may still take: time and memory.

use super::values::{Value, count, failed};
use crate::backend::{RunError, Until};
use std::cell::Cell;

/// Bytes of all that is kept while a model runs, and of its constants.
pub(super) const MOST_BYTES: usize = 256 << 20;

/// Steps between two looks at the clock; a step is a multiplication or the like.
const STEPS: usize = 1 << 20;

/// What a run may still take.
#[derive(Debug)]
pub(super) struct Context<'a> {
    until: &'a Until,
    bytes: Cell<usize>,
    steps: Cell<usize>,
}

impl<'a> Context<'a> {
    /// A run that begins.
    pub(super) fn new(until: &'a Until) -> Self {
        Self { until, bytes: Cell::new(MOST_BYTES), steps: Cell::new(STEPS) }
    }

    /// So much work is about to be done.
    pub(super) fn work(&self, steps: usize) -> Result<(), RunError> {
        match self.steps.get().checked_sub(steps) {
            Some(left) => self.steps.set(left),
            None => {
                self.steps.set(STEPS);
                self.until.check()?;
            }
        }
        Ok(())
    }

    /// How many elements of a shape there are, if so many of `width` bytes may be made.
    pub(super) fn room(&self, shape: &[usize], width: usize) -> Result<usize, RunError> {
        let elements = count(shape);
        let bytes = elements.and_then(|elements| elements.checked_mul(width));
        match (elements, bytes) {
            (Some(elements), Some(bytes)) if bytes <= self.bytes.get() => {
                self.work(elements)?;
                Ok(elements)
            }
            _ => Err(failed(&format!(
                "an array of {shape:?} takes more memory than a prediction may"
            ))),
        }
    }

    /// This was made.
    pub(super) fn keep(&self, value: &Value) -> Result<(), RunError> {
        let left = self.bytes.get().checked_sub(value.bytes());
        self.bytes.set(left.ok_or_else(|| failed("it takes more memory than a prediction may"))?);
        Ok(())
    }

    /// This is needed no more.
    pub(super) fn drop(&self, value: &Value) {
        self.bytes.set(self.bytes.get().saturating_add(value.bytes()).min(MOST_BYTES));
    }

    /// Bytes that may still be taken.
    pub(super) fn left(&self) -> usize {
        self.bytes.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::classical::values::Data;
    use std::time::Instant;

    #[test]
    fn memory_and_time_end() {
        let until = Until { deadline: Some(Instant::now()), ..Until::default() };
        let context = Context::new(&until);
        assert_eq!(context.room(&[2, 3], 4), Ok(6));
        assert!(context.room(&[1 << 40, 1 << 40], 4).is_err());
        assert!(context.room(&[MOST_BYTES], 8).is_err());
        assert_eq!(context.room(&[usize::MAX, usize::MAX, 0], 8), Ok(0));
        let value = Value::new(vec![1 << 20], Data::Int(vec![0; 1 << 20])).unwrap();
        for _ in 0..32 {
            context.keep(&value).unwrap();
        }
        assert!(context.keep(&value).is_err());
        context.drop(&value);
        context.keep(&value).unwrap();
        assert_eq!(context.work(2 * STEPS), Err(RunError::Late));
    }
}
