//! A file of ONNX: what it takes and gives, and which operators it is made of. Nothing is run.

pub mod proto;
mod values;

pub use values::tensor_of;

use crate::element::ElementType;
use crate::numbers::numbers;
use crate::tensor::{MAX_RANK, Tensor};
use bytes::Bytes;
use prost::Message as _;
use proto::{
    GraphProto, ModelProto, NodeProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use thiserror::Error;

/// Most operators of a model, those of inner graphs included.
pub const MAX_NODES: usize = 100_000;

/// Most inputs, and most outputs, of a model.
const MAX_PORTS: usize = 256;

/// Bytes of the longest name.
const LONGEST_NAME: usize = 1024;

/// The domain of classical models.
pub const ML_DOMAIN: &str = "ai.onnx.ml";

/// Why a file is no model.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// It is not ONNX.
    #[error("it is no ONNX file: {0}")]
    Format(String),
    /// There is nothing to run.
    #[error("it holds no graph")]
    Empty,
    /// It is made of too much.
    #[error("it has more than {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        most: usize,
    },
    /// Its numbers are elsewhere.
    #[error("`{0}` keeps its data in another file; save the model with all its data in one file")]
    External(String),
    /// Something in it contradicts itself.
    #[error("{0}")]
    Invalid(String),
}

/// What a model takes or gives at one place.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// What the elements are.
    #[serde(rename = "type")]
    pub element: ElementType,
    /// The length of each dimension; `None` where any will do. Without it any shape will.
    pub shape: Option<Vec<Option<u32>>>,
}

impl Port {
    /// Whether a tensor is of its type, and has a shape that it allows.
    pub fn fits(&self, tensor: &Tensor) -> bool {
        let alike = |(any, length): (&Option<u32>, &u32)| any.is_none_or(|any| any == *length);
        self.element == tensor.element()
            && self.shape.as_ref().is_none_or(|shape| {
                shape.len() == tensor.shape().len() && shape.iter().zip(tensor.shape()).all(alike)
            })
    }
}

/// A model that was read.
#[derive(Clone, Debug)]
pub struct Model {
    bytes: Bytes,
    proto: ModelProto,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    operators: BTreeMap<String, usize>,
}

impl Model {
    /// Read a file.
    ///
    /// # Errors
    /// It is no model that can be run from this file alone.
    pub fn read(bytes: Bytes) -> Result<Self, ModelError> {
        let proto = ModelProto::decode(bytes.clone())
            .map_err(|error| ModelError::Format(error.to_string()))?;
        let Some(graph) = &proto.graph else { return Err(ModelError::Empty) };
        let mut seen = Seen::default();
        seen.graph(graph)?;
        for function in &proto.functions {
            function.node.iter().try_for_each(|node| seen.node(node))?;
        }
        lengths(graph)?;
        if graph.node.is_empty() && graph.output.is_empty() {
            return Err(ModelError::Empty);
        }
        // Those with a value of their own need not be given.
        let given: HashSet<&str> =
            graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let asked = graph.input.iter().filter(|input| !given.contains(input.name.as_str()));
        let inputs = ports(asked)?;
        let outputs = ports(graph.output.iter())?;
        if outputs.is_empty() {
            return Err(ModelError::Invalid("it has no output".to_owned()));
        }
        Ok(Self { bytes, inputs, outputs, operators: seen.operators, proto })
    }

    /// The file.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// All of it.
    pub fn proto(&self) -> &ModelProto {
        &self.proto
    }

    /// Its graph.
    pub fn graph(&self) -> &GraphProto {
        // One that was read has one.
        static NONE: std::sync::LazyLock<GraphProto> =
            std::sync::LazyLock::new(GraphProto::default);
        self.proto.graph.as_ref().unwrap_or(&NONE)
    }

    /// What it takes.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// What it gives. A sequence of maps from classes to numbers is an array of those numbers.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// Its operators, `domain.Name` where the domain is not ONNX's own, and how often each is there.
    pub fn operators(&self) -> &BTreeMap<String, usize> {
        &self.operators
    }

    /// What its maker wrote beside it.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.proto.metadata_props.iter().map(|entry| (&*entry.key, &*entry.value))
    }
}

/// The name of an operator, with its domain where that is not ONNX's own.
pub fn operator_name(node: &NodeProto) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

/// What was seen of a model's graphs.
#[derive(Default)]
struct Seen {
    nodes: usize,
    operators: BTreeMap<String, usize>,
}

impl Seen {
    /// A graph and all within. They are no deeper than what was decoded, which prost limits to 100.
    fn graph(&mut self, graph: &GraphProto) -> Result<(), ModelError> {
        graph.initializer.iter().try_for_each(inside)?;
        graph.node.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &NodeProto) -> Result<(), ModelError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(ModelError::TooMany { what: "operators", most: MAX_NODES });
        }
        name(&node.op_type)?;
        name(&node.domain)?;
        *self.operators.entry(operator_name(node)).or_default() += 1;
        for attribute in &node.attribute {
            attribute.t.iter().chain(&attribute.tensors).try_for_each(inside)?;
            attribute.g.iter().chain(&attribute.graphs).try_for_each(|graph| self.graph(graph))?;
        }
        Ok(())
    }
}

/// Whether no operator is told to make a dimension beyond 32 bits. There is no memory for one, and an
/// engine that keeps fewer bits of it makes something else.
fn lengths(graph: &GraphProto) -> Result<(), ModelError> {
    let constants: HashMap<&str, &TensorProto> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    for node in &graph.node {
        let shape = match node.op_type.as_str() {
            "ConstantOfShape" => node.input.first(),
            "Expand" | "Reshape" | "Tile" => node.input.get(1),
            _ => None,
        };
        let Some(constant) = shape.and_then(|name| constants.get(name.as_str())) else { continue };
        let lengths = tensor_of(constant)?;
        let beyond = numbers(&lengths).into_iter().any(|length| length > f64::from(u32::MAX));
        if beyond {
            let what = format!("`{}` asks for a dimension beyond 32 bits", node.op_type);
            return Err(ModelError::Invalid(what));
        }
    }
    Ok(())
}

/// A tensor whose numbers are in this file.
fn inside(tensor: &TensorProto) -> Result<(), ModelError> {
    if tensor.data_location == 1 || !tensor.external_data.is_empty() {
        return Err(ModelError::External(tensor.name.chars().take(100).collect()));
    }
    Ok(())
}

fn name(text: &str) -> Result<(), ModelError> {
    match text.len() > LONGEST_NAME {
        true => Err(ModelError::Invalid(format!("a name has more than {LONGEST_NAME} bytes"))),
        false => Ok(()),
    }
}

fn ports<'a>(values: impl Iterator<Item = &'a ValueInfoProto>) -> Result<Vec<Port>, ModelError> {
    let mut ports: Vec<Port> = Vec::new();
    for value in values {
        if ports.len() == MAX_PORTS {
            return Err(ModelError::TooMany { what: "inputs or outputs", most: MAX_PORTS });
        }
        name(&value.name)?;
        if ports.iter().any(|port| port.name == value.name) {
            return Err(ModelError::Invalid(format!("`{}` is there twice", value.name)));
        }
        ports.push(port(value)?);
    }
    Ok(ports)
}

fn port(value: &ValueInfoProto) -> Result<Port, ModelError> {
    let odd = |what: &str| ModelError::Invalid(format!("`{}` {what}", value.name));
    let Some(kind) = &value.r#type else { return Err(odd("has no type")) };
    let (number, shape) = match kind {
        TypeProto { tensor_type: Some(tensor), .. } => {
            let lengths = |shape: &TensorShapeProto| -> Vec<_> {
                shape.dim.iter().map(|dim| dim.dim_value).collect()
            };
            (tensor.elem_type, tensor.shape.as_ref().map(lengths))
        }
        TypeProto { sequence_type: Some(sequence), .. } => {
            let map = sequence.elem_type.as_ref().and_then(|kind| kind.map_type.as_ref());
            let number = map.and_then(|map| map.value_type.as_ref()?.tensor_type.as_ref());
            let Some(number) = number else { return Err(odd("is neither a tensor nor maps")) };
            (number.elem_type, Some(vec![None, None]))
        }
        _ => return Err(odd("is no tensor")),
    };
    let element = ElementType::of_onnx(number)
        .ok_or_else(|| odd(&format!("has elements of an unknown type ({number})")))?;
    if shape.as_ref().is_some_and(|shape| shape.len() > MAX_RANK) {
        return Err(odd("has too many dimensions"));
    }
    let length = |length: Option<i64>| match length {
        // Some exporters write nothing, 0 or -1 for any length.
        None | Some(..=0) => Ok(None),
        Some(length) => {
            u32::try_from(length).map(Some).map_err(|_| odd("has a dimension beyond 32 bits"))
        }
    };
    let shape = shape.map(|shape| shape.into_iter().map(length).collect()).transpose()?;
    Ok(Port { name: value.name.clone(), element, shape })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::{DimensionProto, TensorTypeProto};

    #[test]
    fn a_shape_of_no_dimensions_is_a_shape() {
        let read = |dim: Option<&[Option<i64>]>| {
            let dimension = |dim_value: &_| DimensionProto {
                dim_value: *dim_value,
                ..DimensionProto::default()
            };
            let shape =
                dim.map(|dim| TensorShapeProto { dim: dim.iter().map(dimension).collect() });
            let tensor = TensorTypeProto { elem_type: 1, shape };
            let r#type = Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() });
            let value = ValueInfoProto { name: "x".to_owned(), r#type };
            let (input, output) = (vec![value.clone()], vec![value]);
            let graph = Some(GraphProto { input, output, ..GraphProto::default() });
            let bytes = ModelProto { graph, ..ModelProto::default() }.encode_to_vec();
            Model::read(bytes.into()).map(|model| model.inputs()[0].shape.clone())
        };
        assert_eq!(read(None).unwrap(), None);
        assert_eq!(read(Some(&[])).unwrap(), Some(vec![]));
        let any = [None, Some(0), Some(-1), Some(3)];
        assert_eq!(read(Some(&any)).unwrap(), Some(vec![None, None, None, Some(3)]));
        assert!(read(Some(&[Some(1 << 32)])).is_err());
        assert!(read(Some(&[None; MAX_RANK + 1])).is_err());
    }
}
