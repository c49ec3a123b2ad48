//! What `gg-host new` makes builds with the toolchain of its language, runs, and answers.

use crate::host::{command, finish, folder, run};
use rustix::process::Signal;
use serde_json::json;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Builds a project in its folder, as its README says, but without downloads; `None` where the
/// toolchain is missing. `cargo xtask test` says in the environment where the toolchains are.
type Build = fn(&Path) -> Option<Command>;

fn rust(project: &Path) -> Option<Command> {
    let print = ["--print", "target-libdir", "--target", "wasm32-wasip2"];
    let output = Command::new("rustc").args(print).output().ok()?;
    if !Path::new(String::from_utf8(output.stdout).ok()?.trim()).is_dir() {
        return None;
    }
    // What the samples' build has downloaded, and what the other kind has compiled.
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../sample-components/Cargo.lock");
    fs::copy(samples, project.join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-rust");
    fs::create_dir_all(&target).unwrap();
    symlink(target, project.join("target")).unwrap();
    let mut build = Command::new("./build.sh");
    build.arg("--quiet");
    Some(build)
}

fn js(project: &Path) -> Option<Command> {
    env::var_os("GG_JS_TOOLCHAIN")?;
    // As npm install makes it.
    let bin = project.join("node_modules/.bin");
    fs::create_dir_all(&bin).unwrap();
    symlink("../../sdk/bin/gg-build.js", bin.join("gg-build")).unwrap();
    let mut build = Command::new("npm");
    build.args(["run", "build"]);
    if let Some(node) = env::var_os("GG_NODE") {
        let first = Path::new(&node).parent().unwrap().to_owned();
        let path = env::var_os("PATH").unwrap();
        let path = env::join_paths([first].into_iter().chain(env::split_paths(&path))).unwrap();
        build.env("PATH", path);
    }
    Some(build)
}

fn python(_: &Path) -> Option<Command> {
    let mut build = Command::new(env::var_os("GG_PYTHON")?);
    build.args(["-m", "gg_host.build", "app.py", "-o", "python-project.wasm"]);
    // Stands for pip install.
    build.env("PYTHONPATH", "sdk").env("PYTHONDONTWRITEBYTECODE", "1");
    Some(build)
}

fn c(_: &Path) -> Option<Command> {
    env::var_os("GG_WASI_SYSROOT")?;
    Some(Command::new("make"))
}

/// Make a project and build it.
fn project(lang: &str, kind: &str, build: Build) -> Option<(TempDir, PathBuf)> {
    let folder = folder();
    let path = folder.path().join("project");
    let mut new = command("new");
    new.args([&format!("{lang}-project"), "--lang", lang, "--kind", kind, "--path"]).arg(&path);
    let made = finish(new);
    made.expect_code(0);
    assert!(made.events.iter().any(|event| event.line.starts_with("  gg-host run")), "{made}");

    let Some(mut build) = build(&path) else {
        let ci = env::var("CI").is_ok_and(|value| value == "true");
        assert!(!ci, "no toolchain for {lang}; run cargo xtask test");
        println!("SKIPPED: no toolchain for {lang}; cargo xtask test installs it");
        return None;
    };
    let built = build.current_dir(&path).output().unwrap();
    assert!(
        built.status.success(),
        "{build:?}\n{}{}",
        String::from_utf8_lossy(&built.stdout),
        String::from_utf8_lossy(&built.stderr)
    );
    Some((folder, path.join("recipe.yaml")))
}

fn handler(lang: &str, build: Build) {
    let Some((_folder, recipe)) = project(lang, "handler", build) else { return };
    let (question, answer) = (format!("{lang}-project/in"), format!("{lang}-project/out"));
    let start = || run([&recipe]).subscribe(&answer);

    let outcome = start().publish(&question, "wörld").publish(&question, "you").finish();
    outcome.expect_code(0);
    let answers = outcome.payloads(&answer);
    assert_eq!(answers, [json!({ "text": "Hello, wörld!" }), json!({ "text": "Hello, you!" })]);

    let outcome = start().config("greeting=Welcome").publish(&question, "you").finish();
    outcome.expect_code(0);
    assert_eq!(outcome.payloads(&answer), [json!({ "text": "Welcome, you!" })], "{outcome}");
}

fn service(lang: &str, build: Build) {
    let Some((_folder, recipe)) = project(lang, "service", build) else { return };
    let (question, answer) = (format!("{lang}-project/in"), format!("{lang}-project/out"));

    let mut host = run([&recipe])
        .subscribe(&answer)
        .publish(&question, "wörld")
        .publish(&question, "you")
        .start();
    host.wait_for_messages(&answer, 2);
    host.signal(Signal::INT);
    let outcome = host.finish();
    let id = ["com.example.", &lang[..1].to_uppercase(), &lang[1..], "Project"].concat();
    outcome.expect_code(0).expect(&id, "done");
    let answers = outcome.payloads(&answer);
    let first = json!({ "text": "Hello, wörld!", "count": 1 });
    assert_eq!(answers, [first, json!({ "text": "Hello, you!", "count": 2 })]);
}

#[test]
fn handler_in_rust() {
    handler("rust", rust);
}

#[test]
fn service_in_rust() {
    service("rust", rust);
}

#[test]
fn handler_in_javascript() {
    handler("js", js);
}

#[test]
fn service_in_javascript() {
    service("js", js);
}

#[test]
fn handler_in_python() {
    handler("python", python);
}

#[test]
fn service_in_python() {
    service("python", python);
}

#[test]
fn handler_in_c() {
    handler("c", c);
}

#[test]
fn service_in_c() {
    service("c", c);
}

#[test]
fn what_cannot_be_made_is_said_before_anything_is_written() {
    let folder = folder();
    let try_new = |name: &str, words: &str| {
        let mut new = command("new");
        new.args(["--lang", "rust", name]).current_dir(folder.path());
        let outcome = finish(new);
        outcome.expect_code(1).expect_error(words);
    };
    try_new("MyFilter", "how about my-filter?");
    try_new("loop", "means something else in Rust");
    fs::create_dir(folder.path().join("taken")).unwrap();
    fs::write(folder.path().join("taken/note"), "mine").unwrap();
    try_new("taken", "taken is there already and not empty");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
