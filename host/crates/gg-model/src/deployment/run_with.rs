//! As whom and within which bounds a component runs.

use super::error::{self, DocumentError};
use crate::shape::{Object, Path, ShapeError, Warnings, text, whole};
use crate::text::excerpt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;
use std::str::FromStr;

/// As whom and within which bounds a component is to run (Greengrass developer guide, `runWith`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunWith {
    /// The user, where components are processes of a POSIX system.
    pub posix_user: Change<PosixUser>,
    /// How much it may use.
    pub limits: Change<SystemResourceLimits>,
}

/// What a document says of something that the device remembers from earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// Nothing: it stays.
    #[default]
    Keep,
    /// It is forgotten, and the device's default holds again.
    ToDefault,
    /// It becomes this.
    To(T),
}

impl<T> Change<T> {
    /// What it becomes, if this says so.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::To(value) => Some(value),
            Self::Keep | Self::ToDefault => None,
        }
    }

    /// Carry it out on what is remembered.
    pub fn apply(self, remembered: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::ToDefault => *remembered = None,
            Self::To(value) => *remembered = Some(value),
        }
    }
}

/// How much a component may use of the device.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SystemResourceLimits {
    /// Memory in kilobytes; as much as there is if none.
    pub memory_kb: Option<u64>,
    /// Processor cores; all if none.
    pub cpus: Option<f64>,
}

/// A user and perhaps a group, by name or number: `user[:group]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PosixUser {
    /// The user.
    pub user: String,
    /// The group; the user's own if none.
    pub group: Option<String>,
}

/// A text does not name a user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` does not name a user; write `user`, `user:group`, or numbers for them")]
pub struct PosixUserError {
    /// The text.
    pub text: String,
}

/// The longest name of a user or a group.
const LONGEST_NAME: usize = 256;

impl FromStr for PosixUser {
    type Err = PosixUserError;

    fn from_str(text: &str) -> Result<Self, PosixUserError> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        // No name may look like an option or a folder to a program that it is handed to.
        let plain = |name: &str| {
            let odd = |c: char| c.is_whitespace() || c.is_control() || ":/".contains(c);
            (1..=LONGEST_NAME).contains(&name.len())
                && !name.starts_with('-')
                && !name.contains(odd)
        };
        if !plain(user) || !group.is_none_or(plain) {
            return Err(PosixUserError { text: excerpt(text) });
        }
        Ok(Self { user: user.into(), group: group.map(Into::into) })
    }
}

impl TryFrom<String> for PosixUser {
    type Error = PosixUserError;

    fn try_from(text: String) -> Result<Self, PosixUserError> {
        text.parse()
    }
}

impl From<PosixUser> for String {
    fn from(user: PosixUser) -> Self {
        user.to_string()
    }
}

impl fmt::Display for PosixUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.group {
            Some(group) => write!(f, "{}:{group}", self.user),
            None => f.write_str(&self.user),
        }
    }
}

impl RunWith {
    /// Read what [`RunWith::to_json`] has made.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let read =
            |value: &Value, warnings: &mut Warnings| Self::read(&Path::root(""), value, warnings);
        Ok(error::parse(text, read)?.0)
    }

    /// What another says, over what this one says.
    pub fn overlay(&mut self, other: Self) {
        let Self { posix_user, limits } = other;
        if posix_user != Change::Keep {
            self.posix_user = posix_user;
        }
        if limits != Change::Keep {
            self.limits = limits;
        }
    }

    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let posix_user = match object.take_or_null("posixUser") {
            None => Change::Keep,
            Some(Value::Null) => Change::ToDefault,
            // The empty text takes back what was set.
            Some(value) => read_posix_user(&path.key("posixUser"), value)?
                .map_or(Change::ToDefault, Change::To),
        };
        let limits = match object.take_or_null("systemResourceLimits") {
            None => Change::Keep,
            Some(Value::Null) => Change::ToDefault,
            Some(value) => Change::To(SystemResourceLimits::read(
                &path.key("systemResourceLimits"),
                value,
                warnings,
            )?),
        };
        // For devices that run Windows.
        let _elsewhere = object.take("windowsUser");
        object.warn_unknown(warnings);
        Ok(Self { posix_user, limits })
    }

    /// As JSON, to be read again.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        match &self.posix_user {
            Change::Keep => {}
            Change::ToDefault => drop(map.insert("posixUser".into(), Value::Null)),
            Change::To(user) => drop(map.insert("posixUser".into(), user.to_string().into())),
        }
        match &self.limits {
            Change::Keep => {}
            Change::ToDefault => drop(map.insert("systemResourceLimits".into(), Value::Null)),
            Change::To(limits) => drop(map.insert("systemResourceLimits".into(), limits.to_json())),
        }
        Value::Object(map)
    }
}

/// A user; none for the empty text.
pub(crate) fn read_posix_user(
    path: &Path<'_>,
    value: &Value,
) -> Result<Option<PosixUser>, ShapeError> {
    match text(path, value)? {
        "" => Ok(None),
        user => user.parse().map(Some).map_err(|error| ShapeError::new(path, error)),
    }
}

impl SystemResourceLimits {
    pub(crate) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let limits = Self {
            memory_kb: object.read("memory", |path, value| {
                whole(path, value, "kilobytes", 1..=u64::MAX >> 10)
            })?,
            cpus: object.read("cpus", |path, value| {
                let cpus = value.as_f64().filter(|cpus| *cpus > 0.0 && cpus.is_finite());
                cpus.ok_or_else(|| ShapeError::expected(path, "a number of cores above 0", value))
            })?,
        };
        object.warn_unknown(warnings);
        Ok(limits)
    }

    fn to_json(self) -> Value {
        let mut map = Map::new();
        map.extend(self.memory_kb.map(|memory| ("memory".into(), json!(memory))));
        map.extend(self.cpus.map(|cpus| ("cpus".into(), json!(cpus))));
        Value::Object(map)
    }
}
