//! What all operators have in common once they are compiled.

use super::attributes::Node;
use super::context::Context;
use super::values::{Value, failed};
use crate::backend::{LoadError, RunError};

/// An operator with its attributes.
pub(super) trait Operator: Send {
    /// What it gives for these inputs.
    fn run(&self, inputs: &Inputs<'_>, context: &Context<'_>) -> Result<Vec<Value>, RunError>;
}

impl<F> Operator for F
where
    F: Fn(&Inputs<'_>, &Context<'_>) -> Result<Vec<Value>, RunError> + Send,
{
    fn run(&self, inputs: &Inputs<'_>, context: &Context<'_>) -> Result<Vec<Value>, RunError> {
        self(inputs, context)
    }
}

/// What reads the attributes of an operator.
pub(super) type Compile = fn(&Node<'_>) -> Result<Box<dyn Operator>, LoadError>;

/// An operator of one input and one output.
pub(super) fn simple(
    run: impl Fn(&Value, &Context<'_>) -> Result<Value, RunError> + Send + 'static,
) -> Box<dyn Operator> {
    boxed(move |inputs, context| Ok(vec![run(inputs.at(0)?, context)?]))
}

/// An operator that is a function.
pub(super) fn boxed(
    run: impl Fn(&Inputs<'_>, &Context<'_>) -> Result<Vec<Value>, RunError> + Send + 'static,
) -> Box<dyn Operator> {
    Box::new(run)
}

/// What an operator is given. Inputs that need not be there may be missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inputs<'a>(pub(super) &'a [Option<&'a Value>]);

impl<'a> Inputs<'a> {
    /// An input that must be there.
    pub(super) fn at(&self, place: usize) -> Result<&'a Value, RunError> {
        self.get(place).ok_or_else(|| failed(&format!("its input {place} is missing")))
    }

    /// An input that need not be there.
    pub(super) fn get(&self, place: usize) -> Option<&'a Value> {
        self.0.get(place).copied().flatten()
    }

    /// All that are there.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Value> {
        self.0.iter().copied().flatten()
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! To try an operator by itself.

    use super::*;
    use crate::backend::Until;
    use crate::backend::classical::table::compiler;
    use crate::backend::classical::values::Data;
    use crate::onnx::proto::{AttributeProto, NodeProto, TensorProto};

    /// An attribute.
    pub(crate) fn attribute(name: &str) -> AttributeProto {
        AttributeProto { name: name.to_owned(), ..AttributeProto::default() }
    }

    /// An attribute of integers.
    pub(crate) fn ints(name: &str, ints: &[i64]) -> AttributeProto {
        AttributeProto { ints: ints.to_vec(), ..attribute(name) }
    }

    /// An attribute of an integer.
    pub(crate) fn int(name: &str, int: i64) -> AttributeProto {
        AttributeProto { i: Some(int), ..attribute(name) }
    }

    /// An attribute of numbers.
    pub(crate) fn floats(name: &str, floats: &[f32]) -> AttributeProto {
        AttributeProto { floats: floats.to_vec(), ..attribute(name) }
    }

    /// An attribute of a number.
    pub(crate) fn float(name: &str, float: f32) -> AttributeProto {
        AttributeProto { f: Some(float), ..attribute(name) }
    }

    /// An attribute of a text.
    pub(crate) fn text(name: &str, text: &str) -> AttributeProto {
        AttributeProto { s: Some(text.to_owned().into()), ..attribute(name) }
    }

    /// An attribute of texts.
    pub(crate) fn texts(name: &str, texts: &[&str]) -> AttributeProto {
        let strings = texts.iter().map(|text| (*text).to_owned().into()).collect();
        AttributeProto { strings, ..attribute(name) }
    }

    /// An attribute of a tensor of `f32`.
    pub(crate) fn tensor(name: &str, floats: &[f32]) -> AttributeProto {
        let dims = vec![floats.len() as i64];
        let t = TensorProto {
            data_type: 1,
            dims,
            float_data: floats.to_vec(),
            ..TensorProto::default()
        };
        AttributeProto { t: Some(t), ..attribute(name) }
    }

    /// An attribute of a tensor of `u8`.
    pub(crate) fn bytes(name: &str, bytes: &[u8]) -> AttributeProto {
        let dims = vec![bytes.len() as i64];
        let raw_data = Some(bytes.to_vec().into());
        let t = TensorProto { data_type: 2, dims, raw_data, ..TensorProto::default() };
        AttributeProto { t: Some(t), ..attribute(name) }
    }

    /// Numbers in a shape.
    pub(crate) fn array(shape: &[usize], numbers: &[f32]) -> Value {
        Value::new(shape.to_vec(), Data::F32(numbers.to_vec())).unwrap()
    }

    /// Integers in a shape.
    pub(crate) fn whole(shape: &[usize], numbers: &[i64]) -> Value {
        Value::new(shape.to_vec(), Data::Int(numbers.to_vec())).unwrap()
    }

    /// Texts in a shape.
    pub(crate) fn words(shape: &[usize], texts: &[&str]) -> Value {
        let texts = texts.iter().map(|text| (*text).into()).collect();
        Value::new(shape.to_vec(), Data::Text(texts)).unwrap()
    }

    /// Truth values in a shape.
    pub(crate) fn truths(shape: &[usize], truths: &[bool]) -> Value {
        Value::new(shape.to_vec(), Data::Bool(truths.to_vec())).unwrap()
    }

    /// Compile an operator.
    pub(crate) fn compile(
        operator: &str,
        version: i64,
        attribute: &[AttributeProto],
    ) -> Result<Box<dyn Operator>, LoadError> {
        let name = operator.rsplit('.').next().unwrap_or(operator);
        let node = NodeProto {
            op_type: name.to_owned(),
            attribute: attribute.to_vec(),
            ..NodeProto::default()
        };
        compiler(operator).unwrap()(&Node::new(&node, version))
    }

    /// Compile an operator and run it.
    pub(crate) fn run(
        operator: &str,
        attributes: &[AttributeProto],
        inputs: &[&Value],
    ) -> Result<Vec<Value>, RunError> {
        let operator = compile(operator, 18, attributes).unwrap();
        let inputs: Vec<_> = inputs.iter().copied().map(Some).collect();
        operator.run(&Inputs(&inputs), &Context::new(&Until::default()))
    }

    /// The only output of an operator.
    pub(crate) fn one(operator: &str, attributes: &[AttributeProto], inputs: &[&Value]) -> Value {
        let outputs = run(operator, attributes, inputs).unwrap();
        assert_eq!(outputs.len(), 1);
        outputs.into_iter().next().unwrap()
    }

    /// Whether numbers are these, nearly.
    pub(crate) fn near(got: &Value, shape: &[usize], wanted: &[f32]) {
        assert_eq!(got.shape(), shape);
        let got = got.floats().unwrap();
        assert_eq!(got.len(), wanted.len());
        for (got, wanted) in got.iter().zip(wanted) {
            let near = (got - wanted).abs() < 1e-5 * wanted.abs().max(1.0);
            assert!(near || got == wanted || (got.is_nan() && wanted.is_nan()), "{got} {wanted}");
        }
    }
}
