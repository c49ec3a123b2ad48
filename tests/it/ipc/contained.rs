//! Components in containers, which reach the socket where it is mounted: this machine's Python with AWS's
//! client, in an image.

use super::{Client, NAME, access, expect, relay, source};
use crate::device::Device;
use crate::engine::Engine;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const IMAGE: &str = "gg-host-it/python:1";

/// Where the image has the packages and the scripts.
const PACKAGES: &str = "/packages";
const SCRIPTS: &str = "/scripts";

/// The engine, with the image.
fn engine(tests: &str, python: &Client) -> Option<Engine> {
    let engine = Engine::find(tests)?;
    let own = crate::host::folder();
    fs::create_dir(own.path().join("bin")).unwrap();
    fs::copy("/bin/busybox", own.path().join("bin/sh")).unwrap();
    for (from, to) in [(&python.packages, "packages"), (&source(""), "scripts")] {
        let copied = Command::new("cp").arg("-r").arg(from).arg(own.path().join(to)).status();
        assert!(copied.unwrap().success());
    }
    let ask = "import sys; print(sys.executable, *(p for p in sys.path if 'lib/' in p), sep='\\n')";
    let said = Command::new(&python.interpreter).args(["-I", "-S", "-c", ask]).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let mut places: BTreeSet<PathBuf> =
        said.lines().map(PathBuf::from).filter(|place| place.exists()).collect();
    // Some are in others.
    let all = places.clone();
    places.retain(|place| !place.ancestors().skip(1).any(|above| all.contains(above)));
    let mut programs: Vec<PathBuf> = vec![python.interpreter.clone().into()];
    for place in places.iter().chain([&python.packages]).filter(|place| place.is_dir()) {
        shared_objects(place, &mut programs);
    }
    let libraries = libraries(&programs);
    engine.import(IMAGE, |tar| {
        tar.args(["--dereference", "--hard-dereference"]);
        tar.args(["--exclude=*/test", "--exclude=*/dist-packages"]);
        tar.arg("-C").arg(own.path()).args(["bin", "packages", "scripts"]).args(["-C", "/"]);
        tar.args(places.iter().chain(&libraries).map(|path| path.strip_prefix("/").unwrap()));
    });
    Some(engine)
}

fn shared_objects(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            shared_objects(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "so") {
            found.push(path);
        }
    }
}

/// What programs load, as the loader says.
fn libraries(programs: &[PathBuf]) -> BTreeSet<PathBuf> {
    let output = Command::new("ldd").args(programs).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words = text.lines().filter(|line| line.contains("(0x")).flat_map(str::split_whitespace);
    words.filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

/// Deploy a component of these manifests beside the one that passes numbers on.
fn recipe(device: &Device, manifest: &str) {
    relay(device);
    let rights = access("[numbers, own, own/+]", "[relayed, own]");
    let rest = format!("ComponentConfiguration:\n  DefaultConfiguration: {rights}\n{manifest}");
    device.recipe(NAME, "1.0.0", &rest);
}

/// What the script says that exchanges messages.
const SAID: [&str; 5] = [
    "relayed {'by': 'version-A', 'number': 7} on relayed",
    "own b'bytes' on own",
    "closed",
    "UnauthorizedError another com.example.Python is not authorized to perform",
    "many True",
];

#[test]
fn a_component_in_a_container_exchanges_messages_with_one_in_the_sandbox() {
    let Some(python) = Client::python() else { return };
    let Some(engine) = engine("ipc::contained", &python) else { return };
    let device = Device::reachable();
    let manifest = format!(
        "Manifests:\n  - Platform: {{runtime: docker}}\n    Lifecycle:\n      run:\n        \
         Script: {IMAGE} {} {SCRIPTS}/pubsub_v2.py\n        \
         Setenv: {{PYTHONPATH: {PACKAGES}}}\n",
        python.interpreter
    );
    recipe(&device, &manifest);
    let mut nucleus = device.start_with([("DOCKER_HOST", engine.host.as_str())]);
    let merge = format!("com.example.Relay=1.0.0,{NAME}=1.0.0");
    device.deploy(["--merge", &merge]).expect_code(0);
    expect(&mut nucleus, &SAID);
    device.deploy(["--remove", NAME]).expect_code(0);
    assert_eq!(engine.containers("com.example.Python"), 0);
}

#[test]
fn a_native_component_hands_the_socket_and_its_token_to_a_container_of_its_own() {
    let Some(python) = Client::python() else { return };
    let Some(engine) = engine("ipc::contained", &python) else { return };
    let device = super::native_device();
    // As published recipes have it.
    let socket = "$AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT";
    let name = format!("gg-host-it-{}", std::process::id());
    let script = format!(
        "exec docker run --rm --init --network none --name {name} -v \"{socket}:{socket}\" -e SVCUID \
         -e AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT -e PYTHONPATH={PACKAGES} {IMAGE} {} \
         {SCRIPTS}/pubsub_v2.py",
        python.interpreter
    );
    let lifecycle = json!({"run": {"Script": script, "RequiresPrivilege": true}});
    let manifest = format!("Manifests:\n  - Platform: {{os: linux}}\n    Lifecycle: {lifecycle}\n");
    recipe(&device, &manifest);
    let mut nucleus = device.start();
    let merge = format!("com.example.Relay=1.0.0,{NAME}=1.0.0");
    let environment =
        json!({NAME: {"MERGE": {"sandbox": {"environment": {"DOCKER_HOST": engine.host}}}}});
    let environment = environment.to_string();
    device.deploy(["--merge", &merge, "--update-config", &environment]).expect_code(0);
    expect(&mut nucleus, &SAID);
    // Its client of the engine passes on what it is asked, and the container ends.
    device.deploy(["--remove", NAME]).expect_code(0);
    assert_eq!(engine.containers(&name), 0);
}
