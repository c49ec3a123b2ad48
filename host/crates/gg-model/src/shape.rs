//! Reading a JSON value by hand: key paths, objects whose member names are matched without regard
//! to case, and errors that say where, what was expected and what came.
//!
//! It is used instead of serde's derived readers because people write these documents: an
//! unknown key must name the one that was meant, and an error its whole path.

mod object;
mod path;
mod place;

pub use object::Object;
pub(crate) use object::{Members, members};
pub use path::{KeyPath, Path};
pub use place::Place;

use crate::name::ComponentName;
pub use crate::text::excerpt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A value that does not have the shape its place asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {message}", InText(*place))]
pub struct ShapeError {
    /// Where, for example `Manifests[0].Platform.os`.
    pub path: KeyPath,
    /// Where in the text, if it came from one and the key is there.
    pub place: Option<Place>,
    /// What was expected and what came.
    pub message: String,
}

/// Something in a document that has no effect, or not the one it seems to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where, for example `Manifests[0].Platform.os`.
    pub path: KeyPath,
    /// Where in the text, if it came from one and the key is there.
    pub place: Option<Place>,
    /// What is odd about it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.path, InText(self.place), self.message)
    }
}

/// A place after a path.
struct InText(Option<Place>);

impl fmt::Display for InText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |place| write!(f, " ({place})"))
    }
}

/// Warnings in the order in which they came up, at most so many that a person reads them.
#[derive(Default)]
pub(crate) struct Warnings(Vec<Warning>);

impl Warnings {
    const MOST: usize = 100;

    /// Add one, unless it is there already or there are too many.
    pub(crate) fn add(&mut self, path: &Path<'_>, message: impl fmt::Display) {
        if self.0.len() >= Self::MOST {
            return;
        }
        let warning = Warning::new(path, message);
        if !self.0.contains(&warning) {
            self.0.push(warning);
        }
    }

    /// The warnings, with their places in the text that the document was read from.
    pub(crate) fn into_vec(mut self, text: &str) -> Vec<Warning> {
        if !self.0.is_empty() {
            let paths: Vec<&KeyPath> = self.0.iter().map(|warning| &warning.path).collect();
            let places = place::places(text, &paths);
            for (warning, place) in self.0.iter_mut().zip(places) {
                warning.place = place;
            }
        }
        self.0
    }
}

impl Warning {
    pub(crate) fn new(path: &Path<'_>, message: impl fmt::Display) -> Self {
        Self { path: path.keep(), place: None, message: message.to_string() }
    }
}

impl ShapeError {
    /// What is wrong with the value at `path`.
    pub fn new(path: &Path<'_>, message: impl fmt::Display) -> Self {
        Self { path: path.keep(), place: None, message: message.to_string() }
    }

    /// The error, with its place in the text that the document was read from.
    pub fn in_text(mut self, text: &str) -> Self {
        self.place = place::places(text, &[&self.path]).into_iter().flatten().next();
        self
    }

    /// The value at `path` is not what was expected.
    pub fn expected(path: &Path<'_>, expected: &str, came: &Value) -> Self {
        Self::new(path, format_args!("expected {expected}, came {}", describe(came)))
    }
}

/// What a value is, in words: `the number 1.5`, `a list`.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text `{}`", excerpt(text)),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// The value as text; a number is refused with the remedy, since YAML makes one of `1.0`.
pub fn text<'v>(path: &Path<'_>, value: &'v Value) -> Result<&'v str, ShapeError> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(_) | Value::Bool(_) => {
            Err(ShapeError::expected(path, "text (put it in quotes)", value))
        }
        _ => Err(ShapeError::expected(path, "text", value)),
    }
}

/// The text of a scalar: numbers and booleans as they are written.
pub(crate) fn scalar_text(path: &Path<'_>, value: &Value) -> Result<String, ShapeError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        _ => Err(ShapeError::expected(path, "text", value)),
    }
}

/// The value's text read as a `T`.
pub fn parsed<T>(path: &Path<'_>, value: &Value) -> Result<T, ShapeError>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    text(path, value)?.parse().map_err(|error| ShapeError::new(path, error))
}

/// The elements of a list.
pub fn list<'v>(path: &Path<'_>, value: &'v Value) -> Result<&'v [Value], ShapeError> {
    match value {
        Value::Array(elements) => Ok(elements),
        _ => Err(ShapeError::expected(path, "a list", value)),
    }
}

/// A boolean; the texts `true` and `false` count too, as the Java nucleus has it.
pub fn boolean(path: &Path<'_>, value: &Value) -> Result<bool, ShapeError> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(ShapeError::expected(path, "true or false", value)),
    }
}

/// A whole number of something within bounds; one with `.0` counts, and so does the text of one,
/// as the Java nucleus has it.
pub fn whole(
    path: &Path<'_>,
    value: &Value,
    of: &str,
    bounds: RangeInclusive<u64>,
) -> Result<u64, ShapeError> {
    /// All whole numbers up to here are numbers with a point too.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let whole = |number: &f64| number.fract() == 0.0 && (0.0..=EXACT).contains(number);
            number.as_f64().filter(whole).map(|number| number as u64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| bounds.contains(number)).ok_or_else(|| {
        let (least, most) = (bounds.start(), bounds.end());
        let expected = format!("a whole number of {of}, from {least} to {most}");
        ShapeError::expected(path, &expected, value)
    })
}

/// The members of an object whose names are those of components.
pub(crate) fn by_name<T>(
    path: &Path<'_>,
    value: &Value,
    mut read: impl FnMut(&Path<'_>, &Value) -> Result<T, ShapeError>,
) -> Result<BTreeMap<ComponentName, T>, ShapeError> {
    let Value::Object(map) = value else {
        return Err(ShapeError::expected(path, "an object", value));
    };
    let mut members = BTreeMap::new();
    for (name, value) in map {
        let path = path.key(name);
        let name: ComponentName = name.parse().map_err(|error| ShapeError::new(&path, error))?;
        members.insert(name, read(&path, value)?);
    }
    Ok(members)
}

/// One word of a closed list, matched without regard to case and to the signs `-` and `_`.
pub fn choice<T: Copy>(
    path: &Path<'_>,
    value: &Value,
    choices: &[(&str, T)],
) -> Result<T, ShapeError> {
    let plain = |word: &str| word.replace(['-', '_'], "").to_ascii_lowercase();
    if let Value::String(text) = value
        && text.len() <= 64
        && let Some((_, found)) = choices.iter().find(|(word, _)| plain(word) == plain(text))
    {
        return Ok(*found);
    }
    let mut words = String::from("one of");
    for (index, (word, _)) in choices.iter().enumerate() {
        words.push_str(if index == 0 { " `" } else { ", `" });
        words.push_str(word);
        words.push('`');
    }
    Err(ShapeError::expected(path, &words, value))
}

#[cfg(test)]
mod tests;
