//! Waits for messages until it is asked to stop, and then tidies up.

fn main() -> gg_sdk::Result<()> {
    let messages = gg_sdk::subscribe("waits/#")?;
    println!("waiting");
    for message in messages {
        let message = message?;
        println!("got {} on {}", message.text()?, message.topic);
    }
    println!("tidied up");
    Ok(())
}
