//! Clients that mean no good.

use crate::server::Server;
use std::fs;

#[test]
fn what_no_sdk_sends_does_no_harm() {
    let server = Server::new();
    server.python("hostile.py").expect_ok();
    let arriving = server.data().join("objects/arriving");
    assert_eq!(fs::read_dir(arriving).unwrap().count(), 0);
}

#[test]
fn nobody_else_can_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::new();
    let mode = |path: &str| fs::metadata(server.data().join(path)).unwrap().permissions().mode();
    assert_eq!(mode("") & 0o077, 0);
    assert_eq!(mode("pki/ca.key") & 0o077, 0);
}
