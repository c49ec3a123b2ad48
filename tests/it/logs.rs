//! Log files shown without a nucleus.

use crate::device::Device;
use crate::host::{command, file, finish, folder, guest, start};
use rustix::process::Signal;
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

/// A component that says one thing and ends.
const SAYS: &str = "Manifests:
  - Platform: {runtime: wasm}
    Lifecycle: {run: '{artifacts:path}/says.wasm hello'}
";

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

#[test]
fn the_level_of_a_nucleus_is_changed_while_it_runs() {
    let device = Device::new();
    device.recipe("com.example.Says", "1.0.0", SAYS);
    device.artifact("com.example.Says", "1.0.0", &guest("says"));
    let _nucleus = device.start();
    let level = |arguments: &[&str]| {
        let outcome = device.ask("logs", [&["level"], arguments].concat());
        outcome.expect_code(0).answer()["level"].as_str().unwrap().to_owned()
    };
    assert_eq!(level(&[]), "INFO");
    assert_eq!((level(&["error"]), level(&[])), ("ERROR".to_owned(), "ERROR".to_owned()));
    device.deploy(["--merge", "com.example.Says=1.0.0"]).expect_code(0);
    assert_eq!(level(&["info"]), "INFO");
    device.ask("component", ["restart", "com.example.Says"]).expect_code(0);
    // What came before the change is not there, and what came after it is, once.
    let mut follow = logs(&device.root(), &["com.example.Says", "--follow", "--output", "json"]);
    follow.env_remove("GG_LOG");
    let mut followed = start(follow);
    followed.wait_until_said("com.example.Says", "hello");
    let said = device.ask("logs", ["com.example.Says"]);
    let lines =
        said.all(|event| event.says("com.example.Says", "hello") && event.source() == "stdout");
    assert_eq!(lines.count(), 1, "{said}");
}

#[test]
fn a_nucleus_that_logs_to_the_console_writes_no_files() {
    let device = Device::new();
    device.settings("logging: {outputType: CONSOLE}");
    device.recipe("com.example.Says", "1.0.0", SAYS);
    device.artifact("com.example.Says", "1.0.0", &guest("says"));
    let mut nucleus = device.start();
    device.deploy(["--merge", "com.example.Says=1.0.0"]).expect_code(0);
    nucleus.wait_until_said("com.example.Says", "hello");
    nucleus.signal(Signal::TERM);
    let outcome = nucleus.finish();
    outcome.expect_code(0).expect_error("deployment succeeded");
    assert_eq!(fs::read_dir(device.root().join("logs")).unwrap().count(), 0);
}
