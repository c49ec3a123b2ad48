//! The query of a request: names and values, percent-decoded. A plus sign is a plus sign.

use super::SignatureError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// What RFC 3986 calls unreserved stays as it is.
pub(super) const RESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Most parameters.
const MOST: usize = 200;

/// Names and values in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Read what follows the question mark.
    ///
    /// # Errors
    /// It is no text, or too much.
    pub fn parse(query: &str) -> Result<Self, SignatureError> {
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded.map(std::borrow::Cow::into_owned).map_err(|_| {
                SignatureError::Malformed(format!("`{text}` in the query is not UTF-8"))
            })
        };
        let parts = query.split('&').filter(|part| !part.is_empty());
        let read = parts.map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(name)?, decode(value)?))
        });
        let parameters: Vec<_> = read.take(MOST + 1).collect::<Result<_, _>>()?;
        if parameters.len() > MOST {
            return Err(SignatureError::Malformed(format!("more than {MOST} parameters")));
        }
        Ok(Self(parameters))
    }

    /// The first value with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values with this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether the name is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The one value with this name.
    pub(super) fn one(&self, name: &str) -> Result<&str, SignatureError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(SignatureError::Malformed(format!("{name} is missing"))),
            _ => Err(SignatureError::Malformed(format!("{name} is there twice"))),
        }
    }
}

/// A text in which all but the unreserved is percent-encoded.
pub(super) fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}
