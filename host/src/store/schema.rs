//! The tables, and how a file of an earlier version becomes one of this.

use super::{StoreError, said};
use rusqlite::Connection;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Each brings the file from the version of its place in the list to the next.
const STEPS: [&str; 6] = [
    "
    CREATE TABLE state(
        one INTEGER PRIMARY KEY CHECK (one = 1),
        -- The generation that is to run, and the one to go back to while a deployment is under way.
        current INTEGER NOT NULL,
        before INTEGER
    ) STRICT;
    INSERT INTO state VALUES (1, 0, NULL);

    -- What a device is to be: which components, and who asked for them.
    CREATE TABLE component(
        generation INTEGER NOT NULL,
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        run_with TEXT NOT NULL,
        PRIMARY KEY (generation, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE root(
        generation INTEGER NOT NULL,
        deployed_to TEXT NOT NULL,
        component TEXT NOT NULL,
        requirement TEXT NOT NULL,
        PRIMARY KEY (generation, deployed_to, component)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE configuration(
        generation INTEGER NOT NULL,
        component TEXT NOT NULL,
        path TEXT NOT NULL,
        value TEXT NOT NULL,
        modified INTEGER NOT NULL,
        PRIMARY KEY (generation, component, path)
    ) STRICT, WITHOUT ROWID;

    -- Which component has had its step `install`, and for what.
    CREATE TABLE installed(
        component TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE deployment(
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        deployed_to TEXT NOT NULL,
        document TEXT NOT NULL,
        state TEXT NOT NULL,
        detail TEXT NOT NULL,
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL
    ) STRICT;
    -- Bootstrap steps that have been carried out for the deployment under way.
    CREATE TABLE bootstrapped(
        deployment TEXT NOT NULL,
        component TEXT NOT NULL,
        PRIMARY KEY (deployment, component)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE keyvalue(
        component TEXT NOT NULL,
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (component, bucket, key)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- Publications that wait for the cloud, in the order in which they leave. The first byte of a
    -- number is its lane.
    CREATE TABLE spool(
        number INTEGER PRIMARY KEY,
        size INTEGER NOT NULL,
        qos INTEGER NOT NULL,
        retain INTEGER NOT NULL,
        expires INTEGER,
        topic TEXT NOT NULL,
        properties TEXT,
        payload BLOB NOT NULL
    ) STRICT;
    CREATE INDEX spool_unsure ON spool(number) WHERE qos = 0;
    CREATE INDEX spool_expires ON spool(expires) WHERE expires IS NOT NULL;
    -- What is in it, so that nobody has to count.
    CREATE TABLE spool_lane(
        lane INTEGER PRIMARY KEY,
        messages INTEGER NOT NULL,
        bytes INTEGER NOT NULL
    ) STRICT;
    INSERT INTO spool_lane VALUES (0, 0, 0), (1, 0, 0), (2, 0, 0);
    -- The time that publications expire by, and what other clocks said then.
    CREATE TABLE spool_time(
        one INTEGER PRIMARY KEY CHECK (one = 1),
        now INTEGER NOT NULL,
        wall INTEGER NOT NULL,
        uptime INTEGER NOT NULL,
        boot TEXT NOT NULL
    ) STRICT;
",
    "
    -- The key that secrets are sealed with, itself sealed with what the device has.
    CREATE TABLE secret_key(
        one INTEGER PRIMARY KEY CHECK (one = 1),
        sealed_by TEXT NOT NULL,
        challenge BLOB NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE secret(
        arn TEXT NOT NULL,
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        stages TEXT NOT NULL,
        sealed BLOB NOT NULL,
        PRIMARY KEY (arn, version)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- The classic shadow has an empty name. Of one that was deleted the version is left.
    CREATE TABLE shadow(
        thing TEXT NOT NULL,
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        document TEXT,
        metadata TEXT,
        PRIMARY KEY (thing, name)
    ) STRICT;
    -- What a shadow had in common with that in the cloud when they last were in step.
    CREATE TABLE synced(
        thing TEXT NOT NULL,
        name TEXT NOT NULL,
        local INTEGER NOT NULL,
        cloud INTEGER NOT NULL,
        document TEXT,
        PRIMARY KEY (thing, name)
    ) STRICT;
    -- What one in the cloud was asked to become, until it is known whether it has.
    CREATE TABLE sent(
        thing TEXT NOT NULL,
        name TEXT NOT NULL,
        local INTEGER NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (thing, name)
    ) STRICT;
",
    "
    -- Who asked for a deployment, where that wants to hear of it, and what it was told last.
    ALTER TABLE deployment ADD COLUMN source TEXT NOT NULL DEFAULT '';
    ALTER TABLE deployment ADD COLUMN told TEXT NOT NULL DEFAULT '';
    -- The last document that a target's devices were given, and when it was made.
    CREATE TABLE deployed(
        deployed_to TEXT PRIMARY KEY,
        made INTEGER NOT NULL,
        arn TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    -- The recipes that the trust policy let in, by their digests, and when it first did.
    CREATE TABLE accepted(
        component TEXT NOT NULL,
        version TEXT NOT NULL,
        recipe TEXT NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (component, version)
    ) STRICT, WITHOUT ROWID;
",
];

/// A store in memory alone.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let path = Path::new(super::MEMORY);
    let connection = Connection::open_in_memory().map_err(|error| said(path, &error))?;
    migrate(&connection, path)?;
    Ok(connection)
}

pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| said(path, &error);
    // SQLite would make it readable for others.
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(
        |error| StoreError::Sqlite { path: path.to_owned(), message: error.to_string() },
    )?;
    let connection = Connection::open(path).map_err(failed)?;
    // One process, one connection: no shared memory file, and nobody else between two writes.
    connection
        .execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA cache_size = -512; PRAGMA journal_size_limit = 1048576;
             PRAGMA trusted_schema = OFF;",
        )
        .map_err(failed)?;
    migrate(&connection, path)?;
    Ok(connection)
}

fn migrate(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| said(path, &error);
    let found: i64 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let Some(missing) = usize::try_from(found).ok().and_then(|found| STEPS.get(found..)) else {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    };
    if missing.is_empty() {
        return Ok(());
    }
    let steps = missing.concat();
    connection
        .execute_batch(&format!("BEGIN IMMEDIATE; {steps} PRAGMA user_version = {known}; COMMIT;"))
        .map_err(failed)
}
