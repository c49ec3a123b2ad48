//! Starting, being asked who one is, and stopping.

use crate::server::Server;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

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
    let ask = |path: &str| server.curl(path);
    assert_eq!(ask("/healthz"), (true, "ok\n".to_owned()));
    assert_eq!(ask("/readyz"), (true, "ok\n".to_owned()));
    assert!(!ask("/greengrass/v2/components").0);
    let (_, metrics) = ask("/metrics");
    let counted =
        "gg_cloud_requests_total{service=\"sts\",operation=\"GetCallerIdentity\",status=\"200\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    for figure in
        ["gg_cloud_info{version=", "gg_cloud_mqtt_connected 0", "gg_cloud_outbox_messages 0"]
    {
        assert!(metrics.contains(figure), "{metrics}");
    }
}

/// Wait until nobody is let in any more.
fn wait_until_closed(port: u16) {
    let until = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < until, "connections are still accepted");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_being_answered_when_it_stops_is_answered() {
    let mut server = Server::new();
    server.aws(["s3", "mb", "s3://bucket"]).expect_ok();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/aws/gg_cloud/stopping.py");
    let mut client = server.client();
    client.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut putting = client.spawn().unwrap();
    let mut said = BufReader::new(putting.stdout.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "half of it is sent");
    server.ask_to_stop();
    for port in [server.https_port(), server.mqtt_port()] {
        wait_until_closed(port);
    }
    putting.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    assert!(putting.wait().unwrap().success());
    server.stops();
    server.start();
    let listed = server.aws(["s3", "ls", "s3://bucket"]).expect_ok();
    assert!(listed.contains("2000000 whole"), "{listed}");
}

#[test]
fn what_is_not_served_says_so() {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/OPERATIONS.md");
    Server::new().python_with("unserved.py", &[table]).expect_ok();
}

#[test]
fn whoever_asks_too_often_is_told_to_wait() {
    let server = Server::with(&["--requests-per-second", "5"]);
    server.python("too_often.py").expect_ok();
}
