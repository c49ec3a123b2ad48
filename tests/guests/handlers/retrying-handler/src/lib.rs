//! Asks for every message again.

use gg_handler::{Failure, Message};

gg_handler::handler!(handle);

fn handle(_: Message) -> Result<(), Failure> {
    gg_handler::info!("not now");
    Err(Failure::retry("not now"))
}
