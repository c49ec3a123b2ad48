//! Publications that wait for the cloud. Each is in a lane, and leaves it in the order of the numbers.

use super::{Outcome, Place, Store, StoreError};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::ops::RangeInclusive;

/// How many lanes there are.
pub const LANES: usize = 3;

/// Numbers of a lane begin with it.
const LANE_BITS: u32 = 56;

/// A publication as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct SpoolRow {
    /// Its lane and its place there.
    pub number: i64,
    /// What it takes, by its owner's count.
    pub size: i64,
    /// Its quality of service.
    pub qos: u8,
    /// Whether the broker is to keep it.
    pub retain: bool,
    /// When it is of no use any more, by the spool's time.
    pub expires: Option<i64>,
    /// The topic.
    pub topic: String,
    /// What else it says, as JSON.
    pub properties: Option<String>,
    /// The message.
    pub payload: Bytes,
}

/// What a lane holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SpoolLane {
    /// The highest number, or the one before the first.
    pub last: i64,
    /// Its publications.
    pub messages: i64,
    /// What they take.
    pub bytes: i64,
    /// Those of QoS 0 among them.
    pub unsure: i64,
}

/// A moment by the spool's time, and by other clocks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpoolStamp {
    /// The spool's time, in milliseconds.
    pub now: i64,
    /// Milliseconds since the Unix epoch.
    pub wall: i64,
    /// Milliseconds since the machine was started.
    pub uptime: i64,
    /// Which start that was.
    pub boot: String,
}

/// What is to be taken out of a lane, though nobody has it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Thin {
    /// Those that have expired by now.
    Expired(i64),
    /// The oldest of QoS 0, until they make room for so many bytes.
    Unsure(i64),
}

/// What was taken out of a lane.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Gone {
    /// So many publications.
    pub messages: i64,
    /// What they took.
    pub bytes: i64,
    /// Those of QoS 0 among them.
    pub unsure: i64,
}

/// The number before the first of a lane.
pub fn lane_start(lane: usize) -> i64 {
    i64::try_from(lane).unwrap_or_default() << LANE_BITS
}

impl Store {
    /// What the lanes hold.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn spool_lanes(&self) -> Result<[SpoolLane; LANES], StoreError> {
        self.write(|connection| {
            let mut lanes = [SpoolLane::default(); LANES];
            for (number, lane) in lanes.iter_mut().enumerate() {
                let within = params![lane_start(number), lane_start(number + 1)];
                let (messages, bytes) = connection.query_row(
                    "SELECT messages, bytes FROM spool_lane WHERE lane = ?1",
                    params![number as i64],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?;
                let last: Option<i64> = connection.query_row(
                    "SELECT max(number) FROM spool WHERE number > ?1 AND number <= ?2",
                    within,
                    |row| row.get(0),
                )?;
                let unsure = connection.query_row(
                    "SELECT count(*) FROM spool WHERE qos = 0 AND number > ?1 AND number <= ?2",
                    within,
                    |row| row.get(0),
                )?;
                let last = last.unwrap_or_else(|| lane_start(number));
                *lane = SpoolLane { last, messages, bytes, unsure };
            }
            Ok(lanes)
        })
        .await
    }

    /// The time of the last publication that can expire.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn spool_stamp(&self) -> Result<Option<SpoolStamp>, StoreError> {
        self.write(|connection| {
            let query = "SELECT now, wall, uptime, boot FROM spool_time";
            let stamp = connection.query_row(query, [], |row| {
                Ok(SpoolStamp {
                    now: row.get(0)?,
                    wall: row.get(1)?,
                    uptime: row.get(2)?,
                    boot: row.get(3)?,
                })
            });
            stamp.optional()
        })
        .await
    }
}

impl Place<'_> {
    /// Read those of a lane after a number, in order: at most so many, and no more once they take so
    /// many bytes.
    pub fn spooled(
        self,
        lane: usize,
        after: i64,
        (most, most_bytes): (u32, i64),
        told: impl FnOnce(Result<Vec<SpoolRow>, StoreError>) + Send + 'static,
    ) {
        let work = move |connection: &Connection| {
            let mut query = connection.prepare_cached(
                "SELECT number, size, qos, retain, expires, topic, properties, payload FROM spool \
                 WHERE number > ?1 AND number <= ?2 ORDER BY number LIMIT ?3",
            )?;
            let mut rows = query.query(params![after, lane_start(lane + 1), most])?;
            let (mut found, mut bytes) = (Vec::new(), 0);
            while bytes < most_bytes
                && let Some(next) = rows.next()?
            {
                let next = row(next)?;
                bytes += next.size;
                found.push(next);
            }
            Ok(found)
        };
        self.write(work, told);
    }

    /// Take publications out of lanes: of each those after a number.
    pub fn thin_spool(
        self,
        after: Vec<(usize, i64)>,
        thin: Thin,
        told: impl FnOnce(Result<Vec<(usize, Gone)>, StoreError>) + Send + 'static,
    ) {
        let work = move |connection: &Connection| {
            let lanes = after.into_iter();
            lanes
                .map(|(lane, after)| Ok((lane, thin_lane(connection, lane, after, thin)?)))
                .collect()
        };
        self.write(work, told);
    }

    /// Keep a publication, and what time it is when it can expire.
    pub fn spool(
        self,
        row: SpoolRow,
        now: Option<SpoolStamp>,
        told: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        self.write(move |connection| insert(connection, &row, now), told);
    }

    /// Forget publications.
    pub fn unspool(
        self,
        numbers: Vec<RangeInclusive<i64>>,
        told: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        let work = move |connection: &Connection| {
            let mut delete = connection.prepare_cached(
                "DELETE FROM spool WHERE number BETWEEN ?1 AND ?2 RETURNING size",
            )?;
            for range in numbers {
                let (mut messages, mut bytes) = (0, 0);
                let mut rows = delete.query(params![range.start(), range.end()])?;
                while let Some(row) = rows.next()? {
                    messages += 1;
                    bytes += row.get::<_, i64>(0)?;
                }
                let lane = usize::try_from(range.end() >> LANE_BITS).unwrap_or_default();
                less(connection, lane, messages, bytes)?;
            }
            Ok(())
        };
        self.write(work, told);
    }
}

fn thin_lane(connection: &Connection, lane: usize, after: i64, thin: Thin) -> Outcome<Gone> {
    // Told which index, or it looks at all that is there.
    let (expired, unsure) = (
        "SELECT number, size, qos FROM spool INDEXED BY spool_expires \
         WHERE expires <= ?3 AND number > ?1 AND number <= ?2",
        "SELECT number, size, qos FROM spool INDEXED BY spool_unsure \
         WHERE qos = 0 AND number > ?1 AND number <= ?2 ORDER BY number",
    );
    let to = lane_start(lane + 1);
    let mut query = connection.prepare_cached(match thin {
        Thin::Expired(_) => expired,
        Thin::Unsure(_) => unsure,
    })?;
    let (mut rows, enough) = match thin {
        Thin::Expired(now) => (query.query(params![after, to, now])?, i64::MAX),
        Thin::Unsure(bytes) => (query.query(params![after, to])?, bytes),
    };
    let (mut gone, mut numbers) = (Gone::default(), Vec::new());
    while gone.bytes < enough
        && let Some(row) = rows.next()?
    {
        numbers.push(row.get::<_, i64>(0)?);
        gone.messages += 1;
        gone.bytes += row.get::<_, i64>(1)?;
        gone.unsure += i64::from(row.get::<_, i64>(2)? == 0);
    }
    let mut delete = connection.prepare_cached("DELETE FROM spool WHERE number = ?1")?;
    for number in numbers {
        delete.execute(params![number])?;
    }
    less(connection, lane, gone.messages, gone.bytes)?;
    Ok(gone)
}

fn insert(connection: &Connection, row: &SpoolRow, now: Option<SpoolStamp>) -> Outcome<()> {
    connection
        .prepare_cached("INSERT INTO spool VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![
            row.number,
            row.size,
            row.qos,
            row.retain,
            row.expires,
            row.topic,
            row.properties,
            &row.payload[..],
        ])?;
    connection
        .prepare_cached(
            "UPDATE spool_lane SET messages = messages + 1, bytes = bytes + ?2 WHERE lane = ?1",
        )?
        .execute(params![row.number >> LANE_BITS, row.size])?;
    if let Some(SpoolStamp { now, wall, uptime, boot }) = now {
        connection
            .prepare_cached("INSERT OR REPLACE INTO spool_time VALUES (1, ?1, ?2, ?3, ?4)")?
            .execute(params![now, wall, uptime, boot])?;
    }
    Ok(())
}

/// A lane holds so much less.
fn less(connection: &Connection, lane: usize, messages: i64, bytes: i64) -> Outcome<()> {
    if messages > 0 {
        connection
            .prepare_cached(
                "UPDATE spool_lane SET messages = messages - ?2, bytes = bytes - ?3 \
                 WHERE lane = ?1",
            )?
            .execute(params![lane as i64, messages, bytes])?;
    }
    Ok(())
}

fn row(row: &Row<'_>) -> Outcome<SpoolRow> {
    Ok(SpoolRow {
        number: row.get(0)?,
        size: row.get(1)?,
        qos: row.get(2)?,
        retain: row.get(3)?,
        expires: row.get(4)?,
        topic: row.get(5)?,
        properties: row.get(6)?,
        payload: Bytes::copy_from_slice(row.get_ref(7)?.as_blob()?),
    })
}
