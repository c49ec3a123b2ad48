//! What benchmarks call: the topic of a message says what to do with it.

use gg_handler::{Failure, Message, publish};
use gg_sdk::bindings::gg::host::{configuration, logging, pubsub};
use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

gg_handler::handler!(handle);

#[derive(Default)]
struct State {
    received: u64,
    latencies: Vec<u8>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

fn handle(message: Message) -> Result<(), Failure> {
    match message.topic.as_str() {
        "nothing" => {}
        "echo" => publish("done", &message.payload)?,
        "data" => count(&message)?,
        "ping" => answer(&message)?,
        "calls" => calls(message.text()?)?,
        "gate" => {
            // Long enough for the messages behind this one to queue up.
            std::thread::sleep(Duration::from_millis(30));
            publish("done", "")?;
        }
        _ => publish("done", "")?,
    }
    Ok(())
}

/// Count messages; the one marked as the last is answered with the count.
fn count(message: &Message) -> gg_handler::Result<()> {
    STATE.with_borrow_mut(|state| {
        state.received += 1;
        if message.payload.first() != Some(&1) {
            return Ok(());
        }
        // A handler cannot see what was dropped; the count shows it.
        let text = format!("{} 0", std::mem::take(&mut state.received));
        publish("done", text)
    })
}

/// Note how long the message took by the clock all guests share, and answer.
fn answer(message: &Message) -> gg_handler::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
    let sent = message.payload[1..9].try_into().map(u64::from_le_bytes).unwrap_or_default();
    STATE.with_borrow_mut(|state| {
        state.latencies.extend(now.saturating_sub(sent).to_le_bytes());
        match message.payload.first() {
            Some(&1) => publish("done", std::mem::take(&mut state.latencies)),
            _ => publish("pong", ""),
        }
    })
}

/// `OPERATION COUNT SIZE`: call the host so many times, with a payload of so many bytes.
fn calls(command: &str) -> gg_handler::Result<()> {
    let mut words = command.split(' ');
    let operation = words.next().unwrap_or_default();
    let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0_usize);
    let (count, size) = (number(), number());
    let payload = vec![7_u8; size];
    let text = "x".repeat(size);
    let path = ["threshold".to_owned()];
    for _ in 0..count {
        match operation {
            "publish" => pubsub::publish("bench/nobody", &payload, pubsub::PayloadFormat::Binary)?,
            "publish-drained" => {
                pubsub::publish("bench/drained", &payload, pubsub::PayloadFormat::Binary)?;
            }
            "publish-awaited" => {
                pubsub::publish("bench/awaited", &payload, pubsub::PayloadFormat::Binary)?;
            }
            "configuration" => {
                black_box(configuration::get(&path)?);
            }
            "log" => logging::log(logging::Level::Debug, &text, &[]),
            _ => {
                black_box(logging::enabled(logging::Level::Debug));
            }
        }
    }
    publish("done", "")
}
