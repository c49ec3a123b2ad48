//! What people and programs see of components: a line each.

use crate::cli::Format;
use crate::logs::{Level, Record, Source, harmless, is_control};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write as _};
use std::thread::JoinHandle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The field of a message's topic.
pub(super) const TOPIC: &str = "topic";

/// A thread that prints records as they come.
#[derive(Debug)]
pub(in crate::cli) struct Printer {
    thread: JoinHandle<()>,
    done: CancellationToken,
}

impl Printer {
    /// Begin to print.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(in crate::cli) fn start(
        records: mpsc::Receiver<Record>,
        format: Format,
        colours: bool,
    ) -> io::Result<Self> {
        let done = CancellationToken::new();
        let until = done.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let thread = std::thread::Builder::new()
            .name("gg-output".to_owned())
            .spawn(move || runtime.block_on(print(records, format, colours, until)))?;
        Ok(Self { thread, done })
    }

    /// Print what has been said so far, and end.
    pub(in crate::cli) fn finish(self) {
        self.done.cancel();
        let _panicked = self.thread.join();
    }
}

async fn print(
    mut records: mpsc::Receiver<Record>,
    format: Format,
    colours: bool,
    done: CancellationToken,
) {
    let mut out = BufWriter::new(io::stdout());
    let mut line = String::new();
    let mut closed = false;
    loop {
        let record = tokio::select! {
            biased;
            record = records.recv() => record,
            () = done.cancelled() => None,
        };
        let Some(record) = record else { break };
        line.clear();
        match format {
            Format::Json => write_json(&mut line, &record),
            Format::Text => write_text(&mut line, &record, colours),
        }
        line.push('\n');
        // When nobody reads any more, what the components do still matters.
        if !closed {
            let written = out.write_all(line.as_bytes());
            let flushed = if records.is_empty() { out.flush() } else { Ok(()) };
            closed = written.and(flushed).is_err();
        }
    }
    let _closed = out.flush();
}

fn write_text(line: &mut String, record: &Record, colours: bool) {
    let time = humantime::format_rfc3339_millis(record.at).to_string();
    // The time of day, in UTC: a run is seldom longer than a day.
    let time = time.get(11..23).unwrap_or(&time);
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

fn write_json(line: &mut String, record: &Record) {
    let time = humantime::format_rfc3339_millis(record.at).to_string();
    let fields = || -> Map<String, Value> {
        record.fields.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))).collect()
    };
    let object = if record.source == Source::Message {
        let payload =
            serde_json::from_str(&record.message).unwrap_or_else(|_| json!(record.message));
        let topic = record.fields.first().map(|(_, topic)| topic.clone());
        json!({ "time": time, "source": "message", "topic": topic, "payload": payload })
    } else {
        json!({
            "time": time,
            "source": record.source.name(),
            "component": record.component,
            "level": record.level.to_string().to_lowercase(),
            "message": record.message,
            "fields": fields(),
        })
    };
    // JSON leaves some characters as they are that a terminal obeys; escaped they mean the same.
    for character in object.to_string().chars() {
        let _infallible = match character {
            _ if is_control(character) => write!(line, "\\u{:04x}", u32::from(character)),
            _ => line.write_char(character),
        };
    }
}

/// A message's payload as a line: text as it is, bytes in hexadecimal.
pub(super) fn payload_text(payload: &[u8]) -> String {
    const MOST: usize = 16 << 10;
    match std::str::from_utf8(payload) {
        Ok(text) => crate::logs::presentable(text, MOST).into_owned(),
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
        write_text(&mut line, &record(Source::Log, "hot"), false);
        assert_eq!(line, "00:00:01.500 WARN  com.example.A  hot topic=a/b");
    }

    #[test]
    fn a_message_shows_its_topic() {
        let mut line = String::new();
        write_text(&mut line, &record(Source::Message, "{}"), false);
        assert_eq!(line, "00:00:01.500 MSG   a/b  {}");
    }

    #[test]
    fn json_carries_payloads_as_json() {
        let mut line = String::new();
        write_json(&mut line, &record(Source::Message, r#"{"v":1}"#));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["payload"]["v"], 1);
        assert_eq!(value["topic"], "a/b");
    }

    #[test]
    fn bytes_are_shown_in_hexadecimal() {
        assert_eq!(payload_text(&[0xff, 0x00]), "2 bytes: ff00");
    }
}
