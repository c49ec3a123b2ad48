//! Waits for a second call to come while it is in the first: only two instances can meet.

use gg_handler::{Failure, Message, ReceiveMode, Subscribe};
use std::time::Duration;

gg_handler::handler!(handle);

fn handle(message: Message) -> Result<(), Failure> {
    let me = message.text().map_err(Failure::reject)?.to_owned();
    let here = Subscribe::new().receive(ReceiveMode::All).to("meeting/here")?;
    let until: u64 = gg_handler::config::get_or("patienceMs", 1000)?;
    for _ in 0..until / 10 {
        gg_handler::publish("meeting/here", &me)?;
        while let Some(other) = here.next_timeout(Duration::from_millis(10))? {
            if other.payload != me.as_bytes() {
                // Once more, for the other one to hear.
                gg_handler::publish("meeting/here", &me)?;
                gg_handler::info!("met");
                return Ok(());
            }
        }
    }
    gg_handler::info!("alone");
    Ok(())
}
