//! Keys and signatures on the command line, and cosign, which takes them and makes such.

use crate::host::{command, file, finish, folder};
use std::fs;
use std::path::Path;
use std::process::Command;

fn run<'a>(
    at: &Path,
    subcommand: &str,
    arguments: impl IntoIterator<Item = &'a str>,
) -> crate::host::Outcome {
    let mut command = command(subcommand);
    command.current_dir(at).args(arguments).args(["--output", "json"]);
    command.env_remove("COSIGN_PASSWORD");
    finish(command)
}

#[test]
fn what_was_signed_is_verified_and_what_was_changed_is_not() {
    let folder = folder();
    let at = folder.path();
    file(at, "filter.wasm", "\0asm");
    run(at, "key", ["me"]).expect_code(0);
    run(at, "key", ["other"]).expect_code(0);
    // Nobody's key is written over.
    run(at, "key", ["me"]).expect_code(1);
    run(at, "sign", ["--key", "me.key", "filter.wasm"]).expect_code(0);

    let outcome = run(at, "verify", ["--key", "other.pub", "--key", "me.pub", "filter.wasm"]);
    let said = &outcome.expect_code(0).events[0].json;
    assert_eq!((said["verified"].as_bool(), said["key"].as_str()), (Some(true), Some("me.pub")));
    let outcome = run(at, "verify", ["--key", "other.pub", "filter.wasm"]);
    assert_eq!(outcome.expect_code(1).events[0].json["verified"], false);
    file(at, "filter.wasm", "\0asn");
    run(at, "verify", ["--key", "me.pub", "filter.wasm"]).expect_code(1);
    file(at, "filter.wasm", "\0asm");
    file(at, "filter.wasm.sigstore.json", "{}");
    run(at, "verify", ["--key", "me.pub", "filter.wasm"]).expect_code(1);
    fs::remove_file(at.join("filter.wasm.sigstore.json")).unwrap();
    let outcome = run(at, "verify", ["--key", "me.pub", "filter.wasm"]);
    let said = outcome.expect_code(1).events[0].json.clone();
    assert!(said["reason"].as_str().unwrap().contains(".sigstore.json"), "{said}");
}

#[test]
fn cosign_verifies_what_was_signed_here_and_the_other_way_round() {
    let cosign = std::env::var_os("GG_COSIGN")
        .expect("GG_COSIGN names cosign; cargo xtask test brings it and sets it");
    let folder = folder();
    let at = folder.path();
    file(at, "filter.wasm", "\0asm");
    run(at, "key", ["me"]).expect_code(0);
    run(at, "sign", ["--key", "me.key", "filter.wasm"]).expect_code(0);
    let run_cosign = |arguments: &[&str]| {
        let mut cosign = Command::new(&cosign);
        cosign.current_dir(at).args(arguments).env("COSIGN_PASSWORD", "");
        let output = cosign.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let bundle = "filter.wasm.sigstore.json";
    let offline = "--insecure-ignore-tlog";
    run_cosign(&["verify-blob", "--key", "me.pub", "--bundle", bundle, offline, "filter.wasm"]);

    run_cosign(&["generate-key-pair", "--output-key-prefix", "theirs"]);
    let log = ["--use-signing-config=false", "--tlog-upload=false", "--yes"];
    let sign = ["sign-blob", "--key", "theirs.key", "--bundle", "theirs.json"];
    run_cosign(&[&sign[..], &log, &["filter.wasm"]].concat());
    let theirs = ["--key", "theirs.pub", "--signature", "theirs.json", "filter.wasm"];
    run(at, "verify", theirs).expect_code(0);
}
