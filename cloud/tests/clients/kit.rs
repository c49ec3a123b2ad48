//! Devices that are prepared from the command line.

use crate::server::Server;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// gg-cloud, with a folder.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_gg-cloud"));
    program.args(arguments).arg("--data").arg(data).output().unwrap()
}

/// What it printed, having succeeded.
#[track_caller]
pub(crate) fn text(output: &Output) -> &str {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn a_device_is_added_while_the_server_runs_and_while_it_does_not() {
    let mut server = Server::new();
    let data = server.data().to_owned();
    let file = |name: &str| data.join(name).to_str().unwrap().to_owned();
    let (one, two) = (file("press.tar.gz"), file("lathe.tar.gz"));
    let add = |name: &str, kit: &str| {
        let place = ["--endpoint", "localhost", "--root", "/gg"];
        let arguments = ["thing", "add", name, "--group", "hall", "--kit", kit];
        run(&data, &[&arguments[..], &place[..]].concat())
    };
    assert!(text(&add("press", &one)).contains("press is a core device"));
    assert_eq!(std::fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o600);
    let unpacked = Command::new("tar").args(["-xzf", &one, "-C"]).arg(&data).status().unwrap();
    assert!(unpacked.success());
    let mode = |name: &str| {
        let permissions = std::fs::metadata(data.join(name)).unwrap().permissions();
        permissions.mode() & 0o077
    };
    assert_eq!(mode("private.pem.key"), 0);
    server.python("kit.py").expect_ok();
    // A kit that is there is kept, and nothing is changed.
    let again = add("drill", &one);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("cannot be written"));
    server.stop();
    text(&add("lathe", &two));
    let table = "THING  GROUPS  CERTIFICATES   LINK  HEALTH  DEPLOYMENT  HEARD\n\
                 lathe  hall    1 of 1 active  down  -       -           -\n\
                 press  hall    1 of 1 active  down  -       -           -\n";
    assert_eq!(text(&run(&data, &["status"])), table);
    let shown: Value =
        serde_json::from_str(text(&run(&data, &["status", "--output", "json"]))).unwrap();
    assert_eq!(shown["things"][0]["thingGroups"], json!(["hall"]));
}

#[test]
fn there_is_nothing_to_add_to_where_no_server_was() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["thing", "add", "press", "--kit", "press.tar.gz"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("start `gg-cloud serve` once"), "{said}");
}
