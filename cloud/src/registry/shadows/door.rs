//! Requests that come as messages, and their answers (AWS IoT developer guide, "Device Shadow MQTT
//! topics").

use super::{ShadowError, delete, get, say, update};
use crate::clock::Time;
use crate::registry::Refusal;
use crate::state::Transaction;
use gg_model::ThingName;
use gg_model::shadow::{
    Rejected, ShadowId, ShadowOperation, ShadowTopic, Suffix, UpdateRequest, client_token, rejected,
};

/// Answer a message to a topic that begins with `$aws/things/THING/shadow/` and ends so. What is no
/// request has no answer.
///
/// # Errors
/// The state fails.
pub fn handle(
    tx: &mut dyn Transaction,
    thing: &ThingName,
    suffix: &str,
    payload: &[u8],
    now: Time,
) -> Result<(), Refusal> {
    let topic = ShadowTopic::parse(&format!("$aws/things/{thing}/shadow/{suffix}"));
    let Some(ShadowTopic { shadow, operation, suffix: None }) = topic else { return Ok(()) };
    match answer(tx, &shadow, operation, payload, now) {
        Ok(()) => Ok(()),
        Err((ShadowError::Failed(refusal), _)) => Err(refusal),
        Err((ShadowError::Refused(refusal), token)) => {
            let message = rejected(&refusal, now.seconds(), token.as_deref());
            Ok(say(tx, &shadow, operation, Suffix::Rejected, &message)?)
        }
    }
}

/// Do what is asked. Whoever asks for a change is answered with the messages that tell of it.
fn answer(
    tx: &mut dyn Transaction,
    id: &ShadowId,
    operation: ShadowOperation,
    payload: &[u8],
    now: Time,
) -> Result<(), (ShadowError, Option<String>)> {
    if operation == ShadowOperation::Update {
        let request = UpdateRequest::parse(payload)
            .map_err(|Rejected { refusal, client_token }| (refusal.into(), client_token))?;
        let updated = update(tx, id, &request, now);
        return updated.map(drop).map_err(|error| (error, request.client_token));
    }
    let token = client_token(payload);
    let done = match operation {
        ShadowOperation::Delete => delete(tx, id, token.as_deref(), now).map(drop),
        _ => get(tx, id, token.as_deref(), now).and_then(|document| {
            Ok(say(tx, id, ShadowOperation::Get, Suffix::Accepted, &document)?)
        }),
    };
    done.map_err(|error| (error, token))
}
