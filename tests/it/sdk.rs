//! What the SDKs do by themselves: a component for each language checks it, where components run.
//! Rust's has tests beside its sources.

use crate::host::{folder, run};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Build the component, whose sources have an extension, and run it. `cargo xtask test` says in the
/// environment where the toolchains are: `needed` is the variable of this one.
fn helpers(extension: &str, needed: &str, build: impl Fn(PathBuf) -> Command) {
    let Some(toolchain) = env::var_os(needed) else {
        let ci = env::var("CI").is_ok_and(|value| value == "true");
        assert!(!ci, "{needed} is not set; run cargo xtask test");
        println!("SKIPPED: {needed} is not set; cargo xtask test sets it");
        return;
    };
    let folder = folder();
    let component = folder.path().join("helpers.wasm");
    let mut build = build(toolchain.into());
    build.arg(project().join(format!("tests/sdk/helpers.{extension}"))).arg("-o").arg(&component);
    let built = build.output().unwrap();
    assert!(built.status.success(), "{build:?}\n{}", String::from_utf8_lossy(&built.stderr));
    run([component]).finish().expect_code(0).expect("helpers", "all well");
}

#[test]
fn helpers_in_javascript() {
    helpers("js", "GG_NODE", |node| {
        let mut build = Command::new(node);
        build.arg(project().join("guest-sdk/js/bin/gg-build.js"));
        build
    });
}

#[test]
fn helpers_in_python() {
    helpers("py", "GG_PYTHON", |python| {
        let mut build = Command::new(python);
        build.args(["-m", "gg_host.build"]);
        build.env("PYTHONPATH", project().join("guest-sdk/python"));
        build.env("PYTHONDONTWRITEBYTECODE", "1");
        build
    });
}

#[test]
fn helpers_in_c() {
    helpers("c", "GG_WASI_SYSROOT", |_| {
        let mut build = Command::new(project().join("guest-sdk/c/bin/gg-cc"));
        build.args(["-Wall", "-Wextra", "-Werror"]);
        build
    });
}
