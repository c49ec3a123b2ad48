//! What is printed: a line an event, for programs or for people, and nothing a terminal obeys.

use crate::host::{command, finish, guest, recipe, run, sample};

/// What a guest could say to take over a terminal.
const EVIL: &str = "before ^[[31mred^[]0;title^G and^Mover, ^Rback";

#[test]
fn every_line_of_json_parses_and_has_a_time_and_a_source() {
    let outcome = run([recipe("sensor"), recipe("filter-rs")])
        .config("com.example.Sensor:count=12")
        .config("com.example.Sensor:intervalMs=1")
        .subscribe("#")
        .arg("-v")
        .finish();
    outcome.expect_code(0);
    assert!(outcome.events.len() > 12, "{outcome}");
    for event in &outcome.events {
        assert!(event.json.is_object(), "{}", event.line);
        let time = event.json["time"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.len() == 24, "{time}");
        match event.source() {
            "message" => {
                assert!(event.json["topic"].is_string(), "{}", event.line);
                assert!(!event.json["payload"].is_null(), "{}", event.line);
            }
            "host" | "log" | "stdout" | "stderr" => {
                assert!(event.json["component"].is_string(), "{}", event.line);
                assert!(event.json["level"].is_string(), "{}", event.line);
                assert!(event.json["fields"].is_object(), "{}", event.line);
            }
            other => panic!("{other}: {}", event.line),
        }
    }
}

#[test]
fn where_a_line_came_from_is_told() {
    let outcome = run([guest("says")]).guest_args(["hello"]).finish();
    outcome.expect_code(0);
    let sources: Vec<_> = outcome
        .all(|event| event.says("says", "hello"))
        .map(|event| (event.source().to_owned(), event.json["level"].clone()))
        .collect();
    for (source, level) in [("stdout", "info"), ("stderr", "warn"), ("log", "info")] {
        assert!(sources.contains(&(source.to_owned(), level.into())), "{source}\n{outcome}");
    }
}

#[test]
fn nothing_that_a_terminal_obeys_gets_out() {
    let text = |format: &str| {
        let mut command = command("run");
        command.arg(guest("says")).args(["--output", format, "--", EVIL]);
        finish(command)
    };
    for format in ["text", "json"] {
        let outcome = text(format);
        outcome.expect_code(0);
        let all: String = outcome.events.iter().map(|e| e.line.as_str()).collect();
        assert!(all.contains("before") && all.contains("red"), "{outcome}");
        let bad = |c: char| (c.is_control() && c != '\t') || c == '\u{202e}';
        assert!(!all.contains(bad), "{format}: {all:?}");
        assert!(!outcome.stderr.contains('\u{1b}'), "{format}");
    }
    let outcome = text("text");
    assert!(outcome.events.iter().any(|e| e.line.contains("\\u{1b}[31mred")), "{outcome}");
}

#[test]
fn topics_and_payloads_are_made_harmless_too() {
    for format in ["text", "json"] {
        let mut command = command("run");
        command
            // It rejects the message, and the host names the topic.
            .arg(sample("filter-rs"))
            .args(["--output", format, "--config", "subscriptions=[\"evil/#\"]"])
            .args([
                "--publish",
                "evil/\u{202e}x\u{1b}[2J\u{9b}=\u{1b}[2Jcleared",
                "--subscribe",
                "evil/#",
            ]);
        let outcome = finish(command);
        outcome.expect_code(0);
        let all: String = outcome.events.iter().map(|e| e.line.as_str()).collect();
        assert!(all.contains("cleared") && all.contains("rejected a message"), "{outcome}");
        assert!(!all.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{format}: {all:?}");
    }
}

#[test]
fn no_colours_unless_to_a_terminal() {
    let mut command = command("run");
    command.arg(guest("crash-site")).env("CLICOLOR_FORCE", "1").arg("-vv");
    let outcome = finish(command);
    let all: String = outcome.events.iter().map(|event| event.line.as_str()).collect();
    assert!(!all.contains('\u{1b}') && !outcome.stderr.contains('\u{1b}'), "{outcome}");
}

#[test]
fn a_line_of_text_has_time_level_component_and_message() {
    let mut command = command("run");
    command.arg(guest("exits")).args(["--", "ok"]);
    let outcome = finish(command);
    outcome.expect_code(0);
    let line = &outcome.events.iter().find(|e| e.line.contains("ending: ok")).unwrap().line;
    let (time, rest) = line.split_at(12);
    assert!(time.chars().all(|c| c.is_ascii_digit() || ":.".contains(c)), "{line}");
    assert_eq!(rest, " INFO  exits  ending: ok");
}

#[test]
fn bytes_that_are_no_text_are_shown_in_hexadecimal() {
    let folder = crate::host::folder();
    let code = std::fs::read(guest("giant-lists")).unwrap();
    let path = crate::host::file(folder.path(), "publish-payload.wasm", code);
    let outcome = run([path]).subscribe("giant").guest_args(["3"]).finish();
    outcome.expect_code(0);
    // Zeros are text of control characters, and are shown as such.
    let payload = outcome.payloads("giant")[0].as_str().unwrap().to_owned();
    assert!(payload.contains("\\u{0}") || payload.contains("000000"), "{payload:?}");
}

#[test]
fn verbosity_shows_debug_records_and_what_the_host_does() {
    let folder = crate::host::folder();
    let quiet = run([sample("filter-rs")])
        .config("subscriptions=[\"a\"]")
        .publish("a", "{\"value\": 99}")
        .arg("--no-cache")
        .finish();
    assert!(quiet.stderr.is_empty(), "{quiet}");
    let loud = run([sample("filter-rs")])
        .config("subscriptions=[\"a\"]")
        .publish("a", "{\"value\": 99}")
        .arg("-vv")
        .arg("--cache")
        .arg(folder.path().join("cache"))
        .finish();
    loud.expect_error("DEBUG").expect_error("compiled code stored in the cache");
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_components() {
    use std::process::Stdio;
    let mut command = command("run");
    command.arg(recipe("sensor")).args(["--config", "count=5", "--config", "intervalMs=1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}
