//! Which things are connected, and until when the others were, as the broker tells.

use super::Refusal;
use crate::clock::Time;
use crate::state::{Key, Rows, Table, Transaction};
use serde::{Deserialize, Serialize};

/// By thing and client.
const CONNECTIONS: Table<Connection> = Table::new("connections");

/// Most clients that are remembered of a thing.
const MOST_CLIENTS: usize = 8;

/// So many are looked at at a time.
const PAGE: usize = 1000;

/// The last connection of a client.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Connection {
    /// Whose it is.
    pub thing: String,
    /// The client's name.
    pub client: String,
    /// When it began.
    pub since: Time,
    /// When it ended, and why; `None`: it has not.
    pub ended: Option<(Time, Reason)>,
}

/// Why a connection ended (AWS IoT developer guide, "Lifecycle events").
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// It may not be connected any more, or did what it may not.
    AuthError,
    /// The client said so.
    ClientInitiatedDisconnect,
    /// It broke, or nothing came for too long.
    ConnectionLost,
    /// Another client connected by the same name.
    DuplicateClientid,
    /// The server stopped, or failed.
    ServerInitiatedDisconnect,
}

fn key(thing: &str, client: &str) -> Key {
    Key::new().text(thing).text(client)
}

/// A client connected.
///
/// # Errors
/// The state fails.
pub fn begin(
    transaction: &mut dyn Transaction,
    thing: &str,
    client: &str,
    since: Time,
) -> Result<(), Refusal> {
    let of_thing = Key::new().text(thing);
    let known = CONNECTIONS.scan(transaction, &of_thing, None, MOST_CLIENTS)?;
    if known.len() == MOST_CLIENTS && known.iter().all(|(_, found)| found.client != client) {
        let oldest = known.iter().min_by_key(|(_, found)| (found.ended.is_none(), found.since));
        if let Some((key, _)) = oldest {
            CONNECTIONS.delete(transaction, key)?;
        }
    }
    let connection =
        Connection { thing: thing.to_owned(), client: client.to_owned(), since, ended: None };
    Ok(CONNECTIONS.put(transaction, &key(thing, client), &connection)?)
}

/// The connection that began then ended. A later one is another.
///
/// # Errors
/// The state fails.
pub fn end(
    transaction: &mut dyn Transaction,
    thing: &str,
    client: &str,
    since: Time,
    ended: (Time, Reason),
) -> Result<(), Refusal> {
    let key = key(thing, client);
    match CONNECTIONS.get(transaction, &key)?.filter(|found| found.since == since) {
        Some(found) => {
            Ok(CONNECTIONS.put(transaction, &key, &Connection { ended: Some(ended), ..found })?)
        }
        None => Ok(()),
    }
}

/// Whatever is connected is not any more: a server that starts has no connections yet.
///
/// # Errors
/// The state fails.
pub fn end_all(transaction: &mut dyn Transaction, now: Time) -> Result<(), Refusal> {
    let mut after = None;
    loop {
        let page = CONNECTIONS.scan(transaction, &Key::new(), after.as_ref(), PAGE)?;
        for (key, found) in &page {
            if found.ended.is_none() {
                let ended = Some((now, Reason::ServerInitiatedDisconnect));
                CONNECTIONS.put(transaction, key, &Connection { ended, ..found.clone() })?;
            }
        }
        match page.into_iter().next_back() {
            Some((last, _)) => after = Some(last),
            None => return Ok(()),
        }
    }
}

/// All of them, by thing and client.
///
/// # Errors
/// The state fails.
pub fn all(rows: &dyn Rows) -> Result<Vec<Connection>, Refusal> {
    let found = CONNECTIONS.scan(rows, &Key::new(), None, usize::MAX)?;
    Ok(found.into_iter().map(|(_, connection)| connection).collect())
}

/// Those of a thing.
///
/// # Errors
/// The state fails.
pub fn of_thing(rows: &dyn Rows, thing: &str) -> Result<Vec<Connection>, Refusal> {
    let found = CONNECTIONS.scan(rows, &Key::new().text(thing), None, MOST_CLIENTS)?;
    Ok(found.into_iter().map(|(_, connection)| connection).collect())
}

/// Forget what is known of a thing's.
///
/// # Errors
/// The state fails.
pub fn forget(transaction: &mut dyn Transaction, thing: &str) -> Result<(), Refusal> {
    for connection in of_thing(transaction, thing)? {
        CONNECTIONS.delete(transaction, &key(thing, &connection.client))?;
    }
    Ok(())
}
