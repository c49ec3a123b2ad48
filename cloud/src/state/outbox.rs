//! Messages that a transaction wants published: written with its other changes, so that all of it
//! happens or nothing, and handed to the broker in their order once it is done.

use super::{Key, Rows, StateError, Table, Transaction};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// By their numbers, in the order in which they were written.
pub const OUTBOX: Table<Message> = Table::new("outbox");

const NEXT: Table<u64> = Table::new("outbox-next");

/// A message for a topic of MQTT.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// What is said.
    pub payload: Payload,
    /// Whether it may get lost (QoS 0).
    #[serde(default)]
    pub careless: bool,
    /// Whether the broker is to keep it for those who subscribe later.
    #[serde(default)]
    pub retain: bool,
}

/// Any bytes. In a row, texts stand as they are.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Payload(pub Vec<u8>);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Row {
    Base64(String),
    #[serde(untagged)]
    Text(String),
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Row::Base64(STANDARD.encode(&self.0)).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Row::deserialize(deserializer)? {
            Row::Text(text) => Ok(Self(text.into_bytes())),
            Row::Base64(text) => STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom),
        }
    }
}

/// How many wait to be published, or were a moment ago.
///
/// # Errors
/// The database fails.
pub fn waiting(rows: &dyn Rows) -> Result<u64, StateError> {
    let Some((first, _)) = rows.scan(OUTBOX.name(), &Key::new(), None, 1)?.into_iter().next()
    else {
        return Ok(0);
    };
    // They have the numbers from the first to the next.
    let first = first.as_bytes().try_into().map_or(0, u64::from_be_bytes);
    Ok(NEXT.get(rows, &Key::new())?.unwrap_or_default().saturating_sub(first))
}

/// Have a text published once the transaction is done.
///
/// # Errors
/// The database fails.
pub fn publish(
    transaction: &mut dyn Transaction,
    topic: &str,
    payload: &str,
) -> Result<(), StateError> {
    let payload = Payload(payload.as_bytes().to_vec());
    let message = Message { topic: topic.to_owned(), payload, careless: false, retain: false };
    put(transaction, &message)
}

/// Have a message published once the transaction is done.
///
/// # Errors
/// The database fails.
pub fn put(transaction: &mut dyn Transaction, message: &Message) -> Result<(), StateError> {
    let number = NEXT.get(transaction, &Key::new())?.unwrap_or_default();
    NEXT.put(transaction, &Key::new(), &(number + 1))?;
    OUTBOX.put(transaction, &Key::new().number(number), message)
}
