//! A folder of the host that a component sees.

use crate::shape::{Object, Path, ShapeError, boolean, parsed};
use crate::text::excerpt;
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// A folder of the host and where the component finds it. Written `HOST::GUEST`, or
/// `HOST::GUEST:ro` if the component may only read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The folder on the host.
    pub host: String,
    /// Its path inside the component.
    pub guest: String,
    /// Whether the component may only read.
    pub read_only: bool,
}

/// Why a text does not name a folder and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// There is no `::`.
    #[error("the directory `{text}` has no `::`; write HOST::GUEST or HOST::GUEST:ro")]
    NoSeparator {
        /// The text.
        text: String,
    },
    /// A path has no characters, or one that no path may hold.
    #[error(
        "the directory `{text}` has an unusable {side} path; give both paths at least one character, and none of them U+0000"
    )]
    Path {
        /// The text.
        text: String,
        /// `host` or `guest`.
        side: &'static str,
    },
    /// The guest's path climbs.
    #[error("the directory `{text}` has `..` in its guest path; write the path that it leads to")]
    Climbs {
        /// The text.
        text: String,
    },
}

impl Directory {
    fn new(host: &str, guest: &str, read_only: bool, text: &str) -> Result<Self, DirectoryError> {
        for (side, path) in [("host", host), ("guest", guest)] {
            if path.is_empty() || path.contains('\0') {
                return Err(DirectoryError::Path { text: excerpt(text), side });
            }
        }
        if guest.split('/').any(|step| step == "..") {
            return Err(DirectoryError::Climbs { text: excerpt(text) });
        }
        Ok(Self { host: host.into(), guest: guest.into(), read_only })
    }
}

impl FromStr for Directory {
    type Err = DirectoryError;

    fn from_str(text: &str) -> Result<Self, DirectoryError> {
        let (host, rest) = text
            .split_once("::")
            .ok_or_else(|| DirectoryError::NoSeparator { text: excerpt(text) })?;
        let (guest, read_only) = match rest.strip_suffix(":ro") {
            Some(guest) => (guest, true),
            None => (rest.strip_suffix(":rw").unwrap_or(rest), false),
        };
        Self::new(host, guest, read_only, text)
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, guest, read_only } = self;
        write!(f, "{host}::{guest}{}", if *read_only { ":ro" } else { "" })
    }
}

/// The text form, or `{host, guest, readOnly}`.
pub(super) fn read(path: &Path<'_>, value: &Value) -> Result<Directory, ShapeError> {
    if !value.is_object() {
        return parsed(path, value);
    }
    let mut object = Object::open(path, value)?;
    let host: String = object.required_parsed("host")?;
    let guest: String = object.required_parsed("guest")?;
    let read_only = match object.take("readOnly") {
        Some(value) => boolean(&path.key("readOnly"), value)?,
        None => false,
    };
    object.refuse_unknown()?;
    Directory::new(&host, &guest, read_only, &format!("{host}::{guest}"))
        .map_err(|error| ShapeError::new(path, error))
}
