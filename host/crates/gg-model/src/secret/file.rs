//! The text in which an operator gives secrets.

use super::{
    CURRENT, LARGEST_SECRET, LONGEST_SECRET_ID, SecretHead, SecretValue, SecretVersion, wipe,
};
use crate::recipe::{RecipeError, parse_value};
use crate::shape::{Object, Path, ShapeError, list, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeSet;
use thiserror::Error;
use zeroize::Zeroizing;

/// The id of a version that says none.
const LOCAL: &str = "local";

/// Most versions of secrets in one file.
const MOST: usize = 4096;

/// What is wrong with a text that is to hold secrets; shows nothing of them.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum SecretFileError {
    /// Neither JSON nor YAML.
    #[error("it is neither JSON nor YAML, from line {line}, column {column} on")]
    Syntax {
        /// Where, counted from 1; 0 where that is not known.
        line: u64,
        /// Likewise.
        column: u64,
    },
    /// Too many bytes.
    #[error("it has {length} bytes, which is more than a file of secrets may have")]
    TooLong {
        /// How many.
        length: usize,
    },
    /// A member is missing or not what its place asks for.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

pub(super) fn parse(text: &str) -> Result<Vec<SecretVersion>, SecretFileError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut value = parse_value(text).map_err(|error| match error {
        // A parser's own words may quote what is beside the fault.
        RecipeError::Syntax { line, column, .. } => SecretFileError::Syntax { line, column },
        RecipeError::TooLong { length } => SecretFileError::TooLong { length },
        _ => SecretFileError::Syntax { line: 0, column: 0 },
    })?;
    let read = read(&value);
    wipe(&mut value);
    Ok(read?)
}

fn read(value: &Value) -> Result<Vec<SecretVersion>, ShapeError> {
    let root = Path::root("");
    let Value::Object(_) = value else {
        return Err(ShapeError::new(&root, "is not an object with the list `secrets`"));
    };
    let mut object = Object::open(&root, value)?;
    let versions = object.read("secrets", versions)?.unwrap_or_default();
    object.refuse_unknown()?;
    Ok(versions)
}

fn versions(path: &Path<'_>, value: &Value) -> Result<Vec<SecretVersion>, ShapeError> {
    let Value::Array(entries) = value else {
        return Err(ShapeError::new(path, "is not a list"));
    };
    if entries.len() > MOST {
        return Err(ShapeError::new(path, format_args!("has more than {MOST} entries")));
    }
    let (mut versions, mut labels) = (Vec::<SecretVersion>::new(), BTreeSet::new());
    for (index, entry) in entries.iter().enumerate() {
        let path = path.index(index);
        let version = version(&path, entry, true)?;
        let (head, others) = (&version.head, versions.iter().map(|other| &other.head));
        let mut same = others.clone().filter(|other| other.key() == head.key());
        if same.any(|other| other.version == head.version) {
            let message = "is the second entry of this secret with this VersionId; give it another";
            return Err(ShapeError::new(&path, message));
        }
        if others.clone().any(|other| other.name == head.name && other.arn != head.arn) {
            let message = "has the name of another entry, and not its ARN";
            return Err(ShapeError::new(&path, message));
        }
        for stage in &head.stages {
            if !labels.insert((head.key().to_owned(), stage.clone())) {
                let message =
                    format!("is the second version of this secret with the label {stage}");
                return Err(ShapeError::new(&path, message));
            }
        }
        versions.push(version);
    }
    Ok(versions)
}

/// `strict`: whether it is a person's, who would not write what means nothing.
pub(super) fn version(
    path: &Path<'_>,
    value: &Value,
    strict: bool,
) -> Result<SecretVersion, ShapeError> {
    let Value::Object(_) = value else { return Err(ShapeError::new(path, "is not an object")) };
    let mut object = Object::open(path, value)?;
    let id = |path: &Path<'_>, value: &Value| {
        let id = text(path, value)?;
        if id.is_empty() || id.len() > LONGEST_SECRET_ID || id.contains(char::is_control) {
            let message = format!("is not a text of 1 to {LONGEST_SECRET_ID} characters");
            return Err(ShapeError::new(path, message));
        }
        Ok(id.to_owned())
    };
    let (arn, name) = (object.read("ARN", id)?, object.read("Name", id)?);
    let Some(name) = name.or_else(|| arn.clone()) else {
        return Err(ShapeError::new(&path.key("Name"), "is required but missing"));
    };
    let version = object.read("VersionId", id)?;
    let stages = object.read("VersionStages", |path, value| {
        let labels = list(path, value)?.iter().enumerate();
        labels.map(|(index, label)| id(&path.index(index), label)).collect::<Result<Vec<_>, _>>()
    })?;
    let texts = object.read("SecretString", |path, value| {
        let text = secret_text(path, value)?;
        Ok(SecretValue::Text(Zeroizing::new(text.to_owned())))
    })?;
    let bytes = object.read("SecretBinary", |path, value| {
        let decoded = STANDARD.decode(secret_text(path, value)?);
        let bytes = decoded.map_err(|_| ShapeError::new(path, "is not base64"))?;
        Ok(SecretValue::Bytes(Zeroizing::new(bytes)))
    })?;
    // What GetSecretValue answers besides.
    for known in ["CreatedDate", "ResponseMetadata"] {
        let _of_no_use = object.take(known);
    }
    if strict {
        object.refuse_unknown()?;
    }
    let value = match (texts, bytes) {
        (Some(value), None) | (None, Some(value)) => value,
        (None, None) => {
            let message = "has neither SecretString nor SecretBinary";
            return Err(ShapeError::new(path, message));
        }
        (Some(_), Some(_)) => {
            return Err(ShapeError::new(path, "has both SecretString and SecretBinary"));
        }
    };
    if value.as_bytes().len() > LARGEST_SECRET {
        return Err(ShapeError::new(path, format_args!("has a value over {LARGEST_SECRET} bytes")));
    }
    let head = SecretHead {
        name,
        arn,
        version: version.unwrap_or_else(|| LOCAL.to_owned()),
        stages: stages.unwrap_or_else(|| vec![CURRENT.to_owned()]),
    };
    Ok(SecretVersion { head, value })
}

/// The text of a secret; what else it is is not shown.
fn secret_text<'v>(path: &Path<'_>, value: &'v Value) -> Result<&'v str, ShapeError> {
    let Value::String(text) = value else {
        return Err(ShapeError::new(path, "is not text; put it in quotes"));
    };
    Ok(text)
}
