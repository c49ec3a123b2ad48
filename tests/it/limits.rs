//! Every limit: what is over it ends in an error, or in the effect that the limit is for, and
//! raising it lets the same thing pass.

use crate::host::{CRASHED, HttpServer, Outcome, Run, folder, guest, recipe, run, run_text};
use crate::texts;
use std::collections::BTreeSet;
use std::time::Duration;

/// One test for each limit.
macro_rules! limits {
    ($($name:literal => $test:ident,)+) => {
        const TESTED: &[&str] = &[$($name),+];
        mod each {
            $(#[test] fn $test() { super::$test(); })+
        }
    };
}

limits! {
    "memory" => memory,
    "table-elements" => table_elements,
    "instances" => instances,
    "memories" => memories,
    "tables" => tables,
    "handles" => handles,
    "resources" => resources,
    "host-call-data" => host_call_data,
    "stack" => stack,
    "subscriptions" => subscriptions,
    "watches" => watches,
    "queue" => queue,
    "queue-bytes" => queue_bytes,
    "message" => message,
    "log-rate" => log_rate,
    "log-line" => log_line,
    "cpu" => cpu,
    "handler-deadline" => handler_deadline,
    "start-deadline" => start_deadline,
    "concurrency" => concurrency,
    "retries" => retries,
    "http-requests" => http_requests,
}

#[test]
fn every_limit_has_a_test() {
    let limits: BTreeSet<&str> =
        gg_model::Limits::default().describe().iter().map(|row| row.name).collect();
    assert_eq!(TESTED.iter().copied().collect::<BTreeSet<_>>(), limits);
}

/// The same run crashes at one value of a limit and passes at another.
fn crashes_below(limit: &str, low: &str, high: &str, component: &str, start: impl Fn() -> Run) {
    let outcome = start().limit(format!("{limit}={low}")).finish();
    outcome.expect_code(CRASHED).expect_limit(component, limit);
    let outcome = start().limit(format!("{limit}={high}")).finish();
    outcome.expect_code(0).expect_silence(component, "exceeds the limit");
}

/// A guest with an argument; limits come before it.
fn with_argument(name: &str, argument: &str) -> Run {
    run([guest(name)]).guest_args([argument])
}

fn memory() {
    crashes_below("memory", "3MiB", "64MiB", "long-line", || with_argument("long-line", "8000000"));
    // `--memory` is short for it.
    with_argument("long-line", "8000000").args(["--memory", "3MiB"]).finish().expect_code(CRASHED);
}

fn table_elements() {
    let text = texts::instances(3, "(table 100 funcref)");
    crashes_below("table-elements", "250", "300", "tables", || run_text("tables", &text));
}

fn instances() {
    let text = texts::instances(9, "(global i32 (i32.const 0))");
    crashes_below("instances", "5", "10", "many", || run_text("many", &text));
}

fn memories() {
    let text = texts::instances(4, "(memory 1)");
    crashes_below("memories", "3", "4", "many", || run_text("many", &text));
}

fn tables() {
    let text = texts::instances(4, "(table 1 funcref)");
    crashes_below("tables", "3", "4", "many", || run_text("many", &text));
}

fn handles() {
    crashes_below("handles", "100", "1000", "handle-bomb", || with_argument("handle-bomb", "200"));
}

fn resources() {
    crashes_below("resources", "100", "1000", "handle-bomb", || {
        with_argument("handle-bomb", "200")
    });
}

fn host_call_data() {
    let folder = folder();
    let code = std::fs::read(guest("giant-lists")).unwrap();
    let path = crate::host::file(folder.path(), "publish-payload.wasm", code);
    crashes_below("host-call-data", "64KiB", "2MiB", "publish-payload", || {
        run([&path]).guest_args(["1000000"])
    });
}

fn stack() {
    crashes_below("stack", "64KiB", "4MiB", "recursion", || with_argument("recursion", "2000"));
}

fn subscriptions() {
    for limit in ["3", "100"] {
        let outcome =
            run([guest("subscription-flood")]).limit(format!("subscriptions={limit}")).finish();
        outcome.expect_code(0).expect_limit("subscription-flood", "subscriptions");
        outcome.expect("subscription-flood", &format!("round 1: {limit} open"));
        // What was given back can be taken again.
        outcome.expect("subscription-flood", &format!("round 2: {limit} open"));
    }
}

fn watches() {
    for limit in ["3", "100"] {
        let outcome = run([guest("watch-flood")]).limit(format!("watches={limit}")).finish();
        outcome.expect_code(0).expect_limit("watch-flood", "watches");
        outcome.expect("watch-flood", &format!("{limit} open"));
    }
}

fn queue() {
    let outcome = with_argument("long-queue", "20").limit("queue=19").finish();
    outcome.expect_code(0).expect_limit("long-queue", "queue");
    outcome.expect("long-queue", "20 needed");
    let outcome = with_argument("long-queue", "20").limit("queue=20").finish();
    outcome.expect_code(0).expect("long-queue", "got a queue of 20");
}

fn queue_bytes() {
    // Nobody reads while it publishes; what has no room is dropped, and counted.
    for (limit, dropped) in [("64KiB", true), ("64MiB", false)] {
        let outcome =
            with_argument("hoards-messages", "200").limit(format!("queue-bytes={limit}")).finish();
        outcome.expect_code(0);
        let said = outcome.expect("hoards-messages", "dropped");
        assert_eq!(!said.message().starts_with("0 dropped"), dropped, "{outcome}");
    }
}

fn message() {
    let folder = folder();
    let code = std::fs::read(guest("giant-lists")).unwrap();
    let path = crate::host::file(folder.path(), "publish-payload.wasm", code);
    let publish = || run([&path]).guest_args(["100000"]);
    let outcome = publish().limit("message=99999").finish();
    outcome.expect_code(0).expect_limit("publish-payload", "message");
    let outcome = publish().limit("message=100000").finish();
    outcome.expect_code(0).expect("publish-payload", "came back: Ok(())");
}

fn log_rate() {
    let flood = |rate: &str| -> (Outcome, usize) {
        let outcome = with_argument("log-flood", "500").limit(format!("log-rate={rate}")).finish();
        outcome.expect_code(0);
        let kept = outcome.all(|event| event.says("log-flood", "flood ")).count();
        (outcome, kept)
    };
    // A burst of ten seconds' worth is let through.
    let (outcome, kept) = flood("2");
    assert!((20..500).contains(&kept), "{kept} records of 500 kept");
    let left_out = outcome.expect("log-flood", "log records left out");
    assert!(left_out.message().contains("--limit log-rate="), "{}", left_out.message());
    assert_eq!(flood("100").1, 500, "none of 500 is left out");
}

fn log_line() {
    let said = |limit: &str| {
        let outcome =
            with_argument("long-line", "3000").limit(format!("log-line={limit}")).finish();
        outcome.expect_code(0);
        outcome.expect("long-line", "yyy").message().to_owned()
    };
    let cut = said("100");
    assert!(cut.starts_with(&"y".repeat(100)) && cut.len() < 200, "{cut}");
    assert!(cut.ends_with('…'), "no sign that something is missing: {cut}");
    assert_eq!(said("3000").len(), 3000);
}

fn cpu() {
    let time = |share: &str| {
        run([guest("endless-loop")])
            .args(["--timeout", "2500ms", "--grace", "1ms"])
            .limit(format!("cpu={share}"))
            .start()
            .processor_time()
    };
    // Its share of the time, what it may take ahead, and what the host itself needs to start.
    let idle = run_text("idle", &texts::service(texts::RUN)).start().processor_time();
    let little = time("0.1");
    let most = Duration::from_millis(250 + 100 + 250) + idle;
    assert!(little < most, "a tenth of the processor took {little:?}, the host alone {idle:?}");
    let whole = time("1");
    assert!(whole > little, "all of the processor took {whole:?}, a tenth {little:?}");
}

fn handler_deadline() {
    let wait = || {
        run([guest("blocking-handler")]).config("subscriptions=[\"wait\"]").publish("wait", "500")
    };
    let outcome = wait().limit("handler-deadline=50ms").finish();
    outcome.expect_limit("blocking-handler", "handler-deadline");
    outcome.expect_silence("blocking-handler", "handled");
    let outcome = wait().limit("handler-deadline=60s").finish();
    outcome.expect_code(0).expect("blocking-handler", "handled");
}

fn start_deadline() {
    // Starts after so many rounds; about a second.
    let text = texts::service(
        "(func $slow (local $i i64)
           (loop $again
             (local.set $i (i64.add (local.get $i) (i64.const 1)))
             (br_if $again (i64.lt_u (local.get $i) (i64.const 1000000000)))))
         (start $slow)
         (func (export \"run\") (result i32) i32.const 0)",
    );
    crashes_below("start-deadline", "50ms", "300s", "slow", || run_text("slow", &text));
}

fn concurrency() {
    let meet = |at_once: &str, patience: &str| {
        let outcome = run([guest("meeting-handler")])
            .config("subscriptions=[\"meet\"]")
            .config(format!("patienceMs={patience}"))
            .limit(format!("concurrency={at_once}"))
            .limit("handler-deadline=300s")
            .publish("meet", "one")
            .publish("meet", "two")
            .finish();
        outcome.expect_code(0);
        let count = |words: &str| outcome.all(|e| e.says("meeting-handler", words)).count();
        (count("met"), count("alone"))
    };
    assert_eq!(meet("1", "200"), (0, 2), "one instance handles one message at a time");
    assert_eq!(meet("2", "100000"), (2, 0), "two instances handle two at once");
}

fn retries() {
    for limit in [0, 2] {
        let outcome = run([guest("retrying-handler")])
            .config("subscriptions=[\"again\"]")
            .limit(format!("retries={limit}"))
            .publish("again", "and again")
            .finish();
        outcome.expect_code(0).expect_limit("retrying-handler", "retries");
        outcome.expect("retrying-handler", "gave up a message on again");
        let calls = outcome.all(|e| e.source() == "log" && e.says("retrying-handler", "not now"));
        assert_eq!(calls.count(), limit + 1, "{outcome}");
    }
}

fn http_requests() {
    let server = HttpServer::start("hello");
    let fetch = |limit: &str| {
        run([recipe("http")])
            .config(format!("url=http://{}/", server.address))
            .arg("--net")
            .arg(server.address.to_string())
            .limit(format!("http-requests={limit}"))
            .finish()
    };
    fetch("0").expect_code(1).expect_limit("com.example.Http", "http-requests");
    fetch("1").expect_code(0);
}

#[test]
fn a_limit_can_be_set_in_the_configuration_for_one_component() {
    let outcome = run([guest("subscription-flood"), guest("watch-flood")])
        .config("subscription-flood:sandbox.limits.subscriptions=2")
        .config("watch-flood:sandbox.limits.watches=4")
        .finish();
    outcome.expect_code(0).expect("subscription-flood", "round 1: 2 open");
    outcome.expect("watch-flood", "4 open");
}

#[test]
fn a_limit_that_is_none_is_refused_with_the_nearest_one() {
    let outcome = run([guest("exits")]).limit("memroy=1MiB").finish();
    outcome.expect_error("there is no limit `memroy`; is it `memory`?");
    assert_ne!(outcome.code, 0);
    let outcome = run([guest("exits")]).limit("memory=lots").finish();
    outcome.expect_error("the limit memory cannot be `lots`: expected bytes");
    assert_ne!(outcome.code, 0);
    let outcome = run([guest("exits")]).args(["--cpu", "-1"]).finish();
    assert_ne!(outcome.code, 0);
}

#[test]
fn a_component_cannot_raise_its_own_limits() {
    // What it updates at run time grants nothing: see the capability's own tests. Here: nor does
    // the operator's flag yield to what a recipe says.
    let outcome = run([guest("subscription-flood")])
        .config("sandbox.limits.subscriptions=50")
        .limit("subscriptions=2")
        .finish();
    outcome.expect("subscription-flood", "round 1: 2 open");
}
