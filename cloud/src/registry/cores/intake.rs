//! Messages of core devices. Of those that came late, or twice, nothing comes.

use super::inventory::Said;
use super::{CORES, Core, INVENTORIES, chunks, key};
use crate::clock::Time;
use crate::registry::{Kind, Refusal, things};
use crate::state::Transaction;
use gg_model::ThingName;
use gg_model::fleet_status::{ChunkInfo, MessageType, StatusMessage};

/// How far ahead a device's clock is believed: a day.
const AHEAD: u64 = 24 * 3600;

/// Take a message to `$aws/things/THING/greengrassv2/health/json` or `.../greengrass/health/json`. What
/// is none, or of a thing that there is not, is ignored.
///
/// # Errors
/// The state fails.
pub fn handle(
    tx: &mut dyn Transaction,
    thing: &ThingName,
    payload: &[u8],
    now: Time,
) -> Result<(), Refusal> {
    let message = match StatusMessage::parse(payload) {
        Ok(message) => message,
        Err(error) => {
            tracing::debug!(%thing, %error, "a status was ignored");
            return Ok(());
        }
    };
    let thing = thing.as_ref();
    if !message.thing.is_empty() && message.thing != thing {
        tracing::debug!(thing, "a status of another thing was ignored");
        return Ok(());
    }
    match things::require(tx, thing) {
        Err(refusal) if refusal.kind == Kind::NotFound => return Ok(()),
        required => {
            required?;
        }
    }
    take(tx, thing, message, now)
}

fn take(
    tx: &mut dyn Transaction,
    thing: &str,
    message: StatusMessage,
    now: Time,
) -> Result<(), Refusal> {
    let timestamp = message.timestamp.min(now.plus_seconds(AHEAD).millis());
    let before = CORES.get(tx, &key(thing))?;
    if before.is_some_and(|core| is_late(&core, message.sequence_number, timestamp)) {
        return Ok(());
    }
    let components = match (message.message_type, message.chunk_info) {
        (MessageType::Complete, Some(chunk @ ChunkInfo { total_chunks: 2.., .. })) => {
            chunks::add(tx, thing, &message, chunk, now)?
        }
        _ => Some(message.components),
    };
    let core = Core {
        thing: thing.to_owned(),
        version: message.ggc_version,
        platform: message.platform,
        architecture: message.architecture,
        runtime: message.runtime,
        status: message.overall_device_status,
        updated_at: now,
        sequence: message.sequence_number,
        timestamp,
    };
    CORES.put(tx, &key(thing), &core)?;
    let message_type = match components {
        Some(_) => message.message_type,
        // Nothing is known to be gone before all parts are there.
        None => MessageType::Partial,
    };
    let said = Said {
        message_type,
        trigger: message.trigger,
        components: components.unwrap_or_default(),
        deployment: message.deployment_information,
    };
    let before = INVENTORIES.get(tx, &key(thing))?.unwrap_or_default();
    let mut after = before.clone();
    after.apply(said, now);
    if after != before {
        INVENTORIES.put(tx, &key(thing), &after)?;
    }
    Ok(())
}

/// Whether a message was overtaken. One with a lower number but a later time is of a device that has
/// begun anew.
fn is_late(core: &Core, sequence: u64, timestamp: u64) -> bool {
    sequence < core.sequence && timestamp <= core.timestamp
}
