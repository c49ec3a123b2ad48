//! What people and programs see of components: a line each.

use super::Format;
use crate::clock::utc;
use crate::logs::{self, Level, Record, Source, harmless};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::time::SystemTime;

/// The field of a message's topic.
pub(super) const TOPIC: &str = "topic";

/// How records are printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// For whom.
    pub(super) format: Format,
    /// Whether text has colours.
    pub(super) colours: bool,
    /// Whether text has the date beside the time of day, both in UTC.
    pub(super) date: bool,
}

impl Style {
    /// Add a record as a line.
    pub(super) fn push(&self, line: &mut String, record: &Record) {
        match self.format {
            Format::Json => push_json(line, record),
            Format::Text => push_text(line, record, self.colours, self.date),
        }
        line.push('\n');
    }
}

fn push_text(line: &mut String, record: &Record, colours: bool, date: bool) {
    let time = utc(record.at).to_string().replace('T', " ");
    let time = time.get(if date { 0 } else { 11 }..23).unwrap_or(&time);
    let paint = |colour: &'static str| if colours { colour } else { "" };
    let (dim, plain) = (paint("\x1b[2m"), paint("\x1b[0m"));
    let (word, colour) = match (record.source, record.level) {
        (Source::Message, _) => ("MSG", paint("\x1b[35m")),
        (_, Level::Error) => ("ERROR", paint("\x1b[31m")),
        (_, Level::Warn) => ("WARN", paint("\x1b[33m")),
        (_, Level::Info) => ("INFO", paint("\x1b[32m")),
        (_, Level::Debug) => ("DEBUG", paint("\x1b[34m")),
        (_, Level::Trace) => ("TRACE", paint("\x1b[36m")),
    };
    let who = match record.source {
        Source::Message => record.fields.first().map_or("", |(_, topic)| topic),
        _ => record.component.as_ref(),
    };
    // What the host says may hold a topic or a name that a component chose.
    let (who, message) = (harmless(who), harmless(&record.message));
    let _infallible =
        write!(line, "{dim}{time}{plain} {colour}{word:<5}{plain} {dim}{who}{plain}  {message}");
    if record.source != Source::Message {
        for (key, value) in &record.fields {
            let (key, value) = (harmless(key), harmless(value));
            let _infallible = write!(line, " {dim}{key}={plain}{value}");
        }
    }
}

fn push_json(line: &mut String, record: &Record) {
    let fields = || -> Map<String, Value> {
        record.fields.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))).collect()
    };
    let object = if record.source == Source::Message {
        let topic = record.fields.first().map_or("", |(_, topic)| topic);
        message_json(record.at, topic, &record.message)
    } else {
        json!({
            "time": utc(record.at).to_string(),
            "source": record.source.name(),
            "component": record.component,
            "level": record.level.to_string().to_lowercase(),
            "message": record.message,
            "fields": fields(),
        })
    };
    logs::push_json(line, &object.to_string());
}

/// A message of a topic; its payload is JSON if it can be.
pub(super) fn message_json(at: SystemTime, topic: &str, payload: &str) -> Value {
    let payload = serde_json::from_str(payload).unwrap_or_else(|_| json!(payload));
    json!({
        "time": utc(at).to_string(),
        "source": Source::Message.name(),
        "topic": topic,
        "payload": payload,
    })
}

/// A message's payload as a line: text as it is, bytes in hexadecimal.
pub(super) fn payload_text(payload: &[u8]) -> String {
    const MOST: usize = 16 << 10;
    match std::str::from_utf8(payload) {
        Ok(text) => logs::presentable(text, MOST).into_owned(),
        Err(_) => {
            let mut text = format!("{} bytes: ", payload.len());
            for byte in payload.iter().take(64) {
                let _infallible = write!(text, "{byte:02x}");
            }
            if payload.len() > 64 {
                text.push('…');
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn record(source: Source, message: &str) -> Record {
        Record {
            at: UNIX_EPOCH + Duration::from_millis(1_500),
            component: "com.example.A".parse().unwrap(),
            level: Level::Warn,
            source,
            message: message.to_owned(),
            fields: vec![(TOPIC.to_owned(), "a/b".to_owned())],
            place: None,
        }
    }

    #[test]
    fn a_line_has_time_level_component_and_fields() {
        let mut line = String::new();
        push_text(&mut line, &record(Source::Log, "hot"), false, false);
        assert_eq!(line, "00:00:01.500 WARN  com.example.A  hot topic=a/b");
    }

    #[test]
    fn a_message_shows_its_topic() {
        let mut line = String::new();
        push_text(&mut line, &record(Source::Message, "{}"), false, false);
        assert_eq!(line, "00:00:01.500 MSG   a/b  {}");
    }

    #[test]
    fn json_carries_payloads_as_json() {
        let mut line = String::new();
        push_json(&mut line, &record(Source::Message, r#"{"v":1}"#));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["payload"]["v"], 1);
        assert_eq!(value["topic"], "a/b");
    }

    #[test]
    fn what_is_old_has_its_date() {
        let mut line = String::new();
        push_text(&mut line, &record(Source::Stdout, "hot"), false, true);
        assert_eq!(line, "1970-01-01 00:00:01.500 WARN  com.example.A  hot topic=a/b");
    }

    #[test]
    fn bytes_are_shown_in_hexadecimal() {
        assert_eq!(payload_text(&[0xff, 0x00]), "2 bytes: ff00");
    }
}
