//! What a device is, and which manifests of a recipe are meant for it.

use regex_lite::RegexBuilder;
use std::collections::BTreeMap;
use std::fmt;

/// Most bytes in a platform pattern between two slashes.
pub const MAX_PATTERN_BYTES: usize = 1024;

/// How a component is executed, as the platform attribute `runtime` of its manifest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuntimeKind {
    /// `wasm`: a WASI component in a sandbox.
    Wasm,
    /// `docker`: a container.
    Docker,
    /// Anything else, or no such attribute: a native process.
    Process,
}

impl RuntimeKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wasm => "wasm",
            Self::Docker => "docker",
            Self::Process => "native",
        }
    }
}

/// The attributes of a device (Greengrass developer guide, recipe reference, `Platform`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platform {
    /// By name in lower case: `os`, `architecture`, `architecture.detail`, and what an operator
    /// adds.
    pub attributes: BTreeMap<String, String>,
    /// The values of the attribute `runtime` that the device can serve; each of them matches.
    pub runtimes: Vec<String>,
}

impl Platform {
    /// Whether a manifest with these attributes is meant for this device. `*` always matches, and
    /// so do `any` and `all` for `os` and `architecture`; `/…/` is a regular expression for the
    /// whole value; everything else must be equal. An attribute that the device lacks matches only
    /// `*`.
    pub fn matches(&self, wanted: &BTreeMap<String, String>) -> bool {
        wanted.iter().all(|(name, pattern)| self.attribute_matches(name, pattern))
    }

    /// The same device with attributes that are added or replaced: `platformOverride`. Several values
    /// of `runtime` are separated by commas.
    pub fn overridden(mut self, told: &BTreeMap<String, String>) -> Self {
        for (name, value) in told {
            match name.to_lowercase() {
                name if name == "runtime" => {
                    let values = value.split(',').map(str::trim).filter(|value| !value.is_empty());
                    self.runtimes = values.map(str::to_owned).collect();
                }
                name => drop(self.attributes.insert(name, value.clone())),
            }
        }
        self
    }

    fn attribute_matches(&self, name: &str, pattern: &str) -> bool {
        let named = |other: &str| name.eq_ignore_ascii_case(other);
        let legacy = matches!(pattern, "any" | "all") && (named("os") || named("architecture"));
        if pattern == "*" || legacy {
            return true;
        }
        let Ok(pattern) = Pattern::parse(pattern) else { return false };
        if named("runtime") {
            return self.runtimes.iter().any(|offered| pattern.matches(offered));
        }
        let own = self.attributes.iter().find(|(own, _)| named(own));
        own.is_some_and(|(_, value)| pattern.matches(value))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.attributes {
            write!(f, "{name}={value} ")?;
        }
        write!(f, "runtime={}", self.runtimes.join(","))
    }
}

/// Why a platform attribute in a recipe matches no device.
pub(crate) fn fault(pattern: &str) -> Option<String> {
    match pattern {
        "*" => None,
        pattern => Pattern::parse(pattern).err(),
    }
}

enum Pattern<'p> {
    Exact(&'p str),
    Regex(regex_lite::Regex),
}

impl<'p> Pattern<'p> {
    fn parse(text: &'p str) -> Result<Self, String> {
        let inside = text.strip_prefix('/').and_then(|text| text.strip_suffix('/'));
        if let Some(inside) = inside {
            if inside.len() > MAX_PATTERN_BYTES {
                return Err(format!(
                    "has {} bytes; at most {MAX_PATTERN_BYTES} are allowed",
                    inside.len()
                ));
            }
            // Compiled by itself first, so that it cannot close the group around it.
            compile(inside)?;
            return compile(&format!("^(?:{inside})$")).map(Self::Regex);
        }
        match text.chars().next() {
            Some(c) if c.is_ascii_alphanumeric() || "-_$".contains(c) => Ok(Self::Exact(text)),
            Some(c) => Err(format!("begins with {c:?}; write a value, `*`, or `/regex/`")),
            None => Err("is empty; write a value, `*`, or `/regex/`".into()),
        }
    }

    fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(exact) => *exact == value,
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

fn compile(pattern: &str) -> Result<regex_lite::Regex, String> {
    const MOST_COMPILED_BYTES: usize = 256 * 1024;
    RegexBuilder::new(pattern)
        .size_limit(MOST_COMPILED_BYTES)
        .build()
        .map_err(|error| format!("is not a regular expression: {error}"))
}

#[cfg(test)]
mod tests;
