//! The parts of a complete message that is not whole yet. There is one such message of a device at a
//! time, and it does not wait for ever.

use crate::clock::Time;
use crate::state::{Key, Rows, StateError, Table, Transaction};
use gg_model::fleet_status::{ChunkInfo, ComponentStatus, StatusMessage};
use serde::{Deserialize, Serialize};

/// By thing and number.
const CHUNKS: Table<Chunk> = Table::new("cores-chunks");

/// Seconds for which parts wait for the others.
const PATIENCE: u64 = 3600;

#[derive(Deserialize, Serialize)]
struct Chunk {
    sequence: u64,
    total: u32,
    received_at: Time,
    components: Vec<ComponentStatus>,
}

/// Keep a part. All components, once there is no other to wait for.
pub(super) fn add(
    tx: &mut dyn Transaction,
    thing: &str,
    message: &StatusMessage,
    chunk: ChunkInfo,
    now: Time,
) -> Result<Option<Vec<ComponentStatus>>, StateError> {
    let ChunkInfo { chunk_id, total_chunks: total } = chunk;
    for (key, other) in all(tx, thing)? {
        let is_of_same = other.sequence == message.sequence_number && other.total == total;
        if !is_of_same || other.received_at.seconds_from(now) > PATIENCE {
            CHUNKS.delete(tx, &key)?;
        }
    }
    let (sequence, components) = (message.sequence_number, message.components.clone());
    let row = Chunk { sequence, total, received_at: now, components };
    CHUNKS.put(tx, &key(thing).number(chunk_id.into()), &row)?;
    let parts = all(tx, thing)?;
    if parts.len() < usize::try_from(total).unwrap_or(usize::MAX) {
        return Ok(None);
    }
    forget(tx, thing)?;
    Ok(Some(parts.into_iter().flat_map(|(_, part)| part.components).collect()))
}

/// Forget the parts of a device.
pub(super) fn forget(tx: &mut dyn Transaction, thing: &str) -> Result<(), StateError> {
    for (key, _) in all(tx, thing)? {
        CHUNKS.delete(tx, &key)?;
    }
    Ok(())
}

fn all(rows: &dyn Rows, thing: &str) -> Result<Vec<(Key, Chunk)>, StateError> {
    CHUNKS.scan(rows, &key(thing), None, usize::MAX)
}

fn key(thing: &str) -> Key {
    Key::new().text(thing)
}
