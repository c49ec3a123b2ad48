//! Secrets Manager.

use crate::server::Server;
use std::fs;
use std::path::Path;

#[test]
fn boto3_keeps_secrets_and_devices_read_them() {
    let server = Server::new();
    server.python("keep_secrets.py").expect_ok();
}

/// Whether any file below a folder has these bytes in it.
fn holds(folder: &Path, wanted: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => holds(&path, wanted),
            false => fs::read(&path).unwrap().windows(wanted.len()).any(|part| part == wanted),
        }
    })
}

#[test]
fn the_cli_gets_back_a_secret_that_is_in_no_file_and_no_log() {
    let mut server = Server::new();
    const VALUE: &str = "correct-horse-battery-staple";
    let id = ["--secret-id", "site/db"];
    let create = ["secretsmanager", "create-secret", "--name", "site/db", "--secret-string", VALUE];
    server.aws(create).expect_ok();
    server.aws(create).expect_failure("ResourceExistsException");
    let get = ["secretsmanager", "get-secret-value", id[0], id[1], "--query", "SecretString"];
    let text = |server: &Server| {
        let [a, b, c, d, e, f] = get;
        server.aws([a, b, c, d, e, f, "--output", "text"]).expect_ok()
    };
    assert_eq!(text(&server).trim(), VALUE);
    server.cut();
    assert_eq!(text(&server).trim(), VALUE);
    assert!(!server.log().contains(VALUE));
    // The CLI keeps its own files elsewhere.
    assert!(!holds(server.data(), VALUE.as_bytes()));
    server.aws(["secretsmanager", "rotate-secret", id[0], id[1]]).expect_failure("not serve");
    // Without the keys the server does not start, rather than make others.
    server.stop();
    let keys = server.data().join("pki/secrets.json");
    let kept = fs::read(&keys).unwrap();
    fs::remove_file(&keys).unwrap();
    let said = server.start_fails();
    assert!(said.contains("secrets.json is missing"), "{said}");
    assert!(!keys.exists());
    fs::write(&keys, kept).unwrap();
    server.start();
    assert_eq!(text(&server).trim(), VALUE);
}
