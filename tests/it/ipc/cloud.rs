//! Topics of the cloud's broker: a component with AWS's own client and a guest in Rust, over one
//! connection, whose broker goes and comes back in the middle.

use super::{Client, NAME, expect};
use crate::broker::{Broker, Peer};
use crate::host::guest;
use gg_host::cloud::{Publication, Qos};
use std::collections::{BTreeMap, BTreeSet};

const GUEST: &str = "com.example.Guest";

/// Publications of each of the two.
const COUNT: usize = 1000;

/// What has come of each topic, by its number.
type Seen = BTreeMap<String, BTreeSet<usize>>;

/// Take messages until each topic has so many.
async fn take(peer: &mut Peer, seen: &mut Seen, count: usize) {
    while seen.len() < 2 || seen.values().any(|numbers| numbers.len() < count) {
        let message = peer.next().await;
        let number = str::from_utf8(&message.payload).unwrap().parse().unwrap();
        seen.entry(message.topic).or_default().insert(number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_published_arrives_although_the_broker_goes_and_comes_back() {
    let Some(python) = Client::python() else { return };
    let mut broker = Broker::with("allow_anonymous true\nmax_queued_messages 0");
    let device = super::Device::reachable();
    let port = broker.port;
    device.settings(&format!(
        "runWithDefault: {{posixUser: nobody}}, iotDataEndpoint: 127.0.0.1, \
         mqtt: {{port: {port}, tls: false, minimumReconnectDelaySeconds: 1}}"
    ));
    python.bring(&device);
    let rights = |own: &str| {
        format!(
            "{{accessControl: {{aws.greengrass.ipc.mqttproxy: {{'p:1': {{operations: ['*'], \
             resources: [from/{own}, to/{own}, answers]}}}}}}}}"
        )
    };
    python.component(&device, NAME, &format!("cloud.py {COUNT}"), &rights("python"));
    device.artifact(GUEST, "1.0.0", &guest("cloud"));
    device.recipe(
        GUEST,
        "1.0.0",
        &format!(
            "ComponentConfiguration:\n  DefaultConfiguration: {}\nManifests:\n  - \
             Platform: {{runtime: wasm}}\n    \
             Lifecycle: {{run: '{{artifacts:path}}/cloud.wasm {COUNT}'}}\n    \
             Artifacts: [{{URI: 's3://bucket/cloud.wasm'}}]\n",
            rights("guest")
        ),
    );
    let mut peer = Peer::connect(port, "peer", &["from/#", "answers"]).await;
    let mut nucleus = device.start();
    let merge = format!("{NAME}=1.0.0,{GUEST}=1.0.0");
    device.queue(["--merge", &merge]);

    let mut seen = Seen::new();
    take(&mut peer, &mut seen, 50).await;
    drop(peer);
    broker.stop();
    broker.again();
    let mut peer = Peer::connect(port, "peer", &["from/#", "answers"]).await;
    take(&mut peer, &mut seen, COUNT).await;
    let published = format!("published {COUNT}");
    nucleus.wait_until_said(GUEST, &published);
    expect(&mut nucleus, &["UnauthorizedError", &published]);

    for (topic, name) in [("to/python", NAME), ("to/guest", GUEST)] {
        let ask = Publication {
            content_type: Some("text/plain".to_owned()),
            response_topic: Some("answers".to_owned()),
            user_properties: vec![("a".to_owned(), "1".to_owned())],
            ..Publication::new(topic, &b"42"[..], Qos::AtLeastOnce)
        };
        peer.publish(&ask).await;
        let answer = peer.next().await;
        assert_eq!((&answer.payload[..], answer.topic.as_str()), (&b"42"[..], "answers"));
        assert_eq!(answer.user_properties, [("answer".to_owned(), "yes".to_owned())]);
        nucleus.wait_until_said(name, "got");
    }
    expect(&mut nucleus, &["got to/python b'42' text/plain [('a', '1')]"]);
    // One connection for both, before and after.
    assert_eq!(broker.clients("gg-host"), 1);
}
