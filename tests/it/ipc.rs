//! Components that speak Greengrass IPC: native ones and containers, with AWS's own clients, and byte by
//! byte.

mod cloud;
mod contained;
mod hostile;
mod installs;
mod javascript;
mod raw;
mod small;
mod updates;

use crate::device::Device;
use crate::host::{Host, guest};
use rustix::process::geteuid;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "com.example.Python";
const RELAY: &str = "com.example.Relay";

/// What runs the scripts of the tests, and AWS's client for it. Native components run as another user
/// than root, which takes root.
pub(crate) struct Client {
    pub(crate) interpreter: String,
    packages: PathBuf,
    /// The variable that tells the interpreter where the packages are.
    variable: &'static str,
}

impl Client {
    /// The AWS IoT Device SDK for Python.
    pub(crate) fn python() -> Option<Self> {
        Self::find(["GG_IPC_PYTHON", "GG_IPC_PACKAGES"], "PYTHONPATH")
    }

    /// The AWS IoT Device SDK for JavaScript.
    fn javascript() -> Option<Self> {
        Self::find(["GG_IPC_NODE", "GG_IPC_NODE_MODULES"], "NODE_PATH")
    }

    fn find(places: [&str; 2], variable: &'static str) -> Option<Self> {
        let [interpreter, packages] = places.map(std::env::var);
        let (Ok(interpreter), Ok(packages)) = (interpreter, packages) else {
            println!("SKIPPED, NOTHING TESTED: ipc::, since {} is not set", places[0]);
            return None;
        };
        is_root().then(|| Self { interpreter, packages: packages.into(), variable })
    }

    /// A device whose components may read the packages.
    fn device(&self) -> Device {
        let device = native_device();
        self.bring(&device);
        device
    }

    /// Put the packages where every user can read them; gives the variables by which they are found.
    pub(crate) fn bring(&self, device: &Device) -> serde_json::Value {
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(&self.packages).arg(device.path("packages"));
        assert!(copy.status().unwrap().success());
        json!({self.variable: device.path("packages")})
    }

    /// A script as a component, with this configuration.
    fn component(&self, device: &Device, name: &str, script: &str, configuration: &str) {
        self.step(device, name, "run", script, configuration);
    }

    /// A device with the relay and a script as a component, deployed.
    fn beside_relay(&self, name: &str, script: &str, configuration: &str) -> (Device, Host) {
        let device = self.device();
        relay(&device);
        self.component(&device, name, script, configuration);
        let nucleus = device.start();
        let merge = format!("{RELAY}=1.0.0,{name}=1.0.0");
        device.deploy(["--merge", &merge]).expect_code(0);
        (device, nucleus)
    }

    /// A script as a component, as this step; after the script's name there may be arguments.
    fn step(&self, device: &Device, name: &str, step: &str, script: &str, configuration: &str) {
        let (script, arguments) = script.split_once(' ').unwrap_or((script, ""));
        device.artifact(name, "1.0.0", &source(script));
        let Self { interpreter, variable, .. } = self;
        let packages = device.path("packages");
        let packages = packages.display();
        device.recipe(
            name,
            "1.0.0",
            &format!(
                "ComponentConfiguration:\n  DefaultConfiguration: {configuration}\n\
                 Manifests:\n  - Platform: {{os: linux}}\n    Lifecycle:\n      {step}:\n        \
                 Script: 'exec {interpreter} {{artifacts:path}}/{script} {arguments}'\n        \
                 Setenv: {{{variable}: '{packages}', PYTHONDONTWRITEBYTECODE: '1'}}\n    \
                 Artifacts: [{{URI: 's3://bucket/{script}'}}]\n"
            ),
        );
    }
}

fn is_root() -> bool {
    let root = geteuid().is_root();
    if !root {
        println!("SKIPPED, NOTHING TESTED: ipc::, since this is not root");
    }
    root
}

/// A device whose native components run as a user without rights.
fn native_device() -> Device {
    let device = Device::reachable();
    device.settings("runWithDefault: {posixUser: nobody}");
    device
}

/// What a component of the tests is made of.
pub(crate) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ipc").join(name)
}

/// Rights in the words of a recipe: publish to these topics, subscribe to those.
fn access(publish: &str, subscribe: &str) -> String {
    format!(
        "{{accessControl: {{aws.greengrass.ipc.pubsub: {{\
         'p:1': {{operations: ['aws.greengrass#PublishToTopic'], resources: {publish}}}, \
         'p:2': {{operations: ['aws.greengrass#SubscribeToTopic'], resources: {subscribe}}}}}}}}}"
    )
}

/// A wasm component that passes numbers on, and may do no more than that.
fn relay(device: &Device) {
    device.artifact(RELAY, "1.0.0", &guest("relay-handler"));
    let rights = access("[relayed]", "[numbers]");
    let rights = rights.trim_start_matches('{');
    device.recipe(
        RELAY,
        "1.0.0",
        &format!(
            "ComponentConfiguration:\n  DefaultConfiguration: {{subscriptions: [numbers], {rights}\n\
             Manifests:\n  - Platform: {{runtime: wasm}}\n    Lifecycle: \
             {{run: '{{artifacts:path}}/relay-handler.wasm'}}\n    \
             Artifacts: [{{URI: 'file:relay-handler.wasm'}}]\n"
        ),
    );
}

fn expect(nucleus: &mut Host, lines: &[&str]) {
    expect_of(nucleus, NAME, lines);
}

fn expect_of(nucleus: &mut Host, name: &str, lines: &[&str]) {
    for line in lines {
        nucleus.wait_until_said(name, line);
    }
}

#[test]
fn a_wasm_and_a_native_component_exchange_messages_under_the_same_policy() {
    let Some(python) = Client::python() else { return };
    let rights = access("[numbers, own, own/+]", "[relayed, own]");
    let (device, mut nucleus) = python.beside_relay(NAME, "pubsub_v2.py", &rights);
    expect(
        &mut nucleus,
        &[
            "relayed {'by': 'version-A', 'number': 7} on relayed",
            "own {'text': 'grüße', 'list': [1, None]}",
            "own b'bytes' on own",
            "closed",
            "UnauthorizedError another com.example.Python is not authorized to perform",
            "UnauthorizedError #",
            "InvalidArgumentsError own/+",
            "many True",
        ],
    );
    // It ends when it is asked to, whatever its connection does.
    device.ask("component", ["stop", NAME]).expect_code(0);
}

#[test]
fn the_first_client_of_the_sdk_is_served_as_well() {
    let Some(python) = Client::python() else { return };
    let rights = access("[numbers, own]", "[relayed, own]");
    let (_device, mut nucleus) = python.beside_relay(NAME, "pubsub_v1.py", &rights);
    expect(
        &mut nucleus,
        &[
            "relayed {'by': 'version-A', 'number': 8}",
            "own {'a': 1}",
            "closed",
            "UnauthorizedError com.example.Python is not authorized to perform \
             aws.greengrass#PublishToTopic",
            "UnauthorizedError com.example.Python is not authorized to perform \
             aws.greengrass#SubscribeToTopic",
        ],
    );
}

#[test]
fn configuration_is_read_changed_watched_and_agreed_to() {
    let Some(python) = Client::python() else { return };
    let configuration = "{Mode: calm, nested: {leaf: 1.5, list: [1]}}";
    let (device, mut nucleus) = python.beside_relay(NAME, "configuration.py", configuration);
    expect(
        &mut nucleus,
        &[
            "v1 all {'Mode': 'calm', 'nested': {'leaf': 1.5, 'list': [1]}}",
            "v2 leaf {'Mode': 'calm'} of com.example.Python",
            "v2 container {'leaf': 1.5, 'list': [1]}",
            "v2 missing ResourceNotFoundError",
            "v2 another's UnauthorizedError",
            "v2 protected InvalidArgumentsError",
            "v2 changed com.example.Python ['nested', 'new', 'a']",
            "v1 changed {'new': {'a': None}}",
            "v2 old FailedUpdateConditionCheckError",
            "ready",
        ],
    );
    let update = |mode: &str| {
        let update = format!("{{\"{NAME}\": {{\"MERGE\": {{\"Mode\": \"{mode}\"}}}}}}");
        device.deploy(["--update-config", &update])
    };
    let outcome = update("wild");
    let answer = outcome.expect_code(1).answer();
    let detail = &answer["deploymentStatusDetails"];
    assert_eq!(detail["detailedStatus"], "FAILED_NO_STATE_CHANGE", "{answer}");
    let cause = detail["failureCause"].as_str().unwrap();
    assert!(cause.contains("too wild for me"), "{cause}");
    update("busy").expect_code(0);
    expect(&mut nucleus, &["v2 changed com.example.Python ['Mode']"]);
}

#[test]
fn shadows_are_read_changed_listed_deleted_and_told_of() {
    let Some(python) = Client::python() else { return };
    let shadows = "{accessControl: {aws.greengrass.ShadowManager: {\
         'p:3': {operations: ['*'], resources: \
         ['$aws/things/Lamp/shadow/name/light', '$aws/things/Many/shadow/name/*', Many]}}, ";
    let topic = "$aws/things/Lamp/shadow/name/light";
    let rights = access(&format!("['{topic}/get']"), &format!("['{topic}/*']"));
    let rights = rights.replacen("{accessControl: {", shadows, 1);
    let device = python.device();
    python.component(&device, NAME, "shadows.py", &rights);
    let mut nucleus = device.start();
    device.deploy(["--merge", &format!("{NAME}=1.0.0")]).expect_code(0);
    expect(
        &mut nucleus,
        &[
            "get UnauthorizedError com.example.Python is not authorized to perform \
             aws.greengrass#GetThingShadow",
            "update UnauthorizedError",
            "delete UnauthorizedError",
            "list UnauthorizedError",
            "none yet ResourceNotFoundError No shadow exists with name: light",
            "accepted 1 {'desired': {'on': True}} mine",
            "delta {'on': True}",
            "v1 1 {'delta': {'on': True}, 'desired': {'on': True}}",
            "old ConflictError Version conflict",
            "no state InvalidArgumentsError Missing required node: state",
            "no name InvalidArgumentsError",
            "names ['a', 'b'] ['c'] None True",
            "page InvalidArgumentsError",
            "answered by message",
            "deleted b''",
            "gone ResourceNotFoundError",
            "too many {'Too Many Requests'} True",
        ],
    );
}

#[test]
fn other_components_are_looked_at_paused_restarted_stopped_and_deployed() {
    let Some(python) = Client::python() else { return };
    let device = python.device();
    let ticker = "ComponentConfiguration:\n  DefaultConfiguration: {pace: 1}\n\
         Manifests:\n  - Platform: {os: linux}\n    Lifecycle: {run: 'echo ticks; exec sleep 1000'}\n";
    for version in ["1.0.0", "2.0.0"] {
        device.recipe("com.example.Ticker", version, ticker);
    }
    let rights = "{accessControl: {\
         aws.greengrass.Cli: {'p:1': {operations: ['*'], resources: ['*']}}, \
         aws.greengrass.ipc.lifecycle: {'p:2': {operations: ['*'], resources: ['*']}}}}";
    let (recipes, artifacts) = (device.path("recipes"), device.path("artifacts"));
    let script = format!("lifecycle.py {} {}", recipes.display(), artifacts.display());
    python.component(&device, NAME, &script, rights);
    let mut nucleus = device.start();
    let merge = format!("com.example.Ticker=1.0.0,{NAME}=1.0.0");
    device.deploy(["--merge", &merge]).expect_code(0);
    expect(
        &mut nucleus,
        &[
            "components [('aws.greengrass.Nucleus', '2.14.0', 'FINISHED'), \
             ('com.example.Python', '1.0.0', 'RUNNING'), \
             ('com.example.Ticker', '1.0.0', 'RUNNING')]",
            "details com.example.Ticker 1.0.0 RUNNING {'pace': 1}",
            "nobody ResourceNotFoundError",
            "not running InvalidArgumentsError",
            "paused",
            "resumed",
            "restart SUCCEEDED",
            "stop SUCCEEDED",
            "state FINISHED",
            "deployment SUCCEEDED",
            "detail SUCCESSFUL UTC",
            "listed True",
            "version 2.0.0",
            "cancel True",
            "nonsense InvalidArgumentsError",
            "unknown ResourceNotFoundError",
            "relative InvalidRecipeDirectoryPathError",
            "state reported",
            "defer ServiceError Time limit",
            "token UnauthorizedError",
            "cloud UnauthorizedError com.example.Python is not authorized to perform aws.greengrass#PublishToIoTCore",
            "secret UnauthorizedError",
            "debug debug 24 None",
            "done",
        ],
    );
}

#[test]
fn a_component_that_says_that_it_is_up_is_up() {
    let Some(python) = Client::python() else { return };
    let device = python.device();
    python.step(&device, NAME, "startup", "startup.py", "{}");
    let mut nucleus = device.start();
    let merge = format!("{NAME}=1.0.0");
    device.deploy(["--merge", &merge]).expect_code(0);
    expect(&mut nucleus, &["said so"]);
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
}

#[test]
fn a_root_folder_too_deep_for_a_socket_will_do() {
    let Some(python) = Client::python() else { return };
    let device = python.device();
    // All of it, with the folder that is there in its place.
    let deep = device.path(&"deep".repeat(30));
    fs::rename(device.root(), &deep).unwrap();
    std::os::unix::fs::symlink(&deep, device.root()).unwrap();
    python.component(&device, NAME, "startup.py", "{}");
    let mut nucleus = device.start();
    let merge = format!("{NAME}=1.0.0");
    device.deploy(["--merge", &merge]).expect_code(0);
    expect(&mut nucleus, &["said so"]);
}

#[test]
fn the_client_is_let_in_as_the_command_line_is() {
    let Some(python) = Client::python() else { return };
    let device = python.device();
    device.recipe(
        "com.example.Ticker",
        "1.0.0",
        "Manifests:\n  - Platform: {os: linux}\n    Lifecycle: {run: 'exec sleep 1000'}\n",
    );
    let _nucleus = device.start();
    device.deploy(["--merge", "com.example.Ticker=1.0.0"]).expect_code(0);
    let mut script = Command::new(&python.interpreter);
    script
        .arg(source("command_line.py"))
        .arg(device.root().join("cli_ipc_info/user-0"))
        .env(python.variable, &python.packages)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = script.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = "components [('aws.greengrass.Nucleus', 'FINISHED'), \
                    ('com.example.Ticker', 'RUNNING')]\nrestart SUCCEEDED\n\
                    configuration ResourceNotFoundError\n";
    assert_eq!(said, expected, "{}", String::from_utf8_lossy(&output.stderr));
}
