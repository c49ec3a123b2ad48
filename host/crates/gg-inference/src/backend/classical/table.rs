//! All operators that are known, by their names.

use super::operator::Compile;
use super::{
    elementwise, linear, logic, mapping, order, product, reduce, scale, select, shape, softmax,
    svm, trees,
};

/// What compiles the operator of this name, with its domain where that is not ONNX's own.
pub(super) fn compiler(name: &str) -> Option<Compile> {
    Some(match name {
        "ai.onnx.ml.ArrayFeatureExtractor" => select::features,
        "ai.onnx.ml.Binarizer" => scale::binarizer,
        "ai.onnx.ml.CategoryMapper" => mapping::category_mapper,
        "ai.onnx.ml.FeatureVectorizer" => select::vectorizer,
        "ai.onnx.ml.Imputer" => scale::imputer,
        "ai.onnx.ml.LabelEncoder" => mapping::label_encoder,
        "ai.onnx.ml.LinearClassifier" => linear::classifier,
        "ai.onnx.ml.LinearRegressor" => linear::regressor,
        "ai.onnx.ml.Normalizer" => scale::normalizer,
        "ai.onnx.ml.OneHotEncoder" => mapping::one_hot,
        "ai.onnx.ml.Scaler" => scale::scaler,
        "ai.onnx.ml.SVMClassifier" => svm::classifier,
        "ai.onnx.ml.SVMRegressor" => svm::regressor,
        "ai.onnx.ml.TreeEnsemble" => trees::ensemble,
        "ai.onnx.ml.TreeEnsembleClassifier" => trees::classifier,
        "ai.onnx.ml.TreeEnsembleRegressor" => trees::regressor,
        "Identity" | "ai.onnx.ml.ZipMap" => shape::identity,
        "Reshape" => shape::reshape,
        "Flatten" => shape::flatten,
        "Squeeze" => shape::squeeze,
        "Unsqueeze" => shape::unsqueeze,
        "Transpose" => shape::transpose,
        "Concat" => shape::concat,
        "Expand" => shape::expand,
        "Shape" => shape::shape,
        "Constant" => shape::constant,
        "ConstantOfShape" => shape::constant_of_shape,
        "Gather" => select::gather,
        "Slice" => select::slice,
        "Add" | "Sub" | "Mul" | "Div" => elementwise::arithmetic,
        "Sum" | "Mean" | "Min" | "Max" => elementwise::variadic,
        "Pow" => elementwise::pow,
        "Abs" | "Ceil" | "Exp" | "Floor" | "Log" | "Neg" | "Reciprocal" | "Relu" | "Round"
        | "Sigmoid" | "Sign" | "Softplus" | "Sqrt" | "Tanh" => elementwise::unary,
        "Clip" => elementwise::clip,
        "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" => logic::compare,
        "And" | "Or" | "Xor" => logic::logical,
        "Not" => logic::not,
        "IsNaN" => logic::is_nan,
        "Where" => logic::either,
        "Cast" | "CastLike" => logic::cast,
        "Softmax" | "LogSoftmax" => softmax::softmax,
        "LpNormalization" => softmax::normalize,
        "ArgMax" | "ArgMin" => order::arg,
        "TopK" => order::top,
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd"
        | "ReduceSumSquare" | "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" => {
            reduce::reduce
        }
        "MatMul" => product::matmul,
        "Gemm" => product::gemm,
        "com.microsoft.CDist" => product::cdist,
        _ => return None,
    })
}

/// Inputs that an operator cannot do without.
pub(super) fn least_inputs(name: &str) -> usize {
    match name {
        "Constant" => 0,
        "Where" => 3,
        "Add"
        | "And"
        | "CastLike"
        | "Div"
        | "Equal"
        | "Expand"
        | "Gather"
        | "Gemm"
        | "Greater"
        | "GreaterOrEqual"
        | "Less"
        | "LessOrEqual"
        | "MatMul"
        | "Mul"
        | "Or"
        | "Pow"
        | "Reshape"
        | "Sub"
        | "Xor"
        | "ai.onnx.ml.ArrayFeatureExtractor"
        | "com.microsoft.CDist" => 2,
        _ => 1,
    }
}
