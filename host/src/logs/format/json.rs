//! `{"thread":…,"level":…,"eventType":…,"message":…,"contexts":{…},"loggerName":…,"timestamp":…,
//! "cause":…}`.

use super::{Line, Source, THREAD, event, push_json};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    thread: &'a str,
    level: &'a str,
    event_type: &'a str,
    message: &'a str,
    contexts: Contexts<'a>,
    logger_name: &'a str,
    timestamp: u64,
    cause: Option<()>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    level: String,
    event_type: Option<String>,
    message: Option<String>,
    contexts: Option<Fields>,
    logger_name: Option<String>,
    timestamp: u64,
    cause: Option<Value>,
}

pub(super) fn write(line: &Line<'_>, out: &mut String) {
    let since = line.at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let written = Written {
        thread: THREAD,
        level: line.level.name(),
        event_type: line.source.name(),
        message: line.message(),
        contexts: Contexts(line.fields()),
        logger_name: &line.logger,
        timestamp: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        cause: None,
    };
    // Only a writer that fails or a key that is no text could make this fail.
    push_json(out, &serde_json::to_string(&written).unwrap_or_default());
    out.push('\n');
}

pub(super) fn parse(line: &str) -> Option<Line<'static>> {
    let read: Read = serde_json::from_str(line).ok()?;
    let said = read.message.unwrap_or_default();
    let (source, message) = match read.event_type {
        None => (Source::Log, said),
        Some(name) => match event(&name) {
            Some(source) => (source, said),
            None => (Source::Log, format!("{name}. {said}")),
        },
    };
    let mut fields = read.contexts.map_or_else(Vec::new, |fields| fields.0);
    if let Some(cause) = read.cause {
        let message = cause.get("message").and_then(Value::as_str).map(str::to_owned);
        fields.push(("cause".to_owned(), message.unwrap_or_else(|| cause.to_string())));
    }
    Some(Line {
        at: UNIX_EPOCH.checked_add(Duration::from_millis(read.timestamp))?,
        level: read.level.parse().ok()?,
        source,
        logger: read.logger_name.unwrap_or_default().into(),
        message: message.into(),
        fields: fields.into(),
    })
}

struct Contexts<'a>(&'a [(String, String)]);

impl Serialize for Contexts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Keep their order, and keys that come twice.
struct Fields(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    let value = match value {
                        Value::String(text) => text,
                        value => value.to_string(),
                    };
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}
