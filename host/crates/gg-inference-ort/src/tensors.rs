//! Tensors here and tensors of onnxruntime: the same bytes in another place.

use super::failed;
use gg_inference::backend::RunError;
use gg_inference::tensor::count;
use gg_inference::{ElementType, Tensor};
use ort::memory::Allocator;
use ort::value::{DynTensor, DynTensorValueType, DynValue, Shape, TensorElementType};

#[cfg(target_endian = "big")]
compile_error!("tensors are little-endian, and onnxruntime's are as the machine's");

macro_rules! alike {
    ($($ours:ident = $theirs:ident,)*) => {
        fn theirs(element: ElementType) -> TensorElementType {
            match element { $(ElementType::$ours => TensorElementType::$theirs,)* }
        }

        fn ours(element: TensorElementType) -> Option<ElementType> {
            match element { $(TensorElementType::$theirs => Some(ElementType::$ours),)* _ => None }
        }
    };
}

alike! {
    Bf16 = Bfloat16,
    Bool = Bool,
    Fp16 = Float16,
    Fp32 = Float32,
    Fp64 = Float64,
    I16 = Int16,
    I32 = Int32,
    I64 = Int64,
    I8 = Int8,
    String = String,
    U16 = Uint16,
    U32 = Uint32,
    U64 = Uint64,
    U8 = Uint8,
}

/// A tensor for onnxruntime.
pub(super) fn given(tensor: &Tensor) -> Result<DynValue, RunError> {
    let shape = Shape::new(tensor.shape().iter().map(|length| i64::from(*length)));
    if tensor.element() == ElementType::String {
        let texts: Vec<String> = tensor.texts().map(str::to_owned).collect();
        let made = ort::value::Tensor::from_string_array((shape, &*texts));
        // It ends texts with a zero, and so holds none with one within.
        return Ok(made.map_err(|error| RunError::Input(error.to_string()))?.into_dyn());
    }
    let mut made =
        DynTensor::new(&Allocator::default(), theirs(tensor.element()), shape).map_err(failed)?;
    let data = tensor.data();
    let room = made.data_ptr_mut().cast::<u8>();
    if !room.is_null() {
        // SAFETY: onnxruntime made room for a tensor of this shape and type, in memory of the
        // processor, which takes as many bytes as ours has; and nobody else has seen it yet.
        #[expect(
            unsafe_code,
            reason = "there is no safe way to numbers of a type that is not known"
        )]
        unsafe {
            room.copy_from_nonoverlapping(data.as_ptr(), data.len());
        }
    }
    Ok(made.into_dyn())
}

/// What onnxruntime gives.
pub(super) fn taken(value: DynValue) -> Result<Tensor, RunError> {
    let tensor = value.downcast::<DynTensorValueType>().map_err(failed)?;
    let lengths = tensor.shape().iter().map(|length| u32::try_from(*length));
    let shape: Vec<u32> = lengths.collect::<Result<_, _>>().map_err(failed)?;
    let kind = *tensor.data_type();
    let element = ours(kind).ok_or_else(|| failed(format!("an output is of {kind}")))?;
    let Some(width) = element.width() else {
        let (_, texts) = tensor.try_extract_strings().map_err(failed)?;
        return Tensor::of_texts(shape, &texts).map_err(failed);
    };
    if !tensor.memory_info().is_cpu_accessible() {
        return Err(failed("an output is where the processor does not reach"));
    }
    let bytes = count(&shape).map_err(failed)?.saturating_mul(width);
    let held = tensor.data_ptr().cast::<u8>();
    let data = match held.is_null() {
        true => Vec::new(),
        // SAFETY: a tensor of this shape and type holds so many bytes, in memory of the processor,
        // and lives as long as what is borrowed here.
        #[expect(
            unsafe_code,
            reason = "as `bool`, a byte that is neither 0 nor 1 would be undefined"
        )]
        false => unsafe { std::slice::from_raw_parts(held, bytes) }.to_vec(),
    };
    // It looks at truth values.
    Tensor::new(element, shape, data).map_err(failed)
}
