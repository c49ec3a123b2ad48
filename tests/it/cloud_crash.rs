//! gg-cloud and a device, both killed again and again while deployments are under way: none is lost,
//! and none is left without an end.

use crate::cloud_loop::Cloud;
use crate::device::Device;
use crate::host::sample;
use rustix::process::Signal;
use serde_json::json;
use std::thread;
use std::time::Duration;

const NAME: &str = "com.example.Sensor";

/// How often something is killed.
const ROUNDS: u64 = 12;

#[test]
fn no_deployment_and_no_status_is_lost_when_both_are_killed() {
    let device = Device::new();
    let mut cloud = Cloud::start(&device.path("cloud"));
    cloud.enrol(&device);
    let mut nucleus = device.start();
    let wasm = sample("sensor");
    cloud.boto3(&["publish", NAME, "1.0.0", wasm.to_str().unwrap()]);

    let mut random = 7_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut last = String::new();
    for round in 1..=ROUNDS {
        let merge = json!({ "name": format!("boiler-{round}") }).to_string();
        let ordered = cloud.boto3(&["order", NAME, "1.0.0", &merge]);
        last = ordered["deploymentId"].as_str().unwrap().to_owned();
        // At any moment between the answer and the end of what follows from it.
        thread::sleep(Duration::from_millis(next(400)));
        let (kills_cloud, kills_device) =
            [(true, false), (false, true), (true, true)][round as usize % 3];
        if kills_cloud {
            cloud.kill();
        }
        if kills_device {
            nucleus.signal(Signal::KILL);
            drop(nucleus);
            nucleus = device.start();
        }
        if kills_cloud {
            cloud.again();
        }
        // Now and then it is waited for, so that its end is what the next one is killed in.
        if next(3) == 0 {
            let ended = cloud.boto3(&["end", &last]);
            assert_eq!(ended["coreDeviceExecutionStatus"], "SUCCEEDED", "{round}: {ended}");
        }
    }
    let ended = cloud.boto3(&["end", &last]);
    assert_eq!(ended["coreDeviceExecutionStatus"], "SUCCEEDED", "{ended}");
    // What the device was told last is what it is.
    let shown = device.ask("component", ["show", NAME]);
    let shown = shown.expect_code(0).answer().to_string();
    assert!(shown.contains(&format!("boiler-{ROUNDS}")), "{shown}");
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
    // And each has an end.
    for one in cloud.boto3(&["effective"]).as_array().unwrap() {
        let status = one["coreDeviceExecutionStatus"].as_str().unwrap();
        assert!(!["QUEUED", "IN_PROGRESS"].contains(&status), "{one}");
    }
    drop(nucleus);
}
