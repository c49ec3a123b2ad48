//! What hostile components do, and that it is nothing to the others: while each runs, a sensor
//! and a filter beside it go on.

use crate::host::{CRASHED, Event, Host, Outcome, Run, file, folder, guest, recipe, run, run_text};
use crate::texts::{self, RUN};
use rustix::process::Signal;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::symlink;

/// Alerts that count as a flow of messages.
const SOME: usize = 10;

const ALERTS: &str = "alerts/temperature";

/// A sensor and a filter beside what is being run.
fn beside(run: Run) -> Run {
    // Those in front are up before a hostile one can hold up the start.
    run.first([recipe("sensor"), recipe("filter-rs")])
        .config("com.example.Sensor:intervalMs=2")
        .subscribe("alerts/#")
        .args(["--grace", "300ms"])
}

/// A hostile guest with its neighbours, and one thread for all of them.
fn hostile(name: &str) -> Run {
    beside(run([guest(name)])).args(["--threads", "1"])
}

/// Wait for a sign of the hostile one, and then for messages among the others; stop and give what
/// it came to.
fn others_go_on(mut host: Host, what: &str, sign: impl Fn(&Event) -> bool) -> Outcome {
    host.wait_for(what, sign);
    host.wait_for_messages(ALERTS, SOME);
    host.signal(Signal::INT);
    host.finish()
}

fn crash(component: &'static str) -> impl Fn(&Event) -> bool {
    move |event| event.says(component, "crashed: ")
}

#[test]
fn endless_loop() {
    let host = hostile("endless-loop").start();
    let outcome = others_go_on(host, "the loop", |e| e.says("endless-loop", "looping"));
    outcome.expect_code(130).expect("endless-loop", "did not stop in time and is ended");
}

#[test]
fn several_endless_loops_and_as_many_threads() {
    let folder = folder();
    let code = fs::read(guest("endless-loop")).unwrap();
    let loops: Vec<_> =
        (0..4).map(|n| file(folder.path(), &format!("loop-{n}.wasm"), &code)).collect();
    let host = beside(run(&loops)).args(["--threads", "2"]).start();
    let outcome = others_go_on(host, "the last loop", |e| e.says("loop-3", "looping"));
    outcome.expect_code(130);
}

#[test]
fn memory_bomb() {
    let mut host = hostile("memory-bomb").start();
    host.wait_for("the crash", crash("memory-bomb"));
    host.wait_for_messages(ALERTS, SOME);
    // It could have had 4 GiB.
    let peak = host.peak_memory();
    assert!(peak < 1 << 30, "{peak} bytes");
    host.signal(Signal::INT);
    host.finish().expect_code(CRASHED).expect_limit("memory-bomb", "memory");
}

#[test]
fn memory_bomb_that_takes_no_for_an_answer() {
    let host = hostile("memory-bomb-polite").start();
    let outcome = others_go_on(host, "its end", |e| e.says("memory-bomb-polite", "lives on"));
    outcome.expect_code(0).expect_limit("memory-bomb-polite", "memory");
}

#[test]
fn memory_bomb_of_many_memories() {
    // Each would be within the limit.
    let text = texts::instances(20, "(memory 160)");
    let outcome = run_text("memories", &text).limit("memory=128MiB").finish();
    outcome.expect_code(CRASHED).expect_limit("memories", "memory");
}

#[test]
fn table_bomb() {
    let host = beside(run_text("table-bomb", &texts::service(texts::TABLE_BOMB))).start();
    let outcome = others_go_on(host, "the refusal", |e| e.says("table-bomb", "exceeds the limit"));
    // Its `run` says that it was refused only after it got something.
    outcome.expect_code(0).expect_limit("table-bomb", "table-elements");
}

#[test]
fn handle_bomb() {
    let host = hostile("handle-bomb").start();
    let outcome = others_go_on(host, "the crash", crash("handle-bomb"));
    outcome.expect_code(CRASHED).expect_limit("handle-bomb", "resources");

    let host = hostile("handle-bomb").limit("resources=100000").start();
    let outcome = others_go_on(host, "the crash", crash("handle-bomb"));
    outcome.expect_code(CRASHED).expect_limit("handle-bomb", "handles");
}

#[test]
fn subscription_flood() {
    let host = hostile("subscription-flood").start();
    let outcome = others_go_on(host, "its end", |e| e.says("subscription-flood", "round 2: 64"));
    outcome.expect_code(0).expect_limit("subscription-flood", "subscriptions");
}

#[test]
fn watch_flood() {
    let host = hostile("watch-flood").start();
    let outcome = others_go_on(host, "its end", |e| e.says("watch-flood", "64 open"));
    outcome.expect_code(0).expect_limit("watch-flood", "watches");
}

#[test]
fn endless_recursion() {
    let host = hostile("recursion").start();
    let outcome = others_go_on(host, "the crash", crash("recursion"));
    outcome.expect_code(CRASHED).expect_limit("recursion", "stack");
    assert!(
        outcome.expect("recursion", "crashed").message().contains("recursion::descend"),
        "the backtrace names the function\n{outcome}"
    );
}

/// Every function that takes a list or a text, and whether it does what it is asked when the limit
/// lets the data through.
const GIANT_CALLS: [(&str, &str); 19] = [
    ("publish-payload", "exceeds the limit message = 1 MiB (4.0 MiB needed)"),
    ("publish-json", "exceeds the limit message = 1 MiB (4.0 MiB needed)"),
    ("publish-topic", "InvalidArgument"),
    ("subscribe", "InvalidArgument"),
    ("subscribe-with", "InvalidArgument"),
    ("next-any", "exceeds the limit handles"),
    ("config-get", "NotFound"),
    ("config-get-deep", "NotFound"),
    ("config-get-of", "InvalidArgument"),
    ("config-update", "Ok(())"),
    ("config-update-nested", "InvalidArgument"),
    ("config-update-path", "InvalidArgument"),
    ("config-watch", "NotFound"),
    ("log-message", "logged"),
    ("log-fields", "logged"),
    ("log-field", "logged"),
    ("random", "crashed"),
    ("insecure-random", "crashed"),
    ("poll", "exceeds the limit handles"),
];

fn giant_calls(size: usize, call_data: &str) -> (Run, tempfile::TempDir) {
    let folder = folder();
    let code = fs::read(guest("giant-lists")).unwrap();
    let mut run = beside(run([] as [&str; 0]));
    for (function, _) in GIANT_CALLS {
        run = run.with(file(folder.path(), &format!("{function}.wasm"), &code));
    }
    (run.limit("memory=512MiB").limit(call_data).guest_args([size.to_string()]), folder)
}

fn ended(event: &Event, function: &str) -> bool {
    event.says(function, "came back") || event.says(function, "crashed: ")
}

#[test]
fn giant_lists_end_at_the_limit() {
    let (run, _folder) = giant_calls(64 << 20, "host-call-data=16MiB");
    let mut host = run.start();
    let mut left: Vec<&str> = GIANT_CALLS.map(|(function, _)| function).to_vec();
    while !left.is_empty() {
        let event = host.wait_for(&format!("the end of {left:?}"), |event| {
            left.iter().any(|function| ended(event, function))
        });
        left.retain(|function| !ended(&event, function));
    }
    host.wait_for_messages(ALERTS, SOME);
    host.signal(Signal::INT);
    let outcome = host.finish();
    outcome.expect_code(CRASHED);
    for (function, _) in GIANT_CALLS {
        // What the host itself would have to make is refused for its own reason.
        if function.contains("random") {
            outcome.expect(function, "crashed: ");
        } else {
            outcome.expect_limit(function, "host-call-data");
        }
    }
}

#[test]
fn giant_lists_are_refused_with_reason_when_the_limit_lets_them_in() {
    let (run, _folder) = giant_calls(4 << 20, "host-call-data=256MiB");
    let mut host = run.start();
    let mut left: Vec<&str> = GIANT_CALLS.map(|(function, _)| function).to_vec();
    while !left.is_empty() {
        let event = host.wait_for(&format!("the end of {left:?}"), |event| {
            left.iter().any(|function| ended(event, function))
        });
        left.retain(|function| !ended(&event, function));
    }
    host.wait_for_messages(ALERTS, SOME);
    host.signal(Signal::INT);
    let outcome = host.finish();
    for (function, end) in GIANT_CALLS {
        let event = outcome
            .all(|event| ended(event, function))
            .next()
            .unwrap_or_else(|| panic!("{function}\n{outcome}"));
        assert!(event.message().contains(end), "{function}: {}", event.message());
    }
    // What was logged is cut.
    let longest = outcome.events.iter().map(|event| event.line.len()).max().unwrap();
    assert!(longest < 100_000, "a line of {longest} bytes");
}

#[test]
fn a_gigabyte_of_random_numbers() {
    let folder = folder();
    let code = fs::read(guest("giant-lists")).unwrap();
    let random = file(folder.path(), "random.wasm", code);
    let host =
        beside(run([random])).limit("memory=2GiB").guest_args([(1_u64 << 30).to_string()]).start();
    let outcome = others_go_on(host, "the crash", crash("random"));
    outcome.expect_code(CRASHED);
}

#[test]
fn log_flood() {
    let host = hostile("log-flood").start();
    let outcome = others_go_on(host, "records left out", |e| e.says("log-flood", "left out"));
    outcome.expect("log-flood", "log-rate");
}

#[test]
fn stdout_flood() {
    let host = hostile("stdout-flood").start();
    let outcome = others_go_on(host, "lines left out", |e| e.says("stdout-flood", "left out"));
    outcome.expect_code(130).expect("stdout-flood", "log-rate");
}

#[test]
fn stdout_flood_without_the_end_of_a_line() {
    let mut host = hostile("stdout-flood").guest_args(["endless-line"]).start();
    host.wait_for("the flood", |event| event.says("stdout-flood", "flooding"));
    host.wait_for_messages(ALERTS, 5 * SOME);
    // All it has written is not kept.
    let peak = host.peak_memory();
    assert!(peak < 1 << 30, "{peak} bytes");
    host.signal(Signal::INT);
    let outcome = host.finish();
    outcome.expect_code(130);
    let longest = outcome.events.iter().map(|event| event.line.len()).max().unwrap();
    assert!(longest < 100_000, "a line of {longest} bytes");
}

#[test]
fn path_escape() {
    let outside = folder();
    let secret = file(outside.path(), "secret", "the secret");
    let granted = folder();
    file(granted.path(), "file", "as it was");
    symlink(&secret, granted.path().join("way-out")).unwrap();
    let listing = |folder: &tempfile::TempDir| {
        let mut names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = (listing(&outside), listing(&granted));

    let host = beside(run([guest("path-escape")]))
        .arg("--dir")
        .arg(format!("{}::/granted:ro", granted.path().display()))
        .guest_args([secret.to_str().unwrap(), "/granted"])
        .start();
    let outcome = others_go_on(host, "its sum", |e| e.says("path-escape", " leaks"));
    outcome.expect_code(0).expect_silence("path-escape", "LEAK");
    outcome.expect("path-escape", "granted file: as it was");
    outcome.expect("path-escape", " 0 leaks");
    assert_eq!(before, (listing(&outside), listing(&granted)));
    assert_eq!(fs::read_to_string(granted.path().join("file")).unwrap(), "as it was");
    assert_eq!(fs::read_to_string(secret).unwrap(), "the secret");
}

#[test]
fn probes_of_the_environment_and_the_network_find_nothing() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let udp = UdpSocket::bind(address).unwrap();
    udp.set_nonblocking(true).unwrap();
    tcp.set_nonblocking(true).unwrap();

    let host = beside(run([guest("env-net-probe")]))
        .env("GG_TEST_SECRET", "from the environment")
        .guest_args([address.to_string()])
        .start();
    let outcome = others_go_on(host, "its sum", |e| e.says("env-net-probe", " open"));
    outcome.expect_code(0);
    let says = |words: &str| outcome.expect("env-net-probe", words);
    says(&format!("arguments: [\"env-net-probe\", \"{address}\"]"));
    says("variables: []");
    says("folders: [\"/\"]");
    says("input: Ok(0)");
    says("0 open");
    says(&format!("may not reach {address}"));
    outcome.expect_silence("env-net-probe", "OPEN");
    assert!(tcp.accept().is_err(), "somebody connected");
    assert!(udp.recv(&mut [0; 8]).is_err(), "somebody sent something");
    let secret = outcome.events.iter().any(|event| event.line.contains("from the environment"));
    assert!(!secret, "{outcome}");
}

#[test]
fn an_address_that_is_granted_is_all_that_opens() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    // Accepts, and hangs up: no HTTP comes of it.
    let accepted = std::thread::spawn(move || tcp.accept().is_ok());
    let outcome = run([guest("env-net-probe")])
        .arg("--net")
        .arg(address.to_string())
        .guest_args([address.to_string()])
        .finish();
    outcome.expect_code(0).expect("env-net-probe", "tcp connect: OPEN");
    outcome.expect("env-net-probe", "tcp connect elsewhere: refused");
    outcome.expect("env-net-probe", "name lookup: refused");
    outcome.expect_silence("env-net-probe", "tcp listen: OPEN");
    assert!(accepted.join().unwrap());
}

#[test]
fn many_instances() {
    let run = run_text("many", &texts::instances(250, "(global i32 (i32.const 0))"));
    let host = beside(run).start();
    let outcome = others_go_on(host, "the crash", crash("many"));
    outcome.expect_code(CRASHED).expect_limit("many", "instances");
}

#[test]
fn imports_that_are_not_what_they_say() {
    let function = |name: &str, signature: &str| {
        format!("(import \"{name}\" (instance (export \"publish\" (func {signature}))))")
    };
    let lies = [
        (
            function("gg:host/pubsub@0.1.0", "(param \"topic\" u32) (result u32)"),
            "its imports do not have the types that this host serves",
        ),
        (
            "(import \"gg:host/pubsub@0.1.0\" (instance (export \"no-such-function\" (func))))"
                .to_owned(),
            "its imports do not have the types that this host serves",
        ),
        (
            "(import \"gg:host/lifecycle@0.1.0\" (instance (export \"stopping\" (func (result u64)))))"
                .to_owned(),
            "its imports do not have the types that this host serves",
        ),
        (
            "(import \"wasi:cli/environment@0.2.6\" (instance (export \"get-environment\" (func (result string)))))"
                .to_owned(),
            "its imports do not have the types that this host serves",
        ),
        (
            function("gg:host/pubsub@9.9.9", "(param \"topic\" string)"),
            "imports gg:host/pubsub@9.9.9, and this host serves version 0.1.0",
        ),
        (
            "(import \"gg:host/teleport@0.1.0\" (instance))".to_owned(),
            "imports gg:host/teleport@0.1.0, which is no interface of gg:host",
        ),
        (
            "(import \"unknown:thing/x\" (instance))".to_owned(),
            "imports unknown:thing/x, which nothing on this host serves",
        ),
        ("(import \"bare\" (func))".to_owned(), "imports the function \"bare\" from no interface"),
        (
            "(import \"wasi:cli/stdin@0.9.0\" (instance))".to_owned(),
            "imports wasi:cli/stdin@0.9.0, and this host serves WASI 0.2",
        ),
    ];
    for (import, refusal) in lies {
        let outcome = run_text("liar", &texts::importing(&import)).finish();
        outcome.expect_code(1).expect_error(refusal).expect_error("liar");
        assert!(outcome.events.is_empty(), "nothing runs\n{outcome}");
    }
}

#[test]
fn an_export_of_another_type_than_it_says() {
    let text = "(component
        (core module $m (func (export \"run\") (result i32) i32.const 7))
        (core instance $main (instantiate $m))
        (func $run (result u32) (canon lift (core func $main \"run\")))
        (instance $exported (export \"run\" (func $run)))
        (export \"wasi:cli/run@0.2.6\" (instance $exported)))";
    let outcome = run_text("liar", text).finish();
    outcome.expect_code(1).expect("liar", "its export wasi:cli/run is not as defined");
}

#[test]
fn endless_loop_at_the_start() {
    let run = run_text("start-loop", &texts::service(texts::START_LOOP));
    let mut host = beside(run).limit("start-deadline=3s").start();
    host.wait_for("the end of the start", crash("start-loop"));
    let meanwhile = host.seen().iter().filter(|event| event.is_on(ALERTS)).count();
    host.wait_for_messages(ALERTS, SOME);
    host.signal(Signal::INT);
    let outcome = host.finish();
    outcome.expect_code(CRASHED).expect_limit("start-loop", "start-deadline");
    assert!(meanwhile >= 3, "{meanwhile} alerts while it started\n{outcome}");
}

#[test]
fn handler_that_never_comes_back() {
    let handler = || hostile("slow-handler").config("slow-handler:subscriptions=[\"hostile\"]");
    let host = handler().limit("handler-deadline=1h").publish("hostile", "loop").start();
    others_go_on(host, "the loop", |event| event.says("slow-handler", "looping"));

    let mut host = handler()
        .limit("handler-deadline=300ms")
        .publish("hostile", "loop")
        .publish("hostile", "and on")
        .start();
    host.wait_for("its end", crash("slow-handler"));
    // A fresh instance takes the next message.
    host.wait_for("the next message", |event| event.says("slow-handler", "handled"));
    host.signal(Signal::INT);
    host.finish().expect_limit("slow-handler", "handler-deadline");
}

#[test]
fn handler_that_waits_too_long_in_the_host() {
    let handler =
        || hostile("blocking-handler").config("blocking-handler:subscriptions=[\"hostile\"]");
    let host = handler().limit("handler-deadline=1h").publish("hostile", "3600000").start();
    others_go_on(host, "the wait", |event| event.says("blocking-handler", "waiting"));

    let mut host = handler()
        .limit("handler-deadline=300ms")
        .publish("hostile", "3600000")
        .publish("hostile", "1")
        .start();
    host.wait_for("its end", crash("blocking-handler"));
    host.wait_for("the next message", |event| event.says("blocking-handler", "handled"));
    host.signal(Signal::INT);
    host.finish().expect_limit("blocking-handler", "handler-deadline");
}

#[test]
fn a_service_without_harm_is_not_in_the_way_of_these_tests() {
    run_text("harmless", &texts::service(RUN)).finish().expect_code(0);
}
