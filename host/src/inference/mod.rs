//! Machine-learning models, each in a worker process of its own: a model file is outside input, and
//! engines are not written for hostile ones. What a model does wrong costs it its worker, and nobody
//! else anything.

pub mod confine;
pub mod digest;
pub mod library;
mod line;
pub mod worker;

/// The backends of a worker, the one that is asked first coming first; with onnxruntime where there
/// is a library.
pub fn backends(has_library: bool) -> Vec<&'static str> {
    let mut all = vec!["classical"];
    if has_library && cfg!(feature = "ort") {
        all.push("onnxruntime");
    }
    if cfg!(feature = "tract") {
        all.extend(["tract", "tract-unoptimised"]);
    }
    all
}
