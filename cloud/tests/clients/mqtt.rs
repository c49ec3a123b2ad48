//! Devices at the broker: mosquitto's clients and paho.

use crate::devices::{Devices, put_in_outbox, state};
use crate::server::Server;
use gg_cloud::registry::certificates::Status;
use gg_cloud::registry::connections::{self, Reason};
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

fn start() -> (Server, Devices) {
    let (server, devices) = (Server::new(), Devices::new());
    devices.thing(&server, "alpha", Status::Active);
    (server, devices)
}

#[test]
fn certificates_decide_who_may_speak() {
    let (server, devices) = start();
    devices.unknown("stranger");
    devices.thing(&server, "retired", Status::Inactive);
    let mine = ["-i", "alpha", "-t", "alpha/x"];
    devices.publish(&server, "alpha", &mine).expect_ok();
    devices.publish(&server, "alpha", &[&mine[..], &["-V", "mqttv5"]].concat()).expect_ok();
    devices.publish(&server, "stranger", &mine).expect_failure("");
    devices.publish(&server, "nobody", &mine).expect_failure("");
    devices.publish(&server, "retired", &["-i", "retired", "-t", "retired/x"]).expect_failure("");
    let log = server.log();
    assert_eq!(log.matches("a certificate is refused").count(), 2, "{log}");
}

#[test]
fn what_clients_do_is_counted() {
    let (server, devices) = start();
    for _ in 0..2 {
        devices.publish(&server, "alpha", &["-i", "alpha", "-t", "alpha/x"]).expect_ok();
    }
    let (_, metrics) = server.curl("/metrics");
    for line in
        ["mqtt_connections_total 2", "mqtt_received_total 2", "mqtt_received_bytes_total 10"]
    {
        let line = format!("gg_cloud_{line}");
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}

#[test]
fn mqtt_is_spoken_at_the_port_for_https_with_those_who_ask() {
    let (server, devices) = start();
    let port = server.https_port().to_string();
    for name in ["x-amzn-mqtt-ca", "mqtt"] {
        let more = ["-p", &port, "--tls-alpn", name, "-i", "alpha", "-t", "alpha/x"];
        devices.publish(&server, "alpha", &more).expect_ok();
        devices.publish(&server, "nobody", &more).expect_failure("");
    }
    devices.publish(&server, "alpha", &["-p", &port, "-i", "alpha", "-t", "x"]).expect_failure("");
    server.aws(["sts", "get-caller-identity"]).expect_ok();
}

#[test]
fn clients_do_what_they_may_and_nothing_else() {
    let (server, devices) = start();
    devices.python(&server, "mqtt_rights.py", &[]).expect_ok();
}

#[test]
fn wills_retained_messages_and_takeovers() {
    let (server, devices) = start();
    devices.python(&server, "mqtt_features.py", &[]).expect_ok();
}

#[test]
fn who_loses_a_right_loses_what_it_was_for() {
    let (server, devices) = start();
    devices.python(&server, "mqtt_revoked.py", &[]).expect_ok();
    let state = state(server.data());
    let known = connections::all(state.snapshot().unwrap().as_ref()).unwrap();
    let [known] = known.as_slice() else { panic!("{known:?}") };
    assert_eq!((known.thing.as_str(), known.client.as_str()), ("alpha", "alpha"));
    assert!(known.ended.is_some_and(|(at, why)| at >= known.since && why == Reason::AuthError));
}

#[test]
fn requests_to_the_control_plane_are_answered() {
    let (server, devices) = start();
    devices.python(&server, "mqtt_requests.py", &[]).expect_ok();
}

#[test]
fn devices_with_a_claim_get_certificates_and_names_and_nobody_hears_of_it() {
    let (server, devices) = start();
    devices.python(&server, "claims.py", &[]).expect_ok();
    let log = server.log();
    assert!(!log.contains("PRIVATE KEY") && !log.contains("OwnershipToken\":"), "{log}");
}

#[test]
fn what_clients_missed_waits_for_them() {
    let (mut server, devices) = start();
    let session = |server: &Server, arguments: &[&str]| {
        devices.python(server, "mqtt_session.py", arguments).expect_ok();
    };
    session(&server, &["leave"]);
    session(&server, &["publish", "1", "3"]);
    session(&server, &["return", "1", "2", "3"]);
    // The files of these, which go a moment later, are not to be taken for those of the next.
    wait_for_files(&server, 0);
    session(&server, &["publish", "4", "3"]);
    wait_for_files(&server, 6);
    server.cut();
    session(&server, &["publish", "7", "1"]);
    session(&server, &["return", "4", "5", "6", "7"]);
    server.stop();
}

#[test]
fn the_outbox_is_published_at_least_once() {
    let (mut server, devices) = start();
    devices.python(&server, "mqtt_session.py", &["leave"]).expect_ok();
    let topic = "$aws/things/alpha/jobs/notify";
    server.cut_and(|data| put_in_outbox(data, topic, &["a", "b", "c"]));
    // Whatever was done with them by now.
    server.cut();
    devices.python(&server, "mqtt_session.py", &["return", "a", "b", "c"]).expect_ok();
}

#[test]
fn whoever_sends_too_fast_waits_and_loses_nothing() {
    let (server, devices) = (Server::with(&["--messages-per-second", "20"]), Devices::new());
    devices.thing(&server, "alpha", Status::Active);
    devices.python(&server, "mqtt_fast.py", &["20"]).expect_ok();
}

#[test]
fn a_client_has_so_many_subscriptions_and_no_more() {
    let (server, devices) = start();
    devices.python(&server, "mqtt_many.py", &[]).expect_ok();
}

#[test]
fn a_client_that_reads_nothing_takes_no_memory() {
    let (server, devices) = start();
    let before = resident(&server);
    devices.python(&server, "mqtt_deaf.py", &["200"]).expect_ok();
    let grown = resident(&server).saturating_sub(before) / 1024;
    println!("200 MB to a client that reads nothing: {grown} MB more");
    assert!(grown < 64, "{grown} MB");
}

/// Wait until so many messages are in files of sessions, and no more.
fn wait_for_files(server: &Server, count: usize) {
    let queues = server.data().join("mqtt/queues");
    // Beside them, for a moment, is what is being written.
    let whole = |file: &fs::DirEntry| file.path().extension() == Some("json".as_ref());
    let files = |folder: fs::DirEntry| {
        fs::read_dir(folder.path()).unwrap().map(Result::unwrap).filter(whole).count()
    };
    let until = Instant::now() + Duration::from_secs(10);
    while fs::read_dir(&queues).unwrap().map(Result::unwrap).map(files).sum::<usize>() != count {
        assert!(Instant::now() < until, "{count} are not written down");
        sleep(Duration::from_millis(10));
    }
}

/// Kilobytes of memory.
fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
