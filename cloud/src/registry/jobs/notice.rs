//! Telling things what they have before them, in both dialects: `notify` lists it (the Java nucleus
//! listens), `notify-next` has the first with its document (nucleus lite does) (AWS IoT developer
//! guide, "Jobs notifications").
//!
//! A thing is told what has changed since it was told last, so that nothing is said twice: a device
//! begins once more with what it is told to be next. What is said is looked up when it is said.

use super::{Pending, document, pending, shape};
use crate::clock::Time;
use crate::registry::Refusal;
use crate::state::{Key, StateError, Table, Transaction, outbox};
use serde::{Deserialize, Serialize};

/// What a thing was told last, by thing and namespace.
const TOLD: Table<Told> = Table::new("jobs-told");
/// Things that are still to be told, by the order in which that was found.
const WAITING: Table<Waiting> = Table::new("jobs-waiting");

/// The tables with things that are still to be told.
pub const TO_BE_TOLD: &[&str] = &[WAITING.name()];

/// Most things that are told in the transaction that changes something for them.
const AT_ONCE: usize = 20;
/// Things that [`spread`] tells in a transaction.
const BLOCK: usize = 250;

/// Executions by their jobs and numbers.
#[derive(Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
struct Told {
    pending: Vec<(String, u64)>,
    next: Option<(String, u64)>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Waiting {
    namespace: Option<String>,
    things: Vec<String>,
}

/// Tell things; if they are many, after this transaction.
pub(super) fn tell(
    tx: &mut dyn Transaction,
    things: &[String],
    namespace: Option<&str>,
    now: Time,
) -> Result<(), Refusal> {
    if things.len() <= AT_ONCE {
        return things.iter().try_for_each(|thing| tell_one(tx, thing, namespace, now));
    }
    let order = super::order::next(tx, now)?.order;
    for (number, block) in (0..).zip(things.chunks(BLOCK)) {
        let waiting = Waiting { namespace: namespace.map(str::to_owned), things: block.to_vec() };
        WAITING.put(tx, &Key::new().number(order).number(number), &waiting)?;
    }
    Ok(())
}

/// Tell some of the things that wait to be told. Whether there are more.
///
/// # Errors
/// The state fails.
pub fn spread(tx: &mut dyn Transaction, now: Time) -> Result<bool, Refusal> {
    let mut waiting = WAITING.scan(tx, &Key::new(), None, 2)?.into_iter();
    let Some((key, Waiting { namespace, things })) = waiting.next() else { return Ok(false) };
    WAITING.delete(tx, &key)?;
    for thing in &things {
        tell_one(tx, thing, namespace.as_deref(), now)?;
    }
    Ok(waiting.next().is_some())
}

/// Tell a thing what has changed since it was told last.
pub(super) fn tell_one(
    tx: &mut dyn Transaction,
    thing: &str,
    namespace: Option<&str>,
    now: Time,
) -> Result<(), Refusal> {
    let key = super::rows::in_namespace(thing, namespace);
    let before = TOLD.get(tx, &key)?.unwrap_or_default();
    let list = pending(tx, thing, namespace)?;
    let name = |pending: &Pending| (pending.job.clone(), pending.execution.number);
    let next = list.first().map(name);
    let mut all: Vec<_> = list.iter().map(name).collect();
    all.sort_unstable();
    let told = Told { pending: all, next };
    if told == before {
        return Ok(());
    }
    match list.is_empty() {
        true => TOLD.delete(tx, &key)?,
        false => TOLD.put(tx, &key, &told)?,
    }
    if told.pending != before.pending {
        say(tx, thing, "notify", namespace, &shape::notify(&list, now))?;
    }
    if told.next != before.next {
        let next = match list.first() {
            Some(first) => Some((first, document(tx, &first.job)?)),
            None => None,
        };
        say(tx, thing, "notify-next", namespace, &shape::notify_next(next, now))?;
    }
    Ok(())
}

/// Forget what a thing was told.
pub(super) fn forget(tx: &mut dyn Transaction, thing: &str) -> Result<(), StateError> {
    for (key, _) in TOLD.scan(tx, &Key::new().text(thing), None, usize::MAX)? {
        TOLD.delete(tx, &key)?;
    }
    Ok(())
}

fn say(
    tx: &mut dyn Transaction,
    thing: &str,
    what: &str,
    namespace: Option<&str>,
    message: &serde_json::Value,
) -> Result<(), StateError> {
    let namespace = namespace.map(|namespace| format!("-namespace-{namespace}"));
    let namespace = namespace.unwrap_or_default();
    let topic = format!("$aws/things/{thing}/jobs/{what}{namespace}");
    outbox::publish(tx, &topic, &message.to_string())
}
