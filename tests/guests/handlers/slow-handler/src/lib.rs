//! Never comes back from a message that says `loop`, and handles the others.

use gg_handler::{Failure, Message};

gg_handler::handler!(handle);

fn handle(message: Message) -> Result<(), Failure> {
    if message.payload == b"loop" {
        gg_handler::info!("looping");
        let mut count = 0_u64;
        loop {
            count = std::hint::black_box(count.wrapping_add(1));
        }
    }
    gg_handler::info!("handled");
    Ok(())
}
