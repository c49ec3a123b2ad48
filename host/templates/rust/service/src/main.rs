//! Answers each message with a greeting, and counts them.

use serde_json::json;

// Start here: the program runs until the host asks it to stop, which ends the loop.
fn main() -> gg_sdk::Result<()> {
    let greeting: String = gg_sdk::config::get_or("greeting", "Hello".to_owned())?;
    let mut count = 0;
    for message in gg_sdk::subscribe("{{name}}/in")? {
        let message = message?;
        let Ok(name) = message.text() else {
            gg_sdk::warn!("not text", topic = message.topic);
            continue;
        };
        count += 1;
        let answer = json!({ "text": format!("{greeting}, {name}!"), "count": count });
        gg_sdk::publish_json("{{name}}/out", &answer)?;
    }
    gg_sdk::info!("done", count = count);
    Ok(())
}
