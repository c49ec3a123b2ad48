//! A connection from the first attempt to the end of the nucleus: opened, held, and opened again
//! when it is lost.

use super::backoff::Backoff;
use super::connection::{self, Connection};
use super::fault::LinkFault;
use super::session::{End, Held, Session};
use super::{LinkState, Shared};
use crate::random;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Notify;

/// Have a connection made. One may ask for another.
pub(super) fn start(shared: &Arc<Shared>, connection: usize) {
    let run: BoxFuture<'static, ()> = Box::pin(run(Arc::clone(shared), connection));
    shared.tasks.spawn(run);
}

/// Be connected until asked to stop.
async fn run(shared: Arc<Shared>, connection: usize) {
    let renewed = Notify::new();
    tokio::select! {
        () = connect(&shared, connection, &renewed) => {}
        () = watch(&shared, &renewed) => {}
    }
}

async fn connect(shared: &Arc<Shared>, connection: usize, renewed: &Notify) {
    let client = connection::client(&shared.settings, connection);
    let (mut backoff, mut held, mut told) = (Backoff::default(), Held::new(), String::new());
    loop {
        if !is_needed(shared, connection).await {
            return;
        }
        let opened = tokio::select! {
            opened = connection::open(&shared.settings, &client, &shared.tasks) => opened,
            () = shared.stop.cancelled() => return,
        };
        let begun = Instant::now();
        let end = match opened {
            Ok(opened) => hold(shared, connection, &client, &mut held, opened, renewed).await,
            Err(fault) => Err(fault),
        };
        match end {
            Ok(End::Stopped) => return,
            Ok(End::Renewed) => {
                tracing::info!(client, "the identity's files have changed; connecting anew");
                continue;
            }
            Ok(End::Unused) => continue,
            Err(fault) => {
                let sentence = fault.to_string();
                if connection == 0 {
                    shared.state.send_replace(LinkState::Down(Some(sentence.clone())));
                }
                tell(&client, sentence, &mut told);
            }
        }
        if begun.elapsed() >= shared.settings.delays.stable {
            told.clear();
        }
        backoff.ended(begun.elapsed(), &shared.settings.delays);
        let wait = backoff.next(&shared.settings.delays, Instant::now(), random::spread());
        tracing::debug!(client, ?wait, "connecting again after a pause");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // It may be what was wrong.
            () = renewed.notified() => {}
            () = shared.stop.cancelled() => return,
        }
    }
}

/// Wait until something is to go over this connection; whether it is.
async fn is_needed(shared: &Shared, connection: usize) -> bool {
    let wake = shared.table().wake(connection);
    while connection > 0 && !shared.table().is_used(connection) {
        tokio::select! {
            () = wake.notified() => {}
            () = shared.stop.cancelled() => return false,
        }
    }
    true
}

/// Use a connection until it ends.
async fn hold(
    shared: &Arc<Shared>,
    connection: usize,
    client: &str,
    held: &mut Held,
    opened: Connection,
    renewed: &Notify,
) -> Result<End, LinkFault> {
    let resumed = opened.connack.session_present;
    tracing::info!(client, host = shared.settings.host, resumed, "connected to the broker");
    shared.counters.connections.add(1);
    let further = {
        let mut table = shared.table();
        let before = table.connections();
        table.begin(connection, resumed, opened.connack.identifies);
        before..table.connections()
    };
    for further in further {
        start(shared, further);
    }
    let session = Session::new(shared, connection, held, &opened);
    if connection == 0 {
        shared.spool.online();
        shared.state.send_replace(LinkState::Up);
    }
    let end = session.run(opened, renewed).await;
    if connection == 0 {
        shared.state.send_replace(LinkState::Down(None));
        shared.spool.give_back();
    }
    end
}

/// Say what is wrong, once for each thing.
fn tell(client: &str, sentence: String, told: &mut String) {
    if *told == sentence {
        tracing::debug!(client, "{sentence}");
    } else {
        tracing::error!(client, "{sentence}");
        *told = sentence;
    }
}

/// Tell when the identity was renewed. Never returns.
async fn watch(shared: &Shared, renewed: &Notify) {
    let Some(identity) = &shared.settings.identity else { return std::future::pending().await };
    let mut renewals = identity.watch(&shared.tasks);
    loop {
        renewals.next().await;
        renewed.notify_one();
    }
}
