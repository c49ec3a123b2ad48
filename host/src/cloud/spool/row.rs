//! A publication as a row of the store, and back.

use super::lane::Held;
use crate::cloud::publication::{PayloadFormat, Priority, Publication, Qos};
use crate::store::SpoolRow;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What few publications have.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
struct Properties {
    #[serde(skip_serializing_if = "Option::is_none")]
    utf8: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_data: Option<Vec<u8>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    user: Vec<(String, String)>,
}

/// Under a number of its lane.
pub(super) fn to_row(number: i64, held: &Held) -> SpoolRow {
    let publication = &held.publication;
    let properties = Properties {
        utf8: publication.payload_format.map(|format| format == PayloadFormat::Utf8),
        content_type: publication.content_type.clone(),
        response_topic: publication.response_topic.clone(),
        correlation_data: publication.correlation_data.as_ref().map(|data| data.to_vec()),
        user: publication.user_properties.clone(),
    };
    let properties = (properties != Properties::default())
        .then(|| serde_json::to_string(&properties).unwrap_or_default());
    SpoolRow {
        number,
        size: i64::try_from(held.size).unwrap_or(i64::MAX),
        qos: u8::from(publication.qos == Qos::AtLeastOnce),
        retain: publication.retain,
        expires: held.expires,
        topic: publication.topic.clone(),
        properties,
        payload: publication.payload.clone(),
    }
}

/// Of a lane of this priority. Gives its number too.
pub(super) fn from_row(priority: Priority, row: SpoolRow) -> (i64, Held) {
    let properties: Properties = row
        .properties
        .and_then(|properties| serde_json::from_str(&properties).ok())
        .unwrap_or_default();
    let publication = Publication {
        topic: row.topic,
        payload: row.payload,
        qos: if row.qos == 0 { Qos::AtMostOnce } else { Qos::AtLeastOnce },
        retain: row.retain,
        payload_format: properties.utf8.map(|utf8| match utf8 {
            true => PayloadFormat::Utf8,
            false => PayloadFormat::Bytes,
        }),
        content_type: properties.content_type,
        response_topic: properties.response_topic,
        correlation_data: properties.correlation_data.map(Into::into),
        message_expiry: None,
        user_properties: properties.user,
        priority,
    };
    let size = row.size.unsigned_abs();
    let publication = Arc::new(publication);
    let held = Held { publication, size, expires: row.expires, stored: true, again: false };
    (row.number, held)
}
