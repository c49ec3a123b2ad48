//! Policies, and whom they are for.

use crate::server::Server;

#[test]
fn policies_have_versions_and_targets() {
    let server = Server::new();
    server.python("policies.py").expect_ok();
}
