//! JSON of which nobody can make two things: bounded, and no object has a member twice.
//!
//! Parsers disagree about which of two members counts. Whoever signs, shows or verifies with
//! another parser than this one would see another document.

use crate::error::FormatError;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Most bytes of what is read here; a bundle with a transparency log's proofs has some 10 KB.
pub(crate) const MOST_BYTES: usize = 256 * 1024;

/// Read a value from JSON. Nesting is bounded by the parser, at 128 levels.
pub(crate) fn read<T: DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, FormatError> {
    if bytes.len() > MOST_BYTES {
        return Err(FormatError::TooLong { what, length: bytes.len(), most: MOST_BYTES });
    }
    let read = || {
        serde_json::from_slice::<Unique>(bytes)?;
        serde_json::from_slice(bytes)
    };
    read().map_err(|error| FormatError::Json {
        what,
        reason: gg_model::shape::excerpt(&error.to_string()),
    })
}

/// Whether a text that is JSON has a member twice; the place of the second.
pub(crate) fn duplicate(text: &str) -> Option<(usize, usize)> {
    let error = serde_json::from_str::<Unique>(text).err()?;
    error.is_data().then(|| (error.line(), error.column()))
}

/// Write what cannot fail to be JSON.
pub(crate) fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Any value, of which nothing is kept.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = BTreeSet::<String>::new();
        while let Some(name) = map.next_key()? {
            if !names.insert(name) {
                return Err(A::Error::custom("an object has a member twice"));
            }
            map.next_value::<Self>()?;
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn members_that_come_twice_are_refused_wherever_they_are() {
        for wrong in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"\u0061":2}}]"#] {
            let error = read::<Value>("it", wrong.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("a member twice"), "{error}");
            assert!(duplicate(wrong).is_some());
        }
        let right = r#"{"a":[{"a":-1},{"a":1.5}],"b":null,"c":"","d":true}"#;
        assert!(read::<Value>("it", right.as_bytes()).is_ok());
        assert_eq!(duplicate(right), None);
    }

    #[test]
    fn what_is_huge_or_nested_or_cut_is_refused() {
        let huge = format!("\"{}\"", "a".repeat(MOST_BYTES));
        let deep = "[".repeat(MOST_BYTES);
        let deep_object = "{\"a\":".repeat(MOST_BYTES / 8);
        for wrong in [&huge, &deep, &deep_object, "{\"a\":", "", "{}{}", "\u{0}"] {
            assert!(read::<Value>("it", wrong.as_bytes()).is_err());
        }
        assert!(read::<Value>("it", b"\"\xff\"").is_err());
    }
}
