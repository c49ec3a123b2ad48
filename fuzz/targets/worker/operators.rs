//! The operators that the evaluator of classical models has, and the attributes of each.

use crate::trees::{Trees, tables};
use crate::values;
use gg_inference::onnx::proto::AttributeProto;
use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// What a graph may be made of.
#[derive(Debug)]
pub struct Operator {
    /// With its domain, where that is not ONNX's own.
    pub name: &'static str,
    /// Inputs, at least and at most.
    pub inputs: (usize, usize),
    /// Outputs, at most.
    pub outputs: usize,
    attributes: Attributes,
}

#[derive(Debug)]
enum Attributes {
    /// Each may be there.
    Any(&'static [(&'static str, Kind)]),
    /// Tables of nodes that belong together.
    Trees(Trees),
}

#[derive(Debug)]
enum Kind {
    Int,
    Flag,
    Float,
    Ints,
    Floats,
    Word(&'static [&'static str]),
    Texts,
    Tensor,
}

use Kind::{Flag, Float, Floats, Int, Ints, Tensor, Texts, Word};

const POST: Kind = Word(&["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]);
const KERNEL: Kind = Word(&["LINEAR", "POLY", "RBF", "SIGMOID"]);

const fn any(
    name: &'static str,
    inputs: (usize, usize),
    outputs: usize,
    attributes: &'static [(&'static str, Kind)],
) -> Operator {
    Operator { name, inputs, outputs, attributes: Attributes::Any(attributes) }
}

const fn trees(name: &'static str, outputs: usize, kind: Trees) -> Operator {
    Operator { name, inputs: (1, 1), outputs, attributes: Attributes::Trees(kind) }
}

/// All of them; trees more than once, since there is more to them.
pub const OPERATORS: &[Operator] = &[
    trees("ai.onnx.ml.TreeEnsembleClassifier", 2, Trees::Classifier),
    trees("ai.onnx.ml.TreeEnsembleClassifier", 2, Trees::Classifier),
    trees("ai.onnx.ml.TreeEnsembleClassifier", 2, Trees::Classifier),
    trees("ai.onnx.ml.TreeEnsembleClassifier", 2, Trees::Classifier),
    trees("ai.onnx.ml.TreeEnsembleRegressor", 1, Trees::Regressor),
    trees("ai.onnx.ml.TreeEnsembleRegressor", 1, Trees::Regressor),
    trees("ai.onnx.ml.TreeEnsembleRegressor", 1, Trees::Regressor),
    trees("ai.onnx.ml.TreeEnsembleRegressor", 1, Trees::Regressor),
    trees("ai.onnx.ml.TreeEnsemble", 1, Trees::Ensemble),
    trees("ai.onnx.ml.TreeEnsemble", 1, Trees::Ensemble),
    trees("ai.onnx.ml.TreeEnsemble", 1, Trees::Ensemble),
    trees("ai.onnx.ml.TreeEnsemble", 1, Trees::Ensemble),
    any("ai.onnx.ml.ArrayFeatureExtractor", (2, 2), 1, &[]),
    any("ai.onnx.ml.Binarizer", (1, 1), 1, &[("threshold", Float)]),
    any(
        "ai.onnx.ml.CategoryMapper",
        (1, 1),
        1,
        &[
            ("cats_strings", Texts),
            ("cats_int64s", Ints),
            ("default_string", Word(&["a", "z"])),
            ("default_int64", Int),
        ],
    ),
    any("ai.onnx.ml.FeatureVectorizer", (1, 3), 1, &[("inputdimensions", Ints)]),
    any(
        "ai.onnx.ml.Imputer",
        (1, 1),
        1,
        &[
            ("imputed_value_floats", Floats),
            ("imputed_value_int64s", Ints),
            ("replaced_value_float", Float),
            ("replaced_value_int64", Int),
        ],
    ),
    any(
        "ai.onnx.ml.LabelEncoder",
        (1, 1),
        1,
        &[
            ("keys_strings", Texts),
            ("keys_int64s", Ints),
            ("keys_floats", Floats),
            ("keys_tensor", Tensor),
            ("values_strings", Texts),
            ("values_int64s", Ints),
            ("values_floats", Floats),
            ("values_tensor", Tensor),
            ("default_string", Word(&["a"])),
            ("default_int64", Int),
            ("default_float", Float),
            ("default_tensor", Tensor),
            ("classes_strings", Texts),
        ],
    ),
    any(
        "ai.onnx.ml.LinearClassifier",
        (1, 1),
        2,
        &[
            ("coefficients", Floats),
            ("intercepts", Floats),
            ("classlabels_ints", Ints),
            ("classlabels_strings", Texts),
            ("post_transform", POST),
            ("multi_class", Flag),
        ],
    ),
    any(
        "ai.onnx.ml.LinearRegressor",
        (1, 1),
        1,
        &[
            ("coefficients", Floats),
            ("intercepts", Floats),
            ("targets", Int),
            ("post_transform", POST),
        ],
    ),
    any("ai.onnx.ml.Normalizer", (1, 1), 1, &[("norm", Word(&["MAX", "L1", "L2"]))]),
    any(
        "ai.onnx.ml.OneHotEncoder",
        (1, 1),
        1,
        &[("cats_int64s", Ints), ("cats_strings", Texts), ("zeros", Flag)],
    ),
    any("ai.onnx.ml.Scaler", (1, 1), 1, &[("scale", Floats), ("offset", Floats)]),
    any(
        "ai.onnx.ml.SVMClassifier",
        (1, 1),
        2,
        &[
            ("kernel_type", KERNEL),
            ("kernel_params", Floats),
            ("support_vectors", Floats),
            ("coefficients", Floats),
            ("rho", Floats),
            ("prob_a", Floats),
            ("prob_b", Floats),
            ("vectors_per_class", Ints),
            ("classlabels_ints", Ints),
            ("classlabels_strings", Texts),
            ("post_transform", POST),
        ],
    ),
    any(
        "ai.onnx.ml.SVMRegressor",
        (1, 1),
        1,
        &[
            ("kernel_type", KERNEL),
            ("kernel_params", Floats),
            ("support_vectors", Floats),
            ("coefficients", Floats),
            ("rho", Floats),
            ("n_supports", Int),
            ("one_class", Flag),
            ("post_transform", POST),
        ],
    ),
    any("Identity", (1, 1), 1, &[]),
    any("Shape", (1, 1), 1, &[]),
    any("Not", (1, 1), 1, &[]),
    any("IsNaN", (1, 1), 1, &[]),
    any("Abs", (1, 1), 1, &[]),
    any("Ceil", (1, 1), 1, &[]),
    any("Exp", (1, 1), 1, &[]),
    any("Floor", (1, 1), 1, &[]),
    any("Log", (1, 1), 1, &[]),
    any("Neg", (1, 1), 1, &[]),
    any("Reciprocal", (1, 1), 1, &[]),
    any("Relu", (1, 1), 1, &[]),
    any("Round", (1, 1), 1, &[]),
    any("Sigmoid", (1, 1), 1, &[]),
    any("Sign", (1, 1), 1, &[]),
    any("Softplus", (1, 1), 1, &[]),
    any("Sqrt", (1, 1), 1, &[]),
    any("Tanh", (1, 1), 1, &[]),
    any(
        "ai.onnx.ml.ZipMap",
        (1, 1),
        1,
        &[("classlabels_strings", Texts), ("classlabels_int64s", Ints)],
    ),
    any("Reshape", (2, 2), 1, &[("allowzero", Flag)]),
    any("Flatten", (1, 1), 1, &[("axis", Int)]),
    any("Squeeze", (1, 2), 1, &[("axes", Ints)]),
    any("Unsqueeze", (1, 2), 1, &[("axes", Ints)]),
    any("Transpose", (1, 1), 1, &[("perm", Ints)]),
    any("Concat", (1, 3), 1, &[("axis", Int)]),
    any("Expand", (2, 2), 1, &[]),
    any(
        "Constant",
        (0, 0),
        1,
        &[
            ("value", Tensor),
            ("value_int", Int),
            ("value_float", Float),
            ("value_ints", Ints),
            ("value_floats", Floats),
            ("value_string", Word(&["a"])),
            ("value_strings", Texts),
        ],
    ),
    any("ConstantOfShape", (1, 1), 1, &[("value", Tensor)]),
    any("Gather", (2, 2), 1, &[("axis", Int)]),
    any("Slice", (1, 5), 1, &[("starts", Ints), ("ends", Ints), ("axes", Ints)]),
    any("Add", (2, 2), 1, &[]),
    any("Sub", (2, 2), 1, &[]),
    any("Mul", (2, 2), 1, &[]),
    any("Div", (2, 2), 1, &[]),
    any("Pow", (2, 2), 1, &[]),
    any("Equal", (2, 2), 1, &[]),
    any("Less", (2, 2), 1, &[]),
    any("LessOrEqual", (2, 2), 1, &[]),
    any("Greater", (2, 2), 1, &[]),
    any("GreaterOrEqual", (2, 2), 1, &[]),
    any("And", (2, 2), 1, &[]),
    any("Or", (2, 2), 1, &[]),
    any("Xor", (2, 2), 1, &[]),
    any("MatMul", (2, 2), 1, &[]),
    any("Sum", (1, 3), 1, &[]),
    any("Mean", (1, 3), 1, &[]),
    any("Min", (1, 3), 1, &[]),
    any("Max", (1, 3), 1, &[]),
    any("Clip", (1, 3), 1, &[("min", Float), ("max", Float)]),
    any("Where", (3, 3), 1, &[]),
    any("Cast", (1, 1), 1, &[("to", Int)]),
    any("CastLike", (2, 2), 1, &[]),
    any("Softmax", (1, 1), 1, &[("axis", Int)]),
    any("LogSoftmax", (1, 1), 1, &[("axis", Int)]),
    any("LpNormalization", (1, 1), 1, &[("axis", Int), ("p", Int)]),
    any("ArgMax", (1, 1), 1, &[("axis", Int), ("keepdims", Flag), ("select_last_index", Flag)]),
    any("ArgMin", (1, 1), 1, &[("axis", Int), ("keepdims", Flag), ("select_last_index", Flag)]),
    any("TopK", (1, 2), 2, &[("axis", Int), ("k", Int), ("largest", Flag), ("sorted", Flag)]),
    any(
        "ReduceSum",
        (1, 2),
        1,
        &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)],
    ),
    any(
        "ReduceMean",
        (1, 2),
        1,
        &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)],
    ),
    any(
        "ReduceMax",
        (1, 2),
        1,
        &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)],
    ),
    any(
        "ReduceMin",
        (1, 2),
        1,
        &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)],
    ),
    any(
        "ReduceProd",
        (1, 2),
        1,
        &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)],
    ),
    any(
        "ReduceSumSquare",
        (1, 2),
        1,
        &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)],
    ),
    any(
        "ReduceL1",
        (1, 2),
        1,
        &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)],
    ),
    any(
        "ReduceL2",
        (1, 2),
        1,
        &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)],
    ),
    any(
        "ReduceLogSum",
        (1, 2),
        1,
        &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)],
    ),
    any(
        "ReduceLogSumExp",
        (1, 2),
        1,
        &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)],
    ),
    any(
        "Gemm",
        (2, 3),
        1,
        &[("alpha", Float), ("beta", Float), ("transA", Flag), ("transB", Flag)],
    ),
    any("com.microsoft.CDist", (2, 2), 1, &[("metric", Word(&["euclidean", "sqeuclidean"]))]),
];

/// Attributes of an operator.
pub fn attributes(from: &mut Unstructured<'_>, operator: &Operator) -> Result<Vec<AttributeProto>> {
    match &operator.attributes {
        Attributes::Trees(kind) => tables(from, *kind),
        Attributes::Any(known) => {
            // Lists that belong together have one length, mostly.
            let length = from.int_in_range(0..=4)?;
            let mut attributes = Vec::new();
            for (name, kind) in *known {
                if from.ratio(2, 3)? {
                    attributes.push(attribute(from, name, kind, length)?);
                }
            }
            Ok(attributes)
        }
    }
}

fn attribute(
    from: &mut Unstructured<'_>,
    name: &str,
    kind: &Kind,
    length: usize,
) -> Result<AttributeProto> {
    let mut made = AttributeProto { name: name.to_owned(), ..AttributeProto::default() };
    let length = if values::rarely(from, 6)? { from.int_in_range(0..=6)? } else { length };
    match kind {
        Int => made.i = Some(values::int(from)?),
        Flag => made.i = Some(from.int_in_range(0..=1)?),
        Float => made.f = Some(values::number(from)? as f32),
        Ints => made.ints = list(length, || values::int(from))?,
        Floats => made.floats = list(length, || Ok(values::number(from)? as f32))?,
        Word(words) => made.s = Some(from.choose(words)?.as_bytes().into()),
        Texts => made.strings = list(length, || Ok(values::word(from)?.as_bytes().into()))?,
        Tensor => {
            let kind = values::kind(from)?;
            let shape =
                if values::rarely(from, 3)? { values::shape(from)? } else { vec![length as u32] };
            made.t = Some(values::constant(from, kind, shape)?);
        }
    }
    Ok(made)
}

fn list<T>(length: usize, make: impl FnMut() -> Result<T>) -> Result<Vec<T>> {
    std::iter::repeat_with(make).take(length).collect()
}
