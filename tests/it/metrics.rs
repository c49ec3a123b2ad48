//! What is measured of a device, and who is told: `gg-host top`, Prometheus, OpenTelemetry.

use crate::host::{Device, Host, command, start};
use rustix::process::geteuid;
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Stdio};

const SENSOR: &str = "com.example.Sensor";
const FILTER: &str = "com.example.FilterRs";
const NATIVE: &str = "com.example.Native";

/// A device with a sensor, and a filter that hears it.
fn device() -> (Device, Host) {
    let device = Device::reachable();
    device.sample("sensor", SENSOR);
    device.sample("filter-rs", FILTER);
    let mut nucleus = device.start();
    let merge = format!("{SENSOR}=1.0.0,{FILTER}=1.0.0");
    device.deploy(["--merge", &merge]).expect_code(0);
    nucleus.wait_until_said(FILTER, "too hot");
    (device, nucleus)
}

/// A native component that writes down a number again and again; it takes root.
fn native(device: &Device) -> bool {
    if !geteuid().is_root() {
        println!("skipped: native components of a nucleus that is not root have no cgroups");
        return false;
    }
    let recipe = "Manifests:\n  - Platform: {os: linux}\n    Lifecycle:\n      run: \
                  {RequiresPrivilege: true, Script: 'while :; do echo working; sleep 0.05; done'}\n";
    device.recipe(NATIVE, "1.0.0", recipe);
    device.deploy(["--merge", "com.example.Native=1.0.0"]).expect_code(0);
    true
}

/// One component of an answer.
fn component<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let all = answer["components"].as_array().unwrap();
    all.iter().find(|one| one["componentName"] == name).unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn top_shows_what_components_do_and_use() {
    let (device, mut nucleus) = device();
    let native = native(&device);
    if native {
        nucleus.wait_until_said(NATIVE, "working");
    }
    let outcome = device.ask("top", ["--once", "--interval", "300ms"]);
    let answer = outcome.expect_code(0).answer();
    let sensor = component(answer, SENSOR);
    assert_eq!(sensor["runtime"], "wasm", "{answer}");
    assert_eq!(sensor["state"], "RUNNING");
    assert!(sensor["memoryBytes"].as_u64().unwrap() >= 64 << 10, "{sensor}");
    assert!(sensor["cpuPercent"].as_f64().unwrap() < 100.0, "{sensor}");
    assert!(component(answer, FILTER)["messagesPerSecond"].is_number(), "{answer}");
    assert!(answer["nucleus"]["memoryBytes"].as_u64().unwrap() > 1 << 20, "{answer}");
    assert!(answer["nucleus"]["storeCommits"].as_u64().unwrap() > 0, "{answer}");
    let deployments = &answer["nucleus"]["deployments"];
    assert_eq!(deployments["succeeded"], u64::from(native) + 1, "{answer}");
    if native {
        let native = component(answer, NATIVE);
        assert_eq!(native["runtime"], "native");
        assert!(native["memoryBytes"].as_u64().unwrap() > 0, "{native}");
        assert!(native["cpuPercent"].as_f64().unwrap() >= 0.0, "{native}");
    }
    // A table where there is no terminal, and with JSON a line a look.
    let mut text = command("top");
    text.args(["--sort", "name", "--interval", "100ms", "--root"]).arg(device.root());
    let outcome = crate::host::finish(text);
    outcome.expect_code(0);
    let names: Vec<&str> =
        outcome.events.iter().skip(2).map(|event| event.line.split(' ').next().unwrap()).collect();
    assert_eq!(names[..2], [FILTER, if native { NATIVE } else { SENSOR }], "{outcome}");
    let mut json = command("top");
    json.args(["--output", "json", "--interval", "100ms", "--root"]).arg(device.root());
    let mut live = start(json);
    for _ in 0..2 {
        live.wait_for("a look", |event| event.json["components"].is_array());
    }
}

#[test]
fn top_takes_keys_and_gives_the_terminal_back() {
    let (device, _nucleus) = device();
    // A terminal of its own, by the program that records what is said in one.
    let program = env!("CARGO_BIN_EXE_gg-host");
    let root = device.root();
    let line = format!(
        "stty -a | grep -o '.icanon' ; {program} top --interval 100ms --root {}; \
         echo code $?; stty -a | grep -o '.icanon'",
        root.display()
    );
    let mut script = Command::new("script");
    script.args(["--quiet", "--flush", "--command", &line, "/dev/null"]);
    let child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("skipped: there is no program `script`");
        return;
    };
    let mut keys = child.stdin.take().unwrap();
    let mut screen = Screen { output: child.stdout.take().unwrap(), text: String::new(), seen: 0 };
    screen.wait_until("CPU%*");
    screen.wait_until(SENSOR);
    keys.write_all(b"s").unwrap();
    screen.wait_until("MEMORY*");
    keys.write_all(b"q").unwrap();
    screen.wait_until("code 0");
    assert!(screen.text.contains("\x1b[?25h\x1b[?1049l"), "the cursor and the screen are back");
    screen.wait_until(" icanon");
    drop(keys);
    child.wait().unwrap();
}

/// What a terminal shows.
struct Screen {
    output: std::process::ChildStdout,
    text: String,
    /// So much of it was waited for.
    seen: usize,
}

impl Screen {
    fn wait_until(&mut self, shown: &str) {
        loop {
            if let Some(place) = self.text[self.seen..].find(shown) {
                self.seen += place + shown.len();
                return;
            }
            let mut some = [0; 1024];
            let count = std::io::Read::read(&mut self.output, &mut some).unwrap();
            assert!(count > 0, "never {shown:?} after {:?}", self.text);
            self.text.push_str(&String::from_utf8_lossy(&some[..count]));
        }
    }
}

#[test]
fn a_component_is_paused_and_resumed() {
    let (device, mut nucleus) = device();
    let refused = device.ask("component", ["pause", SENSOR]);
    refused
        .expect_code(1)
        .expect_error("components in the sandbox (runtime: wasm) cannot be paused");
    device.ask("component", ["resume", FILTER]).expect_code(1).expect_error("it is not paused");
    if !native(&device) {
        return;
    }
    nucleus.wait_until_said(NATIVE, "working");
    let state = |device: &Device| {
        let outcome = device.ask("component", ["show", NATIVE]);
        let answer = outcome.expect_code(0).answer();
        (answer["state"].as_str().unwrap().to_owned(), answer["paused"] == true)
    };
    device.ask("component", ["pause", NATIVE]).expect_code(0);
    assert_eq!(state(&device), ("RUNNING".to_owned(), true));
    device.ask("component", ["pause", NATIVE]).expect_code(1).expect_error("it is paused already");
    let figures = device.ask("top", ["--once", "--interval", "200ms"]);
    let paused = component(figures.expect_code(0).answer(), NATIVE).clone();
    assert_eq!((&paused["paused"], &paused["cpuPercent"]), (&true.into(), &0.0.into()));

    device.ask("component", ["resume", NATIVE]).expect_code(0);
    assert_eq!(state(&device), ("RUNNING".to_owned(), false));
    nucleus.wait_for("it works on", |event| event.says(NATIVE, "working"));
    // One that is paused can be stopped, and started again.
    device.ask("component", ["pause", NATIVE]).expect_code(0);
    device.ask("component", ["restart", NATIVE]).expect_code(0);
    assert_eq!(state(&device), ("RUNNING".to_owned(), false));
    device.ask("component", ["pause", NATIVE]).expect_code(0);
    device.ask("component", ["stop", NATIVE]).expect_code(0);
    assert_eq!(state(&device), ("FINISHED".to_owned(), false));
    device.ask("component", ["pause", NATIVE]).expect_code(1).expect_error("it is not running");
}
