//! Shadows: how many updates a second are taken when each is on disk before its caller goes on,
//! beside plain commits to SQLite of the same documents.

mod common;

use anyhow::{Context, Result};
use common::report::{Aim, Row, median};
use common::{Rows, measure};
use gg_host::capability::caller::Caller;
use gg_host::capability::pubsub::PubSub;
use gg_host::capability::shadow::Shadows;
use gg_host::clock::Clock;
use gg_host::store::Store;
use gg_host::tasks::Tasks;
use gg_model::shadow::ShadowSettings;
use rusqlite::{Connection, params};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;

/// As long as a round takes updates.
const ROUND: Duration = Duration::from_secs(2);

/// The device.
const THING: &str = "bench";

fn main() -> Result<()> {
    measure(&[("update", update)])
}

fn update(rows: &mut Rows) -> Result<()> {
    for (callers, aim) in [(1, Aim::ratio_at_least(0.5)), (64, Aim::ratio_at_least(1.0))] {
        let (mut ours, mut peer, mut together) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            // As the nucleus has it.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (rate, shared) = runtime.block_on(updates(callers))?;
            ours.push(rate);
            together.push(shared);
            peer.push(commits(callers)?);
        }
        let name = format!("shadow: {callers} callers, each its shadow, each update on disk");
        let note = format!("{:.0} updates go to disk together", median(&together));
        rows.add(Row::new(name, "update/s", ours, aim).beside(peer).note(note));
    }
    Ok(())
}

/// What a caller says of its shadow.
fn state(number: u64) -> serde_json::Value {
    json!({ "state": { "reported": {
        "on": number.is_multiple_of(2), "level": number, "place": "the third floor, by the window",
    } } })
}

/// Updates by so many callers at once: how many in a second, and how many to each commit.
async fn updates(callers: usize) -> Result<(f64, f64)> {
    let (folder, tasks) = (tempfile::tempdir()?, Tasks::new(None)?);
    let store = Store::open(&folder.path().join("store.db"), &tasks)?;
    let (clock, pubsub) = (Clock::system(), PubSub::default());
    let shadows = Shadows::new(clock, Some(store.clone()), THING.parse()?, &pubsub, &tasks);
    let mut settings = ShadowSettings::default();
    (settings.total_rate, settings.thing_rate) = (1_000_000, 1_000_000);
    shadows.configure(settings);
    let caller = Caller::operator("bench", THING.parse()?);
    let (before, begin) = (store.commits(), Instant::now());
    let callers: Vec<_> = (0..callers)
        .map(|caller_number| {
            let (shadows, caller) = (shadows.clone(), caller.clone());
            tasks.spawn(async move {
                let (name, mut count) = (format!("s{caller_number}"), 0);
                while begin.elapsed() < ROUND {
                    let document = state(count).to_string();
                    shadows.update(&caller, None, Some(&name), document.as_bytes()).await?;
                    count += 1;
                }
                anyhow::Ok(count)
            })
        })
        .collect();
    let mut count = 0;
    for caller in callers {
        count += caller.await??;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let commits = (store.commits() - before) as f64;
    Ok((count as f64 / seconds, count as f64 / commits))
}

/// The same documents, each with a commit of its own: how many in a second.
fn commits(shadows: usize) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let connection = connect(&folder.path().join("peer.db")).context("cannot open SQLite")?;
    let mut insert =
        connection.prepare("INSERT OR REPLACE INTO shadow VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let at = json!({ "timestamp": 1_700_000_000 });
    let metadata = json!([{}, { "on": at, "level": at, "place": at }]).to_string();
    let (begin, mut count) = (Instant::now(), 0_u64);
    while begin.elapsed() < ROUND {
        let name = format!("s{}", count % shadows as u64);
        let document = json!([{}, state(count)["state"]["reported"]]).to_string();
        insert.execute(params![THING, name, count.cast_signed(), document, metadata])?;
        count += 1;
    }
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

/// With the settings and the table of the store.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE shadow(thing TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
                             document TEXT, metadata TEXT, PRIMARY KEY (thing, name)) STRICT;",
    )?;
    Ok(connection)
}
