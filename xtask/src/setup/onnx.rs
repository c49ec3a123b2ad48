//! onnxruntime for Python, in an environment of its own: the benchmarks' peer, and what makes the
//! models of the samples.

use super::python;
use anyhow::Result;
use std::path::PathBuf;

const REQUIREMENTS: &str = include_str!("../../../sample-components/models/requirements.txt");

/// Install it if it is missing; gives the interpreter.
pub fn install() -> Result<PathBuf> {
    let folder = python::environment("onnx", "onnxruntime", REQUIREMENTS)?;
    Ok(folder.join("bin/python3"))
}
