//! Publishes each number it is given to `relayed` with its version, which tests change in the
//! file.

use gg_handler::{Failure, Message};

gg_handler::handler!(handle);

static VERSION: &str = "version-A";

fn handle(message: Message) -> Result<(), Failure> {
    let number: u64 = message.json().map_err(Failure::reject)?;
    let version = std::hint::black_box(VERSION);
    gg_handler::publish_json("relayed", &serde_json::json!({ "number": number, "by": version }))?;
    Ok(())
}
