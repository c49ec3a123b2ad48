//! Answers each message with a greeting.

use gg_handler::{Failure, Message};
use serde_json::json;

gg_handler::handler!(handle);

// Start here: the host calls this once for each message of the topics that recipe.yaml names
// under `subscriptions`.
fn handle(message: Message) -> Result<(), Failure> {
    let greeting: String = gg_handler::config::get_or("greeting", "Hello".to_owned())?;
    let name = message.text()?;
    gg_handler::info!("greeting", name = name);
    gg_handler::publish_json("{{name}}/out", &json!({ "text": format!("{greeting}, {name}!") }))?;
    Ok(())
}
