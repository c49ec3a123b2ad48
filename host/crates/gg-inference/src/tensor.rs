//! Arrays of numbers and texts, in bytes.

use crate::element::ElementType;
use bytes::Bytes;
use thiserror::Error;

/// Most dimensions that a tensor has.
pub const MAX_RANK: usize = 32;

/// Why bytes are no tensor.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TensorError {
    /// It has too many dimensions.
    #[error("{0} dimensions are more than {MAX_RANK}")]
    Rank(usize),
    /// Its shape holds more elements than can be counted.
    #[error("a shape of {shape:?} holds too many elements")]
    TooLarge {
        /// The shape.
        shape: Vec<u32>,
    },
    /// There are more or fewer bytes than its shape says.
    #[error("{shape:?} of {element} takes {wanted} bytes, not {got}")]
    Length {
        /// The shape.
        shape: Vec<u32>,
        /// What its elements are.
        element: ElementType,
        /// Bytes that it takes.
        wanted: usize,
        /// Bytes that came.
        got: usize,
    },
    /// A truth value is neither 0 nor 1.
    #[error("a bool is 0 or 1, not {0}")]
    Bool(u8),
    /// Texts are cut off, too many or too few, or not UTF-8.
    #[error("these are not {0} texts, each with its length before it in 32 bits")]
    Texts(usize),
}

/// An array of elements of one type. One that exists has the bytes that its shape says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tensor {
    element: ElementType,
    shape: Vec<u32>,
    data: Bytes,
}

/// A tensor and the input or output that it belongs to.
pub type Named = (String, Tensor);

impl Tensor {
    /// The elements in row-major order.
    ///
    /// # Errors
    /// The bytes are not what the shape says.
    pub fn new(
        element: ElementType,
        shape: Vec<u32>,
        data: impl Into<Bytes>,
    ) -> Result<Self, TensorError> {
        let data = data.into();
        let count = count(&shape)?;
        match element.width() {
            Some(width) => {
                let Some(wanted) = count.checked_mul(width) else {
                    return Err(TensorError::TooLarge { shape });
                };
                if data.len() != wanted {
                    return Err(TensorError::Length { shape, element, wanted, got: data.len() });
                }
                if element == ElementType::Bool
                    && let Some(odd) = data.iter().find(|byte| **byte > 1)
                {
                    return Err(TensorError::Bool(*odd));
                }
            }
            None => {
                let mut texts = Texts(&data);
                let all = texts
                    .by_ref()
                    .take(count.saturating_add(1))
                    .try_fold(0_usize, |number, text| text.map(|_| number + 1));
                if all != Some(count) || !texts.0.is_empty() {
                    return Err(TensorError::Texts(count));
                }
            }
        }
        Ok(Self { element, shape, data })
    }

    /// Texts.
    ///
    /// # Errors
    /// There are more or fewer than the shape says.
    pub fn of_texts<T: AsRef<str>>(shape: Vec<u32>, texts: &[T]) -> Result<Self, TensorError> {
        let mut data = Vec::new();
        for text in texts {
            let text = text.as_ref();
            let Ok(length) = u32::try_from(text.len()) else {
                return Err(TensorError::Texts(texts.len()));
            };
            data.extend_from_slice(&length.to_le_bytes());
            data.extend_from_slice(text.as_bytes());
        }
        Self::new(ElementType::String, shape, data)
    }

    /// What the elements are.
    pub fn element(&self) -> ElementType {
        self.element
    }

    /// The length of each dimension.
    pub fn shape(&self) -> &[u32] {
        &self.shape
    }

    /// Its type and shape: `fp32 [1, 3]`.
    pub fn kind(&self) -> String {
        format!("{} {:?}", self.element, self.shape)
    }

    /// How many elements.
    pub fn count(&self) -> usize {
        self.shape.iter().map(|length| *length as usize).product()
    }

    /// The elements' bytes in row-major order.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// The elements' bytes, without a copy where nobody else has them.
    pub fn into_data(self) -> Bytes {
        self.data
    }

    /// Its texts; none of a tensor of numbers.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let texts = if self.element == ElementType::String { &*self.data } else { &[] };
        Texts(texts).map_while(|text| text)
    }
}

/// How many elements a shape holds.
///
/// # Errors
/// Too many dimensions, or more elements than can be counted.
pub fn count(shape: &[u32]) -> Result<usize, TensorError> {
    if shape.len() > MAX_RANK {
        return Err(TensorError::Rank(shape.len()));
    }
    // Without those of length zero, so that no order of dimensions hides an overflow.
    let count = shape
        .iter()
        .filter(|length| **length > 0)
        .try_fold(1_usize, |count, length| count.checked_mul(*length as usize));
    match count {
        _ if shape.contains(&0) => Ok(0),
        Some(count) => Ok(count),
        None => Err(TensorError::TooLarge { shape: shape.to_vec() }),
    }
}

/// Texts as they lie in a tensor; a `None` among them is the end of what makes sense.
struct Texts<'a>(&'a [u8]);

impl<'a> Iterator for Texts<'a> {
    type Item = Option<&'a str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let text = self.0.split_first_chunk().and_then(|(length, rest)| {
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            self.0 = rest;
            std::str::from_utf8(text).ok()
        });
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ElementType::{Bool, Fp32, String as Text, U8};

    #[test]
    fn a_tensor_has_the_bytes_that_its_shape_says() {
        for (element, shape, data) in [
            (Fp32, vec![2, 1], &[0; 8][..]),
            (Fp32, vec![], &[0; 4]),
            (Fp32, vec![0, 7], &[]),
            (Bool, vec![2], &[0, 1]),
            (Text, vec![2], b"\x01\0\0\0a\0\0\0\0"),
            (Text, vec![0], b""),
        ] {
            let tensor = Tensor::new(element, shape, data.to_vec()).unwrap();
            assert_eq!(tensor.data(), data);
        }
        let texts = Tensor::of_texts(vec![1, 2], &["ab", ""]).unwrap();
        assert_eq!(texts.texts().collect::<Vec<_>>(), ["ab", ""]);
        assert_eq!(Tensor::new(U8, vec![1], vec![7]).unwrap().texts().count(), 0);
    }

    #[test]
    fn what_is_no_tensor_is_refused() {
        for (element, shape, data) in [
            (Fp32, vec![2], &[0; 7][..]),
            (Fp32, vec![], &[]),
            (U8, vec![0], &[1]),
            (U8, vec![u32::MAX; 3], &[0; 8]),
            (U8, vec![0, u32::MAX, u32::MAX, u32::MAX, u32::MAX], &[1]),
            (U8, vec![1; MAX_RANK + 1], &[1]),
            (Fp32, vec![u32::MAX, u32::MAX, 1], &[0; 4]),
            (Bool, vec![1], &[2]),
            (Text, vec![1], b"\x02\0\0\0a"),
            (Text, vec![1], b"\0\0\0"),
            (Text, vec![1], b"\x01\0\0\0\xff"),
            (Text, vec![1], b"\0\0\0\0\0\0\0\0"),
            (Text, vec![u32::MAX, u32::MAX], b"\0\0\0\0"),
        ] {
            let refused = Tensor::new(element, shape.clone(), data.to_vec());
            assert!(refused.is_err(), "{element} {shape:?}");
        }
    }
}
