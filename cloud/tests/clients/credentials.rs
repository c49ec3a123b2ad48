//! Endpoints, role aliases, and credentials for devices.

use crate::server::Server;

#[test]
fn devices_get_credentials_by_their_certificates() {
    let server = Server::new();
    server.python("credentials.py").expect_ok();
}
