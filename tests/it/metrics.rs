//! What is measured of a device, and who is told: `gg-host top`, Prometheus, OpenTelemetry.

use crate::device::Device;
use crate::doors::{Ipc, deploy, grant};
use crate::host::{Host, command, finish, start};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gg_ipc::operation::call;
use gg_ipc::shapes::{
    CreateDebugPasswordRequest, Metric, MetricUnitType, PutComponentMetricRequest,
};
use rustix::process::geteuid;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};

const SENSOR: &str = "com.example.Sensor";
const FILTER: &str = "com.example.FilterRs";
const NATIVE: &str = "com.example.Native";

/// A device with a sensor, and a filter that hears it.
fn device() -> (Device, Host) {
    device_with("")
}

/// The same, with a configuration of the nucleus.
fn device_with(configuration: &str) -> (Device, Host) {
    let device = Device::reachable();
    device.settings(configuration);
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
    let outcome = finish(text);
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
            let count = self.output.read(&mut some).unwrap();
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

/// Where a nucleus says that Prometheus may ask.
fn address(nucleus: &mut Host) -> SocketAddr {
    let words = "Prometheus may ask http://";
    nucleus.wait_until_said("aws.greengrass.Nucleus", words);
    let said = nucleus.seen().iter().find(|event| event.message().contains(words)).unwrap();
    let rest = said.message().strip_prefix(words).unwrap();
    rest.strip_suffix("/metrics").unwrap().parse().unwrap()
}

/// Send bytes, and read to the end what comes back.
fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // Who is refused may be hung up on while it still speaks.
    let _refused = stream.write_all(request);
    let mut answer = Vec::new();
    let _refused = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

/// What Prometheus gets: the header and the text.
fn scrape(address: SocketAddr, accept: &str) -> (String, String) {
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\n\r\n");
    let answer = exchange(address, request.as_bytes());
    let (header, text) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    assert!(header.starts_with("HTTP/1.1 200 "), "{header}");
    (header.to_ascii_lowercase(), text.to_owned())
}

/// A sample of the text format.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

/// Read the text format strictly: <https://prometheus.io/docs/instrumenting/exposition_formats>.
fn parse(text: &str) -> Vec<Sample> {
    let is_name = |name: &str| {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_numeric())
    };
    let (mut samples, mut families, mut seen) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let (mut helped, mut typed) = (String::new(), String::new());
    assert!(text.ends_with('\n'), "the last line ends");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            helped = rest.split_once(' ').unwrap().0.to_owned();
            assert!(families.insert(helped.clone()), "a family is in one piece: {line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(name == helped && ["counter", "gauge"].contains(&kind), "{line}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            name.clone_into(&mut typed);
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, rest) = series.split_once('{').unwrap_or((series, "}"));
            assert!(is_name(name) && name == typed, "{line}");
            assert!(seen.insert(series.to_owned()), "a sample comes once: {line}");
            let mut labels = Vec::new();
            let mut rest = rest;
            while rest != "}" {
                let (label, value) = rest.split_once("=\"").unwrap();
                assert!(is_name(label), "{line}");
                let mut end = 0;
                while !value[end..].starts_with('"') {
                    end += if value[end..].starts_with('\\') { 2 } else { 1 };
                }
                labels.push((label.to_owned(), value[..end].to_owned()));
                rest = value[end + 1..].trim_start_matches(',');
            }
            samples.push(Sample { name: name.to_owned(), labels, value: value.parse().unwrap() });
        }
    }
    samples
}

/// The number of a name and a component.
fn number(samples: &[Sample], name: &str, component: &str) -> f64 {
    let of = |sample: &&Sample| {
        sample.name == name
            && sample.labels.iter().any(|(key, value)| key == "component" && value == component)
    };
    let mut found = samples.iter().filter(of);
    let value =
        found.next().unwrap_or_else(|| panic!("no {name} of {component}: {samples:?}")).value;
    assert!(found.next().is_none());
    value
}

#[test]
fn prometheus_is_told_what_it_asks_for() {
    let (device, mut nucleus) = device_with("metrics: {listen: '127.0.0.1:0'}");
    let address = address(&mut nucleus);
    if native(&device) {
        nucleus.wait_until_said(NATIVE, "working");
    }
    let (header, text) = scrape(address, "text/plain");
    assert!(header.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{header}");
    let samples = parse(&text);
    assert!(number(&samples, "gg_component_messages_published_total", SENSOR) >= 1.0);
    assert!(number(&samples, "gg_component_messages_delivered_total", FILTER) >= 1.0);
    assert_eq!(number(&samples, "gg_component_state", SENSOR), 1.0);
    assert!(number(&samples, "gg_component_cpu_seconds_total", SENSOR) > 0.0);
    assert!(number(&samples, "gg_component_memory_bytes", FILTER) > 0.0);
    if geteuid().is_root() {
        assert!(number(&samples, "gg_component_memory_bytes", NATIVE) > 0.0);
        assert!(number(&samples, "gg_component_processes", NATIVE) >= 1.0);
    }
    let succeeded = samples
        .iter()
        .find(|sample| sample.labels == [("outcome".to_owned(), "succeeded".to_owned())]);
    assert!(succeeded.unwrap().value >= 1.0, "{text}");

    let (header, text) = scrape(address, "application/openmetrics-text; version=1.0.0");
    assert!(header.contains("content-type: application/openmetrics-text"), "{header}");
    assert!(text.ends_with("# EOF\n"));

    // What is removed is not told of any more.
    device.deploy(["--remove", FILTER]).expect_code(0);
    assert!(!scrape(address, "*/*").1.contains(FILTER));
}

#[test]
fn who_asks_wrongly_or_never_does_no_harm() {
    let (_device, mut nucleus) = device_with("metrics: {listen: '127.0.0.1:0'}");
    let address = address(&mut nucleus);
    let ask = |request: &str| exchange(address, request.as_bytes());
    assert!(ask("POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 405 "));
    assert!(ask("GET /secrets HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(!ask("\x16\x03\x01 hello").contains(" 200 "));
    let long = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(1 << 20));
    assert!(!ask(&long).contains(" 200 "));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(1000));
    assert!(!ask(&many).contains(" 200 "));
    let body = format!(
        "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n{}",
        "x".repeat(1 << 20)
    );
    let _whatever = ask(&body);

    // More than are served at once, each of which says a little and then nothing.
    let slow: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"GET /metr").unwrap();
            stream
        })
        .collect();
    parse(&scrape(address, "*/*").1);
    for mut stream in slow {
        let mut answer = Vec::new();
        let _hung_up = stream.read_to_end(&mut answer);
    }
    assert!(nucleus.peak_memory() < 300 << 20, "{}", nucleus.peak_memory());
    let seen = nucleus.seen().len();
    nucleus.wait_for("the filter works on", |event| event.component() == FILTER);
    assert!(nucleus.seen().len() > seen);
}

#[test]
fn what_components_report_is_summed_up_and_told() {
    let device = Device::new();
    device.settings("metrics: {listen: '127.0.0.1:0'}");
    let mut nucleus = device.start();
    let address = address(&mut nucleus);
    let name = "aws.example.Meter";
    let rights = grant("aws.greengrass.ipc.componentmetric", &["PutComponentMetric"], &["Bytes*"]);
    let rights = json!({ "accessControl": rights });
    let mut meter: Ipc = deploy(&device, &mut nucleus, name, rights);
    let metric = |value| Metric { name: "BytesUsed".into(), unit: MetricUnitType::Bytes, value };
    for value in [1.0, 2.5] {
        let request = PutComponentMetricRequest { metrics: vec![metric(value), metric(10.0)] };
        meter.call::<call::PutComponentMetric>(&request).unwrap();
    }
    let samples = parse(&scrape(address, "*/*").1);
    assert_eq!(number(&samples, "gg_component_reported_total", name), 23.5);
    let reported = samples.iter().find(|one| one.name == "gg_component_reported_total").unwrap();
    for (label, value) in [("metric", "BytesUsed"), ("unit", "BYTES")] {
        assert!(reported.labels.contains(&(label.into(), value.into())), "{reported:?}");
    }
    let top = device.ask("top", ["--once", "--interval", "100ms"]);
    let shown = &component(top.expect_code(0).answer(), name)["reported"];
    assert_eq!(*shown, json!([{ "name": "BytesUsed", "unit": "BYTES", "sum": 23.5 }]));
}

/// The address by which other machines know this one, if there is a network.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: the kernel looks up which way it would go.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().unwrap().ip()).filter(|address| !address.is_loopback())
}

#[test]
fn other_machines_show_a_password() {
    let device = Device::new();
    device.settings("metrics: {listen: '0.0.0.0:0'}");
    let mut nucleus = device.start();
    let port = address(&mut nucleus).port();
    // This one need not.
    parse(&scrape(([127, 0, 0, 1], port).into(), "*/*").1);
    let rights = grant("aws.greengrass.Cli", &["CreateDebugPassword"], &["*"]);
    let rights = json!({ "accessControl": rights });
    let mut maker: Ipc = deploy(&device, &mut nucleus, NATIVE, rights);
    let (_, made) =
        maker.call::<call::CreateDebugPassword>(&CreateDebugPasswordRequest {}).unwrap();
    let password = made.password.reveal();
    assert_eq!(made.username, "debug");
    let logs = device.ask("logs", [] as [&str; 0]);
    logs.expect_code(0).expect(NATIVE, "door in ");
    assert!(!logs.events.iter().any(|event| event.line.contains(password)), "it is in a log");
    let Some(own) = own_address() else {
        println!(
            "SKIPPED, HALF TESTED: metrics::other_machines_show_a_password, without a network"
        );
        return;
    };
    let ask = |password: &str| {
        let shown = STANDARD.encode(format!("debug:{password}"));
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {shown}\r\n\r\n");
        exchange((own, port).into(), request.as_bytes())
    };
    let refused = ask("a guess");
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    assert!(refused.to_lowercase().contains("www-authenticate: basic realm="), "{refused}");
    assert!(ask(password).starts_with("HTTP/1.1 200 "));
}

#[test]
fn other_machines_may_be_let_in_without() {
    let device = Device::new();
    device.settings("metrics: {listen: '0.0.0.0:0', allowOtherMachines: true}");
    let mut nucleus = device.start();
    let port = address(&mut nucleus).port();
    let own = own_address().unwrap_or_else(|| [127, 0, 0, 1].into());
    parse(&scrape((own, port).into(), "*/*").1);
}

/// A request that a receiver of OpenTelemetry got: its header in lower case, and its body.
fn received(listener: &TcpListener, status: &str) -> (String, Value) {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream);
    let (mut header, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).unwrap() > 2 {
        header.push_str(&line.to_ascii_lowercase());
        line.clear();
    }
    let length = header.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}");
    reader.get_mut().write_all(answer.as_bytes()).unwrap();
    (header, serde_json::from_slice(&body).unwrap())
}

/// Check a request by the definition of OTLP (opentelemetry-proto, metrics.proto), and give the
/// names of its metrics for each service.
fn check_otlp(request: &Value) -> Vec<(String, Vec<String>)> {
    let keys = |value: &Value, known: &[&str]| {
        let object = value.as_object().unwrap_or_else(|| panic!("{value}"));
        let strange = object.keys().find(|key| !known.contains(&key.as_str()));
        assert_eq!(strange, None, "{value}");
    };
    let attributes = |value: &Value| {
        for attribute in value.as_array().unwrap() {
            keys(attribute, &["key", "value"]);
            assert!(attribute["value"]["stringValue"].is_string(), "{attribute}");
        }
    };
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    keys(request, &["resourceMetrics"]);
    let mut services = Vec::new();
    for resource in request["resourceMetrics"].as_array().unwrap() {
        keys(resource, &["resource", "scopeMetrics"]);
        attributes(&resource["resource"]["attributes"]);
        let all = resource["resource"]["attributes"].as_array().unwrap();
        let name = all.iter().find(|one| one["key"] == "service.name").unwrap();
        let name = name["value"]["stringValue"].as_str().unwrap().to_owned();
        let mut metrics = Vec::new();
        for scope in resource["scopeMetrics"].as_array().unwrap() {
            keys(scope, &["scope", "metrics"]);
            for metric in scope["metrics"].as_array().unwrap() {
                keys(metric, &["name", "unit", "sum", "gauge"]);
                let kind = if metric["sum"].is_null() { "gauge" } else { "sum" };
                let data = &metric[kind];
                if kind == "sum" {
                    keys(data, &["dataPoints", "aggregationTemporality", "isMonotonic"]);
                    assert_eq!(data["aggregationTemporality"], 2, "{metric}");
                    assert!(data["isMonotonic"].is_boolean(), "{metric}");
                }
                for point in data["dataPoints"].as_array().unwrap() {
                    let known =
                        ["attributes", "timeUnixNano", "startTimeUnixNano", "asInt", "asDouble"];
                    keys(point, &known);
                    attributes(&point["attributes"]);
                    let time = number(&point["timeUnixNano"]);
                    let start = &point["startTimeUnixNano"];
                    assert!(start.is_null() || number(start) <= time, "{metric}");
                    match &point["asDouble"] {
                        Value::Null => drop(number(&point["asInt"])),
                        double => assert!(double.is_f64(), "{metric}"),
                    }
                }
                metrics.push(metric["name"].as_str().unwrap().to_owned());
            }
        }
        services.push((name, metrics));
    }
    services
}

#[test]
fn a_receiver_of_opentelemetry_is_told_at_intervals() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let otlp = format!("{{endpoint: '{endpoint}', intervalSeconds: 1, headers: {{X-Key: abc}}}}");
    let (_device, _nucleus) = device_with(&format!("metrics: {{otlp: {otlp}}}"));
    // One that fails once is told again.
    received(&listener, "503 Service Unavailable");
    let (header, _) = received(&listener, "200 OK");
    assert!(header.starts_with("post /v1/metrics http/1.1"), "{header}");
    assert!(header.contains("content-type: application/json"), "{header}");
    assert!(header.contains("x-key: abc"), "{header}");
    let services = loop {
        let services = check_otlp(&received(&listener, "200 OK").1);
        if services.len() > 2 {
            break services;
        }
    };
    let names: Vec<&str> = services.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["gg-host", FILTER, SENSOR]);
    for (name, metrics) in &services {
        for metric in ["process.cpu.time", "process.memory.usage"] {
            assert!(metrics.iter().any(|one| one == metric), "{name}: {metrics:?}");
        }
    }
}

#[test]
fn a_receiver_that_cannot_be_told_is_refused_at_the_start() {
    let device = Device::new();
    for wrong in ["collector:4318", "http://me:secret@collector"] {
        let mut start = command("start");
        start.args(["--otlp", wrong, "--root"]).arg(device.root());
        let outcome = finish(start);
        outcome.expect_code(1).expect_error("the OTLP endpoint");
        assert!(!outcome.stderr.contains("secret"), "{outcome}");
    }
}
