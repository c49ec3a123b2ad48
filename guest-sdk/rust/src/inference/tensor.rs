//! Tensors from and to slices.

use super::{Element, ElementType, Tensor};
use crate::{Error, Result};

impl Tensor {
    /// A tensor of these elements, in row-major order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the shape has room for more or fewer.
    pub fn new<T: Element>(name: &str, shape: impl Into<Vec<u32>>, elements: &[T]) -> Result<Self> {
        let mut data = Vec::with_capacity(elements.len() * T::SIZE);
        for element in elements {
            element.put(&mut data);
        }
        make(name, shape.into(), T::TYPE, elements.len(), data)
    }

    /// A tensor of strings, in row-major order.
    ///
    /// # Errors
    /// As [`Tensor::new`]; a string of 4 GiB.
    pub fn text(
        name: &str,
        shape: impl Into<Vec<u32>>,
        strings: &[impl AsRef<str>],
    ) -> Result<Self> {
        let mut data = Vec::new();
        for string in strings.iter().map(AsRef::as_ref) {
            let length = u32::try_from(string.len())
                .map_err(|_| Error::InvalidArgument("a string is too long".to_owned()))?;
            data.extend(length.to_le_bytes());
            data.extend(string.as_bytes());
        }
        make(name, shape.into(), ElementType::Text, strings.len(), data)
    }

    /// The elements.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when they are of another type.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.expect(T::TYPE)?;
        Ok(self.data.chunks_exact(T::SIZE).map(T::take).collect())
    }

    /// The only element.
    ///
    /// # Errors
    /// As [`Tensor::to_vec`]; there are more, or none.
    pub fn only<T: Element>(&self) -> Result<T> {
        match self.to_vec()?[..] {
            [only] => Ok(only),
            ref all => {
                let (name, count) = (&self.name, all.len());
                Err(Error::InvalidArgument(format!("{name} holds {count} elements, not one")))
            }
        }
    }

    /// The strings.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the elements are none.
    pub fn to_strings(&self) -> Result<Vec<String>> {
        self.expect(ElementType::Text)?;
        let (mut strings, mut rest) = (Vec::new(), self.data.as_slice());
        while !rest.is_empty() {
            let string = rest.split_first_chunk().and_then(|(length, after)| {
                after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
            });
            let (string, after) = string.ok_or_else(|| self.broken())?;
            strings.push(String::from_utf8(string.to_vec()).map_err(|_| self.broken())?);
            rest = after;
        }
        Ok(strings)
    }

    fn expect(&self, wanted: ElementType) -> Result<()> {
        if self.element == wanted {
            return Ok(());
        }
        let (name, found) = (&self.name, called(self.element));
        Err(Error::InvalidArgument(format!("{name} holds {found}, not {}", called(wanted))))
    }

    fn broken(&self) -> Error {
        Error::InvalidArgument(format!("{} holds no strings in UTF-8", self.name))
    }
}

fn make(
    name: &str,
    shape: Vec<u32>,
    element: ElementType,
    given: usize,
    data: Vec<u8>,
) -> Result<Tensor> {
    let room = shape
        .iter()
        .try_fold(1_usize, |room, length| room.checked_mul(usize::try_from(*length).ok()?));
    if room != Some(given) {
        return Err(Error::InvalidArgument(format!(
            "{name} has the shape {shape:?} and {given} elements"
        )));
    }
    Ok(Tensor { name: name.to_owned(), shape, element, data })
}

/// As the WIT package calls it.
fn called(element: ElementType) -> &'static str {
    match element {
        ElementType::Fp16 => "fp16",
        ElementType::Bf16 => "bf16",
        ElementType::Fp32 => "fp32",
        ElementType::Fp64 => "fp64",
        ElementType::I8 => "i8",
        ElementType::I16 => "i16",
        ElementType::I32 => "i32",
        ElementType::I64 => "i64",
        ElementType::U8 => "u8",
        ElementType::U16 => "u16",
        ElementType::U32 => "u32",
        ElementType::U64 => "u64",
        ElementType::Boolean => "boolean",
        ElementType::Text => "text",
    }
}
