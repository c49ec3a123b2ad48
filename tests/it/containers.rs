//! Containers on a device: deployed, seen in the logs, and gone with their component.

use crate::device::Device;
use crate::engine::{Engine, IMAGE};

const NAME: &str = "com.example.Contained";

#[test]
fn a_container_is_deployed_restarted_and_removed() {
    let Some(engine) = Engine::find("containers::") else { return };
    let device = Device::new();
    let recipe = format!(
        "Manifests:\n  - Platform: {{runtime: docker}}\n    Lifecycle:\n      \
         run: \"{IMAGE} sh -c 'echo contained as $AWS_IOT_THING_NAME; while :; do sleep 1; done'\"\n"
    );
    device.recipe(NAME, "1.0.0", &recipe);
    let mut nucleus = device.start_with([("DOCKER_HOST", engine.host.as_str())]);
    device.deploy(["--merge", "com.example.Contained=1.0.0"]).expect_code(0);
    nucleus.wait_until_said(NAME, "contained as gg-host");
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
    assert_eq!(engine.containers("Contained"), 1);
    device.ask("component", ["restart", NAME]).expect_code(0);
    assert_eq!(engine.containers("Contained"), 1);
    device.deploy(["--remove", NAME]).expect_code(0);
    assert_eq!(engine.containers("Contained"), 0);
}
