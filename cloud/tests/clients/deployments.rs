//! Deployments, and what core devices ask while they carry them out.

use crate::devices::Devices;
use crate::server::Server;
use gg_cloud::registry::certificates::Status;

fn start() -> (Server, Devices) {
    let (server, devices) = (Server::new(), Devices::new());
    devices.thing(&server, "alpha", Status::Active);
    (server, devices)
}

#[test]
fn boto3_deploys_and_devices_say_what_becomes_of_it() {
    let (server, devices) = start();
    devices.python(&server, "deployments.py", &[]).expect_ok();
}

#[test]
fn devices_fetch_what_they_need_by_their_certificates() {
    let (server, devices) = start();
    devices.thing(&server, "beta", Status::Active);
    devices.thing(&server, "retired", Status::Inactive);
    devices.unknown("stranger");
    devices.python(&server, "data_plane.py", &[]).expect_ok();
}

#[test]
fn deployments_survive_a_power_cut() {
    let mut server = Server::new();
    server.aws(["iot", "create-thing-group", "--thing-group-name", "fleet"]).expect_ok();
    let target = "arn:aws:iot:us-east-1:000000000000:thinggroup/fleet";
    let components = r#"{"aws.greengrass.Cli":{"componentVersion":"2.14.0"}}"#;
    let create = ["create-deployment", "--target-arn", target, "--components", components];
    let text = ["--query", "deploymentId", "--output", "text"];
    let id = greengrass(&server, &[&create[..], &text[..]].concat());
    let id = id.trim();
    server.cut();
    let get = greengrass(&server, &["get-deployment", "--deployment-id", id]);
    assert!(get.contains(r#""deploymentStatus": "ACTIVE""#), "{get}");
    let list = greengrass(&server, &["list-deployments", "--target-arn", target]);
    assert!(list.contains(id), "{list}");
    greengrass(&server, &["cancel-deployment", "--deployment-id", id]);
    greengrass(&server, &["delete-deployment", "--deployment-id", id]);
    let list = greengrass(&server, &["list-deployments", "--history-filter", "ALL"]);
    assert!(!list.contains(id), "{list}");
    let resolve = ["resolve-component-candidates", "--platform", "attributes={os=linux}"];
    let candidates = "componentName=aws.greengrass.Cli,versionRequirements={a=^2.0.0}";
    let candidates = ["--component-candidates", candidates];
    let found = greengrass(&server, &[&resolve[..], &candidates[..]].concat());
    assert!(found.contains(r#""componentVersion": "2.14.0""#), "{found}");
    let listed = greengrass(&server, &["list-core-devices", "--output", "text"]);
    assert_eq!(listed, "");
    for operation in [
        "list-effective-deployments",
        "list-installed-components",
        "get-core-device",
        "delete-core-device",
    ] {
        let arguments = ["greengrassv2", operation, "--core-device-thing-name", "none"];
        server.aws(arguments).expect_failure("ResourceNotFoundException");
    }
}

fn greengrass(server: &Server, arguments: &[&str]) -> String {
    let mut client = server.client();
    client.args(["-m", "awscli", "greengrassv2"]).args(arguments);
    crate::server::said(&mut client).expect_ok()
}
