//! How deep and how many: measured in the text of JSON, before it becomes values, which can take
//! fifty times its room.

/// What a JSON text holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Objects and lists inside one another.
    pub(crate) depth: usize,
    /// Values of all kinds. Of an empty object or list, one too many.
    pub(crate) values: usize,
}

impl Extent {
    /// The extent of a text. One that is not JSON has some extent too.
    pub(crate) fn of(json: &[u8]) -> Self {
        let mut extent = Self { depth: 0, values: 1 };
        let mut depth = 0_usize;
        let (mut in_string, mut escaped) = (false, false);
        for byte in json {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = in_string,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'{' | b'[' => {
                    depth += 1;
                    extent.depth = extent.depth.max(depth);
                    extent.values += 1;
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                b',' => extent.values += 1,
                _ => {}
            }
        }
        extent
    }
}

#[cfg(test)]
mod tests;
