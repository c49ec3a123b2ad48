//! Log files shown without a nucleus.

use crate::host::{command, file, finish, folder, start};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

const SENSOR: &str = "\
2026-01-31T12:00:00.250Z [INFO] (gg-host) com.example.Sensor: stdout. warm. {}
2026-01-31T12:00:02.000Z [WARN] (gg-host) com.example.Sensor: log. hot. {degrees=31}
";

const NUCLEUS: &str = concat!(
    r#"{"thread":"gg-host","level":"ERROR","eventType":"host","message":"no link","contexts":{},"#,
    r#""loggerName":"gg_host::nucleus","timestamp":1769860801000,"cause":null}"#,
    "\n"
);

/// The logs of a device whose root folder this is.
fn logs(root: &Path, arguments: &[&str]) -> Command {
    let mut command = command("logs");
    command.arg("--root").arg(root).args(arguments);
    command
}

/// A root folder with the logs of a component and of the nucleus.
fn device() -> tempfile::TempDir {
    let root = folder();
    let logs = root.path().join("logs");
    fs::create_dir(&logs).unwrap();
    file(&logs, "com.example.Sensor.log", SENSOR);
    file(&logs, "greengrass.log", NUCLEUS);
    root
}

#[track_caller]
fn expect(root: &Path, arguments: &[&str], lines: &[&str]) {
    let outcome = finish(logs(root, arguments));
    outcome.expect_code(0);
    let printed: Vec<_> = outcome.events.iter().map(|event| &*event.line).collect();
    assert_eq!(printed, lines);
}

#[test]
fn logs_are_shown_in_the_order_of_time() {
    let root = device();
    let warm = "2026-01-31 12:00:00.250 INFO  com.example.Sensor  warm";
    let link = "2026-01-31 12:00:01.000 ERROR greengrass  no link logger=gg_host::nucleus";
    let hot = "2026-01-31 12:00:02.000 WARN  com.example.Sensor  hot degrees=31";
    expect(root.path(), &[], &[warm, link, hot]);
    expect(root.path(), &["com.example.Sensor"], &[warm, hot]);
    expect(root.path(), &["--lines", "1"], &[hot]);
    expect(root.path(), &["--level", "error"], &[link]);
    expect(root.path(), &["--since", "2026-01-31T12:00:01Z"], &[link, hot]);
    expect(root.path(), &["--since", "1s"], &[]);
}

#[test]
fn logs_are_shown_as_json() {
    let root = device();
    let outcome = finish(logs(root.path(), &["--output", "json", "-n", "1"]));
    outcome.expect_code(0).expect("com.example.Sensor", "hot");
    let event = &outcome.events[0].json;
    assert_eq!(event["time"], "2026-01-31T12:00:02.000Z");
    assert_eq!(event["fields"]["degrees"], "31");
    assert_eq!((event["source"].as_str(), event["level"].as_str()), (Some("log"), Some("warn")));
}

#[test]
fn what_is_said_while_logs_are_followed_is_shown() {
    let root = device();
    let mut host = start(logs(root.path(), &["--follow", "--output", "json", "--lines", "1"]));
    host.wait_until_said("com.example.Sensor", "hot");
    let path = root.path().join("logs/com.example.Sensor.log");
    let mut log = fs::File::options().append(true).open(&path).unwrap();
    log.write_all(SENSOR.as_bytes()).unwrap();
    host.wait_until_said("com.example.Sensor", "warm");
    fs::rename(&path, root.path().join("logs/com.example.Sensor_2026_01_31_12_0.log")).unwrap();
    fs::write(&path, SENSOR.replace("warm", "cold")).unwrap();
    host.wait_until_said("com.example.Sensor", "cold");
}

#[test]
fn logs_that_are_not_there_are_told_from_those_that_are() {
    let root = device();
    let outcome = finish(logs(root.path(), &["com.example.Typo"]));
    outcome.expect_code(1);
    assert!(
        outcome.stderr.contains("there are logs of com.example.Sensor, greengrass"),
        "{outcome}"
    );
    let outcome = finish(logs(&root.path().join("none"), &[]));
    outcome.expect_code(1);
    assert!(outcome.stderr.contains("has a nucleus run with this root folder?"), "{outcome}");
}
