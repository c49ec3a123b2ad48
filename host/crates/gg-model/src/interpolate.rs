//! Recipe variables: replacing `{artifacts:path}` and its like in a string.
//!
//! What a variable stands for is the caller's to know. Values go in as they are: nothing is
//! quoted for a shell, and a value that looks like a variable is not replaced again.

use crate::name::ComponentName;
use serde_json::Value;
use std::collections::BTreeMap;

/// Most bytes that a string may grow to.
pub const MAX_INTERPOLATED_BYTES: usize = 1024 * 1024;

/// A recipe variable (Greengrass developer guide, recipe reference, "Recipe variables"). Those of a
/// component can be another's: `{com.example.Other:work:path}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable<'a> {
    /// `{artifacts:path}`: the folder of the component's artifacts.
    ArtifactsPath,
    /// `{artifacts:decompressedPath}`: the folder of its unpacked archives.
    ArtifactsDecompressedPath,
    /// `{work:path}`: its work folder.
    WorkPath,
    /// `{kernel:rootPath}`: the root folder of the core software.
    KernelRootPath,
    /// `{iot:thingName}`: the name of the core device.
    ThingName,
    /// `{configuration:/a/b}`: a value of the component's configuration, by its JSON pointer.
    Configuration(&'a str),
}

/// The string would grow beyond [`MAX_INTERPOLATED_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "with its recipe variables replaced, the text has more than {MAX_INTERPOLATED_BYTES} bytes; make it or the values shorter"
)]
pub struct TooLong;

/// Replace every variable for which `lookup` has a value. It is asked with the component that the
/// variable names, none for the one whose text this is; which components may be named, those it
/// depends on, is its business. Variables without a value, unknown names and all other braces stay
/// as they are.
///
/// ```
/// use gg_model::interpolate::{Variable, interpolate};
/// use gg_model::ComponentName;
///
/// let lookup = |component: Option<&ComponentName>, variable: Variable<'_>| match variable {
///     Variable::ArtifactsPath => Some(component.map_or("/own", |_| "/other").to_owned()),
///     _ => None,
/// };
/// let text = interpolate("{artifacts:path}/x.wasm {com.B:artifacts:path} ${HOME}", lookup)?;
/// assert_eq!(text, "/own/x.wasm /other ${HOME}");
/// # Ok::<(), gg_model::interpolate::TooLong>(())
/// ```
pub fn interpolate(
    text: &str,
    mut lookup: impl FnMut(Option<&ComponentName>, Variable<'_>) -> Option<String>,
) -> Result<String, TooLong> {
    let mut output = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from_brace) = rest.split_at(open);
        push(&mut output, before)?;
        let after = &from_brace[1..];
        let close = after.find(['{', '}']).filter(|end| after[*end..].starts_with('}'));
        let variable = close.and_then(|close| Variable::parse(&after[..close]));
        let value = variable.and_then(|(component, variable)| lookup(component.as_ref(), variable));
        if let (Some(value), Some(close)) = (value, close) {
            push(&mut output, &value)?;
            rest = &after[close + 1..];
        } else {
            push(&mut output, "{")?;
            rest = after;
        }
    }
    push(&mut output, rest)?;
    Ok(output)
}

fn push(output: &mut String, text: &str) -> Result<(), TooLong> {
    if output.len().saturating_add(text.len()) > MAX_INTERPOLATED_BYTES {
        return Err(TooLong);
    }
    output.push_str(text);
    Ok(())
}

impl<'a> Variable<'a> {
    /// The variable between two braces, and the component that it is of.
    fn parse(inside: &'a str) -> Option<(Option<ComponentName>, Self)> {
        if let Some(own) = Self::parse_own(inside) {
            return Some((None, own));
        }
        let (component, inside) = inside.split_once(':')?;
        match Self::parse_own(inside)? {
            Self::KernelRootPath | Self::ThingName => None,
            others => Some((Some(component.parse().ok()?), others)),
        }
    }

    fn parse_own(inside: &'a str) -> Option<Self> {
        Some(match inside.split_once(':')? {
            ("artifacts", "path") => Self::ArtifactsPath,
            ("artifacts", "decompressedPath") => Self::ArtifactsDecompressedPath,
            ("work", "path") => Self::WorkPath,
            ("kernel", "rootPath") => Self::KernelRootPath,
            ("iot", "thingName") => Self::ThingName,
            ("configuration", pointer) if pointer.is_empty() || pointer.starts_with('/') => {
                Self::Configuration(pointer)
            }
            _ => return None,
        })
    }
}

/// How a configuration value stands in a string: text as it is, other scalars as in JSON,
/// containers as compact JSON with sorted keys.
pub fn configuration_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => sorted(value).to_string(),
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(sorted).collect(),
        Value::Object(map) => {
            let members: BTreeMap<&String, &Value> = map.iter().collect();
            members.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
        }
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests;
