//! The wire of MQTT: bytes in any pieces give the same packets as in one, and a publication that
//! was read is written alike.
#![no_main]

#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/cloud"]
mod cloud {
    pub mod publication;
    pub mod wire;
}
mod logs {
    pub use crate::text::presentable;
}
#[expect(dead_code, reason = "the host uses more of it")]
#[path = "../../host/src/logs/text.rs"]
mod text;

use bytes::BytesMut;
use cloud::wire::Packet;
use cloud::wire::read::{WireError, read};
use cloud::wire::write;
use gg_model::MqttVersion;

const MOST: usize = 100_000;

/// The packets up to the first error, or to the end.
fn packets(bytes: &[u8], sizes: &[u8], version: MqttVersion) -> (Vec<Packet>, Option<WireError>) {
    let (mut input, mut packets, mut rest) = (BytesMut::new(), Vec::new(), bytes);
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |size| usize::from(*size).max(1));
        let (piece, later) = rest.split_at(size.min(rest.len()));
        input.extend_from_slice(piece);
        loop {
            match read(&mut input, version, MOST) {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => break,
                Err(error) => return (packets, Some(error)),
            }
        }
        rest = later;
    }
    (packets, None)
}

libfuzzer_sys::fuzz_target!(|input: (Vec<u8>, &[u8])| {
    let (sizes, bytes) = input;
    for version in [MqttVersion::V3, MqttVersion::V5] {
        let (whole, error) = packets(bytes, &[], version);
        assert_eq!(packets(bytes, &sizes, version), (whole.clone(), error));
        for packet in whole {
            let Packet::Publish(mut incoming) = packet else { continue };
            incoming.subscriptions.clear();
            let mut written = BytesMut::new();
            write::publish(&mut written, version, &incoming.publication, incoming.id, false);
            let again = read(&mut written, version, 2 * MOST).expect("it is good");
            assert_eq!(again, Some(Packet::Publish(incoming)));
        }
    }
});
