//! Arrays as they are computed with: a few kinds of storage for the many types of elements.

use crate::backend::RunError;
use crate::element::ElementType;
use crate::numbers::each;
use crate::tensor::{MAX_RANK, Tensor};
use half::{bf16, f16};
use std::sync::Arc;

/// The elements of an array. Narrow numbers are kept in wide ones.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    /// `fp32`, `fp16` and `bf16`.
    F32(Vec<f32>),
    /// `fp64`.
    F64(Vec<f64>),
    /// All integers but `u64`.
    Int(Vec<i64>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Texts.
    Text(Vec<Arc<str>>),
}

/// An array. One that exists has the elements that its shape says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    element: ElementType,
    shape: Vec<usize>,
    data: Data,
}

impl Data {
    /// How many elements.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::F32(all) => all.len(),
            Self::F64(all) => all.len(),
            Self::Int(all) => all.len(),
            Self::Bool(all) => all.len(),
            Self::Text(all) => all.len(),
        }
    }

    /// Bytes of an element.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::F32(_) => 4,
            Self::F64(_) | Self::Int(_) => 8,
            Self::Bool(_) => 1,
            // With what keeps it.
            Self::Text(_) => 40,
        }
    }

    /// The elements at these places; what is beyond the end is left out.
    pub(super) fn pick(&self, places: impl Iterator<Item = usize>) -> Self {
        match self {
            Self::F32(all) => {
                Self::F32(places.filter_map(|place| all.get(place).copied()).collect())
            }
            Self::F64(all) => {
                Self::F64(places.filter_map(|place| all.get(place).copied()).collect())
            }
            Self::Int(all) => {
                Self::Int(places.filter_map(|place| all.get(place).copied()).collect())
            }
            Self::Bool(all) => {
                Self::Bool(places.filter_map(|place| all.get(place).copied()).collect())
            }
            Self::Text(all) => {
                Self::Text(places.filter_map(|place| all.get(place).cloned()).collect())
            }
        }
    }

    /// The elements' type where they have no narrower one.
    fn element(&self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::Fp32,
            Self::F64(_) => ElementType::Fp64,
            Self::Int(_) => ElementType::I64,
            Self::Bool(_) => ElementType::Bool,
            Self::Text(_) => ElementType::String,
        }
    }

    /// Whether elements of this type are kept so.
    fn holds(&self, element: ElementType) -> bool {
        use ElementType as E;
        match self {
            Self::F32(_) => matches!(element, E::Fp32 | E::Fp16 | E::Bf16),
            Self::F64(_) => element == E::Fp64,
            Self::Int(_) => element.is_kept_as_int(),
            Self::Bool(_) => element == E::Bool,
            Self::Text(_) => element == E::String,
        }
    }
}

impl ElementType {
    /// Whether it is an integer that is kept in 64 bits.
    pub(super) fn is_kept_as_int(self) -> bool {
        matches!(
            self,
            Self::I8 | Self::I16 | Self::I32 | Self::I64 | Self::U8 | Self::U16 | Self::U32
        )
    }
}

impl Value {
    /// Elements of their widest type.
    pub(super) fn new(shape: Vec<usize>, data: Data) -> Result<Self, RunError> {
        let element = data.element();
        Self::of(element, shape, data)
    }

    /// Elements of this type, to which they are brought if it is narrower than what they are kept in.
    pub(super) fn of(
        element: ElementType,
        shape: Vec<usize>,
        mut data: Data,
    ) -> Result<Self, RunError> {
        if shape.len() > MAX_RANK {
            return Err(failed("too many dimensions"));
        }
        if !data.holds(element) || count(&shape) != Some(data.len()) {
            return Err(failed("an array's elements are not those of its shape and type"));
        }
        narrow(element, &mut data);
        Ok(Self { element, shape, data })
    }

    /// What came from outside, or was written in the model.
    pub(super) fn read(tensor: &Tensor) -> Result<Self, RunError> {
        use ElementType as E;
        let bytes = &**tensor.data();
        let element = tensor.element();
        let data = match element {
            E::Fp32 => Data::F32(each(bytes, f32::from_le_bytes)),
            E::Fp16 => Data::F32(each(bytes, |bytes| f16::from_le_bytes(bytes).to_f32())),
            E::Bf16 => Data::F32(each(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32())),
            E::Fp64 => Data::F64(each(bytes, f64::from_le_bytes)),
            E::I8 => Data::Int(each(bytes, |bytes| i8::from_le_bytes(bytes).into())),
            E::I16 => Data::Int(each(bytes, |bytes| i16::from_le_bytes(bytes).into())),
            E::I32 => Data::Int(each(bytes, |bytes| i32::from_le_bytes(bytes).into())),
            E::I64 => Data::Int(each(bytes, i64::from_le_bytes)),
            E::U8 => Data::Int(each(bytes, |bytes| u8::from_le_bytes(bytes).into())),
            E::U16 => Data::Int(each(bytes, |bytes| u16::from_le_bytes(bytes).into())),
            E::U32 => Data::Int(each(bytes, |bytes| u32::from_le_bytes(bytes).into())),
            E::Bool => Data::Bool(bytes.iter().map(|byte| *byte != 0).collect()),
            E::String => Data::Text(tensor.texts().map(Arc::from).collect()),
            E::U64 => return Err(failed("u64 is not computed with")),
        };
        let shape = tensor.shape().iter().map(|length| *length as usize).collect();
        Ok(Self { element, shape, data })
    }

    /// What goes outside. `most` bytes at most.
    pub(super) fn write(&self, most: usize) -> Result<Tensor, RunError> {
        use ElementType as E;
        let shape = self.shape.iter().map(|length| u32::try_from(*length));
        let shape =
            shape.collect::<Result<Vec<_>, _>>().map_err(|_| failed("an output is too long"))?;
        let tensor = match &self.data {
            Data::F32(all) => {
                let bytes = match self.element {
                    E::Fp16 => {
                        all.iter().flat_map(|one| f16::from_f32(*one).to_le_bytes()).collect()
                    }
                    E::Bf16 => {
                        all.iter().flat_map(|one| bf16::from_f32(*one).to_le_bytes()).collect()
                    }
                    _ => all.iter().flat_map(|one| one.to_le_bytes()).collect::<Vec<u8>>(),
                };
                Tensor::new(self.element, shape, bytes)
            }
            Data::F64(all) => {
                let bytes = all.iter().flat_map(|one| one.to_le_bytes());
                Tensor::new(self.element, shape, bytes.collect::<Vec<u8>>())
            }
            Data::Int(all) => {
                let width = self.element.width().unwrap_or(8);
                let bytes = all.iter().flat_map(|one| one.to_le_bytes().into_iter().take(width));
                Tensor::new(self.element, shape, bytes.collect::<Vec<u8>>())
            }
            Data::Bool(all) => Tensor::new(
                self.element,
                shape,
                all.iter().map(|one| u8::from(*one)).collect::<Vec<_>>(),
            ),
            Data::Text(all) => {
                let bytes =
                    all.iter().try_fold(0_usize, |sum, text| sum.checked_add(4 + text.len()));
                if bytes.is_none_or(|bytes| bytes > most) {
                    return Err(failed("the texts of an output take too much memory"));
                }
                Tensor::of_texts(shape, all)
            }
        };
        tensor.map_err(|error| failed(&error.to_string()))
    }

    /// What the elements are.
    pub(super) fn element(&self) -> ElementType {
        self.element
    }

    /// The length of each dimension.
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in row-major order.
    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    /// How many elements.
    pub(super) fn count(&self) -> usize {
        self.data.len()
    }

    /// Bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.data.len().saturating_mul(self.data.width())
    }

    /// The same elements in another shape.
    pub(super) fn shaped(&self, shape: Vec<usize>) -> Result<Self, RunError> {
        Self::of(self.element, shape, self.data.clone())
    }

    /// Elements of this type in another shape.
    pub(super) fn like(&self, shape: Vec<usize>, data: Data) -> Result<Self, RunError> {
        Self::of(self.element, shape, data)
    }

    /// Rows and what is in each: `[N, F]`, where an array of one dimension is one row.
    pub(super) fn rows(&self) -> Result<(usize, usize), RunError> {
        match *self.shape {
            [width] => Ok((1, width)),
            [rows, width] => Ok((rows, width)),
            _ => Err(failed(&format!("{:?} is not of two dimensions", self.shape))),
        }
    }

    /// The numbers as `f32`.
    pub(super) fn floats(&self) -> Result<std::borrow::Cow<'_, [f32]>, RunError> {
        Ok(match &self.data {
            Data::F32(all) => all.into(),
            Data::F64(all) => all.iter().map(|one| *one as f32).collect(),
            Data::Int(all) => all.iter().map(|one| *one as f32).collect(),
            Data::Bool(all) => all.iter().map(|one| f32::from(u8::from(*one))).collect(),
            Data::Text(_) => return Err(failed("texts are no numbers")),
        })
    }

    /// The integers, of lengths and places.
    pub(super) fn ints(&self) -> Result<&[i64], RunError> {
        match &self.data {
            Data::Int(all) => Ok(all),
            _ => Err(failed(&format!("{} where integers are expected", self.element))),
        }
    }
}

/// How many elements a shape holds.
pub(super) fn count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_usize, |count, length| count.checked_mul(*length))
}

/// What a model does not compute.
pub(super) fn failed(what: &str) -> RunError {
    RunError::Failed(what.to_owned())
}

/// What an element of this type would have become at each step.
fn narrow(element: ElementType, data: &mut Data) {
    use ElementType as E;
    match (element, data) {
        (E::Fp16, Data::F32(all)) => {
            all.iter_mut().for_each(|one| *one = f16::from_f32(*one).to_f32());
        }
        (E::Bf16, Data::F32(all)) => {
            all.iter_mut().for_each(|one| *one = bf16::from_f32(*one).to_f32());
        }
        (E::I8, Data::Int(all)) => all.iter_mut().for_each(|one| *one = (*one as i8).into()),
        (E::I16, Data::Int(all)) => all.iter_mut().for_each(|one| *one = (*one as i16).into()),
        (E::I32, Data::Int(all)) => all.iter_mut().for_each(|one| *one = (*one as i32).into()),
        (E::U8, Data::Int(all)) => all.iter_mut().for_each(|one| *one = (*one as u8).into()),
        (E::U16, Data::Int(all)) => all.iter_mut().for_each(|one| *one = (*one as u16).into()),
        (E::U32, Data::Int(all)) => all.iter_mut().for_each(|one| *one = (*one as u32).into()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers;

    #[test]
    fn tensors_come_back_as_they_were() {
        for element in ElementType::ALL {
            let tensor = match element {
                ElementType::String => Tensor::of_texts(vec![2], &["a", ""]).unwrap(),
                _ => numbers::tensor(*element, vec![2], &[1.0, 0.0]).unwrap(),
            };
            let read = Value::read(&tensor);
            if *element == ElementType::U64 {
                assert!(read.is_err());
                continue;
            }
            assert_eq!(read.unwrap().write(100).unwrap(), tensor, "{element}");
        }
    }

    #[test]
    fn narrow_elements_stay_narrow() {
        let wrapped = Value::of(ElementType::I8, vec![1], Data::Int(vec![200])).unwrap();
        assert_eq!(wrapped.ints().unwrap(), [-56]);
        let rounded = Value::of(ElementType::Fp16, vec![1], Data::F32(vec![1.0001])).unwrap();
        assert_eq!(&*rounded.floats().unwrap(), [1.0]);
    }

    #[test]
    fn an_array_that_lies_is_none() {
        assert!(Value::new(vec![2], Data::Int(vec![1])).is_err());
        assert!(Value::new(vec![usize::MAX, 2], Data::Int(vec![1])).is_err());
        assert!(Value::new(vec![1; 33], Data::Int(vec![1])).is_err());
        assert!(Value::of(ElementType::Fp32, vec![1], Data::Int(vec![1])).is_err());
        let long = Value::new(vec![1], Data::Text(vec!["0123456789".into()])).unwrap();
        assert!(long.write(13).is_err());
        assert!(long.write(14).is_ok());
    }
}
