//! Starting, being asked who one is, and stopping.

use crate::server::Server;
use std::process::Command;

#[test]
fn clients_are_told_who_they_are() {
    let server = Server::new();
    server.python("identity.py").expect_ok();
    let said = server.aws(["sts", "get-caller-identity", "--query", "Arn", "--output", "text"]);
    assert_eq!(said.expect_ok(), "arn:aws:iam::000000000000:user/admin\n");
    server.aws(["sts", "get-session-token"]).expect_failure("gg-cloud does not serve");
}

#[test]
fn a_key_holds_after_another_start() {
    let mut server = Server::new();
    server.cut();
    server.aws(["sts", "get-caller-identity"]).expect_ok();
    server.stop();
}

#[test]
fn health_and_metrics_need_no_key() {
    let server = Server::new();
    server.aws(["sts", "get-caller-identity"]).expect_ok();
    let ask = |path: &str| {
        let ca = server.data().join("pki/ca.pem");
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--cacert"]).arg(ca);
        let output = curl.arg(format!("{}{path}", server.url())).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(ask("/healthz"), (true, "ok\n".to_owned()));
    assert_eq!(ask("/readyz"), (true, "ok\n".to_owned()));
    assert!(!ask("/greengrass/v2/components").0);
    let (_, metrics) = ask("/metrics");
    let counted =
        "gg_cloud_requests_total{service=\"sts\",operation=\"GetCallerIdentity\",status=\"200\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn what_is_not_served_says_so() {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/OPERATIONS.md");
    Server::new().python_with("unserved.py", &[table]).expect_ok();
}
