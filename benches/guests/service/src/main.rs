//! The ends of the benchmarks' topics; the configuration says which one this is.

use gg_sdk::inference::{self, Tensor};
use gg_sdk::mqtt::{Publish, Qos};
use gg_sdk::{Message, Result, Subscribe, Subscription, WhenFull, publish};
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> Result<()> {
    let mode: String = gg_sdk::config::get("mode")?;
    match mode.as_str() {
        "source" => source(),
        "remote" => remote(),
        "sink" => sink(),
        "ping" => ping(),
        "pong" => pong(),
        "echo" => echo(),
        "ask" => ask(),
        _ => idle(),
    }
}

/// Nothing is dropped: a full queue holds its publisher up.
fn subscribe(filter: &str) -> Result<Subscription> {
    Subscribe::new().queue(1024).when_full(WhenFull::Block).to(filter)
}

/// The numbers of a message `COUNT SIZE`.
fn numbers(message: &Message) -> Result<(usize, usize)> {
    let mut words = message.text()?.split(' ').map(|word| word.parse().unwrap_or(0));
    Ok((words.next().unwrap_or(0), words.next().unwrap_or(0)))
}

/// At a word of command, publish so many messages of so many bytes; the last one is marked.
fn source() -> Result<()> {
    for command in subscribe("go")? {
        let (count, size) = numbers(&command?)?;
        let mut payload = vec![0_u8; size];
        for _ in 1..count {
            publish("data", &payload)?;
        }
        payload[0] = 1;
        publish("data", &payload)?;
    }
    Ok(())
}

/// At a word of command, publish so many messages of so many bytes to the cloud's broker.
fn remote() -> Result<()> {
    for command in subscribe("go")? {
        let (count, size) = numbers(&command?)?;
        for _ in 0..count {
            Publish::new("data").qos(Qos::AtMostOnce).send(vec![7_u8; size])?;
        }
    }
    Ok(())
}

/// Count messages; the marked one is answered with how many came and how many were dropped.
fn sink() -> Result<()> {
    let mut subscription = subscribe("data")?;
    let mut received = 0_u64;
    while let Some(message) = subscription.next() {
        received += 1;
        if message?.payload.first() == Some(&1) {
            publish("done", format!("{received} {}", subscription.dropped()))?;
            received = 0;
        }
    }
    Ok(())
}

/// Send a message, wait for its answer, and so on: one message is under way at a time.
fn ping() -> Result<()> {
    let mut answers = subscribe("pong")?;
    for command in subscribe("go")? {
        let (count, size) = numbers(&command?)?;
        let mut payload = vec![0_u8; size];
        for left in (0..count).rev() {
            payload[0] = u8::from(left == 0);
            payload[1..9].copy_from_slice(&now().to_le_bytes());
            publish("ping", &payload)?;
            if left > 0 {
                answers.next();
            }
        }
    }
    Ok(())
}

/// Note how long each message took by the clock all guests share, and answer.
fn pong() -> Result<()> {
    let mut latencies: Vec<u8> = Vec::new();
    for message in subscribe("ping")? {
        let now = now();
        let payload = message?.payload;
        let sent = payload[1..9].try_into().map(u64::from_le_bytes).unwrap_or_default();
        latencies.extend(now.saturating_sub(sent).to_le_bytes());
        match payload[0] {
            1 => publish("done", std::mem::take(&mut latencies))?,
            _ => publish("pong", "")?,
        }
    }
    Ok(())
}

/// Pass each message on.
fn echo() -> Result<()> {
    for message in subscribe("echo")? {
        publish("done", message?.payload)?;
    }
    Ok(())
}

/// At a word of command, ask the model so many times, one after the other, and say so.
fn ask() -> Result<()> {
    let model = inference::model("model");
    for command in subscribe("go")? {
        let (count, width) = numbers(&command?)?;
        let shape: Vec<u32> = gg_sdk::config::get("shape")?;
        let input: String = gg_sdk::config::get("input")?;
        let inputs = [Tensor::new(&input, shape, &vec![0.5_f32; width])?];
        for _ in 0..count {
            model.run(&inputs)?;
        }
        publish("done", "")?;
    }
    Ok(())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}

/// Wait for a message that never comes.
fn idle() -> Result<()> {
    subscribe("idle")?.next();
    Ok(())
}
