//! `inference`: what models may take, and who runs them. Of this host's own; Greengrass has no such
//! key.

use crate::limits::size;
use crate::shape::{Object, Path, ShapeError, Warnings};
use serde_json::Value;
use std::path::PathBuf;

/// How models are run; what is `None` takes the default of whoever uses it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InferenceSettings {
    /// `memory`: bytes that all models together may take.
    pub memory: Option<u64>,
    /// `onnxruntime`.
    pub onnxruntime: Option<OnnxruntimeSetting>,
}

/// Which shared library of onnxruntime is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnnxruntimeSetting {
    /// None, whatever the machine has: `none`.
    None,
    /// This one, an absolute path.
    At(PathBuf),
}

impl InferenceSettings {
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let settings = Self {
            memory: object.read("memory", size)?,
            onnxruntime: object.read("onnxruntime", library)?,
        };
        object.warn_unknown(warnings);
        Ok(settings)
    }
}

fn library(path: &Path<'_>, value: &Value) -> Result<OnnxruntimeSetting, ShapeError> {
    const EXPECTED: &str =
        "an absolute path, for example `/usr/local/lib/libonnxruntime.so`, or `none`";
    match value.as_str() {
        Some("none") => Ok(OnnxruntimeSetting::None),
        Some(file) if file.starts_with('/') => Ok(OnnxruntimeSetting::At(file.into())),
        _ => Err(ShapeError::expected(path, EXPECTED, value)),
    }
}
