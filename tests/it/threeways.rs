//! One recipe, three ways to run it: in the sandbox, as a container and as processes. Whoever asks
//! about the component, steers or limits it cannot tell which.

use crate::device::{Device, shells};
use crate::engine::{Engine, IMAGE};
use crate::host::{Host, guest};
use rustix::process::geteuid;
use serde_json::Value;

const NAME: &str = "com.example.ThreeWays";

/// What the shell does that the guest `waits` does; its folder tells it from that of another device.
const WAITS: &str = "cd {work:path}; trap 'echo tidied up; exit 0' TERM; echo waiting; \
                     while :; do sleep 0.1; done";

/// What the shell does that the guest `memory-bomb` does.
const HUNGRY: &str = "cd {work:path}; echo allocating; a=x; while :; do a=$a$a; done";

/// A recipe with a manifest for each way, the same on every device.
fn recipe(guest: &str, script: &str) -> String {
    let container = format!("{IMAGE} sh -c {}", shell_words::quote(script));
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    format!(
        "ComponentConfiguration:
  DefaultConfiguration:
    accessControl:
      aws.greengrass.ipc.pubsub: {{waits: {{operations: ['*'], resources: ['waits/#']}}}}
Manifests:
  - Platform: {{os: linux, runtime: wasm}}
    Lifecycle: {{run: '{{artifacts:path}}/{guest}.wasm'}}
    Artifacts: [{{URI: 's3://bucket/{guest}.wasm'}}]
  - Platform: {{os: linux, runtime: docker}}
    Lifecycle: {{run: {}}}
  - Platform: {{os: linux}}
    Lifecycle: {{run: {}}}
",
        quoted(&container),
        quoted(script)
    )
}

/// A device that can be told to run the recipe's component in each way.
fn device() -> Device {
    let device = Device::reachable();
    for (version, name, script) in
        [("1.0.0", "waits", WAITS), ("2.0.0", "memory-bomb", HUNGRY), ("3.0.0", "waits", WAITS)]
    {
        device.recipe(NAME, version, &recipe(name, script));
        device.artifact(NAME, version, &guest(name));
    }
    device
}

/// How the component stands.
fn shown(device: &Device) -> Value {
    device.ask("component", ["show", NAME]).expect_code(0).answer().clone()
}

#[track_caller]
fn expect_state(device: &Device, version: &str, state: &str) {
    let shown = shown(device);
    assert_eq!((&shown["version"], &shown["state"]), (&version.into(), &state.into()), "{shown}");
}

/// What is the same in each way; `running` is how many there are of what the component runs as.
fn is_kept(device: &Device, nucleus: &mut Host, running: impl Fn() -> usize) {
    let wait_for = |nucleus: &mut Host, words: &str| {
        nucleus.wait_for(words, |event| event.says(NAME, words));
    };
    device.deploy(["--merge", &format!("{NAME}=1.0.0")]).expect_code(0);
    wait_for(nucleus, "waiting");
    expect_state(device, "1.0.0", "RUNNING");
    let before = running();

    device.ask("component", ["restart", NAME]).expect_code(0);
    wait_for(nucleus, "tidied up");
    wait_for(nucleus, "waiting");
    expect_state(device, "1.0.0", "RUNNING");
    assert_eq!(running(), before);

    device.ask("component", ["stop", NAME]).expect_code(0);
    wait_for(nucleus, "tidied up");
    expect_state(device, "1.0.0", "FINISHED");

    let limits = format!(r#"{{"{NAME}": {{"memory": 20480}}}}"#);
    let hungry = format!("{NAME}=2.0.0");
    let policy = ["--failure-handling-policy", "DO_NOTHING"];
    let limited = ["--merge", &hungry, "--system-limits", &limits];
    let answer = device.deploy(limited.into_iter().chain(policy));
    let answer = answer.expect_code(1).answer();
    let cause = &answer["deploymentStatusDetails"]["failureCause"];
    assert!(cause.as_str().unwrap().contains("memory"), "{answer}");
    expect_state(device, "2.0.0", "BROKEN");
    let reason = shown(device)["lastExit"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("memory") && reason.contains("20"), "{reason}");

    device.deploy(["--merge", &format!("{NAME}=3.0.0")]).expect_code(0);
    wait_for(nucleus, "waiting");
    expect_state(device, "3.0.0", "RUNNING");
    device.deploy(["--remove", NAME]).expect_code(0);
    wait_for(nucleus, "tidied up");
    device.ask("component", ["show", NAME]).expect_code(1).expect_error("is not on this device");
    assert_eq!(running(), 0);

    let logs = device.ask("logs", [NAME]);
    for (words, times) in [("waiting", 3), ("allocating", 3), ("tidied up", 3)] {
        assert_eq!(logs.all(|event| event.message() == words).count(), times, "{words}\n{logs}");
    }
}

#[test]
fn in_the_sandbox_where_the_device_is_not_told_otherwise() {
    let device = device();
    let mut nucleus = device.start();
    is_kept(&device, &mut nucleus, || 0);
    // Where the limit comes from is where it is raised.
    let raise = "raise it with runWith.systemResourceLimits.memory in the component's deployment";
    device.ask("logs", [NAME]).expect(NAME, raise);
}

#[test]
fn as_a_container() {
    let Some(engine) = Engine::find("threeways::as_a_container") else { return };
    let device = device();
    let mut nucleus = device.start_as(|command| {
        command.env("DOCKER_HOST", &engine.host).args(["--platform", "runtime=docker"]);
    });
    is_kept(&device, &mut nucleus, || engine.containers("ThreeWays"));
}

#[test]
fn as_processes() {
    if !geteuid().is_root() {
        println!("SKIPPED, NOTHING TESTED: threeways::as_processes, which takes root");
        return;
    }
    let device = device();
    device.settings("runWithDefault: {posixUser: nobody}, platformOverride: {runtime: native}");
    let mut nucleus = device.start();
    let work = device.root().join("work").join(NAME);
    is_kept(&device, &mut nucleus, || shells(&format!("cd {}", work.display())));
}

#[test]
fn a_device_without_a_manifest_says_what_it_is() {
    let device = Device::new();
    let rest =
        "Manifests:\n  - Platform: {site: lab, runtime: wasm}\n    Lifecycle: {run: x.wasm}\n";
    device.recipe(NAME, "1.0.0", rest);
    let merge = format!("{NAME}=1.0.0");
    let _nucleus = device.start_as(|command| {
        command.args(["--platform", "site=farm"]);
    });
    let outcome = device.deploy(["--merge", &merge]);
    let answer = outcome.expect_code(1).answer();
    let cause = answer["deploymentStatusDetails"]["failureCause"].as_str().unwrap();
    assert!(cause.contains("site=farm") && cause.contains("runtime=wasm,docker"), "{cause}");
}
