//! Text that neither a terminal nor a log file obeys.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Fields that take no more bytes than a line, all together.
pub(super) fn presentable_fields(
    fields: Vec<(String, String)>,
    most: usize,
) -> Vec<(String, String)> {
    let mut left = most;
    let mut kept = Vec::new();
    for (key, value) in fields {
        let key = presentable(&key, left.min(200)).into_owned();
        left = left.saturating_sub(key.len());
        let value = presentable(&value, left).into_owned();
        left = left.saturating_sub(value.len());
        kept.push((key, value));
        if left == 0 {
            break;
        }
    }
    kept
}

/// What a terminal or a log file can show: cut to size, control characters made visible.
pub fn presentable(text: &str, most: usize) -> Cow<'_, str> {
    let shown = cut(text, most);
    let whole = shown.len() == text.len();
    if whole && !shown.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(shown.len() + 1);
    for character in shown.chars() {
        if is_control(character) {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    if !whole {
        clean.push('…');
    }
    Cow::Owned(clean)
}

/// The same for a text of several lines, none of which is cut.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let bad = |character: char| is_control(character) && character != '\n';
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<_> = text.split('\n').map(|line| presentable(line, usize::MAX)).collect();
    Cow::Owned(lines.join("\n"))
}

/// Control characters, and those that change the direction of text.
pub fn is_control(character: char) -> bool {
    (character.is_control() && character != '\t')
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON leaves some characters as they are that a terminal obeys; escaped they mean the same.
pub fn push_json(out: &mut String, json: &str) {
    for character in json.chars() {
        let _infallible = match character {
            _ if is_control(character) => write!(out, "\\u{:04x}", u32::from(character)),
            _ => out.write_char(character),
        };
    }
}

/// At most so many bytes of a text, and no half character.
pub(super) fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
