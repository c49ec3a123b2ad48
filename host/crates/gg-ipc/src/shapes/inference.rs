//! Machine-learning models: operations of the namespace `gg.host`, since Greengrass has none for
//! them.

use crate::blob::Blob;
use crate::macros::or_empty;

shapes! {
    /// Ask for the names of models.
    pub struct ListModelsRequest {}

    /// The models that the component may use.
    pub struct ListModelsResponse {
        /// Their names.
        #[serde(default, deserialize_with = "or_empty")]
        pub models: Vec<String>,
    }

    /// Ask what is known of a model.
    pub struct DescribeModelRequest {
        /// Its name.
        pub model_name: String,
    }

    /// What is known of a model.
    pub struct DescribeModelResponse {
        /// Its name.
        pub model_name: String,
        /// The version of the component that brings it.
        pub version: String,
        /// SHA-256 of its file, in hexadecimal.
        pub digest: String,
        /// What runs it, for example `tract`.
        pub backend: String,
        /// Where it runs, for example `cpu`.
        pub device: String,
        /// How many threads a prediction takes.
        pub threads: u32,
        /// What it takes.
        #[serde(default, deserialize_with = "or_empty")]
        pub inputs: Vec<ModelPort>,
        /// What it gives.
        #[serde(default, deserialize_with = "or_empty")]
        pub outputs: Vec<ModelPort>,
    }

    /// What a model takes or gives at one place.
    pub struct ModelPort {
        /// Its name.
        pub name: String,
        /// What the elements are: `fp32`, `i64`, `bool`, `string` and so on.
        pub element_type: String,
        /// The length of each dimension, -1 where any will do; absent where nothing is said of it.
        pub shape: Option<Vec<i64>>,
    }

    /// Have a prediction made.
    pub struct RunInferenceRequest {
        /// The model.
        pub model_name: String,
        /// Each of its inputs.
        #[serde(default, deserialize_with = "or_empty")]
        pub inputs: Vec<ModelTensor>,
        /// Milliseconds that it may take.
        pub deadline_ms: Option<u32>,
    }

    /// A prediction.
    pub struct RunInferenceResponse {
        /// Each of the model's outputs.
        #[serde(default, deserialize_with = "or_empty")]
        pub outputs: Vec<ModelTensor>,
    }

    /// An array of elements, and the input or output that it belongs to.
    pub struct ModelTensor {
        /// The input or output.
        pub name: String,
        /// See [`ModelPort::element_type`].
        pub element_type: String,
        /// The length of each dimension.
        #[serde(default, deserialize_with = "or_empty")]
        pub shape: Vec<u32>,
        /// The elements in row-major order, numbers little-endian; of strings, each with its length
        /// in bytes before it in 32 bits.
        pub data: Blob,
    }
}
