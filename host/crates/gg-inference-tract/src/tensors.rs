//! Tensors here and tensors of tract.

use super::failed;
use gg_inference::backend::RunError;
use gg_inference::numbers::each;
use gg_inference::{ElementType, Tensor};
use half::f16;
use tract_onnx::prelude as tract;
use tract_onnx::prelude::{Datum, DatumType, TDim};

/// The type of a kind of elements, if tract has it.
pub(super) fn datum_type(element: ElementType) -> Option<DatumType> {
    use ElementType as E;
    Some(match element {
        E::Fp16 => DatumType::F16,
        E::Fp32 => DatumType::F32,
        E::Fp64 => DatumType::F64,
        E::I8 => DatumType::I8,
        E::I16 => DatumType::I16,
        E::I32 => DatumType::I32,
        E::I64 => DatumType::I64,
        E::U8 => DatumType::U8,
        E::U16 => DatumType::U16,
        E::U32 => DatumType::U32,
        E::U64 => DatumType::U64,
        E::Bool => DatumType::Bool,
        E::Bf16 | E::String => return None,
    })
}

/// A tensor for tract.
pub(super) fn given(tensor: &Tensor) -> Result<tract::Tensor, RunError> {
    use ElementType as E;
    match tensor.element() {
        E::Fp16 => of(tensor, f16::from_le_bytes),
        E::Fp32 => of(tensor, f32::from_le_bytes),
        E::Fp64 => of(tensor, f64::from_le_bytes),
        E::I8 => of(tensor, i8::from_le_bytes),
        E::I16 => of(tensor, i16::from_le_bytes),
        E::I32 => of(tensor, i32::from_le_bytes),
        E::I64 => of(tensor, i64::from_le_bytes),
        E::U8 => of(tensor, u8::from_le_bytes),
        E::U16 => of(tensor, u16::from_le_bytes),
        E::U32 => of(tensor, u32::from_le_bytes),
        E::U64 => of(tensor, u64::from_le_bytes),
        E::Bool => of(tensor, |[byte]: [u8; 1]| byte != 0),
        E::Bf16 | E::String => Err(RunError::Input(format!("tract has no {}", tensor.element()))),
    }
}

fn of<const N: usize, T: Datum + Copy>(
    tensor: &Tensor,
    read: impl Fn([u8; N]) -> T,
) -> Result<tract::Tensor, RunError> {
    let shape: Vec<usize> = tensor.shape().iter().map(|length| *length as usize).collect();
    tract::Tensor::from_shape(&shape, &each(tensor.data(), read)).map_err(failed)
}

/// What tract gives.
pub(super) fn taken(tensor: &tract::Tensor) -> Result<Tensor, RunError> {
    use ElementType as E;
    let shape = tensor.shape().iter().map(|length| u32::try_from(*length));
    let shape: Vec<u32> = shape.collect::<Result<_, _>>().map_err(failed)?;
    let plain = tensor.try_as_plain_ram().map_err(failed)?;
    let element = match tensor.datum_type() {
        DatumType::F16 => E::Fp16,
        DatumType::F32 => E::Fp32,
        DatumType::F64 => E::Fp64,
        DatumType::I8 | DatumType::QI8(_) => E::I8,
        DatumType::I16 => E::I16,
        DatumType::I32 | DatumType::QI32(_) => E::I32,
        DatumType::I64 => E::I64,
        DatumType::U8 | DatumType::QU8(_) => E::U8,
        DatumType::U16 => E::U16,
        DatumType::U32 => E::U32,
        DatumType::U64 => E::U64,
        DatumType::Bool => E::Bool,
        DatumType::TDim => {
            // A length, which is an integer to the world.
            let lengths = plain.as_slice::<TDim>().map_err(failed)?;
            let lengths = lengths.iter().map(|length| length.to_i64().map(i64::to_le_bytes));
            let data = lengths.collect::<Result<Vec<_>, _>>().map_err(failed)?.concat();
            return Tensor::new(E::I64, shape, data).map_err(failed);
        }
        other => return Err(RunError::Failed(format!("an output is of {other:?}"))),
    };
    Tensor::new(element, shape, plain.as_bytes().to_vec()).map_err(failed)
}
