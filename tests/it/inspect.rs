//! `gg-host inspect`: what a component is and what it would need, without running it.

use crate::host::{Outcome, assemble, command, file, finish, folder, guest, sample};
use crate::texts;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::path::Path;

fn inspect(path: &Path, json: bool) -> (Outcome, String) {
    let mut command = command("inspect");
    command.arg(path);
    if json {
        command.args(["--output", "json"]);
    }
    let outcome = finish(command);
    let text = outcome.events.iter().map(|event| event.line.as_str()).collect::<Vec<_>>();
    let text = text.join("\n");
    (outcome, text)
}

#[test]
fn a_handler_in_text() {
    let path = sample("filter-rs");
    let (outcome, text) = inspect(&path, false);
    outcome.expect_code(0);
    let digest = Sha256::digest(std::fs::read(&path).unwrap());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    for words in [
        path.to_str().unwrap(),
        "kind     component",
        "role     handler",
        &format!("digest   sha256:{digest}"),
        "gg:host/message-handler@0.1.0",
        "gg:host/pubsub@0.1.0",
        "--allow pubsub:publish:TOPIC",
    ] {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
}

#[test]
fn a_service_in_json_with_what_it_needs() {
    let path = sample("http");
    let (outcome, text) = inspect(&path, true);
    outcome.expect_code(0);
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["role"], "service");
    assert_eq!(found["size"], std::fs::metadata(&path).unwrap().len());
    let imports = found["imports"].as_array().unwrap();
    let import = |prefix: &str| {
        let named = |one: &&Value| one["name"].as_str().unwrap().starts_with(prefix);
        imports.iter().find(named).unwrap_or_else(|| panic!("no {prefix} in {text}"))
    };
    let http = import("wasi:http/outgoing-handler@");
    assert_eq!(http["served"], true);
    assert!(http["needs"].as_str().unwrap().contains("--net HOST:PORT"), "{http}");
    assert!(import("gg:host/logging@")["needs"].is_null());
    assert!(imports.iter().all(|one| one["served"] == true), "{text}");
}

#[test]
fn every_guest_that_runs_is_said_to_run() {
    for name in ["endless-loop", "env-net-probe", "slow-handler"] {
        inspect(&guest(name), false).0.expect_code(0);
    }
}

#[test]
fn what_cannot_run_here_is_told_with_the_reason() {
    let folder = folder();
    let import = "(import \"gg:host/cameras@0.1.0\" (instance (export \"models\" (func (result (list string))))))";
    let path = file(folder.path(), "cloud.wasm", assemble(&texts::importing(import)));
    let (outcome, text) = inspect(&path, false);
    outcome.expect_code(1);
    assert!(text.contains("gg:host/cameras@0.1.0   NOT SERVED"), "{text}");
    assert!(text.contains("cannot run here: it imports gg:host/cameras@0.1.0"), "{text}");
    let (outcome, text) = inspect(&path, true);
    outcome.expect_code(1);
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["imports"][0]["served"], false);

    let path = file(folder.path(), "library.wasm", assemble("(component)"));
    let (outcome, text) = inspect(&path, false);
    outcome.expect_code(1);
    assert!(text.contains("none: it exports nothing to run"), "{text}");
}

#[test]
fn a_core_module_is_told_from_a_component() {
    let folder = folder();
    let path = file(folder.path(), "old.wasm", assemble(&texts::preview1(0)));
    let (outcome, text) = inspect(&path, false);
    outcome.expect_code(0);
    assert!(text.contains("core module for WASI preview 1"), "{text}");
    assert!(text.contains("role     service"), "{text}");
}

#[test]
fn what_is_no_component_is_an_error() {
    let folder = folder();
    let path = file(folder.path(), "notes.wasm", "notes");
    let (outcome, _) = inspect(&path, false);
    outcome.expect_code(1).expect_error("notes.wasm: not WebAssembly: a text file");
    let (outcome, _) = inspect(&folder.path().join("nothing.wasm"), false);
    outcome.expect_code(1).expect_error("nothing.wasm: cannot open");
}

#[test]
fn names_in_a_component_cannot_command_a_terminal() {
    let folder = folder();
    let path = file(folder.path(), "\u{1b}[31mred.wasm", "notes");
    let (outcome, _) = inspect(&path, false);
    outcome.expect_code(1);
    assert!(!outcome.stderr.contains('\u{1b}'), "{:?}", outcome.stderr);
}
