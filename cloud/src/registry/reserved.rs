//! Topics at which the control plane itself is spoken to: what things say below `$aws/things/THING/`
//! (AWS IoT developer guide, "Reserved topics").

use super::{Refusal, cores, jobs, shadows};
use crate::clock::Time;
use crate::state::Transaction;
use gg_model::ThingName;

/// Take what is said at a topic, if it is one of these; answers are in the outbox. Who may say it was
/// asked before.
///
/// # Errors
/// The state fails. What is said wrongly is answered so, or ignored.
pub fn handle(
    tx: &mut dyn Transaction,
    topic: &str,
    payload: &[u8],
    now: Time,
) -> Result<(), Refusal> {
    let Some((thing, rest)) = topic.strip_prefix("$aws/things/").and_then(|t| t.split_once('/'))
    else {
        return Ok(());
    };
    let Ok(thing) = thing.parse::<ThingName>() else { return Ok(()) };
    match rest.split_once('/') {
        Some(("greengrass" | "greengrassv2", "health/json")) => {
            cores::handle(tx, &thing, payload, now)
        }
        Some(("jobs", suffix)) => jobs::handle(tx, &thing, suffix, payload, now),
        Some(("shadow", suffix)) => shadows::handle(tx, &thing, suffix, payload, now),
        _ => Ok(()),
    }
}
