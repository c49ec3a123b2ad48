//! The command line as a client of Greengrass IPC: how it is let in.

use crate::device::Device;
use rustix::process::{Signal, getegid, geteuid};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// The file by which this user is let in.
fn pass(device: &Device) -> PathBuf {
    let name = format!("user-{}", geteuid().as_raw());
    device.root().join("cli_ipc_info").join(name)
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
}
