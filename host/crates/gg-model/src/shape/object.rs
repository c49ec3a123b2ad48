//! An object being read: every member is asked for by name, and what nobody asked for is
//! reported at the end.

use super::{Path, ShapeError, Warnings, parsed, text};
use crate::text::{excerpt, suggest};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The members of a JSON object, found without regard to case. A null member counts as absent.
#[derive(Debug)]
pub struct Object<'a> {
    path: &'a Path<'a>,
    members: Members<'a>,
    asked: Vec<&'static str>,
}

/// By lower-case name: the name as written, and the value.
pub(crate) type Members<'a> = BTreeMap<String, (&'a str, &'a Value)>;

/// The members of an object by lower-case name; no two may differ only in case.
pub(crate) fn members<'a>(
    path: &Path<'_>,
    map: &'a Map<String, Value>,
) -> Result<Members<'a>, ShapeError> {
    let mut members = Members::new();
    for (name, value) in map {
        if let Some((before, _)) = members.insert(name.to_lowercase(), (name, value)) {
            let message = format!("is the same key as `{}`; keep one", excerpt(before));
            return Err(ShapeError::new(&path.key(name), message));
        }
    }
    Ok(members)
}

impl<'a> Object<'a> {
    /// Begin to read `value`, which must be an object without two names that differ only in case.
    pub fn open(path: &'a Path<'a>, value: &'a Value) -> Result<Self, ShapeError> {
        let Value::Object(map) = value else {
            return Err(ShapeError::expected(path, "an object", value));
        };
        Ok(Self { path, members: members(path, map)?, asked: Vec::new() })
    }

    /// The member of this name, taken out.
    pub fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        self.take_or_null(name).filter(|value| !value.is_null())
    }

    /// The member of this name, taken out; null is told from absent.
    pub fn take_or_null(&mut self, name: &'static str) -> Option<&'a Value> {
        self.asked.push(name);
        self.members.remove(&name.to_lowercase()).map(|(_, value)| value)
    }

    /// The member of this name, read by `read` if it is there.
    pub fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Path<'_>, &'a Value) -> Result<T, ShapeError>,
    ) -> Result<Option<T>, ShapeError> {
        self.take(name).map(|value| read(&self.path.key(name), value)).transpose()
    }

    /// The same of a member that may have another name; the first counts.
    pub fn read_either<T>(
        &mut self,
        names: [&'static str; 2],
        read: impl FnOnce(&Path<'_>, &'a Value) -> Result<T, ShapeError>,
    ) -> Result<Option<T>, ShapeError> {
        let [first, second] = names;
        match self.take(first) {
            Some(value) => read(&self.path.key(first), value).map(Some),
            None => self.read(second, read),
        }
    }

    /// The member of this name, which must be there.
    pub fn required(&mut self, name: &'static str) -> Result<&'a Value, ShapeError> {
        if let Some(value) = self.take(name) {
            return Ok(value);
        }
        let written = self.members.values().map(|(written, _)| *written);
        Err(match suggest(name, written) {
            Some(near) => ShapeError::new(
                &self.path.key(name),
                format_args!("is required but missing; is it what `{}` means?", excerpt(near)),
            ),
            None => ShapeError::new(&self.path.key(name), "is required but missing"),
        })
    }

    /// The member of this name as text.
    pub fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, ShapeError> {
        self.take(name).map(|value| text(&self.path.key(name), value)).transpose()
    }

    /// The member of this name as a `T` read from its text, which must be there.
    pub fn required_parsed<T>(&mut self, name: &'static str) -> Result<T, ShapeError>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let value = self.required(name)?;
        parsed(&self.path.key(name), value)
    }

    /// End reading; members nobody asked for are an error.
    pub fn refuse_unknown(self) -> Result<(), ShapeError> {
        match self.members.values().next() {
            Some((name, _)) => Err(ShapeError::new(&self.path.key(name), self.unknown(name))),
            None => Ok(()),
        }
    }

    /// End reading; members nobody asked for are warned of.
    pub(crate) fn warn_unknown(self, warnings: &mut Warnings) {
        for (name, _) in self.members.values() {
            warnings.add(&self.path.key(name), self.unknown(name));
        }
    }

    fn unknown(&self, name: &str) -> String {
        match suggest(name, self.asked.iter().copied()) {
            Some(near) => format!("is not a known key; is it `{near}`?"),
            None => format!("is not a known key; known are {}", self.asked.join(", ")),
        }
    }
}
