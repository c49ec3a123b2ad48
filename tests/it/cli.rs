//! The command line as a client of Greengrass IPC: how it is let in, and local topics.

use crate::device::Device;
use crate::host::{command, finish, start};
use rustix::process::{Signal, getegid, geteuid};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The file by which this user is let in.
fn pass(device: &Device) -> PathBuf {
    let name = format!("user-{}", geteuid().as_raw());
    device.root().join("cli_ipc_info").join(name)
}

/// A command with the root folder of a device.
fn asking(device: &Device, subcommand: &str) -> Command {
    let mut command = command(subcommand);
    command.arg("--root").arg(device.root());
    command
}

#[test]
fn a_token_is_for_one_user_and_one_life_of_the_nucleus() {
    let device = Device::new();
    let nucleus = device.start();
    let found = fs::metadata(pass(&device)).unwrap();
    assert_eq!((found.mode() & 0o777, found.uid()), (0o600, geteuid().as_raw()));
    let first: Value = serde_json::from_slice(&fs::read(pass(&device)).unwrap()).unwrap();
    let socket = first["domain_socket_path"].as_str().unwrap();
    assert_eq!(
        fs::metadata(socket).unwrap().ino(),
        fs::metadata(device.root().join("ipc.socket")).unwrap().ino()
    );

    // A nucleus that is killed cannot take it away.
    nucleus.signal(Signal::KILL);
    drop(nucleus);
    device.ask("component", ["list"]).expect_code(1).expect_error("no nucleus runs");
    let nucleus = device.start();
    let second = fs::read(pass(&device)).unwrap();
    fs::write(pass(&device), first.to_string()).unwrap();
    device.ask("component", ["list"]).expect_code(1).expect_error("denies access");
    fs::write(pass(&device), second).unwrap();
    device.ask("component", ["list"]).expect_code(0);

    nucleus.signal(Signal::TERM);
    nucleus.finish().expect_code(0);
    assert!(!pass(&device).exists());
}

#[test]
fn groups_are_let_in_by_the_configuration() {
    let device = Device::new();
    let group = getegid().as_raw();
    fs::create_dir(device.root()).unwrap();
    let text = format!(
        "services: {{aws.greengrass.Cli: {{configuration: \
         {{AuthorizedPosixGroups: '{group}, no-such-group'}}}}}}\n"
    );
    crate::host::file(&device.root(), "config.yaml", text);
    let nucleus = device.start();
    let path = pass(&device).with_file_name(format!("group-{group}"));
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.mode() & 0o777, found.gid()), (0o640, group));
    // It is as good as the user's own.
    fs::remove_file(pass(&device)).unwrap();
    device.ask("component", ["list"]).expect_code(0);
    nucleus.signal(Signal::TERM);
    nucleus.finish().expect_error("no-such-group");
}

#[test]
fn messages_are_exchanged_with_components() {
    const SENSOR: &str = "com.example.Sensor";
    const FILTER: &str = "com.example.FilterRs";
    let device = Device::new();
    device.sample("sensor", SENSOR);
    device.sample("filter-rs", FILTER);
    let _nucleus = device.start();
    device.deploy(["--merge", &format!("{SENSOR}=1.0.0,{FILTER}=1.0.0")]).expect_code(0);

    let mut command = asking(&device, "sub");
    command.args(["alerts/temperature", "notes", "sensors/#", "--output", "json"]);
    let mut heard = start(command);
    // Whoever hears the last filter's messages hears the others' as well.
    heard.wait_for_messages("sensors/boiler/temperature", 1);
    let mut command = asking(&device, "pub");
    command.args(["sensors/kettle/temperature", "{\"value\": 99.5}"]);
    finish(command).expect_code(0);
    // The two come by subscriptions of their own, in either order.
    heard.wait_until("what was published", |event| event.is_on("sensors/kettle/temperature"));
    heard.wait_until("the filter's answer", |event| {
        event.is_on("alerts/temperature") && event.json["payload"]["sensor"] == "kettle"
    });
    let mut command = asking(&device, "pub");
    let mut publishing = command.args(["notes", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    publishing.stdin.take().unwrap().write_all(b"one line\n").unwrap();
    assert!(publishing.wait().unwrap().success());
    let note = heard.wait_for("what was read", |event| event.is_on("notes"));
    assert_eq!(note.json["payload"], "one line\n");

    let mut command = asking(&device, "sub");
    command.args(["sensors/+/temperature", "--count", "2"]);
    let outcome = finish(command);
    let lines: Vec<&str> = outcome.expect_code(0).events.iter().map(|one| &*one.line).collect();
    assert_eq!(lines.len(), 2, "{outcome}");
    for line in lines {
        assert!(line.starts_with("sensors/boiler/temperature {"), "{line}");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let device = Device::new();
    let _nucleus = device.start();
    let nobody = device.ask("component", ["restart", "com.example.Nobody"]);
    nobody.expect_code(1).expect_error(
        "com.example.Nobody is not on this device; gg-host component list shows what is",
    );
    let nonsense = device.ask("deployment", ["status", "nonsense"]);
    nonsense.expect_code(1).expect_error("the identity of a deployment is a UUID");
    let forgotten = "12345678-1234-4234-8234-123456789abc";
    let forgotten = device.ask("deployment", ["status", forgotten, "--wait"]);
    forgotten.expect_code(1).expect_error("gg-host deployment list shows those that are");
    for (arguments, words) in [
        (["pub", "a/+", "{}"], "a/+"),
        (["pub", "a", "[1]"], "no JSON object"),
        (["sub", "a/#/b", "--count=1"], "a/#/b"),
    ] {
        let mut command = asking(&device, arguments[0]);
        command.args(&arguments[1..]);
        if arguments[2] == "[1]" {
            command.arg("--json");
        }
        finish(command).expect_code(1).expect_error(words);
    }
}
