//! onnxruntime for Python, in an environment of its own: the benchmarks' peer, what makes the models of
//! the samples, and the library for those who load it.

use super::python;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};

const REQUIREMENTS: &str = include_str!("../../../sample-components/models/requirements.txt");

/// onnxruntime.
#[derive(Debug)]
pub struct Onnx {
    /// A Python that has it.
    pub interpreter: PathBuf,
    /// The library.
    pub library: PathBuf,
}

/// Install it if it is missing.
pub fn install() -> Result<Onnx> {
    let folder = python::environment("onnx", "onnxruntime", REQUIREMENTS)?;
    let library = library(&folder)?;
    let library = library.context("this onnxruntime for Python has no library of its own")?;
    Ok(Onnx { interpreter: folder.join("bin/python3"), library })
}

/// The library below `lib/pythonX.Y`.
fn library(folder: &Path) -> Result<Option<PathBuf>> {
    for python in fs::read_dir(folder.join("lib"))? {
        let packages = python?.path().join("site-packages/onnxruntime/capi");
        for file in fs::read_dir(packages)? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with("libonnxruntime.so") {
                return Ok(Some(file.path()));
            }
        }
    }
    Ok(None)
}
