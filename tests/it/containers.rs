//! Containers on a device: deployed, seen in the logs, and gone with their component.

use crate::device::Device;
use std::fs;
use std::process::Command;

const NAME: &str = "com.example.Contained";
const IMAGE: &str = "gg-host-it/busybox:1";

/// The engine of the tests, as programs find it.
fn engine() -> Option<String> {
    let Ok(socket) = std::env::var("GG_TEST_DOCKER") else {
        println!("SKIPPED, NOTHING TESTED: containers::, since GG_TEST_DOCKER is not set");
        return None;
    };
    Some(format!("unix://{socket}"))
}

/// Ask the engine something with its own program.
fn docker(engine: &str, arguments: &[&str]) -> String {
    let output =
        Command::new("docker").env("DOCKER_HOST", engine).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_container_is_deployed_restarted_and_removed() {
    let Some(engine) = engine() else { return };
    let device = Device::new();
    // An image of one program.
    let bin = device.path("image/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::copy("/bin/busybox", bin.join("sh")).unwrap();
    let archive = device.path("image.tar");
    let tar = Command::new("tar")
        .arg("-cf")
        .arg(&archive)
        .arg("-C")
        .arg(device.path("image"))
        .arg("bin")
        .status();
    assert!(tar.unwrap().success());
    docker(&engine, &["import", archive.to_str().unwrap(), IMAGE]);

    let recipe = format!(
        "Manifests:\n  - Platform: {{runtime: docker}}\n    Lifecycle:\n      \
         run: \"{IMAGE} sh -c 'echo contained as $AWS_IOT_THING_NAME; while :; do sleep 1; done'\"\n"
    );
    device.recipe(NAME, "1.0.0", &recipe);
    let mut nucleus = device.start_with([("DOCKER_HOST", engine.as_str())]);
    device.deploy(["--merge", "com.example.Contained=1.0.0"]).expect_code(0);
    nucleus.wait_until_said(NAME, "contained as gg-host");
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
    let containers =
        || docker(&engine, &["ps", "--format", "{{.Names}}", "--filter", "name=Contained"]);
    assert_eq!(containers().lines().count(), 1);
    device.ask("component", ["restart", NAME]).expect_code(0);
    assert_eq!(containers().lines().count(), 1);
    device.deploy(["--remove", NAME]).expect_code(0);
    assert_eq!(containers(), "");
}
