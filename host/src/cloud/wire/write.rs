//! What a client sends. Texts have at most 65,535 bytes; a longer one is cut, so whoever takes them
//! from others looks first.

use super::PacketId;
use crate::cloud::publication::{PayloadFormat, Publication, Qos};
use bytes::{BufMut as _, BytesMut};
use gg_model::MqttVersion;

/// Longest text, or other bytes with a length before them.
const LONGEST_TEXT: usize = 65_535;

/// How a client introduces itself.
#[derive(Clone, Copy, Debug)]
pub struct Connect<'a> {
    /// Its identifier.
    pub client: &'a str,
    /// Seconds after which it says at least that it is there.
    pub keep_alive: u16,
    /// Seconds for which its session is kept when it is away (5.0 alone).
    pub session_expiry: u32,
    /// Messages that it takes before it has acknowledged the first (5.0 alone).
    pub receive_maximum: u16,
    /// Bytes of the largest packet that it takes (5.0 alone).
    pub packet_bytes: u32,
    /// By what the broker knows it besides: a name, and its password.
    pub login: Option<(&'a str, Option<&'a str>)>,
}

/// CONNECT, to go on with the session that the broker may have kept.
pub fn connect(out: &mut BytesMut, version: MqttVersion, connect: &Connect<'_>) {
    let mut body = BytesMut::new();
    text(&mut body, "MQTT");
    body.put_u8(match version {
        MqttVersion::V3 => 4,
        MqttVersion::V5 => 5,
    });
    // No clean start, no will.
    body.put_u8(match connect.login {
        None => 0,
        Some((_, None)) => 0x80,
        Some((_, Some(_))) => 0xC0,
    });
    body.put_u16(connect.keep_alive);
    if version == MqttVersion::V5 {
        let mut properties = BytesMut::new();
        properties.put_u8(0x11);
        properties.put_u32(connect.session_expiry);
        properties.put_u8(0x21);
        properties.put_u16(connect.receive_maximum);
        properties.put_u8(0x27);
        properties.put_u32(connect.packet_bytes);
        sized(&mut body, &properties);
    }
    text(&mut body, connect.client);
    if let Some((user, password)) = connect.login {
        text(&mut body, user);
        password.into_iter().for_each(|password| text(&mut body, password));
    }
    frame(out, 0x10, &body);
}

/// PUBLISH. With an identifier it is of QoS 1. `again`: it was sent before.
pub fn publish(
    out: &mut BytesMut,
    version: MqttVersion,
    publication: &Publication,
    id: Option<PacketId>,
    again: bool,
) {
    out.reserve(publication.payload.len());
    publish_head(out, version, publication, id, again);
    out.extend_from_slice(&publication.payload);
}

/// PUBLISH without the payload, which is its end.
pub fn publish_head(
    out: &mut BytesMut,
    version: MqttVersion,
    publication: &Publication,
    id: Option<PacketId>,
    again: bool,
) {
    let mut properties = BytesMut::new();
    if version == MqttVersion::V5 {
        write_properties(&mut properties, publication);
    }
    let mut length = 2 + publication.topic.len() + publication.payload.len();
    if id.is_some() {
        length += 2;
    }
    if version == MqttVersion::V5 {
        length += variable_length(properties.len()) + properties.len();
    }
    let qos = u8::from(id.is_some());
    let again = u8::from(again && id.is_some());
    out.put_u8(0x30 | again << 3 | qos << 1 | u8::from(publication.retain));
    variable(out, length);
    text(out, &publication.topic);
    if let Some(id) = id {
        out.put_u16(id);
    }
    if version == MqttVersion::V5 {
        sized(out, &properties);
    }
}

fn write_properties(out: &mut BytesMut, publication: &Publication) {
    if let Some(format) = publication.payload_format {
        out.put_u8(0x01);
        out.put_u8(u8::from(format == PayloadFormat::Utf8));
    }
    if let Some(seconds) = publication.message_expiry {
        out.put_u8(0x02);
        out.put_u32(seconds);
    }
    if let Some(content_type) = &publication.content_type {
        out.put_u8(0x03);
        text(out, content_type);
    }
    if let Some(topic) = &publication.response_topic {
        out.put_u8(0x08);
        text(out, topic);
    }
    if let Some(correlation) = &publication.correlation_data {
        out.put_u8(0x09);
        data(out, correlation);
    }
    for (name, value) in &publication.user_properties {
        out.put_u8(0x26);
        text(out, name);
        text(out, value);
    }
}

/// PUBACK: a message of QoS 1 has been taken.
pub fn acknowledge(out: &mut BytesMut, id: PacketId) {
    out.put_slice(&[0x40, 2]);
    out.put_u16(id);
}

/// SUBSCRIBE to one filter; its identifier comes with its messages (5.0 alone).
pub fn subscribe(
    out: &mut BytesMut,
    version: MqttVersion,
    id: PacketId,
    filter: &str,
    qos: Qos,
    identifier: Option<u32>,
) {
    let mut body = BytesMut::new();
    body.put_u16(id);
    if version == MqttVersion::V5 {
        let mut properties = BytesMut::new();
        if let Some(identifier) = identifier {
            properties.put_u8(0x0B);
            variable(&mut properties, identifier as usize);
        }
        sized(&mut body, &properties);
    }
    text(&mut body, filter);
    body.put_u8(u8::from(qos == Qos::AtLeastOnce));
    frame(out, 0x82, &body);
}

/// UNSUBSCRIBE from one filter.
pub fn unsubscribe(out: &mut BytesMut, version: MqttVersion, id: PacketId, filter: &str) {
    let mut body = BytesMut::new();
    body.put_u16(id);
    if version == MqttVersion::V5 {
        variable(&mut body, 0);
    }
    text(&mut body, filter);
    frame(out, 0xA2, &body);
}

/// PINGREQ.
pub fn ping(out: &mut BytesMut) {
    out.put_slice(&[0xC0, 0]);
}

/// DISCONNECT, as intended.
pub fn disconnect(out: &mut BytesMut) {
    out.put_slice(&[0xE0, 0]);
}

fn frame(out: &mut BytesMut, first: u8, body: &[u8]) {
    out.put_u8(first);
    sized(out, body);
}

/// Bytes, with their number before them.
fn sized(out: &mut BytesMut, bytes: &[u8]) {
    variable(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn text(out: &mut BytesMut, text: &str) {
    data(out, text.as_bytes());
}

fn data(out: &mut BytesMut, data: &[u8]) {
    let data = &data[..data.len().min(LONGEST_TEXT)];
    out.put_u16(u16::try_from(data.len()).unwrap_or(u16::MAX));
    out.extend_from_slice(data);
}

/// A number of one to four bytes.
fn variable(out: &mut BytesMut, value: usize) {
    let mut rest = value;
    loop {
        let byte = (rest & 0x7F) as u8;
        rest >>= 7;
        if rest == 0 {
            return out.put_u8(byte);
        }
        out.put_u8(byte | 0x80);
    }
}

fn variable_length(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}
