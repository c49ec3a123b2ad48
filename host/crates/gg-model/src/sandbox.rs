//! What a wasm component is granted of the machine, read from its configuration: the keys
//! `sandbox` and `subscriptions`. Nothing is granted that is not written there.
//!
//! Whether a folder exists or a name resolves is not asked here.

mod directory;
mod network;
mod subscription;

pub use directory::{Directory, DirectoryError};
pub use network::{HostPort, HostPortError};
pub use subscription::HandlerSubscription;

use crate::limits::LimitOverrides;
use crate::shape::{Object, Path, ShapeError, list, parsed, scalar_text};
use serde_json::Value;
use std::collections::BTreeMap;

/// Most entries in each list of a sandbox.
pub const MAX_ENTRIES: usize = 1000;

/// What a component may use beyond the operations that its access policy allows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sandbox {
    /// Folders of the host that it sees.
    pub directories: Vec<Directory>,
    /// Where it may connect to.
    pub network: Vec<HostPort>,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// Its limits, where they differ from the host's.
    pub limits: LimitOverrides,
    /// What the host subscribes to for it, if it is a message handler.
    pub subscriptions: Vec<HandlerSubscription>,
}

impl Sandbox {
    /// Read a component's whole configuration; keys other than `sandbox` and `subscriptions` are
    /// the component's own. A key that is unknown below those two is an error, since what it was
    /// meant to limit would go without.
    ///
    /// ```
    /// let configuration = serde_json::json!({
    ///     "sandbox": {
    ///         "directories": ["/var/lib/data::/data:ro"],
    ///         "network": ["api.example.com:443"],
    ///         "environment": {"MODE": "fast"},
    ///         "limits": {"memory": "64MiB"},
    ///     },
    ///     "subscriptions": ["sensors/+/temperature", {"topic": "jobs/#", "source": "cloud"}],
    /// });
    /// let sandbox = gg_model::sandbox::Sandbox::from_configuration(&configuration)?;
    /// assert_eq!(sandbox.network[0].port, Some(443));
    /// # Ok::<(), gg_model::ShapeError>(())
    /// ```
    pub fn from_configuration(configuration: &Value) -> Result<Self, ShapeError> {
        let root = Path::root("");
        let mut sandbox = Self::default();
        if configuration.is_null() {
            return Ok(sandbox);
        }
        let mut object = Object::open(&root, configuration)?;
        if let Some(value) = object.take("sandbox") {
            sandbox.read(&root.key("sandbox"), value)?;
        }
        if let Some(value) = object.take("subscriptions") {
            let path = root.key("subscriptions");
            for (index, element) in bounded(&path, value)?.iter().enumerate() {
                let subscription = subscription::read(&path.index(index), element)?;
                sandbox.subscriptions.push(subscription);
            }
        }
        Ok(sandbox)
    }

    fn read(&mut self, path: &Path<'_>, value: &Value) -> Result<(), ShapeError> {
        let mut object = Object::open(path, value)?;
        if let Some(value) = object.take("directories") {
            let path = path.key("directories");
            for (index, element) in bounded(&path, value)?.iter().enumerate() {
                self.directories.push(directory::read(&path.index(index), element)?);
            }
        }
        if let Some(value) = object.take("network") {
            let path = path.key("network");
            for (index, element) in bounded(&path, value)?.iter().enumerate() {
                self.network.push(parsed(&path.index(index), element)?);
            }
        }
        if let Some(value) = object.take("environment") {
            self.environment = environment(&path.key("environment"), value)?;
        }
        if let Some(value) = object.take("limits") {
            self.limits = limits(&path.key("limits"), value)?;
        }
        object.refuse_unknown()
    }
}

fn bounded<'v>(path: &Path<'_>, value: &'v Value) -> Result<&'v [Value], ShapeError> {
    let elements = list(path, value)?;
    if elements.len() > MAX_ENTRIES {
        let message = format!("has {} elements; at most {MAX_ENTRIES} are allowed", elements.len());
        return Err(ShapeError::new(path, message));
    }
    Ok(elements)
}

fn environment(path: &Path<'_>, value: &Value) -> Result<BTreeMap<String, String>, ShapeError> {
    let Value::Object(map) = value else {
        return Err(ShapeError::expected(path, "an object", value));
    };
    if map.len() > MAX_ENTRIES {
        let message = format!("has {} variables; at most {MAX_ENTRIES} are allowed", map.len());
        return Err(ShapeError::new(path, message));
    }
    let mut environment = BTreeMap::new();
    for (name, value) in map {
        let place = path.key(name);
        let text = scalar_text(&place, value)?;
        if name.is_empty() || name.contains(['=', '\0']) || text.contains('\0') {
            let message = "is not an environment variable; leave out `=` and the character U+0000";
            return Err(ShapeError::new(&place, message));
        }
        environment.insert(name.clone(), text);
    }
    Ok(environment)
}

fn limits(path: &Path<'_>, value: &Value) -> Result<LimitOverrides, ShapeError> {
    let Value::Object(map) = value else {
        return Err(ShapeError::expected(path, "an object", value));
    };
    let mut limits = LimitOverrides::default();
    for (name, value) in map {
        let place = path.key(name);
        let text = scalar_text(&place, value)?;
        limits.set(name, &text).map_err(|error| ShapeError::new(&place, error))?;
    }
    Ok(limits)
}

#[cfg(test)]
mod tests;
