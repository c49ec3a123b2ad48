//! Components that others have published, with their recipes as they are. The variable
//! `GG_TEST_RECIPES` names a folder with such recipes, in a folder for each repository; what they run
//! is made here, from what the recipes expect.

use crate::device::Device;
use crate::host::{DEADLINE, Host};
use crate::ipc::{Client, source};
use crate::native::stored_zip;
use gg_model::Recipe;
use rustix::process::geteuid;
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::time::Instant;

const GUIDE: &str = "awsdocs__aws-iot-greengrass-v2-developer-guide";
const LABS: &str = "awslabs__aws-greengrass-labs";
const LITE: &str = "aws-greengrass__aws-greengrass-lite";
const SDK: &str = "aws-greengrass__aws-greengrass-component-sdk";
const TEMPLATES: &str = "aws-greengrass__aws-greengrass-component-templates";
const TESTING: &str = "aws-greengrass__aws-greengrass-testing";

/// What the last of a script does that is not to end.
const STAYS: &str = "import time\nwhile True: time.sleep(1)\n";

/// Say that something is not tested, also where the tests' output is not shown.
fn skip(what: &str) {
    let _closed = writeln!(std::io::stderr(), "SKIPPED, NOTHING TESTED: {what}");
}

/// The recipe of a repository.
fn find(repository: &str, file: &str) -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let why = match env::var_os("GG_TEST_RECIPES") {
        _ if !geteuid().is_root() => "native components under test take root",
        None => "GG_TEST_RECIPES is not set; it names a folder with published recipes",
        Some(folder) => {
            let path = Path::new(&folder).join(repository).join(file);
            assert!(path.is_file(), "{} is not there", path.display());
            return Some(path);
        }
    };
    SAID.call_once(|| skip(&format!("published::, since {why}")));
    None
}

/// A published component, on a device of its own.
struct Published {
    device: Device,
    nucleus: Host,
    name: String,
    version: String,
    /// What the operator adds to its configuration.
    configuration: Value,
}

impl Published {
    /// One whose recipe is in this file.
    fn new(repository: &str, file: &str) -> Option<Self> {
        let path = find(repository, file)?;
        Some(Self::with(&file_name(&path), &fs::read_to_string(path).unwrap()))
    }

    /// One whose recipe is a template, filled in as the development kit does it.
    fn template(file: &str, name: &str) -> Option<Self> {
        let text = fs::read_to_string(find(TEMPLATES, file)?).unwrap();
        let filled = [("{COMPONENT_NAME}", name), ("{COMPONENT_VERSION}", "1.0.0")];
        let filled = filled.iter().fold(text, |text, (from, to)| text.replace(from, to));
        Some(Self::with("recipe.yaml", &filled))
    }

    fn with(file: &str, text: &str) -> Self {
        let recipe = Recipe::parse(text).unwrap();
        let device = Device::reachable();
        device.settings("runWithDefault: {posixUser: nobody}");
        fs::write(device.path("recipes").join(file), text).unwrap();
        // Some have a Python of their user alone, which a component cannot reach.
        let nucleus = device.start_with([("PATH", "/usr/bin:/bin")]);
        let (name, version) = (recipe.name.to_string(), recipe.version.to_string());
        Self { device, nucleus, name, version, configuration: json!({}) }
    }

    /// Put one more recipe of the same repository beside it.
    fn beside(&self, repository: &str, file: &str) {
        let path = find(repository, file).unwrap();
        fs::copy(&path, self.device.path("recipes").join(file_name(&path))).unwrap();
    }

    /// An artifact of it, where `--artifact-dir` has it.
    fn artifact(&self, file: &str, bytes: impl AsRef<[u8]>) {
        self.artifact_of(&self.version, file, bytes);
    }

    fn artifact_of(&self, version: &str, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.device.path("artifacts").join(&self.name).join(version).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Deploy it, and see it get to a state and say some things.
    fn deploy(&mut self, state: &str, says: &[&str]) {
        let id = format!("{}={}", self.name, self.version);
        let update = json!({&self.name: {"MERGE": self.configuration}}).to_string();
        self.device.deploy(["--merge", &id, "--update-config", &update]).expect_code(0);
        for words in says {
            self.nucleus.wait_until_said(&self.name, words);
        }
        // A script may go on for a moment after it has said its last word.
        let (begin, prefix) = (Instant::now(), format!("{} ", self.name));
        loop {
            let all = self.device.components();
            let stands = all.iter().find_map(|one| one.strip_prefix(&prefix));
            if stands == Some(&format!("{} {state}", self.version)) {
                break;
            }
            assert!(begin.elapsed() < DEADLINE && !all.concat().contains("BROKEN"), "{all:?}");
        }
        let running = self.device.processes() > 0;
        assert_eq!(running, state == "RUNNING", "processes of {}", self.name);
    }

    /// Remove it; nothing of it goes on.
    fn remove(self) {
        self.device.deploy(["--remove", &self.name]).expect_code(0);
        assert_eq!(self.device.components(), [] as [&str; 0]);
        assert_eq!(self.device.processes(), 0);
    }

    fn runs(mut self, state: &str, says: &[&str]) {
        self.deploy(state, says);
        self.remove();
    }

    /// It cannot be deployed; gives why.
    fn refused(&self) -> String {
        let id = format!("{}={}", self.name, self.version);
        let outcome = self.device.deploy(["--merge", &id]);
        let answer = outcome.expect_code(1).answer();
        let detail = &answer["deploymentStatusDetails"];
        assert_eq!(detail["detailedStatus"], "FAILED_NO_STATE_CHANGE", "{answer}");
        assert_eq!(self.device.components(), [] as [&str; 0]);
        detail["failureCause"].as_str().unwrap().to_owned()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// A Java archive with one class, where there is a compiler for it.
fn jar(class: &str, body: &str) -> Option<Vec<u8>> {
    let folder = crate::host::folder();
    let source = folder.path().join("Main.java");
    let (package, class) = class.rsplit_once('.').unwrap_or(("", class));
    let package_line =
        if package.is_empty() { String::new() } else { format!("package {package};") };
    let text = format!(
        "{package_line} class {class} {{ public static void main(String[] arguments) throws Exception {{ {body} }} }}"
    );
    fs::write(&source, text).unwrap();
    let classes = folder.path().join("classes");
    let archive = folder.path().join("it.jar");
    let whole = if package.is_empty() { class.to_owned() } else { format!("{package}.{class}") };
    let mut javac = Command::new("javac");
    let compiled = javac.arg("-d").arg(&classes).arg(&source).status();
    if compiled.is_err() {
        skip("published components in Java, since there is no javac");
        return None;
    }
    assert!(compiled.unwrap().success());
    let mut jar = Command::new("jar");
    jar.arg("--create").arg("--file").arg(&archive).args(["--main-class", &whole]);
    assert!(jar.arg("-C").arg(&classes).arg(".").status().unwrap().success());
    Some(fs::read(archive).unwrap())
}

#[test]
fn the_guides_hello_world_says_hello_in_either_notation() {
    for file in ["component-recipe-reference-1.json", "component-recipe-reference-2.yaml"] {
        let Some(one) = Published::new(GUIDE, file) else { return };
        one.artifact("hello_world.py", "import sys\nprint(f'Hello, {sys.argv[1]}!')\n");
        one.runs("FINISHED", &["Hello, world!"]);
    }
}

#[test]
fn a_dependency_that_nobody_has_is_named_and_one_that_is_there_comes_along() {
    let Some(mut one) = Published::new(GUIDE, "component-recipe-reference-5.json") else { return };
    for file in ["hello_world.py", "hello_world_linux.py"] {
        one.artifact(file, "print('hello')\n");
    }
    one.artifact("hello_world.zip", stored_zip("hello.txt", b"hello"));
    let cause = one.refused();
    assert!(cause.contains("BarService") || cause.contains("BazService"), "{cause}");

    let echo = "Manifests: [{Lifecycle: {run: echo here}}]\n";
    one.device.recipe("BarService", "1.2.0", echo);
    one.device.recipe("BazService", "2.1.0", echo);
    one.deploy("FINISHED", &[]);
    for name in ["BarService", "BazService"] {
        one.nucleus.wait_until_said(name, "here");
    }
    let unpacked =
        "packages/artifacts-unarchived/com.example.FooService/1.0.0/hello_world/hello.txt";
    if cfg!(target_arch = "x86_64") {
        assert_eq!(fs::read(one.device.root().join(unpacked)).unwrap(), b"hello");
    }
    one.remove();
}

#[test]
fn components_that_need_what_aws_alone_has_are_refused_by_its_name() {
    for (repository, file, needs) in [
        (GUIDE.to_owned(), "use-stream-manager-in-custom-components-1.json", "StreamManager"),
        (GUIDE.to_owned(), "run-docker-container-1.json", "DockerApplicationManager"),
        (format!("{LABS}-local-web-server"), "recipe.yaml", "SecretManager"),
        (format!("{LABS}-database-influxdb"), "recipe.yaml", "aws.greengrass."),
    ] {
        let Some(one) = Published::new(&repository, file) else { return };
        let cause = one.refused();
        assert!(cause.contains(needs) && cause.contains(&one.name), "{file}: {cause}");
    }
}

#[test]
fn hello_worlds_of_the_testing_framework_run() {
    let Some(one) =
        Published::new(TESTING, "aws-greengrass-testing-standalone__hello_world__recipe.yaml")
    else {
        return;
    };
    one.artifact("main.py", "import sys\nprint(f'Hello, {sys.argv[1]}!')\n");
    one.runs("FINISHED", &["Hello, world!"]);

    let file = format!("{CLOUD_COMPONENT}_multiplatform.yaml");
    Published::new(TESTING, &file).unwrap().runs("FINISHED", &["Hello World!"]);
}

/// The beginning of the names of its recipes for a component from the cloud.
const CLOUD_COMPONENT: &str = "aws-greengrass-testing-features__aws-greengrass-testing-features-\
    cloudcomponent__src__main__resources__greengrass__components__recipes__hello_world_recipe";

#[test]
fn a_component_in_java_is_brought_to_its_next_version() {
    let Some(mut one) = Published::new(TESTING, &format!("{CLOUD_COMPONENT}.yaml")) else { return };
    let Some(jar) =
        jar("Main", r#"System.out.println("Hello from " + System.getProperty("componentName"));"#)
    else {
        return;
    };
    let updated = CLOUD_COMPONENT.replace("world_recipe", "world_updated_recipe");
    one.beside(TESTING, &format!("{updated}.yaml"));
    let archive =
        stored_zip("aws-greengrass-testing-features-cloudcomponent/cloudcomponent.jar", &jar);
    for version in ["1.0.0", "1.0.1"] {
        one.artifact_of(version, "aws-greengrass-testing-features-cloudcomponent.zip", &archive);
    }
    one.deploy("FINISHED", &["Hello from HelloWorld"]);
    "1.0.1".clone_into(&mut one.version);
    one.deploy("FINISHED", &["Hello from HelloWorldUpdated"]);
    one.remove();
}

#[test]
fn benchmark_components_of_nucleus_lite_run() {
    for name in [
        "hello-world__com.example.HelloWorld",
        "ipc-publisher__com.example.IPCPublisher",
        "ipc-subscriber__com.example.IPCSubscriber",
    ] {
        let file = format!("benchmark__components__{name}-1.0.0.json");
        let Some(one) = Published::new(LITE, &file) else { return };
        let said = "print('token' if os.environ['SVCUID'] else 'none', flush=True)\n";
        one.artifact("src/main.py", format!("import os\n{said}{STAYS}"));
        one.runs("RUNNING", &["token"]);
    }
}

/// The recipes are as they were published. The code is not on this machine: these are scripts with the
/// same interface, arguments and all.
#[test]
fn components_with_awss_client_exchange_messages() {
    let name = "com.example.PythonLocalPubSub";
    let file = "templates__python__LocalPubSub__recipe.yaml";
    let Some(python) = Client::python() else { return };
    let Some(mut one) = Published::template(file, name) else { return };
    let script = fs::read(source("local_pubsub.py")).unwrap();
    one.artifact(&format!("{name}.zip"), stored_zip("main.py", &script));
    one.configuration = json!({"sandbox": {"environment": python.bring(&one.device)}});
    let received =
        "Received new message on topic /topic/local/pubsub: Hello from local pubsub topic";
    one.runs("FINISHED", &["Successfully published 10 message(s)", received]);

    // These two ask for no rights; an operator grants them.
    let (publisher, subscriber) = ("com.example.IPCPublisher", "com.example.IPCSubscriber");
    let file =
        |kind: &str, name: &str| format!("benchmark__components__ipc-{kind}__{name}-1.0.0.json");
    let mut one = Published::new(LITE, &file("subscriber", subscriber)).unwrap();
    one.beside(LITE, &file("publisher", publisher));
    let environment = python.bring(&one.device);
    let subscribed =
        ["local/sensor/data", "local/alerts/*"].map(|t| format!("Subscribed to IPC topic {t}"));
    for (name, script, operation, says) in [
        (
            subscriber,
            "sensor_subscriber.py",
            "SubscribeToTopic",
            subscribed.each_ref().map(String::as_str).to_vec(),
        ),
        (
            publisher,
            "sensor_publisher.py",
            "PublishToTopic",
            vec!["Published to IPC topic local/sensor/data"],
        ),
    ] {
        name.clone_into(&mut one.name);
        one.artifact("src/main.py", fs::read(source(script)).unwrap());
        let policy = json!({"operations": [format!("aws.greengrass#{operation}")], "resources": ["local/*"]});
        one.configuration = json!({
            "sandbox": {"environment": environment},
            "accessControl": {"aws.greengrass.ipc.pubsub": {"operator": policy}},
        });
        one.deploy("RUNNING", &says);
    }
    one.nucleus.wait_until_said(subscriber, "Processing sensor-reading of ipc-sensor-001");
}

#[test]
fn samples_of_the_component_sdk_run() {
    const ENDS: &str = "#!/bin/sh\necho \"$0\"\n";
    const STAYS: &str = "#!/bin/sh\necho \"$0\"\nexec sleep 100000\n";
    const DAEMON: &str = "#!/bin/sh\necho \"$0\"\nsleep 100000 >/dev/null 2>&1 &\n";
    for (file, artifact, script, state) in [
        ("samples__publish_to_topic.json", "sample_publish_to_topic", STAYS, "RUNNING"),
        ("cpp__samples__restart_component.json", "sample_cpp_restart_component", ENDS, "FINISHED"),
        (
            "cpp__samples__subscribe_to_config_update.json",
            "sample_cpp_subscribe_to_config_update",
            STAYS,
            "RUNNING",
        ),
        ("rust__examples__get_configuration.json", "get_configuration", ENDS, "FINISHED"),
        ("rust__examples__update_state.json", "update_state", DAEMON, "RUNNING"),
    ] {
        let Some(one) = Published::new(SDK, file) else { return };
        one.artifact(artifact, script);
        one.runs(state, &[artifact]);
    }
}

#[test]
fn components_of_the_labs_run() {
    let Some(one) = Published::new(
        &format!("{LABS}-modbus-tcp-protocol-adapter"),
        "samples__recipe__aws.greengrass.labs.ModbusTCP-1.0.1.yaml",
    ) else {
        return;
    };
    if let Some(jar) = jar("Main", r#"System.out.println("adapts"); Thread.sleep(100000000L);"#) {
        one.artifact("ModbusTCP-1.0.1.jar", jar);
        one.runs("RUNNING", &["adapts"]);
    }
    // It would install the package where it is not there.
    let there = Command::new("dpkg-query").args(["-W", "libffi-dev"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        return skip("published::libffi, since libffi-dev is not installed");
    }
    let libffi =
        Published::new(&format!("{LABS}-jupyterlab"), "recipes__aws.greengrass.labs.libffi.yaml");
    libffi.unwrap().runs("FINISHED", &["Checking for libffi-dev: install ok installed"]);
}

#[test]
fn templates_of_the_development_kit_run_when_they_are_filled_in() {
    let name = "com.example.PythonHelloWorld";
    let Some(one) = Published::template("templates__python__HelloWorld__recipe.yaml", name) else {
        return;
    };
    let script = b"import sys\nprint(f'Hello {sys.argv[1]}!')\n";
    one.artifact(&format!("{name}.zip"), stored_zip("main.py", script));
    one.runs("FINISHED", &["Hello World!"]);

    let name = "com.example.PythonLocalPubSub";
    let one = Published::template("templates__python__LocalPubSub__recipe.yaml", name).unwrap();
    let script = format!("import sys\nprint(sys.argv[1], flush=True)\n{STAYS}");
    one.artifact(&format!("{name}.zip"), stored_zip("main.py", script.as_bytes()));
    one.runs("RUNNING", &["/topic/local/pubsub"]);

    let Some(jar) = jar("com.hello.App", r#"System.out.println("Hello " + arguments[0]);"#) else {
        return;
    };
    let one = Published::template(
        "templates__java__HelloWorld__recipe.yaml",
        "com.example.JavaHelloWorld",
    )
    .unwrap();
    one.artifact("HelloWorld-1.0.0.jar", jar);
    one.runs("FINISHED", &["Hello World"]);
}
