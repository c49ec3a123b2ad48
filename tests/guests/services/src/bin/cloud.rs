//! Publishes so many messages to the cloud's broker, and then answers what comes.

use gg_sdk::mqtt::{self, Publish};

fn main() -> gg_sdk::Result<()> {
    let count: u32 = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1);
    let messages = mqtt::subscribe("to/guest")?;
    for number in 0..count {
        // Whoever hears that it is published may forget it.
        mqtt::publish("from/guest", number.to_string())?;
    }
    println!("published {count}");
    for message in messages {
        let message = message?;
        println!("got {}", String::from_utf8_lossy(&message.payload));
        let to = message.response_topic.unwrap_or_default();
        let correlation = message.correlation_data.unwrap_or_default();
        let answer = Publish::new(&to).property("answer", "yes").answer_to("none", correlation);
        answer.send(message.payload)?;
    }
    Ok(())
}
