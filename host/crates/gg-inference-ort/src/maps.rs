//! Sequences of maps from classes to numbers, as ZipMap makes them: arrays of those numbers here, with
//! the classes in the order of the model.

use super::failed;
use gg_inference::backend::{LoadError, RunError};
use gg_inference::onnx::{ML_DOMAIN, Model};
use gg_inference::{ElementType, Tensor};
use ort::value::{DynMap, DynMapValueType, DynValue, IntoTensorElementType};
use std::hash::Hash;

/// The classes of an output that is a sequence of maps.
#[derive(Debug)]
pub(super) enum Classes {
    Numbers(Vec<i64>),
    Texts(Vec<String>),
}

impl Classes {
    /// Those of the operator that makes an output.
    pub(super) fn of(model: &Model, output: &str) -> Result<Self, LoadError> {
        let makes = |names: &[String]| names.iter().any(|name| name == output);
        let node = model.graph().node.iter().find(|node| makes(&node.output));
        let node = node.filter(|node| node.domain == ML_DOMAIN && node.op_type == "ZipMap");
        let Some(node) = node else {
            return Err(LoadError::Unsupported(vec![format!("the maps of `{output}`")]));
        };
        let attribute = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
        let texts = attribute("classlabels_strings").map_or(&[][..], |texts| &texts.strings);
        let numbers = attribute("classlabels_int64s").map_or(&[][..], |numbers| &numbers.ints);
        Ok(match texts {
            [] => Self::Numbers(numbers.to_vec()),
            texts => {
                let texts = texts.iter().map(|text| String::from_utf8_lossy(text).into_owned());
                Self::Texts(texts.collect())
            }
        })
    }

    /// The numbers of each map.
    pub(super) fn numbers(&self, value: &DynValue) -> Result<Tensor, RunError> {
        let maps = value.try_extract_sequence::<DynMapValueType>().map_err(failed)?;
        let (classes, numbers) = match self {
            Self::Numbers(classes) => (classes.len(), rows(&maps, classes)?),
            Self::Texts(classes) => (classes.len(), rows(&maps, classes)?),
        };
        let shape = [maps.len(), classes].into_iter().map(u32::try_from);
        let shape = shape.collect::<Result<_, _>>().map_err(failed)?;
        let data: Vec<u8> = numbers.into_iter().flat_map(f32::to_le_bytes).collect();
        Tensor::new(ElementType::Fp32, shape, data).map_err(failed)
    }
}

/// The numbers of the classes in each map.
fn rows<K>(maps: &[DynMap], classes: &[K]) -> Result<Vec<f32>, RunError>
where
    K: IntoTensorElementType + Clone + Eq + Hash,
{
    let mut all = Vec::new();
    for map in maps {
        let numbers = map.try_extract_map::<K, f32>().map_err(failed)?;
        for class in classes {
            all.push(*numbers.get(class).ok_or_else(|| failed("a class is in no map"))?);
        }
    }
    Ok(all)
}
