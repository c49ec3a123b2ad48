//! Operators of our own beside tract's, of which they are to be a faster way.

use crate::{PLAIN, Tract};
use gg_inference::backend::{Backend as _, Options, Until};
use gg_inference::golden::{Tolerance, compare};
use gg_inference::numbers::tensor;
use gg_inference::{ElementType, Model, Named};
use prost::Message as _;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

const CLOSE: Tolerance = Tolerance { absolute: 1e-5, relative: 1e-4 };
const FLOAT: i32 = 1;

/// A model of one operator: names of its inputs with their shapes; those from the second on are constants.
struct One {
    operator: &'static str,
    inputs: Vec<(&'static str, Vec<i64>)>,
    outputs: &'static [&'static str],
    attributes: Vec<AttributeProto>,
}

impl One {
    fn model(&self) -> Model {
        let value = |name: &str, shape: Option<&[i64]>| {
            let dim = |length: &i64| Dimension {
                value: Some(dimension::Value::DimValue(*length)),
                ..Dimension::default()
            };
            let shape =
                shape.map(|shape| TensorShapeProto { dim: shape.iter().map(dim).collect() });
            let tensor = type_proto::Tensor { elem_type: FLOAT, shape };
            let value = Some(type_proto::Value::TensorType(tensor));
            let kind = Some(TypeProto { value, ..TypeProto::default() });
            ValueInfoProto { name: name.to_owned(), r#type: kind, ..ValueInfoProto::default() }
        };
        let present = |(name, _): &&(&str, Vec<i64>)| !name.is_empty();
        let constants = (1..).zip(self.inputs.iter().skip(1).filter(present));
        let graph = GraphProto {
            node: vec![NodeProto {
                input: self.inputs.iter().map(|(name, _)| (*name).to_owned()).collect(),
                output: self.outputs.iter().map(|name| (*name).to_owned()).collect(),
                name: "one".to_owned(),
                op_type: self.operator.to_owned(),
                attribute: self.attributes.clone(),
                ..NodeProto::default()
            }],
            name: "one".to_owned(),
            input: vec![value(self.inputs[0].0, Some(&self.inputs[0].1))],
            output: self
                .outputs
                .iter()
                .filter(|name| !name.is_empty())
                .map(|name| value(name, None))
                .collect(),
            initializer: constants
                .map(|(seed, (name, shape))| TensorProto {
                    name: (*name).to_owned(),
                    dims: shape.clone(),
                    data_type: FLOAT,
                    float_data: numbers(seed, shape),
                    ..TensorProto::default()
                })
                .collect(),
            ..GraphProto::default()
        };
        let model = ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto { version: 17, ..Default::default() }],
            graph: Some(graph),
            ..ModelProto::default()
        };
        Model::read(model.encode_to_vec().into()).unwrap()
    }

    fn input(&self, seed: u64) -> Vec<Named> {
        let (name, shape) = &self.inputs[0];
        let values: Vec<f64> = numbers(seed, shape).into_iter().map(f64::from).collect();
        let shape = shape.iter().map(|length| u32::try_from(*length).unwrap()).collect();
        vec![((*name).to_owned(), tensor(ElementType::Fp32, shape, &values).unwrap())]
    }

    /// Each way to run it gives the same, whatever it was asked before.
    fn holds(&self) {
        let model = self.model();
        let options = Options::default();
        let mut fast = Tract { optimised: true }.load(&model, &options).unwrap();
        for seed in [7, 8, 7] {
            let input = self.input(seed);
            let until = Until::default();
            let wanted = PLAIN.load(&model, &options).unwrap().run(&input, &until).unwrap();
            let got = fast.run(&input, &until).unwrap();
            let inputs: Vec<_> = self.inputs.iter().map(|(name, _)| *name).collect();
            compare(&got, &wanted, CLOSE).unwrap_or_else(|far| {
                panic!("{} {inputs:?} {:?}: {far}", self.operator, self.outputs)
            });
        }
    }
}

/// Numbers from -1 to 1, always the same.
fn numbers(seed: u64, shape: &[i64]) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let count: i64 = shape.iter().product();
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 2001) as f32 / 1000.0 - 1.0
    };
    (0..count).map(next).collect()
}

fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), i: value, r#type: 2, ..AttributeProto::default() }
}

fn text(name: &str, value: &str) -> AttributeProto {
    let s = value.as_bytes().to_vec();
    AttributeProto { name: name.to_owned(), s, r#type: 3, ..AttributeProto::default() }
}

const STEPS: i64 = 5;
const BATCH: i64 = 3;
const TAKEN: i64 = 2;

fn recurrent(operator: &'static str, gates: i64, hidden: i64, direction: &str) -> One {
    let ways = if direction == "bidirectional" { 2 } else { 1 };
    let mut attributes = vec![integer("hidden_size", hidden), text("direction", direction)];
    if operator == "GRU" {
        attributes.push(integer("linear_before_reset", 1));
    }
    One {
        operator,
        inputs: vec![
            ("x", vec![STEPS, BATCH, TAKEN]),
            ("w", vec![ways, gates * hidden, TAKEN]),
            ("r", vec![ways, gates * hidden, hidden]),
            ("b", vec![ways, 2 * gates * hidden]),
        ],
        outputs: &["every"],
        attributes,
    }
}

#[test]
fn an_lstm_in_one_piece_is_tracts_step_by_step() {
    for direction in ["forward", "bidirectional"] {
        for hidden in [1, 7, 16, 64] {
            let mut lstm = recurrent("LSTM", 4, hidden, direction);
            lstm.holds();
            lstm.outputs = &["every", "state", "cell"];
            lstm.holds();
            lstm.outputs = &["", "", "cell"];
            lstm.holds();
            let ways = lstm.inputs[1].1[0];
            let first = vec![ways, BATCH, hidden];
            lstm.inputs.extend([("", vec![]), ("h", first.clone()), ("c", first)]);
            lstm.holds();
            lstm.inputs[3] = ("", vec![]);
            lstm.outputs = &["every", "", "cell"];
            lstm.holds();
        }
    }
}

#[test]
fn recurrent_operators_remember_nothing() {
    for direction in ["forward", "bidirectional"] {
        let mut gru = recurrent("GRU", 3, 7, direction);
        gru.holds();
        gru.attributes.pop();
        gru.holds();
        recurrent("RNN", 1, 7, direction).holds();
        // Too wide for one piece.
        recurrent("LSTM", 4, 65, direction).holds();
    }
}

#[test]
fn a_layer_is_normalized_in_one_pass_as_in_six() {
    for (shape, axis) in [(vec![3, 4, 16], -1), (vec![3, 4, 5], 1), (vec![2, 9], -1), (vec![7], 0)]
    {
        let from = usize::try_from(axis).unwrap_or(shape.len() - 1);
        let row = shape[from..].to_vec();
        let mut layer = One {
            operator: "LayerNormalization",
            inputs: vec![("x", shape), ("scale", row.clone()), ("bias", row)],
            outputs: &["y"],
            attributes: vec![integer("axis", axis)],
        };
        layer.holds();
        layer.inputs.pop();
        layer.holds();
        layer.outputs = &["y", "mean", "deviation"];
        layer.holds();
    }
}
