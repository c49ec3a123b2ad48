//! Bytes to lines, with a limit to what is kept of an unfinished one.

/// Splits a stream of bytes into lines.
#[derive(Debug)]
pub struct LineSplitter {
    unfinished: Vec<u8>,
    most: usize,
    /// The rest of a line that was too long is being passed over.
    skipping: bool,
}

impl LineSplitter {
    /// Lines of at most so many bytes; the rest of a longer one is left out.
    pub fn new(most: usize) -> Self {
        Self { unfinished: Vec::new(), most, skipping: false }
    }

    /// Take bytes; call `line` with each line they finish, without its end.
    pub fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.keep(&rest[..end]);
            self.finish(&mut line);
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    /// Call `line` with what is left, if anything.
    pub fn end(&mut self, mut line: impl FnMut(&str)) {
        if !self.unfinished.is_empty() {
            self.finish(&mut line);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.skipping {
            return;
        }
        let room = self.most.saturating_sub(self.unfinished.len());
        self.skipping = bytes.len() > room;
        self.unfinished.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn finish(&mut self, line: &mut impl FnMut(&str)) {
        let bytes = std::mem::take(&mut self.unfinished);
        self.skipping = false;
        let text = String::from_utf8_lossy(&bytes);
        line(text.strip_suffix('\r').unwrap_or(&text));
    }
}
