//! The report of a crash: what happened, where, and what was said last.

use crate::host::{CRASHED, folder, guest, recipe, run};
use rustix::process::Signal;
use std::fs;

#[test]
fn the_report_names_component_export_functions_and_last_lines() {
    let outcome = run([guest("crash-site")]).finish();
    outcome.expect_code(CRASHED);
    let report = outcome.expect("crash-site", "crashed: ");
    assert_eq!((report.source(), &report.json["level"]), ("host", &"error".into()));
    for words in [
        "it gave up (a panic, an abort or an assertion that failed)",
        "while running: wasi:cli/run",
        "crash_site::innermost_function",
        "crash_site::outer_function",
        "crash_site::main",
        "last lines of its log:",
        "before the crash: one",
        "before the crash: three",
    ] {
        assert!(report.message().contains(words), "no {words:?}\n{outcome}");
    }
    // Innermost first.
    let place = |words: &str| report.message().find(words).unwrap();
    assert!(place("innermost_function") < place("outer_function"));
    assert!(place("outer_function") < place("crash_site::main"));
    assert!(!report.message().contains("core dump"), "nobody asked for one\n{outcome}");
}

#[test]
fn a_core_dump_is_written_where_it_was_asked_for() {
    let folder = folder();
    let outcome = run([guest("crash-site")]).arg("--core-dumps").arg(folder.path()).finish();
    outcome.expect_code(CRASHED);
    let report = outcome.expect("crash-site", "core dump: ").message().to_owned();
    let path = report.split("core dump: ").nth(1).unwrap().lines().next().unwrap();
    let bytes = fs::read(path).unwrap();
    assert!(bytes.starts_with(b"\0asm"), "{:?}", &bytes[..8.min(bytes.len())]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_core_dump_that_cannot_be_written_takes_nothing_from_the_report() {
    let outcome = run([guest("crash-site")]).args(["--core-dumps", "/no/such/folder"]).finish();
    outcome.expect_code(CRASHED).expect("crash-site", "crash_site::innermost_function");
    outcome.expect_error("the core dump could not be written");
}

#[test]
fn a_handler_goes_on_with_a_fresh_instance() {
    let outcome = run([guest("trapping-handler")])
        .config("subscriptions=[\"in\"]")
        .publish("in", "a")
        .publish("in", "b")
        .publish("in", "crash")
        .publish("in", "c")
        .finish();
    let report = outcome.expect("trapping-handler", "crashed: ");
    for words in
        ["while running: gg:host/message-handler.handle", "trapping_handler::crash_here", "handled"]
    {
        assert!(report.message().contains(words), "no {words:?}\n{outcome}");
    }
    let since: Vec<_> = outcome
        .all(|event| event.source() == "log" && event.message() == "handled")
        .map(|event| event.json["fields"]["since_start"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(since, ["1", "2", "1"], "{outcome}");
}

#[test]
fn a_handler_that_only_crashes_is_given_up() {
    let mut run = run([guest("trapping-handler"), recipe("sensor"), recipe("filter-rs")])
        .config("trapping-handler:subscriptions=[\"in\"]")
        .config("com.example.Sensor:intervalMs=2")
        .subscribe("alerts/#");
    for _ in 0..12 {
        run = run.publish("in", "crash");
    }
    let mut host = run.start();
    // Ten crashes, and the end of the component with the last one; the others go on.
    for number in 1..=11 {
        host.wait_for(&format!("crash {number}"), |e| e.says("trapping-handler", "crashed: "));
    }
    host.wait_for_messages("alerts/temperature", 3);
    host.signal(Signal::INT);
    host.finish().expect_code(CRASHED);
}

#[test]
fn a_flood_of_records_does_not_wash_the_report_away() {
    for records in ["1000", "9000", "20000"] {
        let outcome = run([guest("flood-and-crash")]).guest_args([records]).finish();
        outcome.expect_code(CRASHED).expect("flood-and-crash", "crashed: it gave up");
    }
}
