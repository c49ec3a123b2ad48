//! `TIME [LEVEL] (THREAD) LOGGER: EVENT. MESSAGE. {KEY=VALUE, …}`. A key or a value that would make
//! this ambiguous is written as a JSON string, which Greengrass does not do.

use super::{Line, Source, THREAD, event, harmless, is_control, presentable, push_json};
use crate::clock::utc;
use std::fmt::Write as _;

/// Places where the fields of a line may begin, of which the last that makes sense is meant.
const BEGINNINGS: usize = 64;

pub(super) fn write(line: &Line<'_>, out: &mut String) {
    let message = harmless(line.message());
    let mut rows = message.split('\n');
    let (at, level, name) = (utc(line.at), line.level, line.source.name());
    let logger = presentable(&line.logger, usize::MAX);
    let _infallible = write!(out, "{at} [{level}] ({THREAD}) {logger}: {name}");
    if let Some(first) = rows.next().filter(|row| !row.is_empty()) {
        let _infallible = write!(out, ". {first}");
    }
    out.push_str(". {");
    for (index, (key, value)) in line.fields().iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        push_word(out, key, '=');
        out.push('=');
        push_word(out, value, ',');
    }
    out.push_str("}\n");
    for row in rows {
        let _infallible = writeln!(out, "\t{row}");
    }
}

pub(super) fn parse(line: &str) -> Option<Line<'static>> {
    let (time, rest) = line.split_once(' ')?;
    let at = humantime::parse_rfc3339(time).ok()?;
    let (level, rest) = rest.strip_prefix('[')?.split_once("] (")?;
    let level = level.parse().ok()?;
    let (_thread, rest) = rest.split_once(") ")?;
    let (logger, rest) = rest.split_once(": ")?;
    let (said, fields) = split_fields(rest);
    let (source, message) = split_event(said);
    Some(Line {
        at,
        level,
        source,
        logger: logger.to_owned().into(),
        message: message.to_owned().into(),
        fields: fields.into(),
    })
}

fn split_event(said: &str) -> (Source, &str) {
    let (name, message) = said.split_once(". ").unwrap_or((said, ""));
    event(name).map_or((Source::Log, said), |source| (source, message))
}

fn split_fields(said: &str) -> (&str, Vec<(String, String)>) {
    let found = said
        .rmatch_indices(". {")
        .take(BEGINNINGS)
        .find_map(|(place, _)| Some((&said[..place], fields(&said[place + 2..])?)));
    found.unwrap_or((said, Vec::new()))
}

fn fields(text: &str) -> Option<Vec<(String, String)>> {
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (key, after) = split_word(rest, '=')?;
        let (value, after) = split_word(after.strip_prefix('=')?, ',')?;
        fields.push((key, value));
        rest = match after.strip_prefix(", ") {
            Some(more) => more,
            None if after.is_empty() => "",
            None => return None,
        };
    }
    Some(fields)
}

/// What cannot stand in a word as it is, besides the character that ends it.
fn must_be_quoted(character: char) -> bool {
    matches!(character, '"' | '\\' | '{' | '}' | ',') || is_control(character)
}

fn push_word(out: &mut String, word: &str, end: char) {
    if word.contains(|character| character == end || must_be_quoted(character)) {
        push_json(out, &serde_json::Value::from(word).to_string());
    } else {
        out.push_str(word);
    }
}

fn split_word(text: &str, end: char) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let mut words = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let word = words.next()?.ok()?;
        return Some((word, &text[words.byte_offset()..]));
    }
    let length = text.find(end).unwrap_or(text.len());
    let word = &text[..length];
    (!word.contains(must_be_quoted)).then(|| (word.to_owned(), &text[length..]))
}
