//! Says what is wrong with a pump: its reading goes down the trees of a model.

use gg_handler::inference::{self, Tensor};
use gg_handler::{Failure, Message};
use serde_json::{Value, json};

gg_handler::handler!(handle);

/// What the model takes, in this order.
const SENSORS: [&str; 8] =
    ["temperature", "ambient", "pressure", "flow", "rpm", "current", "vibration", "sound"];

fn handle(message: Message) -> Result<(), Failure> {
    let reading: Value = message.json().map_err(Failure::reject)?;
    let number = |sensor| reading[sensor].as_f64().map(|number| number as f32);
    let values: Option<Vec<f32>> = SENSORS.into_iter().map(number).collect();
    let values = values.ok_or_else(|| Failure::reject("not a number of each sensor"))?;

    let outputs = inference::model("faults").run(&[Tensor::new("x", [1, 8], &values)?])?;
    let shares: Vec<f32> = outputs.get("probabilities")?.to_vec()?;
    let labels: Vec<String> = gg_handler::config::get("labels")?;
    let best = inference::top_labels(&labels, &shares, 1)?;
    let pump = message.levels().nth(1).unwrap_or_default();
    for (state, share) in best {
        let said = json!({ "state": state, "share": share });
        gg_handler::publish_json(&format!("pumps/{pump}/state"), &said)?;
    }
    Ok(())
}
