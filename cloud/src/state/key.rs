//! Keys of rows: several parts as bytes, so that their order is that of the parts one after the
//! other, and the first parts alone are a prefix of the whole.
//!
//! A text ends with `00 01`, and a zero byte in it is `00 ff` (the tuple layer of FoundationDB does it
//! alike). A number is eight bytes, the highest first.

/// A key, or the beginning of one.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Key(Vec<u8>);

const END: [u8; 2] = [0, 1];
const ZERO: [u8; 2] = [0, 0xff];

impl Key {
    /// Nothing yet: the beginning of every key.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            match byte {
                0 => self.0.extend(ZERO),
                byte => self.0.push(byte),
            }
        }
        self.0.extend(END);
        self
    }

    /// With a number.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// With a text that nothing follows. Where keys end so, the beginning of the text is a prefix.
    #[must_use]
    pub fn last(mut self, text: &str) -> Self {
        self.0.extend(text.bytes());
        self
    }

    /// As it stands in a row.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As it stands in a row.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text that follows this prefix and ends the key, as [`last`](Self::last) wrote it.
    pub fn last_after(&self, prefix: &Self) -> Option<String> {
        String::from_utf8(self.0.strip_prefix(prefix.as_bytes())?.to_vec()).ok()
    }

    /// The text that the key begins with.
    pub fn first_text(&self) -> Option<String> {
        let mut text = Vec::new();
        let mut bytes = self.0.iter().copied();
        loop {
            match bytes.next()? {
                0 if bytes.next()? == END[1] => return String::from_utf8(text).ok(),
                byte => text.push(byte),
            }
        }
    }

    /// After every key that goes on with more text.
    #[must_use]
    pub fn past(mut self) -> Self {
        // No text has such a byte.
        self.0.push(u8::MAX);
        self
    }

    /// What comes after every key with this prefix; `None` where nothing does.
    pub fn end_of_prefix(&self) -> Option<Vec<u8>> {
        let mut end = self.0.clone();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                return Some(end);
            }
        }
        None
    }
}
