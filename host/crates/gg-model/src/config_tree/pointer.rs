//! JSON pointers (RFC 6901), read into key paths.

use super::ConfigError;
use super::measure::MAX_CONFIG_DEPTH;
use crate::text::excerpt;

/// The keys of a pointer; none for the empty pointer.
pub(super) fn parse(pointer: &str) -> Result<Vec<String>, ConfigError> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let error = |reason| ConfigError::Pointer { pointer: excerpt(pointer), reason };
    let Some(rest) = pointer.strip_prefix('/') else {
        return Err(error("it must be empty or begin with `/`"));
    };
    let mut keys = Vec::new();
    for token in rest.split('/') {
        if keys.len() == MAX_CONFIG_DEPTH {
            return Err(ConfigError::TooDeep);
        }
        keys.push(unescape(token).ok_or_else(|| error("`~` must be followed by `0` or `1`"))?);
    }
    Ok(keys)
}

/// Whether a text is a pointer that can be used.
pub(crate) fn check(pointer: &str) -> Result<(), ConfigError> {
    parse(pointer).map(drop)
}

/// `~1` is `/` and `~0` is `~`; any other `~` is an error.
fn unescape(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let mut key = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (sign, rest) = match part.as_bytes().first()? {
            b'0' => ('~', &part[1..]),
            b'1' => ('/', &part[1..]),
            _ => return None,
        };
        key.push(sign);
        key.push_str(rest);
    }
    Some(key)
}
