//! Messages that a transaction wants published: written with its other changes, so that all of it
//! happens or nothing, and handed to the broker in their order once it is done.

use super::{Key, StateError, Table, Transaction};
use serde::{Deserialize, Serialize};

/// By their numbers, in the order in which they were written.
pub const OUTBOX: Table<Message> = Table::new("outbox");

const NEXT: Table<u64> = Table::new("outbox-next");

/// A message for a topic of MQTT.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// What is said: a JSON text, or any other.
    pub payload: String,
}

/// Have a message published once the transaction is done.
///
/// # Errors
/// The database fails.
pub fn publish(
    transaction: &mut dyn Transaction,
    topic: &str,
    payload: &str,
) -> Result<(), StateError> {
    let number = NEXT.get(transaction, &Key::new())?.unwrap_or_default();
    NEXT.put(transaction, &Key::new(), &(number + 1))?;
    let message = Message { topic: topic.to_owned(), payload: payload.to_owned() };
    OUTBOX.put(transaction, &Key::new().number(number), &message)
}
