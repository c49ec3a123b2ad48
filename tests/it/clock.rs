//! A device whose clock has lost the time, as one without a battery does.

use crate::broker::Valid;
use crate::device::Device;
use crate::host::{Event, command, file, finish};
use crate::link::secure;
use rustix::process::Signal;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What has programs believe in another time; `cargo xtask test` installs it.
fn libfaketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|folder| folder.unwrap().path());
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketime.so.1"));
    libraries.find(|library| library.is_file()).unwrap()
}

#[test]
fn certificates_hold_as_far_as_the_time_was_known() {
    let (mut broker, own, _) = secure(Valid::Now, "localhost");
    let device = Device::new();
    let path = |name: &str| json!(own.path().join(name));
    let configuration = json!({"iotDataEndpoint": "localhost", "mqtt": {"port": broker.port}});
    let config = json!({
        "system": {
            "thingName": "device",
            "certificateFilePath": path("device.pem"),
            "privateKeyPath": path("device.key"),
            "rootCaPath": path("roots.pem"),
        },
        "services": { "aws.greengrass.Nucleus": { "configuration": configuration } },
    });
    fs::create_dir(device.root()).unwrap();
    file(&device.root(), "config.yaml", config.to_string());
    let host = device.start();
    broker.says(&["as device"]);
    host.signal(Signal::TERM);
    host.finish().expect_code(0);

    let library = libfaketime();
    let lose = |command: &mut Command| {
        command.env("LD_PRELOAD", &library).env("FAKETIME", "@1970-01-02 00:00:00");
        // Neither how long anything takes nor what files say of themselves is another.
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
    };
    let host = device.start_as(lose);
    broker.says(&["as device"]);
    host.signal(Signal::TERM);
    let outcome = host.finish();
    assert!(outcome.expect_code(0).stderr.contains("has gone back"), "{}", outcome.stderr);

    // The doctor goes by what the link does. Where nothing is known of the time, the clock is all there is.
    let known = device.root().join("state/clock");
    for words in ["is let in", "is not valid yet"] {
        let mut doctor = command("doctor");
        doctor.args(["--output", "json", "--root"]).arg(device.root());
        lose(&mut doctor);
        let found = finish(doctor);
        let says = |event: &Event| event.json["check"] == "broker" && event.line.contains(words);
        assert!(found.events.iter().any(says), "{words}: {:?}", found.events);
        let _again = fs::remove_file(&known);
    }
}
