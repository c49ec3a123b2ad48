//! The size of configuration, and its limits.
//!
//! Size is counted as the tree would be written out leaf by leaf, each with its full key path:
//! that is how a change is reported, so a long path above many leaves must be paid for.

use super::ConfigError;
use crate::text::excerpt;
use serde_json::Value;

/// Most levels of containers and lists, counted from the root.
pub const MAX_CONFIG_DEPTH: usize = 100;

/// Most values in one tree: containers, leaves, and all that is inside of lists.
pub const MAX_CONFIG_NODES: usize = 100_000;

/// Most bytes in one key.
pub const MAX_CONFIG_KEY_BYTES: usize = 1024;

/// Most bytes of one tree, every leaf counted with its full key path and 32 bytes for each key.
pub const MAX_CONFIG_BYTES: usize = 64 * 1024 * 1024;

/// What each key and each value costs beside its text.
const OVERHEAD: usize = 32;

/// How much a tree or a value holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    nodes: usize,
    bytes: usize,
}

impl Size {
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_add(other.nodes),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    pub(super) const fn check(self) -> Result<(), ConfigError> {
        if self.nodes > MAX_CONFIG_NODES {
            return Err(ConfigError::TooManyNodes);
        }
        if self.bytes > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLarge);
        }
        Ok(())
    }

    /// A container without its contents, under a path of `path` bytes.
    pub(super) const fn container(empty: bool, path: usize) -> Self {
        Self { nodes: 1, bytes: if empty { path } else { 0 } }
    }
}

/// What a key adds to the bytes of a path.
pub(super) const fn key_bytes(key: &str) -> usize {
    key.len().saturating_add(OVERHEAD)
}

/// Check a value that is to be written at a path against every limit, and measure it. It does not
/// recurse: the value may be of any depth.
pub(super) fn measure(path: &[&str], value: &Value) -> Result<Size, ConfigError> {
    let mut path_bytes = 0_usize;
    for key in path {
        check_key(key)?;
        path_bytes = path_bytes.saturating_add(key_bytes(key));
    }
    let above = Size { nodes: path.len(), bytes: 0 };
    let size = above.plus(value_size(value, path.len(), path_bytes)?);
    size.check()?;
    Ok(size)
}

/// The size of a value at a depth, under a path of so many bytes.
pub(super) fn value_size(
    value: &Value,
    depth: usize,
    path_bytes: usize,
) -> Result<Size, ConfigError> {
    let mut size = Size::default();
    let mut open = vec![(value, depth, path_bytes)];
    while let Some((value, depth, path_bytes)) = open.pop() {
        if depth > MAX_CONFIG_DEPTH {
            return Err(ConfigError::TooDeep);
        }
        let below = depth.saturating_add(1);
        let bytes = match value {
            Value::Object(map) if map.is_empty() => path_bytes,
            Value::Object(map) => {
                for (key, value) in map {
                    check_key(key)?;
                    open.push((value, below, path_bytes.saturating_add(key_bytes(key))));
                }
                0
            }
            Value::Array(elements) => {
                open.extend(elements.iter().map(|element| (element, below, OVERHEAD)));
                path_bytes
            }
            Value::String(text) => path_bytes.saturating_add(text.len()),
            Value::Null | Value::Bool(_) | Value::Number(_) => path_bytes,
        };
        size = size.plus(Size { nodes: 1, bytes });
        size.check()?;
    }
    Ok(size)
}

fn check_key(key: &str) -> Result<(), ConfigError> {
    if key.len() > MAX_CONFIG_KEY_BYTES {
        return Err(ConfigError::KeyTooLong { key: excerpt(key), length: key.len() });
    }
    Ok(())
}
