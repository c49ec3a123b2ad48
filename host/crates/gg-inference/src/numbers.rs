//! The elements of a tensor as numbers, and back.

use crate::element::ElementType;
use crate::tensor::{Tensor, TensorError};
use half::{bf16, f16};

/// The elements as `f64`, the nearest where an integer has more digits; none of texts.
pub fn numbers(tensor: &Tensor) -> Vec<f64> {
    use ElementType as E;
    let data = &**tensor.data();
    match tensor.element() {
        E::Fp16 => each(data, |bytes| f16::from_le_bytes(bytes).to_f64()),
        E::Bf16 => each(data, |bytes| bf16::from_le_bytes(bytes).to_f64()),
        E::Fp32 => each(data, |bytes| f32::from_le_bytes(bytes).into()),
        E::Fp64 => each(data, f64::from_le_bytes),
        E::I8 => each(data, |bytes| i8::from_le_bytes(bytes).into()),
        E::I16 => each(data, |bytes| i16::from_le_bytes(bytes).into()),
        E::I32 => each(data, |bytes| i32::from_le_bytes(bytes).into()),
        E::I64 => each(data, |bytes| i64::from_le_bytes(bytes) as f64),
        E::U8 | E::Bool => each(data, |bytes| u8::from_le_bytes(bytes).into()),
        E::U16 => each(data, |bytes| u16::from_le_bytes(bytes).into()),
        E::U32 => each(data, |bytes| u32::from_le_bytes(bytes).into()),
        E::U64 => each(data, |bytes| u64::from_le_bytes(bytes) as f64),
        E::String => Vec::new(),
    }
}

/// A tensor of these numbers, each as near as its type can come.
///
/// # Errors
/// There are more or fewer than the shape says, or they are to be texts.
pub fn tensor(
    element: ElementType,
    shape: Vec<u32>,
    numbers: &[f64],
) -> Result<Tensor, TensorError> {
    use ElementType as E;
    let data = match element {
        E::Fp16 => all(numbers, |number| f16::from_f64(number).to_le_bytes()),
        E::Bf16 => all(numbers, |number| bf16::from_f64(number).to_le_bytes()),
        E::Fp32 => all(numbers, |number| (number as f32).to_le_bytes()),
        E::Fp64 => all(numbers, f64::to_le_bytes),
        E::I8 => all(numbers, |number| (number as i8).to_le_bytes()),
        E::I16 => all(numbers, |number| (number as i16).to_le_bytes()),
        E::I32 => all(numbers, |number| (number as i32).to_le_bytes()),
        E::I64 => all(numbers, |number| (number as i64).to_le_bytes()),
        E::U8 => all(numbers, |number| (number as u8).to_le_bytes()),
        E::U16 => all(numbers, |number| (number as u16).to_le_bytes()),
        E::U32 => all(numbers, |number| (number as u32).to_le_bytes()),
        E::U64 => all(numbers, |number| (number as u64).to_le_bytes()),
        E::Bool => all(numbers, |number| [u8::from(number != 0.0)]),
        E::String => return Err(TensorError::Texts(numbers.len())),
    };
    Tensor::new(element, shape, data)
}

/// Elements of so many bytes, each as what is read of it.
pub fn each<const N: usize, T>(data: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|bytes| read(*bytes)).collect()
}

fn all<const N: usize>(numbers: &[f64], write: impl Fn(f64) -> [u8; N]) -> Vec<u8> {
    numbers.iter().flat_map(|number| write(*number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_every_type() {
        for element in ElementType::ALL.iter().filter(|element| element.width().is_some()) {
            let tensor = tensor(*element, vec![2], &[1.0, 0.0]).unwrap();
            assert_eq!(numbers(&tensor), [1.0, 0.0], "{element}");
        }
        let clamped = tensor(ElementType::I8, vec![2], &[1000.0, -1.5]).unwrap();
        assert_eq!(numbers(&clamped), [127.0, -1.0]);
    }
}
