//! Models that are ONNX: each operator takes what is there, and has attributes that it knows.

use crate::operators::{self, OPERATORS, Operator};
use crate::values;
use gg_inference::onnx::proto::{
    DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// A model.
pub fn model(from: &mut Unstructured<'_>) -> Result<ModelProto> {
    let mut graph = GraphProto::default();
    let mut names = Vec::new();
    for number in 0..from.int_in_range(1..=3)? {
        let name = format!("x{number}");
        graph.input.push(port(from, &name)?);
        names.push(name);
    }
    for number in 0..from.int_in_range(0..=3)? {
        let (kind, shape) = (values::kind(from)?, values::shape(from)?);
        let mut constant = values::constant(from, kind, shape)?;
        constant.name = format!("c{number}");
        names.push(constant.name.clone());
        graph.initializer.push(constant);
    }
    for number in 0..from.int_in_range(1..=5)? {
        let node = node(from, number, &names)?;
        names.extend(node.output.iter().cloned());
        graph.node.push(node);
    }
    let last = names.len() - 1;
    graph.output.push(port(from, &names[last])?);
    if values::rarely(from, 3)? {
        let other = from.choose_index(last)?;
        graph.output.push(port(from, &names[other])?);
    }
    let set = |domain: &str, version| OperatorSetIdProto { domain: domain.to_owned(), version };
    let opset_import =
        vec![set("", from.int_in_range(7..=24)?), set("ai.onnx.ml", from.int_in_range(1..=5)?)];
    Ok(ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() })
}

fn port(from: &mut Unstructured<'_>, name: &str) -> Result<ValueInfoProto> {
    let shape = match values::rarely(from, 4)? {
        true => None,
        false => {
            let mut dim = Vec::new();
            for length in values::shape(from)? {
                let dim_value = from.ratio(2, 3)?.then_some(length.into());
                dim.push(DimensionProto { dim_value, ..DimensionProto::default() });
            }
            Some(TensorShapeProto { dim })
        }
    };
    let kind = TensorTypeProto { elem_type: values::kind(from)?, shape };
    let r#type = Some(TypeProto { tensor_type: Some(kind), ..TypeProto::default() });
    Ok(ValueInfoProto { name: name.to_owned(), r#type })
}

fn node(from: &mut Unstructured<'_>, number: usize, names: &[String]) -> Result<NodeProto> {
    let operator: &Operator = from.choose(OPERATORS)?;
    let mut input = Vec::new();
    for _ in 0..from.int_in_range(operator.inputs.0..=operator.inputs.1)? {
        // The last is likely to be what another operator made.
        input.push(match values::rarely(from, 3)? {
            true => names[names.len() - 1].clone(),
            false => from.choose(names)?.clone(),
        });
    }
    let outputs = from.int_in_range(1..=operator.outputs)?;
    let output = (0..outputs).map(|output| format!("v{number}_{output}")).collect();
    let (domain, op_type) = operator.name.rsplit_once('.').unwrap_or(("", operator.name));
    Ok(NodeProto {
        input,
        output,
        op_type: op_type.to_owned(),
        domain: domain.to_owned(),
        attribute: operators::attributes(from, operator)?,
        ..NodeProto::default()
    })
}
