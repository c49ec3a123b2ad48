//! Subscribes, publishes so many messages of 1,000 bytes to itself without reading, and says how
//! many were dropped.

use gg_sdk::{ReceiveMode, Subscribe};

fn main() -> gg_sdk::Result<()> {
    let count: u32 = std::env::args().nth(1).expect("a count").parse().expect("a number");
    let hoard = Subscribe::new().receive(ReceiveMode::All).queue(10_000).to("hoard")?;
    for _ in 0..count {
        gg_sdk::publish("hoard", [0; 1000])?;
    }
    println!("{} dropped of {count}", hoard.dropped());
    Ok(())
}
