//! A broker that knows its devices by names and passwords.

use super::Making;
use crate::broker::Broker;
use crate::host::folder;
use serde_json::json;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_may_ask_for_a_name_and_a_password() {
    let place = folder();
    let passwords = place.path().join("passwords");
    let mut make = Command::new("mosquitto_passwd");
    let made = make.args(["-b", "-c"]).arg(passwords).args(["kettle", "pass:wörd"]).status();
    assert!(made.unwrap().success());
    let settings = "allow_anonymous false\npassword_file {folder}/passwords";
    let broker = Broker::prepared(place, settings);
    for version in ["mqtt3", "mqtt5"] {
        let making = |password: &str| {
            let making = Making::plain(broker.port).with("version", json!(version));
            making.with("username", json!("kettle")).with("password", json!(password))
        };
        let device = making("pass:wörd").start().await;
        device.up().await;
        let mut messages = device.subscribe("a").await;
        device.publish("a", "known").await;
        assert_eq!(messages.payload().await, "known");
        device.stop().await;

        let device = making("another").start().await;
        let fault = device.fault().await;
        // MQTT 5 of mosquitto says of it what it says of all that is not allowed.
        assert!(fault.contains("mqtt.username"), "{version}: {fault}");
        assert!(!fault.contains("another"), "{fault}");
        device.stop().await;
    }
}
