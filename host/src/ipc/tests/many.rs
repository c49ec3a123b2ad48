//! As many clients and streams as are promised.

use super::*;
use crate::capability::testing::with_limits;
use gg_model::{AccessPolicy, Limits};
use rustix::process::{Resource, getrlimit, setrlimit};

const CONNECTIONS: usize = 1000;
const STREAMS: usize = 10;

#[tokio::test]
async fn a_thousand_connections_with_ten_thousand_streams_are_served() {
    let mut files = getrlimit(Resource::Nofile);
    if files.maximum.is_some_and(|most| most < 4096) {
        println!("skipped: this process may not open as many files");
        return;
    }
    files.current = Some(files.current.unwrap_or(4096).max(4096));
    setrlimit(Resource::Nofile, files).unwrap();
    let bench = Bench::new();
    let mut policy = AccessPolicy::default();
    policy.allow("aws.greengrass.ipc.pubsub", "*", "*").unwrap();
    let limits = Limits { subscriptions: 10_000, ..Limits::default() };
    let issued = bench.issue(&with_limits("a", policy, limits));
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = bench.client(&issued).await;
        for _ in 0..STREAMS {
            client.subscribe("t").await.unwrap();
        }
        clients.push(client);
    }
    let other = bench.issue(&somebody("b"));
    bench.client(&other).await.publish("t", "to all").await.unwrap();
    for client in &mut clients {
        for _ in 0..STREAMS {
            assert_eq!(client.text().await, "to all");
        }
    }
    assert_eq!(bench.cuts(), []);
}
