//! Text as it stands in a URL (RFC 3986, section 2.1).

use std::fmt::Write as _;

/// A segment of a path, or a value in a query: all but unreserved characters encoded.
pub(crate) fn encoded(text: &str) -> String {
    encoded_but(text, &[])
}

/// A path: the slashes between its segments stay.
pub(crate) fn encoded_path(text: &str) -> String {
    encoded_but(text, b"/")
}

fn encoded_but(text: &str, kept: &[u8]) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _infallible = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_unreserved_characters_are_encoded() {
        assert_eq!(encoded("aZ09-._~"), "aZ09-._~");
        assert_eq!(encoded("a/b c+ä%"), "a%2Fb%20c%2B%C3%A4%25");
        assert_eq!(encoded_path("a/b c"), "a/b%20c");
    }
}
