//! Numbers, shapes and tensors of them.

use gg_inference::numbers;
use gg_inference::onnx::proto::TensorProto;
use gg_inference::tensor::count;
use gg_inference::{ElementType, Tensor};
use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// The types by their numbers in ONNX, those that are computed with most first and often.
const TYPES: [i32; 18] = [1, 1, 1, 7, 7, 11, 11, 8, 9, 6, 2, 3, 4, 5, 10, 12, 13, 16];

/// Numbers at which arithmetic is at its ends.
const ODD: [f64; 12] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -0.0,
    1e-40,
    1e30,
    -1e300,
    2147483648.0,
    -9.3e18,
    1.8e19,
    0.5,
    1.5,
];

const ODD_INTS: [i64; 8] =
    [i64::MIN, i64::MAX, i32::MIN as i64, i32::MAX as i64, -1, 1 << 31, 1 << 40, 1000];

/// A type's number.
pub fn kind(from: &mut Unstructured<'_>) -> Result<i32> {
    from.choose(&TYPES).copied()
}

/// The length of a dimension.
pub fn length(from: &mut Unstructured<'_>) -> Result<u32> {
    Ok(*from.choose(&[1, 2, 3, 1, 2, 3, 0, 4, 17])?)
}

/// The lengths of all.
pub fn shape(from: &mut Unstructured<'_>) -> Result<Vec<u32>> {
    let rank = *from.choose(&[2, 2, 2, 1, 1, 0, 3, 4])?;
    (0..rank).map(|_| length(from)).collect()
}

/// Something that happens once in so many times, and not when there is nothing left to choose by.
pub fn rarely(from: &mut Unstructured<'_>, times: u8) -> Result<bool> {
    Ok(from.int_in_range(1..=times)? == times)
}

/// A number.
pub fn number(from: &mut Unstructured<'_>) -> Result<f64> {
    Ok(match rarely(from, 6)? {
        true => *from.choose(&ODD)?,
        false => from.int_in_range(-3..=4)?.into(),
    })
}

/// A whole number.
pub fn int(from: &mut Unstructured<'_>) -> Result<i64> {
    match rarely(from, 10)? {
        true => from.choose(&ODD_INTS).copied(),
        false => from.int_in_range(-2..=4),
    }
}

/// A word.
pub fn word(from: &mut Unstructured<'_>) -> Result<&'static str> {
    from.choose(&["", "a", "b", "0", "1", "-2", "1.5", "nan", "ä"]).copied()
}

/// A tensor of a type and shape.
pub fn tensor(
    from: &mut Unstructured<'_>,
    element: ElementType,
    shape: Vec<u32>,
) -> Result<Tensor> {
    let count = count(&shape).unwrap();
    Ok(match element {
        ElementType::String => {
            let words: Vec<_> = (0..count).map(|_| word(from)).collect::<Result<_>>()?;
            Tensor::of_texts(shape, &words).unwrap()
        }
        _ => {
            let all: Vec<_> = (0..count).map(|_| number(from)).collect::<Result<_>>()?;
            numbers::tensor(element, shape, &all).unwrap()
        }
    })
}

/// A tensor as files have it.
pub fn constant(from: &mut Unstructured<'_>, kind: i32, shape: Vec<u32>) -> Result<TensorProto> {
    let element = ElementType::of_onnx(kind).unwrap();
    let tensor = tensor(from, element, shape)?;
    let mut proto = TensorProto {
        dims: tensor.shape().iter().map(|length| i64::from(*length)).collect(),
        data_type: kind,
        ..TensorProto::default()
    };
    match element {
        ElementType::String => {
            proto.string_data =
                tensor.texts().map(|text| text.to_owned().into_bytes().into()).collect();
        }
        _ => proto.raw_data = Some(tensor.data().clone()),
    }
    Ok(proto)
}
