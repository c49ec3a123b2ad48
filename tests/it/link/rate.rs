//! How fast it may go.

use super::Making;
use crate::broker::Broker;
use serde_json::json;
use std::time::{Duration, Instant};

/// What is waited for is the least time that it may take, not the most.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_published_in_a_second_than_the_quota_allows() {
    let broker = Broker::start();
    for (quotas, payload) in [
        (json!({"publishesPerSecond": 20}), 1),
        // The topic counts as well.
        (json!({"bytesPerSecond": 20_000}), 999),
    ] {
        let device = Making::plain(broker.port).with("quotas", quotas.clone()).start().await;
        device.up().await;
        let mut messages = device.subscribe("a").await;
        let begun = Instant::now();
        for _ in 0..50 {
            device.publish("a", vec![0; payload]).await;
        }
        for _ in 0..50 {
            messages.next().await;
        }
        // Twenty go at once, and the others at the rate.
        let least = Duration::from_millis(1450);
        assert!(begun.elapsed() >= least, "{quotas}: {:?}", begun.elapsed());
        device.stop().await;
    }
}
