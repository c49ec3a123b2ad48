//! Native components on a device: their steps, their users, their limits, and what is left of them.

use crate::device::{Device, processes};
use crate::host::Host;
use rustix::process::{Signal, geteuid};
use std::fs;
use std::path::Path;

const NAME: &str = "com.example.Native";

/// Native components run as another user than root, which takes root.
fn device() -> Option<(Device, Host)> {
    if !geteuid().is_root() {
        println!(
            "skipped: native components of a nucleus that is not root have no user of their own"
        );
        return None;
    }
    let device = Device::reachable();
    device.settings("runWithDefault: {posixUser: nobody}");
    let nucleus = device.start();
    Some((device, nucleus))
}

/// A recipe with these steps, each a line of shell.
fn steps(steps: &[(&str, &str)]) -> String {
    let mut text = String::from("Manifests:\n  - Platform: {os: linux}\n    Lifecycle:\n");
    for (name, script) in steps {
        text += &format!("      {name}: {}\n", serde_json::to_string(script).unwrap());
    }
    text
}

#[test]
fn steps_are_carried_out_once_each_and_nothing_outlives_the_nucleus() {
    let Some((device, mut nucleus)) = device() else { return };
    let recipe = steps(&[
        ("install", "echo installed as $(id -un)"),
        ("run", "echo running; sleep 71077 & wait"),
        ("shutdown", "echo shut down"),
        ("uninstall", "echo uninstalled"),
    ]);
    device.recipe(NAME, "1.0.0", &recipe);
    device.deploy(["--merge", "com.example.Native=1.0.0"]).expect_code(0);
    nucleus.wait_until_said(NAME, "installed as nobody");
    nucleus.wait_until_said(NAME, "running");
    assert_eq!(processes("sleep 71077"), 2, "the shell and its child");

    nucleus.signal(Signal::KILL);
    drop(nucleus);
    let mut nucleus = device.start();
    nucleus.wait_until_said(NAME, "running");
    assert_eq!(processes("sleep 71077"), 2, "those of the first nucleus are gone");
    let again = nucleus.seen().iter().any(|event| event.says(NAME, "installed"));
    assert!(!again, "it was installed already");

    device.deploy(["--remove", NAME]).expect_code(0);
    for words in ["shut down", "uninstalled"] {
        nucleus.wait_until_said(NAME, words);
    }
    assert_eq!(processes("sleep 71077"), 0);

    // What was removed is installed anew.
    device.deploy(["--merge", "com.example.Native=1.0.0"]).expect_code(0);
    nucleus.wait_for("installed again", |event| event.says(NAME, "installed as nobody"));
}

#[test]
fn a_version_that_does_not_start_gives_way_to_the_one_before() {
    let Some((device, mut nucleus)) = device() else { return };
    device.recipe(NAME, "1.0.0", &steps(&[("run", "echo good; exec sleep 1000")]));
    device.recipe(NAME, "2.0.0", &steps(&[("startup", "echo bad; exit 3")]));
    device.deploy(["--merge", "com.example.Native=1.0.0"]).expect_code(0);
    nucleus.wait_until_said(NAME, "good");
    let outcome = device.deploy(["--merge", "com.example.Native=2.0.0"]);
    let answer = outcome.expect_code(1).answer();
    let detail = &answer["deploymentStatusDetails"];
    assert_eq!(detail["detailedStatus"], "FAILED_ROLLBACK_COMPLETE");
    assert!(detail["failureCause"].as_str().unwrap().contains("code 3"), "{answer}");
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
}

#[test]
fn a_recipe_names_folders_and_configuration_of_what_it_depends_on() {
    let Some((device, mut nucleus)) = device() else { return };
    device.recipe(
        "com.example.Model",
        "1.0.0",
        "ComponentConfiguration: {DefaultConfiguration: {size: 7}}\nManifests: [{Platform: {os: linux}}]\n",
    );
    let script = "echo {com.example.Model:configuration:/size} {com.example.Model:artifacts:path}; \
                  echo {com.example.Other:configuration:/size}";
    let rest = format!(
        "ComponentDependencies: {{com.example.Model: {{VersionRequirement: ^1.0.0}}}}\n{}",
        steps(&[("run", script)])
    );
    device.recipe(NAME, "1.0.0", &rest);
    device.deploy(["--merge", "com.example.Native=1.0.0"]).expect_code(0);
    let folder = device.root().canonicalize().unwrap().join("packages/artifacts");
    let words = format!("7 {}/com.example.Model/1.0.0", folder.display());
    nucleus.wait_until_said(NAME, &words);
    nucleus.wait_until_said(NAME, "{com.example.Other:configuration:/size}");
}

#[test]
fn a_bootstrap_step_restarts_the_nucleus_and_the_deployment_goes_on() {
    let Some((device, mut nucleus)) = device() else { return };
    let recipe = steps(&[
        ("bootstrap", "echo bootstrap >> {work:path}/boots; exit 100"),
        ("run", "echo booted $(wc -l < {work:path}/boots) times; exec sleep 1000"),
    ]);
    device.recipe(NAME, "1.0.0", &recipe);
    let outcome = device.deploy(["--merge", "com.example.Native=1.0.0"]);
    assert_eq!(outcome.expect_code(0).answer()["status"], "SUCCEEDED");
    nucleus.wait_until_said(NAME, "booted 1 times");

    // Of the same version with the same step, nothing is to be done again.
    let update = r#"{"com.example.Native": {"MERGE": {"a": 1}}}"#;
    device.deploy(["--update-config", update]).expect_code(0);
    drop(nucleus);
    let mut nucleus = device.start();
    nucleus.wait_until_said(NAME, "booted 1 times");
}

#[test]
fn a_bootstrap_step_that_fails_brings_back_what_was_with_its_own() {
    let Some((device, mut nucleus)) = device() else { return };
    let one = "Manifests:\n  - Platform: {os: linux}\n    Lifecycle:\n      bootstrap: {Script: \"echo one >> \
               {work:path}/boots\", BootstrapOnRollback: true}\n      run: \"cat {work:path}/boots; exec sleep 1000\"\n";
    device.recipe(NAME, "1.0.0", one);
    device.recipe(NAME, "2.0.0", &steps(&[("bootstrap", "echo two >> {work:path}/boots; exit 7")]));
    device.deploy(["--merge", "com.example.Native=1.0.0"]).expect_code(0);
    let rollback = ["--merge", "com.example.Native=2.0.0", "--failure-handling-policy", "ROLLBACK"];
    let outcome = device.deploy(rollback);
    let detail = &outcome.expect_code(1).answer()["deploymentStatusDetails"];
    assert_eq!(detail["detailedStatus"], "FAILED_ROLLBACK_COMPLETE");
    assert!(detail["failureCause"].as_str().unwrap().contains("code 7"), "{detail}");
    nucleus.wait_until_said(NAME, "two");
    let boots = fs::read_to_string(device.root().join("work").join(NAME).join("boots")).unwrap();
    assert_eq!(boots, "one\ntwo\none\n");
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
}

#[test]
fn a_bootstrap_step_restarts_the_device() {
    let Some((device, mut nucleus)) = device() else { return };
    nucleus.signal(Signal::TERM);
    nucleus.finish().expect_code(0);
    let recipe = steps(&[("bootstrap", "exit 101"), ("run", "echo up; exec sleep 1000")]);
    device.recipe(NAME, "1.0.0", &recipe);
    let rebooted = device.path("rebooted");
    let reboot = format!("touch {}", rebooted.display());
    nucleus = device.start_as(|command| {
        command.args(["--reboot-command", &reboot]);
    });
    device.queue(["--merge", "com.example.Native=1.0.0"]).expect_code(0);
    nucleus.finish().expect_code(101);
    assert!(rebooted.exists());
    let mut nucleus = device.start();
    nucleus.wait_until_said(NAME, "up");
}

#[test]
fn what_needs_a_broken_component_is_not_waited_for() {
    let Some((device, _nucleus)) = device() else { return };
    let needs =
        |name: &str| format!("ComponentDependencies: {{{name}: {{VersionRequirement: '*'}}}}\n");
    device.recipe("com.example.Bad", "1.0.0", &steps(&[("startup", "exit 3")]));
    let calm = steps(&[("run", "exec sleep 1000")]);
    device.recipe("com.example.Middle", "1.0.0", &(needs("com.example.Bad") + &calm));
    device.recipe(NAME, "1.0.0", &(needs("com.example.Middle") + &calm));
    let policy = ["--failure-handling-policy", "DO_NOTHING"];
    let merge = ["--merge", "com.example.Native=1.0.0"];
    let outcome = device.deploy(merge.into_iter().chain(policy));
    let answer = outcome.expect_code(1).answer();
    let cause = answer["deploymentStatusDetails"]["failureCause"].as_str().unwrap();
    assert!(cause.contains("com.example.Bad is broken") && cause.contains("code 3"), "{cause}");
    assert_eq!(device.processes(), 0);
}

/// How many cgroups a component has, in all trees.
fn cgroups(component: &str) -> usize {
    fn count(folder: &Path, name: &str) -> usize {
        let Ok(entries) = fs::read_dir(folder) else { return 0 };
        let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()));
        folders
            .map(|entry| usize::from(entry.file_name() == name) + count(&entry.path(), name))
            .sum()
    }
    count(Path::new("/sys/fs/cgroup"), component)
}

/// A component that wants more than it may have says so in these words. Another one goes on beside it,
/// the nucleus answers, and nothing is left when it is removed.
fn is_contained(what: &str, script: &str, limits: &str, words: &str) {
    let Some((device, mut nucleus)) = device() else { return };
    const CALM: &str = "com.example.Calm";
    // Cgroups of other tests have other names.
    let greedy = format!("com.example.{what}{}", std::process::id());
    device.recipe(CALM, "1.0.0", &steps(&[("run", "while :; do echo calm; sleep 0.1; done")]));
    device.recipe(&greedy, "1.0.0", &steps(&[("run", script)]));
    device.deploy(["--merge", "com.example.Calm=1.0.0"]).expect_code(0);
    let (merge, limits) = (format!("{greedy}=1.0.0"), format!(r#"{{"{greedy}": {limits}}}"#));
    let policy = ["--failure-handling-policy", "DO_NOTHING"];
    // It may be up or broken by the time that it is looked at.
    device.deploy(["--merge", &merge, "--system-limits", &limits].into_iter().chain(policy));
    nucleus.wait_until_said(&greedy, words);
    nucleus.wait_for("calm after that", |event| event.says(CALM, "calm"));
    let calm = format!("{CALM} 1.0.0 RUNNING");
    assert!(device.components().contains(&calm));

    device.deploy(["--remove", &greedy]).expect_code(0);
    assert_eq!(device.components(), [calm]);
    assert_eq!(cgroups(&greedy), 0);
    device.ask("component", ["stop", CALM]).expect_code(0);
    assert_eq!(device.processes(), 0);
}

#[test]
fn a_hungry_component_is_contained_while_others_go_on() {
    let hungry = "a=x; while :; do a=$a$a; done";
    is_contained("Hungry", hungry, r#"{"memory": 20480}"#, "ended for want of memory");
}

#[test]
fn a_fork_bomb_is_contained_while_others_go_on() {
    // The others on this machine shall notice as little of it as may be.
    let bomb = "f() { f | f & }; f & exec sleep 100000";
    is_contained("Bomb", bomb, r#"{"cpus": 0.3}"#, "annot fork");
}

#[test]
fn a_startup_script_leaves_its_daemon_running_until_it_is_stopped() {
    let Some((device, _nucleus)) = device() else { return };
    let startup = "setsid sleep 71078 >/dev/null 2>&1 & exit 0";
    device.recipe(NAME, "1.0.0", &steps(&[("startup", startup)]));
    device.deploy(["--merge", "com.example.Native=1.0.0"]).expect_code(0);
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
    assert_eq!(processes("sleep 71078"), 1);
    device.ask("component", ["stop", NAME]).expect_code(0);
    assert_eq!(processes("sleep 71078"), 0);
}

#[test]
fn an_archive_is_unpacked_for_the_user_that_the_component_runs_as() {
    let Some((device, mut nucleus)) = device() else { return };
    // A ZIP archive with one stored file, `say.sh`, made by `zip -0`.
    let archive = device.path("tools.zip");
    let script = b"echo unpacked as $(id -un)\n";
    fs::write(&archive, stored_zip("say.sh", script)).unwrap();
    device.artifact(NAME, "1.0.0", &archive);
    let mut recipe =
        steps(&[("run", "sh {artifacts:decompressedPath}/tools/say.sh; exec sleep 1000")]);
    recipe += "    Artifacts: [{URI: 's3://bucket/tools.zip', Unarchive: ZIP}]\n";
    device.recipe(NAME, "1.0.0", &recipe);
    device.deploy(["--merge", "com.example.Native=1.0.0"]).expect_code(0);
    nucleus.wait_until_said(NAME, "unpacked as nobody");

    // One that is not there is asked for in words that help.
    let mut recipe = steps(&[("run", "true")]);
    recipe += "    Artifacts: [{URI: 's3://bucket/missing.zip', Unarchive: ZIP}]\n";
    device.recipe(NAME, "2.0.0", &recipe);
    let outcome = device.deploy(["--merge", "com.example.Native=2.0.0"]);
    let answer = outcome.expect_code(1).answer();
    let cause = answer["deploymentStatusDetails"]["failureCause"].as_str().unwrap();
    assert!(cause.contains("missing.zip") && cause.contains("--artifact-dir"), "{cause}");
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
}

/// The checksum CRC-32, as archives and Greengrass IPC have it.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}

/// A ZIP archive of one file that is not compressed.
pub(crate) fn stored_zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    // Version, flags, method, time, date, CRC, both sizes, length of the name, no extra field.
    let mut facts = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
    facts.extend(crc32(bytes).to_le_bytes());
    facts.extend(length.iter().chain(&length));
    facts.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    facts.extend([0, 0]);
    let local = [b"PK\x03\x04".as_slice(), &facts, name.as_bytes(), bytes].concat();
    let mut central = [b"PK\x01\x02\x14\x00".as_slice(), &facts].concat();
    central.extend([0; 14]);
    central.extend(name.as_bytes());
    let mut end = b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00".to_vec();
    end.extend(u32::try_from(central.len()).unwrap().to_le_bytes());
    end.extend(u32::try_from(local.len()).unwrap().to_le_bytes());
    end.extend([0, 0]);
    [local, central, end].concat()
}
