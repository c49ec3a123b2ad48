//! Watches pumps: raises an alert for each reading that a model finds odd.

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

    let model = inference::model("anomaly");
    let outputs = model.run(&[Tensor::new("sensors", [1, 8], &values)?])?;
    // How far the reading is from those of a healthy pump.
    let error: f32 = outputs.get("error")?.only()?;
    let threshold: f32 = gg_handler::config::get_or("threshold", 0.03)?;
    if error <= threshold {
        return Ok(());
    }

    let pump = message.levels().nth(1).unwrap_or_default();
    let known = model.describe()?;
    let by = json!({ "version": known.version, "digest": known.digest });
    let alert = json!({ "pump": pump, "error": error, "model": by });
    gg_handler::publish_json("alerts/pump", &alert)?;
    gg_handler::info!("odd", pump = pump, error = error);
    Ok(())
}
