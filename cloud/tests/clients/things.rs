//! Things and their groups.

use crate::server::Server;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

#[test]
fn things_and_groups_are_kept() {
    let mut server = Server::new();
    server.python("things.py").expect_ok();
    server.cut();
    let names = ["iot", "list-things", "--query", "things[].thingName", "--output", "text"];
    assert_eq!(server.aws(names).expect_ok(), "kept\n");
    server.aws(["iot", "delete-thing", "--thing-name", "kept"]).expect_ok();
}

#[test]
fn what_many_made_at_once_survives_kills() {
    let mut server = Server::new();
    let mut acknowledged = BTreeSet::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = script.join("../tests/aws/gg_cloud/things_at_once.py");
    for (round, until) in [1, 20, 55, 150].into_iter().enumerate() {
        let mut client = server.client();
        client.arg(&script).arg((round * 10_000).to_string()).stdout(Stdio::piped());
        let mut making = client.spawn().unwrap();
        let lines = BufReader::new(making.stdout.take().unwrap()).lines();
        for (count, line) in lines.enumerate() {
            assert!(acknowledged.insert(line.unwrap()));
            if count + 1 == until {
                server.cut();
            }
        }
        assert!(making.wait().unwrap().success());
    }
    assert!(acknowledged.len() >= 226);
    let names = ["iot", "list-things", "--query", "things[].thingName", "--output", "json"];
    let listed: BTreeSet<String> = serde_json::from_str(&server.aws(names).expect_ok()).unwrap();
    let lost: Vec<&String> = acknowledged.difference(&listed).collect();
    assert!(lost.is_empty(), "{lost:?}");
}
