//! Tensors as they are written in a model file.

use super::ModelError;
use super::proto::TensorProto;
use crate::element::ElementType;
use crate::tensor::{Tensor, count};
use bytes::Bytes;

/// The tensor that a `TensorProto` holds, by raw bytes or by the field of its type.
///
/// # Errors
/// It contradicts itself, or its elements are of no type known here.
pub fn tensor_of(proto: &TensorProto) -> Result<Tensor, ModelError> {
    let name: String = proto.name.chars().take(100).collect();
    let odd = |what: String| ModelError::Invalid(format!("the constant `{name}`: {what}"));
    let element = ElementType::of_onnx(proto.data_type)
        .ok_or_else(|| odd(format!("elements of an unknown type ({})", proto.data_type)))?;
    let shape = proto.dims.iter().map(|length| u32::try_from(*length));
    let shape: Vec<u32> =
        shape.collect::<Result<_, _>>().map_err(|_| odd("a length".to_owned()))?;
    // Before anything is copied.
    count(&shape).map_err(|error| odd(error.to_string()))?;
    let data = match &proto.raw_data {
        Some(raw) if element != ElementType::String => raw.clone(),
        _ => typed(proto, element),
    };
    Tensor::new(element, shape, data).map_err(|error| odd(error.to_string()))
}

/// The bytes of what is in the field that onnx.proto names for a type.
fn typed(proto: &TensorProto, element: ElementType) -> Bytes {
    use ElementType as E;
    let narrow = |width: usize| -> Vec<u8> {
        let values = proto.int32_data.iter();
        values.flat_map(|value| value.to_le_bytes().into_iter().take(width)).collect()
    };
    let data: Vec<u8> = match element {
        E::Fp32 => proto.float_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        E::Fp64 => proto.double_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        E::I64 => proto.int64_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        E::U64 => proto.uint64_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        E::U32 => {
            proto.uint64_data.iter().flat_map(|value| (*value as u32).to_le_bytes()).collect()
        }
        E::I32 => narrow(4),
        E::I16 | E::U16 | E::Fp16 | E::Bf16 => narrow(2),
        E::I8 | E::U8 | E::Bool => narrow(1),
        E::String => {
            let mut data = Vec::new();
            for text in &proto.string_data {
                data.extend_from_slice(
                    &u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes(),
                );
                data.extend_from_slice(text);
            }
            data
        }
    };
    data.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proto(data_type: i32, dims: &[i64]) -> TensorProto {
        TensorProto { data_type, dims: dims.to_vec(), ..TensorProto::default() }
    }

    #[test]
    fn constants_are_read_in_all_their_forms() {
        let raw = TensorProto { raw_data: Some(Bytes::from_static(&[1, 2])), ..proto(2, &[2]) };
        assert_eq!(&tensor_of(&raw).unwrap().data()[..], [1, 2]);
        let narrow = TensorProto { int32_data: vec![-2, 300], ..proto(5, &[2]) };
        assert_eq!(&tensor_of(&narrow).unwrap().data()[..], [254, 255, 44, 1]);
        let wide = TensorProto { uint64_data: vec![7], ..proto(12, &[]) };
        assert_eq!(&tensor_of(&wide).unwrap().data()[..], [7, 0, 0, 0]);
        let texts = TensorProto { string_data: vec!["ab".into()], ..proto(8, &[1]) };
        assert_eq!(tensor_of(&texts).unwrap().texts().collect::<Vec<_>>(), ["ab"]);
    }

    #[test]
    fn constants_that_lie_are_refused() {
        let short = TensorProto { raw_data: Some(Bytes::from_static(&[1])), ..proto(1, &[1]) };
        let not_utf_8 =
            TensorProto { string_data: vec![Bytes::from_static(&[255])], ..proto(8, &[1]) };
        let huge = proto(1, &[i64::from(u32::MAX), i64::from(u32::MAX), i64::from(u32::MAX)]);
        for odd in [short, not_utf_8, huge, proto(1, &[-1]), proto(1, &[1 << 40]), proto(99, &[])] {
            assert!(tensor_of(&odd).is_err(), "{odd:?}");
        }
    }
}
