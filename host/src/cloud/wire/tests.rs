use super::outgoing::Outgoing;
use super::read::{WireError, read};
use super::write::Connect;
use super::*;
use crate::cloud::publication::{PayloadFormat, Qos};
use bytes::{Buf as _, Bytes, BytesMut};
use gg_model::MqttVersion::{V3, V5};

const MOST: usize = 1000;

fn one(bytes: &[u8], version: gg_model::MqttVersion) -> Result<Option<Packet>, WireError> {
    read(&mut BytesMut::from(bytes), version, MOST)
}

fn full() -> Publication {
    Publication {
        topic: "a/b".to_owned(),
        payload: Bytes::from_static(b"hello"),
        qos: Qos::AtLeastOnce,
        retain: true,
        payload_format: Some(PayloadFormat::Utf8),
        content_type: Some("text/plain".to_owned()),
        response_topic: Some("c".to_owned()),
        correlation_data: Some(Bytes::from_static(&[0, 1])),
        message_expiry: Some(60),
        user_properties: vec![("n".into(), "1".into()), ("n".into(), "2".into())],
        ..Publication::default()
    }
}

#[test]
fn a_publication_is_read_as_it_was_written() {
    let plain = Publication { qos: Qos::AtMostOnce, retain: false, ..full() };
    for (publication, id) in [(full(), Some(7)), (plain, None)] {
        let mut bytes = BytesMut::new();
        write::publish(&mut bytes, V5, &publication, id, false);
        let incoming = Incoming { publication: publication.clone(), id, subscriptions: vec![] };
        assert_eq!(one(&bytes, V5), Ok(Some(Packet::Publish(incoming))));
        // 3.1.1 knows no properties.
        let mut bytes = BytesMut::new();
        write::publish(&mut bytes, V3, &publication, id, true);
        let Ok(Some(Packet::Publish(incoming))) = one(&bytes, V3) else { panic!("{bytes:?}") };
        let bare = Publication::new("a/b", &b"hello"[..], publication.qos);
        assert_eq!(incoming.publication, Publication { retain: publication.retain, ..bare });
    }
}

#[test]
fn what_is_written_is_what_the_standard_says() {
    let mut bytes = BytesMut::new();
    let connect = Connect {
        client: "me",
        keep_alive: 60,
        session_expiry: 5,
        receive_maximum: 100,
        packet_bytes: 1000,
        login: None,
    };
    write::connect(&mut bytes, V3, &connect);
    assert_eq!(&bytes.split()[..], b"\x10\x0e\0\x04MQTT\x04\0\0\x3c\0\x02me");
    write::connect(&mut bytes, V5, &connect);
    let properties = b"\x0d\x11\0\0\0\x05\x21\0\x64\x27\0\0\x03\xe8";
    let expected = [&b"\x10\x1c\0\x04MQTT\x05\0\0\x3c"[..], properties, b"\0\x02me"].concat();
    assert_eq!(&bytes.split()[..], expected);
    let named = Connect { login: Some(("u", None)), ..connect };
    write::connect(&mut bytes, V3, &named);
    assert_eq!(&bytes.split()[..], b"\x10\x11\0\x04MQTT\x04\x80\0\x3c\0\x02me\0\x01u");
    let known = Connect { login: Some(("u", Some("pw"))), ..named };
    write::connect(&mut bytes, V3, &known);
    assert_eq!(&bytes.split()[..], b"\x10\x15\0\x04MQTT\x04\xc0\0\x3c\0\x02me\0\x01u\0\x02pw");
    write::subscribe(&mut bytes, V5, 1, "a/#", Qos::AtLeastOnce, Some(200));
    assert_eq!(&bytes.split()[..], b"\x82\x0c\0\x01\x03\x0b\xc8\x01\0\x03a/#\x01");
    write::subscribe(&mut bytes, V3, 1, "a/#", Qos::AtMostOnce, Some(200));
    assert_eq!(&bytes.split()[..], b"\x82\x08\0\x01\0\x03a/#\0");
    write::unsubscribe(&mut bytes, V5, 2, "a/#");
    assert_eq!(&bytes.split()[..], b"\xa2\x08\0\x02\0\0\x03a/#");
    write::acknowledge(&mut bytes, 258);
    assert_eq!(&bytes.split()[..], b"\x40\x02\x01\x02");
    write::publish(
        &mut bytes,
        V5,
        &Publication::new("t", &b"x"[..], Qos::AtLeastOnce),
        Some(3),
        true,
    );
    assert_eq!(&bytes.split()[..], b"\x3a\x07\0\x01t\0\x03\0x");
}

#[test]
fn what_a_broker_answers_is_read() {
    let connack = b"\x20\x0d\x01\0\x0a\x21\0\x14\x27\0\0\x04\0\x29\0";
    let Ok(Some(Packet::ConnAck(connack))) = one(connack, V5) else { panic!() };
    assert!(connack.session_present && !connack.identifies && connack.takes_retained);
    assert_eq!((connack.receive_maximum, connack.packet_bytes), (Some(20), Some(1024)));
    let Ok(Some(Packet::ConnAck(connack))) = one(b"\x20\x02\0\x05", V3) else { panic!() };
    assert_eq!(connack.reason.to_string(), "0x87 not authorized");

    let refused = Reason { code: 0x87, text: Some("no".to_owned()) };
    for (bytes, version, packet) in [
        (&b"\x40\x02\0\x07"[..], V3, Packet::PubAck(7, Reason::default())),
        (b"\x40\x02\0\x07", V5, Packet::PubAck(7, Reason::default())),
        (b"\x40\x03\0\x07\x10", V5, Packet::PubAck(7, Reason::of(0x10))),
        (b"\x40\x09\0\x07\x87\x05\x1f\0\x02no", V5, Packet::PubAck(7, refused)),
        (b"\x90\x03\0\x01\x80", V3, Packet::SubAck(1, Reason::of(0x80))),
        (b"\x90\x04\0\x01\0\x01", V5, Packet::SubAck(1, Reason::of(1))),
        (b"\xb0\x02\0\x02", V3, Packet::UnsubAck(2)),
        (b"\xb0\x04\0\x02\0\0", V5, Packet::UnsubAck(2)),
        (b"\xd0\0", V5, Packet::PingResp),
        (b"\xe0\0", V5, Packet::Disconnect(Reason::default())),
        (b"\xe0\x01\x8e", V5, Packet::Disconnect(Reason::of(0x8E))),
    ] {
        assert_eq!(one(bytes, version), Ok(Some(packet)), "{bytes:x?}");
    }
    let by_two = b"\x30\x08\0\x01t\x04\x0b\x01\x0b\x02";
    let Ok(Some(Packet::Publish(incoming))) = one(by_two, V5) else { panic!() };
    assert_eq!(incoming.subscriptions, [1, 2]);
}

#[test]
fn what_goes_out_in_parts_is_what_was_written() {
    let publications = [10, 5000, 0, 2048, 30_000, 2047].map(|length: usize| {
        let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
        Publication::new("t", payload, Qos::AtMostOnce)
    });
    for taken in [1, 7, 2048, 1 << 20] {
        let (mut out, mut whole) = (Outgoing::default(), BytesMut::new());
        for publication in &publications {
            write::publish_head(out.open(), V5, publication, None, false);
            out.put(&publication.payload);
            write::publish(&mut whole, V5, publication, None, false);
            write::ping(out.open());
            write::ping(&mut whole);
        }
        assert_eq!(out.len(), whole.len());
        let mut sent = Vec::new();
        while !out.is_empty() {
            let mut slices = [std::io::IoSlice::new(&[]); 4];
            let count = out.chunks_vectored(&mut slices);
            assert_eq!(&*slices[0], out.chunk());
            assert!(slices[..count].iter().all(|slice| !slice.is_empty()));
            let there: Vec<u8> =
                slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
            let length = there.len().min(taken);
            sent.extend_from_slice(&there[..length]);
            out.advance(length);
        }
        assert_eq!(sent, whole, "{taken} at a time");
    }
}

#[test]
fn packets_in_pieces_wait_for_the_rest() {
    let mut whole = BytesMut::new();
    write::publish(&mut whole, V5, &full(), Some(1), false);
    let length = whole.len();
    whole.extend_from_slice(b"\xd0");
    for end in 0..length {
        assert_eq!(one(&whole[..end], V5), Ok(None), "{end}");
    }
    let mut bytes = whole;
    assert!(matches!(read(&mut bytes, V5, MOST), Ok(Some(Packet::Publish(_)))));
    assert_eq!(read(&mut bytes, V5, MOST), Ok(None));
    assert_eq!(&bytes[..], b"\xd0");
}

#[test]
fn what_is_no_packet_is_refused() {
    for (bytes, error) in [
        (&b"\x30\xff\xff\xff\xff\x01"[..], WireError::Malformed("a length")),
        (b"\x30\xff\xff\xff\x7f", WireError::TooLarge(268_435_460)),
        // Neither QoS 2, nor what only a client sends, nor AUTH.
        (b"\x34\x06\0\x01t\0\x01\0", WireError::Malformed("a PUBLISH")),
        (b"\x82\0", WireError::Unexpected(8)),
        (b"\xf0\0", WireError::Unexpected(15)),
        // Identifier 0, a topic with a wildcard, none, not UTF-8, an alias of one.
        (b"\x32\x06\0\x01t\0\0\0", WireError::Malformed("a PUBLISH")),
        (b"\x30\x04\0\x01#\0", WireError::Malformed("a PUBLISH")),
        (b"\x30\x03\0\0\0", WireError::Malformed("a PUBLISH")),
        (b"\x30\x04\0\x01\xff\0", WireError::Malformed("a PUBLISH")),
        (b"\x30\x07\0\x01t\x03\x23\0\x01", WireError::Malformed("a PUBLISH")),
        // Properties longer than the packet, and of no known kind.
        (b"\x30\x04\0\x01t\x09", WireError::Malformed("a PUBLISH")),
        (b"\x30\x05\0\x01t\x01\x7f", WireError::Malformed("a PUBLISH")),
        (b"\x20\x06\0\0\x03\x21\0\0", WireError::Malformed("a CONNACK")),
        (b"\x40\x01\0", WireError::Malformed("a PUBACK")),
    ] {
        assert_eq!(one(bytes, V5), Err(error), "{bytes:x?}");
    }
}
