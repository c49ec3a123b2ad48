//! The text of a policy: YAML or JSON.

use super::{MAX_ENTRIES, MAX_KEYS, MAX_POLICY_BYTES, Requirement, TrustPolicy, TrustedKey};
use crate::json;
use crate::key::PublicKey;
use crate::subject::Source;
use gg_model::recipe::{RecipeError, parse_value};
use gg_model::shape::{self, Object, Path, ShapeError};
use gg_model::{ComponentName, NamePattern};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;
use std::time::SystemTime;

/// What the member `format` says.
const FORMAT: &str = "gg-host/trust/1";

/// Most characters in what a key is called.
const LONGEST_NAME: usize = 128;

const REQUIREMENTS: [(&str, Requirement); 3] =
    [("required", Requirement::Required), ("warn", Requirement::Warn), ("off", Requirement::Off)];

/// Why a text is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// There is too much text.
    #[error("the trust policy has {length} bytes; at most {MAX_POLICY_BYTES} are allowed")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// The text is no UTF-8.
    #[error("the trust policy is not text")]
    NoText,
    /// The text is neither JSON nor YAML.
    #[error("the trust policy is neither JSON nor YAML: line {line}, column {column}: {message}")]
    Syntax {
        /// Line, counted from 1; 0 if unknown.
        line: u64,
        /// Column, counted from 1; 0 if unknown.
        column: u64,
        /// What the parser says.
        message: String,
    },
    /// An object of JSON has a member twice.
    #[error("the trust policy has a member twice, at line {line}, column {column}; keep one")]
    Twice {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
    },
    /// A value is missing or not what its place asks for.
    #[error("the trust policy: {0}")]
    Shape(#[from] ShapeError),
}

impl TrustPolicy {
    /// Read a policy from its text, JSON or YAML. Whether someone trusted has signed it is another
    /// question ([`TrustPolicy::next`]); the first one is whoever's who can write the file.
    ///
    /// ```yaml
    /// format: gg-host/trust/1
    /// version: 1                      # the next policy has a higher one
    /// sources: {local: warn}          # local, cloud, oci, web: required (default), warn or off
    /// keys:
    ///   - name: build-2026
    ///     publicKey: |
    ///       -----BEGIN PUBLIC KEY-----
    ///       …
    ///     components: [com.example.*]  # what it may sign
    ///     policies: true               # whether it may sign the next policy; false by default
    ///     notBefore: 2026-01-01T00:00:00Z
    ///     notAfter: 2027-01-01T00:00:00Z
    /// revoked:
    ///   keys: ['sha256:…']             # by the digest of the SubjectPublicKeyInfo
    ///   digests: ['sha256:…']          # artifacts, recipes, images
    /// leastVersions: {com.example.A: 1.2.0}
    /// ```
    ///
    /// # Errors
    /// What is wrong, and where. Unknown members are errors: a misspelt one would trust too much.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLong { length: bytes.len() });
        }
        let text = str::from_utf8(bytes).map_err(|_| PolicyError::NoText)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value = parse_value(text).map_err(|error| match error {
            RecipeError::Syntax { line, column, message, .. } => {
                PolicyError::Syntax { line, column, message }
            }
            RecipeError::TooLong { length } => PolicyError::TooLong { length },
            RecipeError::Shape(error) => PolicyError::Shape(error),
        })?;
        // YAML's parser does not let it pass.
        if text.trim_start().starts_with('{')
            && let Some((line, column)) = json::duplicate(text)
        {
            return Err(PolicyError::Twice { line, column });
        }
        read(&value).map_err(|error| PolicyError::Shape(error.in_text(text)))
    }
}

fn read(value: &Value) -> Result<TrustPolicy, ShapeError> {
    let root = Path::root("");
    let mut object = Object::open(&root, value)?;
    let format = shape::text(&root.key("format"), object.required("format")?)?;
    if format != FORMAT {
        let message = format!("`{}` is not known; write `{FORMAT}`", shape::excerpt(format));
        return Err(ShapeError::new(&root.key("format"), message));
    }
    let version = object.required("version")?;
    let version = shape::whole(&root.key("version"), version, "a policy", 1..=u64::MAX)?;
    let requirements = object.read("sources", sources)?.unwrap_or_default();
    let keys = keys(&root.key("keys"), object.required("keys")?)?;
    let (revoked_keys, revoked) = object.read("revoked", revoked)?.unwrap_or_default();
    let least = object.read("leastVersions", |path, value| {
        let Value::Object(members) = value else {
            return Err(ShapeError::expected(path, "an object", value));
        };
        limited(path, members.len(), MAX_ENTRIES)?;
        let least = members.iter().map(|(name, version)| {
            let path = path.key(name);
            let name: ComponentName =
                name.parse().map_err(|error| ShapeError::new(&path, error))?;
            Ok((name, shape::parsed(&path, version)?))
        });
        least.collect::<Result<BTreeMap<_, _>, ShapeError>>()
    })?;
    object.refuse_unknown()?;
    let least = least.unwrap_or_default();
    Ok(TrustPolicy { version, requirements, keys, revoked_keys, revoked, least })
}

fn sources(path: &Path<'_>, value: &Value) -> Result<BTreeMap<Source, Requirement>, ShapeError> {
    let mut object = Object::open(path, value)?;
    let mut requirements = BTreeMap::new();
    for (name, source) in Source::ALL {
        let requirement =
            object.read(name, |path, value| shape::choice(path, value, &REQUIREMENTS))?;
        requirements.extend(requirement.map(|requirement| (source, requirement)));
    }
    object.refuse_unknown()?;
    Ok(requirements)
}

fn keys(path: &Path<'_>, value: &Value) -> Result<Vec<TrustedKey>, ShapeError> {
    let elements = shape::list(path, value)?;
    limited(path, elements.len(), MAX_KEYS)?;
    let mut keys: Vec<TrustedKey> = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let path = path.index(index);
        let key = key(&path, element)?;
        if let Some(same) = keys.iter().find(|other| other.key == key.key) {
            let message = format!("is the same key as `{}`; keep one", same.name);
            return Err(ShapeError::new(&path, message));
        }
        if keys.iter().any(|other| other.name == key.name) {
            let message = format!("is the second key called `{}`; give it another name", key.name);
            return Err(ShapeError::new(&path, message));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn key(path: &Path<'_>, value: &Value) -> Result<TrustedKey, ShapeError> {
    let mut object = Object::open(path, value)?;
    let name = shape::text(&path.key("name"), object.required("name")?)?;
    if name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control) {
        let message = format!("is not a text of 1 to {LONGEST_NAME} characters");
        return Err(ShapeError::new(&path.key("name"), message));
    }
    let public = shape::text(&path.key("publicKey"), object.required("publicKey")?)?;
    let key = PublicKey::from_pem(public)
        .map_err(|error| ShapeError::new(&path.key("publicKey"), error))?;
    let components = object.read("components", entries::<NamePattern>)?.unwrap_or_default();
    let policies = object.read("policies", shape::boolean)?.unwrap_or(false);
    if components.is_empty() && !policies {
        let message = "may sign nothing; say which `components`, or `policies: true`";
        return Err(ShapeError::new(path, message));
    }
    let (not_before, not_after) = (object.read("notBefore", time)?, object.read("notAfter", time)?);
    if let (Some(begin), Some(end)) = (not_before, not_after)
        && begin >= end
    {
        return Err(ShapeError::new(&path.key("notAfter"), "is not after `notBefore`"));
    }
    object.refuse_unknown()?;
    Ok(TrustedKey { name: name.into(), key, components, policies, not_before, not_after })
}

fn time(path: &Path<'_>, value: &Value) -> Result<SystemTime, ShapeError> {
    let text = shape::text(path, value)?;
    humantime::parse_rfc3339(text)
        .map_err(|_| ShapeError::expected(path, "a time such as `2027-01-01T00:00:00Z`", value))
}

type Revoked = (BTreeSet<crate::key::KeyId>, BTreeSet<crate::digest::Digest>);

fn revoked(path: &Path<'_>, value: &Value) -> Result<Revoked, ShapeError> {
    let mut object = Object::open(path, value)?;
    let keys = object.read("keys", entries)?.unwrap_or_default();
    let digests = object.read("digests", entries)?.unwrap_or_default();
    object.refuse_unknown()?;
    Ok((keys.into_iter().collect(), digests.into_iter().collect()))
}

/// A list of texts, each read as a `T`.
fn entries<T>(path: &Path<'_>, value: &Value) -> Result<Vec<T>, ShapeError>
where
    T: FromStr,
    T::Err: Display,
{
    let elements = shape::list(path, value)?;
    limited(path, elements.len(), MAX_ENTRIES)?;
    let elements = elements.iter().enumerate();
    elements.map(|(index, element)| shape::parsed(&path.index(index), element)).collect()
}

fn limited(path: &Path<'_>, count: usize, most: usize) -> Result<(), ShapeError> {
    if count > most {
        let message = format!("has {count} entries; at most {most} are allowed");
        return Err(ShapeError::new(path, message));
    }
    Ok(())
}
