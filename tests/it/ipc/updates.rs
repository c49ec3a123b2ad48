//! Components that are told of deployments, and put them off.

use super::{Client, NAME, expect};
use std::fs;

const OTHER: &str = "com.example.Other";

#[test]
fn a_deployment_waits_for_a_component_that_puts_it_off() {
    let Some(python) = Client::python() else { return };
    let device = python.device();
    for version in ["1.0.0", "2.0.0", "3.0.0"] {
        let script = format!("echo this is {version}; exec sleep 100000");
        let rest = format!("Manifests: [{{Lifecycle: {{run: '{script}'}}}}]\n");
        device.recipe(OTHER, version, &rest);
    }
    python.component(&device, NAME, "updates.py", "{}");
    let mut nucleus = device.start();
    device.deploy(["--merge", &format!("{NAME}=1.0.0,{OTHER}=1.0.0")]).expect_code(0);
    expect(&mut nucleus, &["told of deployments"]);

    // It is another that is to be changed.
    let merge = format!("{OTHER}=2.0.0");
    let notify = ["--merge", &merge, "--component-update-policy", "NOTIFY_COMPONENTS"];
    let asked = device.queue(notify);
    let id = asked.expect_code(0).answer()["deploymentId"].as_str().unwrap();
    expect(&mut nucleus, &[&format!("before {id} restarting False")]);
    // It is asked again and again.
    expect(&mut nucleus, &["puts it off, asked 3 times"]);
    assert!(device.components().contains(&format!("{OTHER} 1.0.0 RUNNING")));
    let status = device.ask("deployment", ["status", id]);
    assert_eq!(status.expect_code(0).answer()["status"], "IN_PROGRESS");

    fs::write(device.root().join("work").join(NAME).join("ready"), "").unwrap();
    expect(&mut nucleus, &["agrees, asked"]);
    nucleus.wait_until_said(OTHER, "this is 2.0.0");
    expect(&mut nucleus, &[&format!("after {id}")]);
    let status = device.ask("deployment", ["status", id]);
    assert_eq!(status.expect_code(0).answer()["status"], "SUCCEEDED");

    // Nobody is asked unless the deployment says so.
    let merge = format!("{OTHER}=3.0.0");
    let skip = ["--merge", &merge, "--component-update-policy", "SKIP_NOTIFY_COMPONENTS"];
    device.deploy(skip).expect_code(0);
    nucleus.wait_until_said(OTHER, "this is 3.0.0");
    let agreed = nucleus.seen().iter().filter(|event| event.says(NAME, "agrees, asked")).count();
    assert_eq!(agreed, 1);
}
