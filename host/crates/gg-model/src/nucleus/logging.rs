//! `logging`: how a nucleus logs.

use super::number;
use crate::shape::{Object, Path, ShapeError, Warnings, choice};
use serde_json::Value;

/// How a nucleus logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggingSettings {
    /// `level`: DEBUG, INFO, WARN or ERROR.
    pub level: Option<String>,
    /// `format`.
    pub format: Option<LogFormat>,
    /// `fileSizeKB`: when a log file is set aside.
    pub file_kib: Option<u64>,
    /// `totalLogsSizeKB`: how much all files of a component may take.
    pub total_kib: Option<u64>,
    /// `outputDirectory`.
    pub folder: Option<String>,
    /// `outputType`.
    pub output: LogOutput,
}

/// Where logs go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogOutput {
    /// To the standard output and error of the nucleus, and nowhere else.
    Console,
    /// Into files as well.
    #[default]
    File,
}

/// How records are written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    #[default]
    Text,
}

const LEVELS: [(&str, &str); 5] = [
    ("TRACE", "TRACE"),
    ("DEBUG", "DEBUG"),
    ("INFO", "INFO"),
    ("WARN", "WARN"),
    ("ERROR", "ERROR"),
];
const OUTPUTS: [(&str, LogOutput); 2] =
    [("FILE", LogOutput::File), ("CONSOLE", LogOutput::Console)];
const FORMATS: [(&str, LogFormat); 2] = [("TEXT", LogFormat::Text), ("JSON", LogFormat::Json)];

impl LoggingSettings {
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let level = object.read("level", |path, value| choice(path, value, &LEVELS))?;
        let output = object.read("outputType", |path, value| choice(path, value, &OUTPUTS))?;
        let settings = Self {
            level: level.map(Into::into),
            format: object.read("format", |path, value| choice(path, value, &FORMATS))?,
            file_kib: object.read("fileSizeKB", number)?,
            total_kib: object.read("totalLogsSizeKB", number)?,
            folder: object.text("outputDirectory")?.map(Into::into),
            output: output.unwrap_or_default(),
        };
        object.warn_unknown(warnings);
        Ok(settings)
    }
}
