//! Why a text is not a document, and how each is begun to be read.

use super::MAX_DOCUMENT_BYTES;
use crate::shape::{ShapeError, Warning, Warnings};
use crate::text::parser_reason;
use serde_json::Value;

/// Why a text is not a deployment's document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// There is too much text.
    #[error("the deployment document has {length} bytes; at most {MAX_DOCUMENT_BYTES} are allowed")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// The text is not JSON.
    #[error("the deployment document is not JSON: line {line}, column {column}: {message}")]
    Syntax {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// A value is missing or not what its place asks for.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// Read a document's text by way of its value; errors and warnings get their places in the text.
pub(super) fn parse<T>(
    text: &str,
    read: impl FnOnce(&Value, &mut Warnings) -> Result<T, ShapeError>,
) -> Result<(T, Vec<Warning>), DocumentError> {
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(DocumentError::TooLong { length: text.len() });
    }
    let value = serde_json::from_str(text).map_err(|error| DocumentError::Syntax {
        line: error.line(),
        column: error.column(),
        message: parser_reason(&error.to_string()),
    })?;
    let mut warnings = Warnings::default();
    let document = read(&value, &mut warnings).map_err(|error| error.in_text(text))?;
    Ok((document, warnings.into_vec(text)))
}
