//! Writing XML: elements with text in them, which is all that AWS's answers are.

/// A text in the making.
#[derive(Debug, Default)]
pub struct Xml(String);

impl Xml {
    /// With its declaration.
    pub fn document() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    /// An element with others in it. The name may have attributes after it.
    #[must_use]
    pub fn element(mut self, name: &str, content: impl FnOnce(Self) -> Self) -> Self {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
        self = content(self);
        self.0.push_str("</");
        self.0.push_str(name.split(' ').next().unwrap_or_default());
        self.0.push('>');
        self
    }

    /// An element with a text in it.
    #[must_use]
    pub fn text(self, name: &str, text: &str) -> Self {
        self.element(name, |mut xml| {
            for character in text.chars() {
                match character {
                    '&' => xml.0.push_str("&amp;"),
                    '<' => xml.0.push_str("&lt;"),
                    '>' => xml.0.push_str("&gt;"),
                    '"' => xml.0.push_str("&quot;"),
                    '\r' => xml.0.push_str("&#13;"),
                    // Other control characters cannot be in XML 1.0.
                    '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => xml.0.push('?'),
                    other => xml.0.push(other),
                }
            }
            xml
        })
    }

    /// The text.
    pub fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_leave_their_elements() {
        let xml = Xml::default().element("A x=\"y\"", |xml| xml.text("B", "<&>\"\r\0"));
        assert_eq!(xml.finish(), "<A x=\"y\"><B>&lt;&amp;&gt;&quot;&#13;?</B></A>");
    }
}
