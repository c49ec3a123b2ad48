//! Backups of a server that runs, restored.

use crate::kit::{run, text};
use crate::server::Server;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

fn path(server: &Server, name: &str) -> String {
    server.data().with_file_name(name).to_str().unwrap().to_owned()
}

#[test]
fn a_restored_server_is_the_same_to_clients_and_devices() {
    let mut server = Server::new();
    server.python_with("backup.py", &["fill"]).expect_ok();
    let (file, ca) = (path(&server, "backup.tar"), fs::read(server.ca()).unwrap());
    let said = text(&run(server.data(), &["backup", &file])).to_owned();
    assert!(said.contains(&file), "{said}");
    // What comes later is not in it.
    server.aws(["iot", "create-thing", "--thing-name", "later"]).expect_ok();
    assert!(!run(server.data(), &["backup", &file]).status.success(), "it is there already");
    let full = run(server.data(), &["restore", &file]);
    assert!(!full.status.success());
    assert!(String::from_utf8_lossy(&full.stderr).contains("is not empty"));
    server.aws(["iot", "describe-thing", "--thing-name", "later"]).expect_ok();
    server.stop();
    fs::rename(server.data(), server.data().with_extension("before")).unwrap();
    text(&run(server.data(), &["restore", &file]));
    server.start();
    assert!(fs::read(server.ca()).unwrap() == ca);
    server.python_with("backup.py", &["check"]).expect_ok();
    let things: Value =
        serde_json::from_str(text(&run(server.data(), &["status", "--output", "json"]))).unwrap();
    assert_eq!(things["things"].as_array().unwrap().len(), 1);
    server.stop();
    // One that was cut off is no server's.
    fs::create_dir(server.data().join("restoring")).unwrap();
    assert!(server.start_fails().contains("cut off"));
}

#[test]
fn what_is_backed_up_while_objects_come_and_go_is_whole() {
    let server = Server::new();
    server.aws(["s3", "mb", "s3://bucket"]).expect_ok();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/aws/gg_cloud/backup.py");
    let mut client = server.client();
    let mut churning = client.arg(script).arg("churn").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(churning.stdout.take().unwrap()).lines();
    for round in 0..5 {
        lines.next().unwrap().unwrap();
        let (file, folder) =
            (path(&server, &format!("{round}.tar")), path(&server, &format!("{round}")));
        text(&run(server.data(), &["backup", &file]));
        // Restoring holds every object against its digest, and all that are referred to are there.
        text(&run(Path::new(&folder), &["restore", &file]));
    }
    churning.kill().unwrap();
    churning.wait().unwrap();
}
