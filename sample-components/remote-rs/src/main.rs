//! A remote control: does what the cloud says, and answers where the cloud wants the answer.

use gg_sdk::mqtt::{self, Publication, Publish};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Command {
    on: bool,
}

fn main() -> gg_sdk::Result<()> {
    let name: String = gg_sdk::config::get_or("name", "kettle".to_owned())?;
    let commands = mqtt::subscribe(&format!("commands/{name}"))?;
    for command in commands {
        obey(&name, &command?)?;
    }
    Ok(())
}

fn obey(name: &str, received: &Publication) -> gg_sdk::Result<()> {
    let answer = match serde_json::from_slice::<Command>(&received.payload) {
        Ok(Command { on }) => json!({ "name": name, "on": on }),
        Err(error) => json!({ "name": name, "error": error.to_string() }),
    };
    gg_sdk::info!("asked", answer = answer);
    match Publish::answer(received) {
        Some(to) => to.send_json(&answer),
        None => Ok(()),
    }
}
