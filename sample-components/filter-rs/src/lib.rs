//! A filter: raises an alert for each reading above a threshold.

use gg_handler::{Failure, Message};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashSet;

gg_handler::handler!(handle);

thread_local! {
    /// Payloads that were sent back once and are welcome the second time.
    static SENT_BACK: RefCell<HashSet<Vec<u8>>> = RefCell::default();
}

fn handle(message: Message) -> Result<(), Failure> {
    let reading: Value = message.json().map_err(Failure::reject)?;
    let value = reading["value"].as_f64().ok_or_else(|| Failure::reject("no number `value`"))?;
    if reading["retry"] == true
        && SENT_BACK.with_borrow_mut(|seen| {
            !seen.remove(&message.payload) && seen.insert(message.payload.clone())
        })
    {
        return Err(Failure::retry("asked to be tried again"));
    }
    let threshold: f64 = gg_handler::config::get_or("threshold", 30.0)?;
    if value <= threshold {
        return Ok(());
    }
    let sensor = message.levels().nth(1).unwrap_or_default();
    gg_handler::publish_json("alerts/temperature", &json!({ "sensor": sensor, "value": value }))?;
    gg_handler::info!("too hot", sensor = sensor, value = value);
    Ok(())
}
