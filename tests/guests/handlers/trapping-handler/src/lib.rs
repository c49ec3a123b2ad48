//! Crashes on a message that says `crash`, and counts those that it handled since it began.

use gg_handler::{Failure, Message};
use std::cell::Cell;

gg_handler::handler!(handle);

thread_local! {
    static HANDLED: Cell<u32> = const { Cell::new(0) };
}

fn handle(message: Message) -> Result<(), Failure> {
    if message.payload == b"crash" {
        crash_here();
    }
    HANDLED.set(HANDLED.get() + 1);
    gg_handler::info!("handled", since_start = HANDLED.get());
    Ok(())
}

#[inline(never)]
fn crash_here() {
    panic!("a message said so");
}
