//! The ways to a broker besides its own port: port 443, which it shares with other protocols, and
//! proxies.

use super::{Making, secure};
use crate::broker::{Authority, Broker, Network, Valid};
use crate::host::folder;
use crate::tls::{lead, tls};
use gg_host::network::{Proxy, ProxySettings};
use std::path::Path;
use tokio::net::TcpListener;

/// AWS IoT has other protocols on port 443, and takes MQTT there if TLS asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn port_443_is_asked_for_mqtt() {
    let (broker, own) = (Broker::start(), folder());
    let (brokers, devices) = (Authority::new("brokers"), Authority::new("devices"));
    // Nobody else has this port of this address.
    let host = "127.0.0.43";
    let listener = TcpListener::bind((host, 443)).await.unwrap();
    let files = brokers.sign(own.path(), "broker", host, Valid::Now);
    devices.sign(own.path(), "device", "device", Valid::Now);
    brokers.write(own.path(), "roots");
    let mut config = tls(files, Some(&devices));
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"x-amzn-mqtt-ca".to_vec()];
    let device = Making { host, ..Making::secure(443, own.path()) }.start().await;
    assert_eq!(lead(&listener, config, broker.port).await.unwrap(), b"x-amzn-mqtt-ca");
    device.up().await;
    let mut messages = device.subscribe("a").await;
    device.publish("a", "by way of 443").await;
    assert_eq!(messages.payload().await, "by way of 443");
    device.stop().await;
}

fn by(proxy: &str, making: Making) -> Making {
    let proxy: Proxy = proxy.parse().unwrap();
    Making { proxies: ProxySettings::new(Some(proxy.clone()), Some(proxy), ""), ..making }
}

fn asks(network: &Network, folder: &Path, port: u16) {
    let asked = network.asked.lock().unwrap()[0].clone();
    let head = format!("CONNECT broker.test:{port} HTTP/1.1");
    assert!(asked.starts_with(&head), "{}: {asked}", folder.display());
    // "me:word" in Base64.
    assert!(asked.to_lowercase().contains("proxy-authorization: basic "), "{asked}");
    assert!(asked.contains("bWU6d29yZA=="), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_is_reached_by_way_of_a_proxy() {
    let (broker, own, _) = secure(Valid::Now, "broker.test");
    let network = Network::proxy(broker.port).await;
    let making = Making { host: "broker.test", ..Making::secure(broker.port, own.path()) };
    let proxy = format!("http://me:word@127.0.0.1:{}", network.port);
    let device = by(&proxy, making).start().await;
    device.up().await;
    asks(&network, own.path(), broker.port);
    device.stop().await;
}

/// There is TLS within TLS.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_may_speak_tls() {
    let (broker, own, [brokers, _]) = secure(Valid::Now, "broker.test");
    let network = Network::proxy(broker.port).await;
    let files = brokers.sign(own.path(), "proxy", "localhost", Valid::Now);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("https://me:word@localhost:{}", listener.local_addr().unwrap().port());
    let making = Making { host: "broker.test", ..Making::secure(broker.port, own.path()) };
    let device = by(&proxy, making).start().await;
    lead(&listener, tls(files, None), network.port).await;
    device.up().await;
    asks(&network, own.path(), broker.port);
    device.stop().await;
}
