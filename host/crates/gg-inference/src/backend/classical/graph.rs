//! A graph that is ready to run: its operators in an order in which each has its inputs.

use super::attributes::Node;
use super::context::{Context, MOST_BYTES};
use super::operator::{Inputs, Operator};
use super::table::{compiler, least_inputs};
use super::values::Value;
use crate::backend::{LoadError, RunError, Session, Until};
use crate::element::ElementType;
use crate::onnx::{ML_DOMAIN, Model, Port, operator_name, tensor_of};
use crate::tensor::Named;
use std::collections::HashMap;

/// The oldest operator set of ONNX whose arithmetic broadcasts as it does now.
const OLDEST: i64 = 7;

/// A compiled model.
pub(super) struct Graph {
    steps: Vec<Step>,
    /// The constants, each at its place; `None` at the places of what is computed.
    constants: Vec<Option<Value>>,
    /// Places of what is given.
    inputs: Vec<(Port, usize)>,
    /// Places of what is asked for.
    outputs: Vec<(String, usize)>,
}

/// An operator and the places of its inputs and outputs.
struct Step {
    name: String,
    operator: Box<dyn Operator>,
    inputs: Vec<Option<usize>>,
    outputs: Vec<Option<usize>>,
    /// What no later step needs.
    last: Vec<usize>,
}

/// Compile a model.
pub(super) fn compile(model: &Model) -> Result<Graph, LoadError> {
    let unknown = model.operators().keys().filter(|name| compiler(name).is_none());
    let unknown: Vec<String> = unknown.cloned().collect();
    if !unknown.is_empty() {
        return Err(LoadError::Unsupported(unknown));
    }
    if version(model, "") < OLDEST {
        return Err(LoadError::Invalid(format!("its operators are older than version {OLDEST}")));
    }
    let mut places = Places::default();
    let mut constants = HashMap::new();
    let mut bytes = 0_usize;
    for proto in &model.graph().initializer {
        // In the widest form that elements may take here.
        let count = proto
            .dims
            .iter()
            .try_fold(16_usize, |bytes, length| bytes.checked_mul(usize::try_from(*length).ok()?));
        bytes = bytes.saturating_add(count.unwrap_or(usize::MAX) / 2);
        if bytes > MOST_BYTES {
            return Err(LoadError::Invalid("its constants take too much memory".to_owned()));
        }
        let tensor = tensor_of(proto).map_err(|error| LoadError::Invalid(error.to_string()))?;
        let value = Value::read(&tensor).map_err(|error| {
            LoadError::Invalid(format!("the constant `{}`: {error}", proto.name))
        })?;
        constants.insert(places.make(&proto.name)?, value);
    }
    if let Some(port) = model.inputs().iter().find(|port| port.element == ElementType::U64) {
        return Err(LoadError::Invalid(format!(
            "`{}` is u64, which is not computed with",
            port.name
        )));
    }
    let inputs = model.inputs().iter().map(|port| Ok((port.clone(), places.make(&port.name)?)));
    let inputs = inputs.collect::<Result<Vec<_>, LoadError>>()?;
    let given = places.count;

    let nodes = &model.graph().node;
    let mut made = Vec::with_capacity(nodes.len());
    for node in nodes {
        let outputs = node.output.iter().map(|name| match name.as_str() {
            "" => Ok(None),
            name => places.make(name).map(Some),
        });
        made.push(outputs.collect::<Result<Vec<_>, LoadError>>()?);
    }
    let mut steps = Vec::with_capacity(nodes.len());
    for (node, outputs) in nodes.iter().zip(made) {
        let name = operator_name(node);
        let inputs = node.input.iter().map(|name| match name.as_str() {
            "" => Ok(None),
            name => places.find(name).map(Some),
        });
        let Some(compile) = compiler(&name) else { return Err(LoadError::Unsupported(vec![name])) };
        if node.input.iter().filter(|name| !name.is_empty()).count() < least_inputs(&name) {
            return Err(LoadError::Invalid(format!("{name}: it has too few inputs")));
        }
        let operator = compile(&Node::new(node, version(model, &node.domain)))?;
        let inputs = inputs.collect::<Result<_, LoadError>>()?;
        steps.push(Step { name, operator, inputs, outputs, last: Vec::new() });
    }
    let outputs =
        model.outputs().iter().map(|port| Ok((port.name.clone(), places.find(&port.name)?)));
    let outputs = outputs.collect::<Result<Vec<_>, LoadError>>()?;

    let mut steps = sorted(steps, places.count, given)?;
    mark_last(&mut steps, &outputs, given);
    let constants = (0..places.count).map(|place| constants.remove(&place)).collect();
    Ok(Graph { steps, constants, inputs, outputs })
}

/// The version of an operator set that a model was made for.
fn version(model: &Model, domain: &str) -> i64 {
    let is_onnx = |domain: &str| matches!(domain, "" | "ai.onnx");
    let mut sets = model.proto().opset_import.iter();
    let set = sets.find(|set| set.domain == domain || (is_onnx(domain) && is_onnx(&set.domain)));
    match set {
        Some(set) => set.version,
        // A model of nothing but these need not name ONNX's own.
        None if domain == ML_DOMAIN => 1,
        None => i64::MAX,
    }
}

/// The place of each value by its name.
#[derive(Default)]
struct Places<'a> {
    of: HashMap<&'a str, usize>,
    count: usize,
}

impl<'a> Places<'a> {
    fn make(&mut self, name: &'a str) -> Result<usize, LoadError> {
        let place = self.count;
        if self.of.insert(name, place).is_some() {
            return Err(LoadError::Invalid(format!("`{name}` is made twice")));
        }
        self.count += 1;
        Ok(place)
    }

    fn find(&self, name: &str) -> Result<usize, LoadError> {
        let place = self.of.get(name).copied();
        place.ok_or_else(|| LoadError::Invalid(format!("nothing makes `{name}`")))
    }
}

/// The steps in an order in which each comes after those whose outputs it takes. `count` values, of
/// which the first `given` are there from the start.
fn sorted(steps: Vec<Step>, count: usize, given: usize) -> Result<Vec<Step>, LoadError> {
    let mut waiting: Vec<usize> = Vec::with_capacity(steps.len());
    let mut takers: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (number, step) in steps.iter().enumerate() {
        let open = step.inputs.iter().flatten().filter(|place| **place >= given);
        let mut missing = 0;
        for place in open {
            if let Some(takers) = takers.get_mut(*place) {
                takers.push(number);
                missing += 1;
            }
        }
        waiting.push(missing);
    }
    let total = steps.len();
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let is_ready = |(number, missing): (usize, &usize)| (*missing == 0).then_some(number);
    let mut ready: Vec<usize> = waiting.iter().enumerate().filter_map(is_ready).rev().collect();
    let mut order = Vec::with_capacity(total);
    while let Some(number) = ready.pop() {
        let Some(step) = steps.get_mut(number).and_then(Option::take) else { continue };
        for place in step.outputs.iter().flatten() {
            for taker in takers.get(*place).into_iter().flatten() {
                if let Some(missing) = waiting.get_mut(*taker) {
                    *missing -= 1;
                    if *missing == 0 {
                        ready.push(*taker);
                    }
                }
            }
        }
        order.push(step);
    }
    match order.len() == total {
        true => Ok(order),
        false => Err(LoadError::Invalid(
            "its operators take each other's outputs in a circle".to_owned(),
        )),
    }
}

/// Note at each step what is needed no more after it.
fn mark_last(steps: &mut [Step], outputs: &[(String, usize)], given: usize) {
    let mut needed: std::collections::HashSet<usize> =
        outputs.iter().map(|(_, place)| *place).collect();
    for step in steps.iter_mut().rev() {
        let all = step.inputs.iter().chain(&step.outputs).flatten();
        step.last = all.copied().filter(|place| *place >= given && needed.insert(*place)).collect();
    }
}

impl Graph {
    fn take(&self, named: &[Named]) -> Result<Vec<Option<Value>>, RunError> {
        let mut values = vec![None; self.constants.len()];
        for (port, place) in &self.inputs {
            let odd = |what: String| RunError::Input(format!("`{}` {what}", port.name));
            let Some((_, tensor)) = named.iter().find(|(name, _)| *name == port.name) else {
                return Err(odd("is missing".to_owned()));
            };
            if !port.fits(tensor) {
                return Err(odd(format!("is {}", tensor.kind())));
            }
            let widest =
                tensor.count().checked_mul(if tensor.element().width().is_some() { 8 } else { 16 });
            if widest.is_none_or(|bytes| bytes > MOST_BYTES) {
                return Err(odd("takes more memory than a prediction may".to_owned()));
            }
            let value = Value::read(tensor).map_err(|error| odd(error.to_string()))?;
            if let Some(slot) = values.get_mut(*place) {
                *slot = Some(value);
            }
        }
        Ok(values)
    }
}

impl Session for Graph {
    fn run(&mut self, inputs: &[Named], until: &Until) -> Result<Vec<Named>, RunError> {
        until.check()?;
        let mut values = self.take(inputs)?;
        let context = Context::new(until);
        values.iter().flatten().try_for_each(|value| context.keep(value))?;
        for step in &self.steps {
            until.check()?;
            let inputs: Vec<Option<&Value>> = step
                .inputs
                .iter()
                .map(|place| {
                    place.and_then(|place| {
                        values
                            .get(place)
                            .and_then(Option::as_ref)
                            .or_else(|| self.constants.get(place)?.as_ref())
                    })
                })
                .collect();
            let missing = step
                .inputs
                .iter()
                .zip(&inputs)
                .any(|(place, value)| place.is_some() && value.is_none());
            let made = match missing {
                true => Err(RunError::Failed("an input was not made".to_owned())),
                false => step.operator.run(&Inputs(&inputs), &context),
            };
            let made = made.map_err(|error| match error {
                RunError::Failed(what) => RunError::Failed(format!("{}: {what}", step.name)),
                other => other,
            })?;
            for (place, value) in step.outputs.iter().zip(made) {
                if let Some(slot) = place.and_then(|place| values.get_mut(place)) {
                    context.keep(&value)?;
                    *slot = Some(value);
                }
            }
            for place in &step.last {
                if let Some(value) = values.get_mut(*place).and_then(Option::take) {
                    context.drop(&value);
                }
            }
        }
        let mut outputs = Vec::with_capacity(self.outputs.len());
        let mut left = context.left();
        for (name, place) in &self.outputs {
            let value = values.get(*place).and_then(Option::as_ref);
            let value = value.or_else(|| self.constants.get(*place)?.as_ref());
            let value = value.ok_or_else(|| RunError::Failed(format!("`{name}` was not made")))?;
            let tensor = value.write(left)?;
            left = left.saturating_sub(tensor.data().len());
            outputs.push((name.clone(), tensor));
        }
        Ok(outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{
        GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorTypeProto, TypeProto,
        ValueInfoProto,
    };
    use crate::tensor::Tensor;
    use prost::Message as _;

    fn value(name: &str) -> ValueInfoProto {
        let tensor = TensorTypeProto { elem_type: 1, shape: None };
        let kind = TypeProto { tensor_type: Some(tensor), ..TypeProto::default() };
        ValueInfoProto { name: name.to_owned(), r#type: Some(kind) }
    }

    /// A model from `x` to `y` of these nodes: operator, inputs, outputs.
    fn model(nodes: &[(&str, &[&str], &[&str])], version: i64) -> Model {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let node = |(operator, inputs, outputs): &(&str, &[&str], &[&str])| NodeProto {
            op_type: (*operator).to_owned(),
            input: all(inputs),
            output: all(outputs),
            ..NodeProto::default()
        };
        let graph = GraphProto {
            node: nodes.iter().map(node).collect(),
            input: vec![value("x")],
            output: vec![value("y")],
            ..GraphProto::default()
        };
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version }];
        let proto = ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() };
        Model::read(proto.encode_to_vec().into()).unwrap()
    }

    fn x(numbers: &[f64]) -> Named {
        let shape = vec![numbers.len() as u32];
        ("x".to_owned(), crate::numbers::tensor(ElementType::Fp32, shape, numbers).unwrap())
    }

    #[test]
    fn operators_run_when_their_inputs_are_there() {
        let model = model(
            &[("Add", &["a", "b"], &["y"]), ("Neg", &["a"], &["b"]), ("Exp", &["x"], &["a"])],
            13,
        );
        let mut graph = compile(&model).unwrap();
        let got = graph.run(&[x(&[1.0, 2.0])], &Until::default()).unwrap();
        assert_eq!(got, [("y".to_owned(), x(&[0.0, 0.0]).1)]);
    }

    #[test]
    fn inputs_that_do_not_fit_are_refused() {
        let mut graph = compile(&model(&[("Neg", &["x"], &["y"])], 13)).unwrap();
        let of = |graph: &mut Graph, inputs: &[Named]| graph.run(inputs, &Until::default());
        assert!(matches!(of(&mut graph, &[]), Err(RunError::Input(_))));
        let text = Tensor::of_texts(vec![1], &["a"]).unwrap();
        assert!(matches!(of(&mut graph, &[("x".to_owned(), text)]), Err(RunError::Input(_))));
        let until = Until::default();
        until.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(graph.run(&[x(&[1.0])], &until), Err(RunError::Cancelled));
    }

    #[test]
    fn graphs_that_do_not_work_are_refused() {
        let refused = |nodes: &[(&str, &[&str], &[&str])], version| {
            compile(&model(nodes, version)).map(|_| ()).unwrap_err()
        };
        let unknown = refused(
            &[("Loop", &["x"], &["a"]), ("Neg", &["a"], &["b"]), ("Conv", &["b"], &["y"])],
            13,
        );
        assert!(matches!(unknown, LoadError::Unsupported(names) if names == ["Conv", "Loop"]));
        for (nodes, version) in [
            (&[("Add", &["x", "b"][..], &["y"][..]), ("Neg", &["y"], &["b"])][..], 13),
            (&[("Neg", &["y"], &["y"])], 13),
            (&[("Neg", &["nothing"], &["y"])], 13),
            (&[("Neg", &["x"], &["a"])], 13),
            (&[("Neg", &["x"], &["x"])], 13),
            (&[("Neg", &["x"], &["y"]), ("Neg", &["x"], &["y"])], 13),
            (&[("Add", &["x"], &["y"])], 13),
            (&[("Neg", &["x"], &["y"])], 6),
        ] {
            assert!(matches!(refused(nodes, version), LoadError::Invalid(_)), "{nodes:?}");
        }
    }

    #[test]
    fn an_operator_that_doubles_its_input_ends_with_the_memory() {
        let names: Vec<String> = (0..40).map(|number| format!("v{number}")).collect();
        let mut nodes: Vec<(&str, Vec<&str>, Vec<&str>)> =
            vec![("FeatureVectorizer", vec!["x"], vec!["v0"])];
        for pair in names.windows(2) {
            nodes.push(("FeatureVectorizer", vec![&pair[0], &pair[0]], vec![&pair[1]]));
        }
        nodes.push(("Identity", vec!["v39"], vec!["y"]));
        let nodes: Vec<(&str, &[&str], &[&str])> =
            nodes.iter().map(|(name, inputs, outputs)| (*name, &**inputs, &**outputs)).collect();
        let mut proto = model(&nodes, 13).proto().clone();
        for node in proto.graph.iter_mut().flat_map(|graph| &mut graph.node) {
            if node.op_type == "FeatureVectorizer" {
                node.domain = ML_DOMAIN.to_owned();
            }
        }
        let model = Model::read(proto.encode_to_vec().into()).unwrap();
        let got = compile(&model).unwrap().run(&[x(&[1.0])], &Until::default());
        assert!(matches!(got, Err(RunError::Failed(why)) if why.contains("memory")));
    }
}
