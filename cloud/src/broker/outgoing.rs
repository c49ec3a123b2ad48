//! Messages of the outbox are published, in their order, as soon as the transaction that wrote them is
//! done.
//!
//! They stay in the outbox for a while after: only what the library has sent, or has in its queue for
//! a client that is away, is in its files. A process that was killed publishes again what it published
//! last.

use super::Broker;
use crate::registry::Refusal;
use crate::state::Key;
use crate::state::outbox::OUTBOX;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

const TABLES: &[&str] = &[OUTBOX.name()];

/// How long a message stays after it was published; twice that at most.
const KEPT: Duration = Duration::from_secs(1);

/// So many are published or deleted at a time.
const PAGE: usize = 256;

/// Between looks for what other processes wrote, which do not tell.
const LOOK: Duration = Duration::from_secs(10);

/// Until the state is asked again after it failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How far the outbox is published.
#[derive(Debug, Default)]
struct Published {
    /// The last that is.
    last: Option<Key>,
    /// The last that was when messages were deleted last.
    before: Option<Key>,
}

/// Publish until tasks are to stop, and then delete what is published once `ended`.
pub(super) async fn run(broker: Broker, ended: impl Future<Output = ()>) {
    let tasks = broker.registry().tasks.clone();
    let mut changes = broker.registry().state.watch(TABLES);
    let mut published = Published::default();
    let mut deletion = Instant::now() + KEPT;
    loop {
        if publish(&broker, &mut changes, &mut published).await.is_err() {
            sleep(PAUSE).await;
            changes.mark_changed();
        }
        let is_waiting = published.last != published.before;
        tokio::select! {
            () = tasks.stopped() => break,
            _ = changes.changed() => {}
            () = sleep(LOOK) => {}
            () = sleep_until(deletion), if is_waiting => {
                let due = published.before.take();
                delete(&broker, due).await;
                published.before.clone_from(&published.last);
                deletion = Instant::now() + KEPT;
            }
        }
    }
    ended.await;
    delete(&broker, published.last).await;
}

/// Publish what is new.
async fn publish(
    broker: &Broker,
    changes: &mut watch::Receiver<u64>,
    published: &mut Published,
) -> Result<(), Refusal> {
    // What is written from now on is another change.
    changes.mark_unchanged();
    loop {
        let after = published.last.clone();
        let page = broker
            .registry()
            .read(move |rows| Ok(OUTBOX.scan(rows, &Key::new(), after.as_ref(), PAGE)?))
            .await?;
        let is_all = page.len() < PAGE;
        for (key, message) in page {
            broker.engine().publish(message).await;
            published.last = Some(key);
        }
        if is_all {
            return Ok(());
        }
    }
}

/// Delete messages up to one, once the library's files have what it keeps of them.
async fn delete(broker: &Broker, last: Option<Key>) {
    broker.engine().flush().await;
    let Some(last) = last else { return };
    let deleted = broker.registry().change(move |transaction| {
        loop {
            let page = OUTBOX.scan(transaction, &Key::new(), None, PAGE)?;
            let due: Vec<Key> =
                page.into_iter().map(|(key, _)| key).take_while(|key| *key <= last).collect();
            for key in &due {
                OUTBOX.delete(transaction, key)?;
            }
            if due.len() < PAGE {
                return Ok(());
            }
        }
    });
    // What fails is in the log. Messages that stay are deleted with later ones.
    let _said = deleted.await;
}
