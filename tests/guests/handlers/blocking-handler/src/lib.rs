//! Waits in a call to the host for so many milliseconds as a message says, then handles it.

use gg_handler::{Failure, Message};
use std::time::Duration;

gg_handler::handler!(handle);

fn handle(message: Message) -> Result<(), Failure> {
    let wait: u64 = message.json().map_err(Failure::reject)?;
    gg_handler::info!("waiting");
    let nothing = gg_handler::subscribe("nothing/comes/here")?;
    nothing.next_timeout(Duration::from_millis(wait))?;
    gg_handler::info!("handled");
    Ok(())
}
