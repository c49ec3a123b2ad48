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
    /// This one.
    At(PathBuf),
}

impl From<PathBuf> for OnnxruntimeSetting {
    /// As it is written: `none`, or a file.
    fn from(written: PathBuf) -> Self {
        if written.as_os_str() == "none" { Self::None } else { Self::At(written) }
    }
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
    match value.as_str().map(|written| PathBuf::from(written).into()) {
        Some(OnnxruntimeSetting::At(file)) if !file.is_absolute() => None,
        setting => setting,
    }
    .ok_or_else(|| ShapeError::expected(path, EXPECTED, value))
}
