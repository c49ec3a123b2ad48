//! Credentials by the token exchange, and secrets of AWS Secrets Manager: with moto for AWS, its SDK
//! for Python in a component, and a server of the one URL of AWS IoT that this takes.

mod token;

use crate::device::Device;
use crate::doors::ask::{Refusal, Secret, Which};
use crate::doors::{Answer, Ask, Door as _, Ipc, ME, deploy, grant};
use crate::engine::{Engine, IMAGE};
use crate::host::{Host, command, file, start};
use crate::ipc::Client;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A native component in Python.
const NAME: &str = "com.example.Python";

const SERVICE: &str = "aws.greengrass.SecretManager";

/// What nobody is to find where it does not belong.
const VALUES: [&str; 3] = ["hunter2-of-old", "hunter2-of-now", "hunter2-of-next"];

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/aws").join(name)
}

/// AWS, until it is dropped.
struct Cloud {
    child: Child,
    answers: BufReader<ChildStdout>,
    provider: String,
    aws: String,
}

impl Cloud {
    /// Start it; its certificates are put into the device's folder.
    fn start(device: &Device) -> Option<(Client, Self)> {
        let client = Client::python()?;
        let Ok(packages) = std::env::var("GG_AWS_PACKAGES") else {
            println!("SKIPPED, NOTHING TESTED: aws::, since GG_AWS_PACKAGES is not set");
            return None;
        };
        let folder = device.path("identity");
        fs::create_dir(&folder).unwrap();
        let mut command = Command::new(&client.interpreter);
        command
            .arg(script("cloud.py"))
            .arg(&folder)
            .env("PYTHONPATH", packages)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("HOME", device.path("none"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut cloud = Self { child, answers, provider: String::new(), aws: String::new() };
        let said = cloud.answer();
        let text = |key: &str| said[key].as_str().unwrap().to_owned();
        (cloud.provider, cloud.aws) = (text("provider"), text("aws"));
        Some((client, cloud))
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn ask(&mut self, ask: &Value) -> Value {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{ask}").unwrap();
        self.answer()
    }

    /// A new secret; gives its ARN.
    fn create(&mut self, name: &str, value: &str) -> String {
        self.ask(&json!(["create", name, value])).as_str().unwrap().to_owned()
    }

    /// Another version of it.
    fn put(&mut self, arn: &str, value: &str, stages: &[&str]) {
        self.ask(&json!(["put", arn, value, stages]));
    }

    /// The configuration of a device whose cloud this is.
    fn settings(&self, device: &Device, secrets: &Value) {
        let folder = device.path("identity");
        let path = |name: &str| folder.join(name);
        let settings = json!({
            "system": {
                "thingName": "thing",
                "certificateFilePath": path("thing.pem"),
                "privateKeyPath": path("thing.key"),
                "rootCaPath": path("ca.pem"),
            },
            "services": {
                "aws.greengrass.Nucleus": { "configuration": {
                    "awsRegion": "us-east-1",
                    "iotCredEndpoint": self.provider,
                    "iotRoleAlias": "alias",
                    "runWithDefault": { "posixUser": "nobody" },
                } },
                "aws.greengrass.SecretManager": { "configuration": {
                    "endpoint": self.aws,
                    "cloudSecrets": secrets,
                } },
            },
        });
        fs::create_dir_all(device.root()).unwrap();
        file(&device.root(), "config.yaml", settings.to_string());
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A script as a component, with what it is granted and depends on.
fn component(
    device: &Device,
    called: &str,
    python: &Client,
    setenv: &Value,
    run: &str,
    rest: &Value,
) {
    let name = run.split(' ').next().unwrap();
    device.artifact(called, "1.0.0", &script(name));
    let mut setenv = setenv.clone();
    setenv["PYTHONDONTWRITEBYTECODE"] = json!("1");
    let interpreter = &python.interpreter;
    let step = json!({
        "Script": format!("exec {interpreter} {{artifacts:path}}/{run}"),
        "Setenv": setenv,
    });
    let mut recipe = rest.clone();
    recipe["Manifests"] = json!([{
        "Platform": { "os": "linux" },
        "Lifecycle": { "run": step },
        "Artifacts": [{ "URI": format!("s3://bucket/{name}") }],
    }]);
    let members = recipe.as_object().unwrap().iter();
    let lines: String = members.map(|(key, value)| format!("{key}: {value}\n")).collect();
    device.recipe(called, "1.0.0", &lines);
}

#[test]
fn boto3_has_credentials_by_the_token_exchange() {
    let device = Device::reachable();
    let Some((client, mut cloud)) = Cloud::start(&device) else { return };
    let arn = cloud.create("api", VALUES[0]);
    cloud.settings(&device, &json!([]));
    let packages = std::env::var("GG_AWS_PACKAGES").unwrap();
    let copied = Command::new("cp").arg("-r").arg(packages).arg(device.path("packages")).status();
    assert!(copied.unwrap().success());
    let setenv = json!({ "PYTHONPATH": device.path("packages") });
    let run = format!("credentials.py {} {arn}", cloud.aws);
    let mut nucleus = device.start();

    // Who does not say that it wants them is told nothing of where they are.
    const LONE: &str = "com.example.Lone";
    component(&device, LONE, &client, &setenv, &run, &json!({}));
    let lone = device.deploy(["--merge", &format!("{LONE}=1.0.0")]);
    assert_eq!(lone.expect_code(1).answer()["status"], "FAILED");
    nucleus.wait_until_said(LONE, "KeyError: 'AWS_CONTAINER_CREDENTIALS_FULL_URI'");

    let dependencies = json!({ "ComponentDependencies": {
        "aws.greengrass.TokenExchangeService":
            { "VersionRequirement": "^2.0.0", "DependencyType": "HARD" },
    } });
    component(&device, NAME, &client, &setenv, &run, &dependencies);
    device.deploy(["--merge", &format!("{NAME}=1.0.0")]).expect_code(0);
    for line in [
        "asked 200",
        "other method 405",
        "other path 400",
        "no token 403",
        "wrong token 403",
        "signed as arn:aws:sts::123456789012:assumed-role/device/thing",
        "read api",
    ] {
        nucleus.wait_until_said(NAME, line);
    }
    assert_eq!(cloud.ask(&json!(["asked"])), 1, "they are kept");
}

fn current(me: &mut Ipc, refresh: bool) -> Answer {
    me.ask(Ask::Secret { name: "api".to_owned(), which: None, refresh })
}

fn value(answer: Answer) -> String {
    let Answer::Secret(Secret { value, .. }) = answer else { panic!("{answer:?}") };
    String::from_utf8(value).unwrap()
}

/// All that is in the root folder, was said, or is in the nucleus's environment or a component's,
/// but for the identity's files.
fn everything(device: &Device, nucleus: &Host) -> Vec<u8> {
    fn read(folder: &Path, all: &mut Vec<u8>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                read(&entry.path(), all);
            } else if kind.is_file() {
                all.extend(fs::read(entry.path()).unwrap_or_default());
            }
        }
    }
    let mut all = Vec::new();
    read(&device.root(), &mut all);
    nucleus.seen().iter().for_each(|event| all.extend(event.line.as_bytes()));
    all.extend(nucleus.environment());
    for component in device.environments() {
        all.extend(component);
    }
    all
}

fn holds(all: &[u8], text: &str) -> bool {
    all.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn secrets_of_the_cloud_are_fetched_rotated_and_there_without_it() {
    let device = Device::reachable();
    let Some((_client, mut cloud)) = Cloud::start(&device) else { return };
    let arn = cloud.create("api", VALUES[0]);
    let unwanted = cloud.create("unwanted", "x");
    cloud.put(&arn, VALUES[1], &["AWSCURRENT"]);
    cloud.settings(&device, &json!([{ "arn": arn, "labels": ["AWSPREVIOUS"] }]));
    let mut nucleus = device.start();
    let access = grant(SERVICE, &["GetSecretValue"], &["*"]);
    let configuration = json!({ "accessControl": access });
    let mut me: Ipc = deploy(&device, &mut nucleus, ME, configuration);
    assert_eq!(value(current(&mut me, false)), VALUES[1]);
    let which = |stage: &str| Some(Which::Stage(stage.to_owned()));
    let previous = Ask::Secret { name: arn.clone(), which: which("AWSPREVIOUS"), refresh: false };
    assert_eq!(value(me.ask(previous.clone())), VALUES[0]);
    for (name, which) in [(&arn, which("AWSPENDING")), (&unwanted, None)] {
        let ask = Ask::Secret { name: name.clone(), which, refresh: true };
        assert_eq!(me.ask(ask), Answer::Refused(Refusal::NotFound), "{name}");
    }

    // It is rotated in the middle.
    cloud.put(&arn, VALUES[2], &["AWSCURRENT"]);
    assert_eq!(value(current(&mut me, false)), VALUES[1], "nobody has asked the cloud");
    assert_eq!(value(current(&mut me, true)), VALUES[2]);
    assert_eq!(value(current(&mut me, false)), VALUES[2]);
    assert_eq!(value(me.ask(previous)), VALUES[1]);

    // The power goes, and the cloud is out of reach.
    drop(cloud);
    assert_eq!(value(current(&mut me, true)), VALUES[2], "the last good value");
    let all = everything(&device, &nucleus);
    nucleus.signal(rustix::process::Signal::KILL);
    assert!(holds(&all, &arn), "it is kept");
    for secret in VALUES {
        assert!(!holds(&all, secret), "{secret} is on disk or was said");
    }
    drop((me, nucleus));
    let mut nucleus = device.start();
    let mut me = Ipc::open((), &mut nucleus, ME);
    assert_eq!(value(current(&mut me, false)), VALUES[2]);
    drop((me, nucleus));

    // With another key of the device nothing of it can be opened.
    let key = device.path("identity").join("thing.key");
    fs::copy(device.path("identity").join("ca.key"), key).unwrap();
    let mut nucleus = device.start();
    let own = device.ask("logs", ["greengrass", "--level", "error"]);
    let lost = "sealed with another key of the device";
    assert_eq!(own.all(|event| event.says("greengrass", lost)).count(), 1, "{own}");
    let mut me = Ipc::open((), &mut nucleus, ME);
    assert_eq!(current(&mut me, false), Answer::Refused(Refusal::NotFound));
}

/// Another configuration of what this host stands for.
fn tell(device: &Device, component: &str, merge: &Value) {
    let update = json!({ component: { "MERGE": merge } }).to_string();
    device.deploy(["--update-config", &update]).expect_code(0);
}

#[test]
fn the_identity_and_what_is_wanted_may_change_while_it_runs() {
    let device = Device::reachable();
    let Some((_client, mut cloud)) = Cloud::start(&device) else { return };
    let arn = cloud.create("api", VALUES[0]);
    let other = cloud.create("other", VALUES[1]);
    cloud.settings(&device, &json!([{ "arn": arn }]));
    let mut nucleus = device.start();
    let mut access = grant(SERVICE, &["GetSecretValue"], &["*"]);
    const EXCHANGE: &str = "aws.greengrass.TokenExchangeService";
    let look = grant("gg.host.configuration", &["GetConfiguration"], &[EXCHANGE]);
    access.as_object_mut().unwrap().extend(look.as_object().unwrap().clone());
    let configuration = json!({ "accessControl": access });
    let mut me: Ipc = deploy(&device, &mut nucleus, ME, configuration);
    assert_eq!(value(current(&mut me, false)), VALUES[0]);

    // Where credentials are had is told in the configuration.
    let path = vec!["activePort".to_owned()];
    let ask = Ask::Get { component: Some(EXCHANGE.to_owned()), path };
    let Answer::Value(port) = me.ask(ask) else { panic!("no port") };
    let port = port.as_u64().and_then(|port| u16::try_from(port).ok()).unwrap();
    assert_eq!(exchange(port, "AAAAAAAAAAAAAAAA").0, 403);

    // Another secret is wanted, too, and then it alone.
    let secret = |name: &str| Ask::Secret { name: name.to_owned(), which: None, refresh: true };
    assert_eq!(me.ask(secret("other")), Answer::Refused(Refusal::NotFound));
    tell(&device, SERVICE, &json!({ "cloudSecrets": [{ "arn": arn }, { "arn": other }] }));
    assert_eq!(value(me.ask(secret("other"))), VALUES[1]);
    assert_eq!(value(current(&mut me, false)), VALUES[0]);
    tell(&device, SERVICE, &json!({ "cloudSecrets": [{ "arn": other }] }));
    assert_eq!(current(&mut me, true), Answer::Refused(Refusal::NotFound));

    // The device gets another certificate, with another key.
    let mut logs = command("logs");
    logs.args(["greengrass", "--follow", "--output", "json", "--root"]).arg(device.root());
    let mut logs = start(logs);
    cloud.ask(&json!(["renew"]));
    logs.wait_until_said("greengrass", "secrets are kept with the device's new key from now on");
    drop(logs);
    cloud.put(&other, VALUES[2], &["AWSCURRENT"]);
    assert_eq!(value(me.ask(secret("other"))), VALUES[2], "the new certificate is shown");
    drop(cloud);
    nucleus.signal(rustix::process::Signal::KILL);
    drop((me, nucleus));
    let mut nucleus = device.start();
    let mut me = Ipc::open((), &mut nucleus, ME);
    assert_eq!(value(me.ask(secret("other"))), VALUES[2], "the new key opens what the old one did");
}

/// A container has this machine's network where it may reach this machine, and credentials there.
#[test]
fn a_container_asks_for_credentials() {
    let Some(engine) = Engine::find("aws::a_container_asks_for_credentials") else { return };
    let device = Device::reachable();
    let Some((_client, cloud)) = Cloud::start(&device) else { return };
    cloud.settings(&device, &json!([]));
    let recipe = |network: &str| {
        format!(
            "ComponentDependencies: {{aws.greengrass.TokenExchangeService: {{VersionRequirement: ^2.0.0}}}}\n\
             ComponentConfiguration: {{DefaultConfiguration: {{sandbox: {{network: [{network}]}}}}}}\n\
             Manifests:\n  - Platform: {{runtime: docker}}\n    Lifecycle:\n      run: >-\n        \
             {IMAGE} sh -c 'wget -q -O credentials --header \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\"\n        \
             $AWS_CONTAINER_CREDENTIALS_FULL_URI; echo ended with $?; exec sleep 100000'\n"
        )
    };
    let mut nucleus = device.start_with([("DOCKER_HOST", engine.host.as_str())]);
    for (name, network, ended) in [
        ("com.example.Away", "", "ended with 1"),
        ("com.example.Outside", "'example.com:80'", "ended with 1"),
        ("com.example.Here", "localhost", "ended with 0"),
    ] {
        device.recipe(name, "1.0.0", &recipe(network));
        device.deploy(["--merge", &format!("{name}=1.0.0")]).expect_code(0);
        nucleus.wait_until_said(name, ended);
    }
    let file = device.root().join("work/com.example.Here/credentials");
    let credentials: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert!(credentials["AccessKeyId"].is_string());
}

#[test]
fn the_client_in_python_reads_secrets() {
    let Some(python) = Client::python() else { return };
    let device = Device::reachable();
    device.settings("runWithDefault: {posixUser: nobody}");
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-a1B2c3";
    let secrets = json!({ "secrets": [
        { "Name": "db", "ARN": arn, "SecretString": "hunter2", "VersionStages": ["AWSCURRENT", "live"] },
        { "Name": "other", "SecretString": "hidden" },
    ] });
    file(&device.root(), "secrets.yaml", secrets.to_string());
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(device.root().join("secrets.yaml"), mode).unwrap();
    let setenv = python.bring(&device);
    let access = grant(SERVICE, &["GetSecretValue"], &["arn:aws:secretsmanager:*:secret:db*"]);
    let rest = json!({
        "ComponentConfiguration": { "DefaultConfiguration": { "accessControl": access } },
    });
    component(&device, NAME, &python, &setenv, &format!("secret.py {arn}"), &rest);
    let mut nucleus = device.start();
    device.deploy(["--merge", &format!("{NAME}=1.0.0")]).expect_code(0);
    for line in [
        format!("{arn} is ['AWSCURRENT', 'live'] True 7"),
        "db is ['AWSCURRENT', 'live'] True 7".to_owned(),
        "live is ['AWSCURRENT', 'live'] True 7".to_owned(),
        "AWSPREVIOUS is ResourceNotFoundError".to_owned(),
        "none is ResourceNotFoundError".to_owned(),
        "b is ServiceError".to_owned(),
        "other is UnauthorizedError".to_owned(),
        " is ServiceError".to_owned(),
    ] {
        nucleus.wait_until_said(NAME, &line);
    }
}

/// What the token exchange answers to a component's token: the status, and the text.
fn exchange(port: u16, token: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let path = "/2016-11-01/credentialprovider/";
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn a_refusal_of_the_cloud_counts_for_a_while() {
    let device = Device::reachable();
    let Some((_client, mut cloud)) = Cloud::start(&device) else { return };
    cloud.settings(&device, &json!([]));
    let mut nucleus = device.start();
    let access = grant("aws.greengrass.TokenExchangeService", &["GetCredentials"], &["*"]);
    let me = "com.example.Asks";
    device.recipe(
        me,
        "1.0.0",
        &format!(
            "ComponentConfiguration: {}\nManifests: [{{Lifecycle: {{run: '{}'}}}}]\n",
            json!({ "DefaultConfiguration": { "accessControl": access } }),
            "echo at $AWS_CONTAINER_CREDENTIALS_FULL_URI; umask 077; \
             printf %s $AWS_CONTAINER_AUTHORIZATION_TOKEN > token; echo written; exec sleep 100000"
        ),
    );
    device.deploy(["--merge", &format!("{me}=1.0.0")]).expect_code(0);
    nucleus.wait_until_said(me, "written");
    let said = nucleus.seen().iter().find(|event| event.says(me, "at http://localhost:")).unwrap();
    let port = said.message().split(['/', ':']).nth(4).unwrap().parse().unwrap();
    let token = fs::read_to_string(device.root().join("work").join(me).join("token")).unwrap();

    assert_eq!(exchange(port, "AAAAAAAAAAAAAAAA").0, 403);
    cloud.ask(&json!(["refuse", 403]));
    let (status, text) = exchange(port, &token);
    assert_eq!(status, 403);
    assert!(text.contains("refused by the test"), "{text}");
    cloud.ask(&json!(["refuse", null]));
    assert_eq!(exchange(port, &token).0, 403, "the cloud is not asked again so soon");
    assert_eq!(cloud.ask(&json!(["asked"])), 1);

    // What is no request is not answered, and holds up nobody who asks.
    let silent: Vec<TcpStream> =
        (0..15).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    let mut long = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let _cut = long.write_all(format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20)).as_bytes());
    let mut answer = Vec::new();
    let _cut = long.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
    assert_eq!(exchange(port, &token).0, 403);
    drop(silent);

    // Who is out of reach may be asked again at once, and then gives them.
    drop(nucleus);
    let mut nucleus = device.start();
    nucleus.wait_until_said(me, "written");
    let said = nucleus.seen().iter().find(|event| event.says(me, "at http://localhost:")).unwrap();
    let port = said.message().split(['/', ':']).nth(4).unwrap().parse().unwrap();
    let token = fs::read_to_string(device.root().join("work").join(me).join("token")).unwrap();
    let (status, text) = exchange(port, &token);
    let credentials: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, 200);
    for key in ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"] {
        assert!(credentials[key].is_string(), "{key}");
    }
}
