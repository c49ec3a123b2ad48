//! A sensor: publishes a reading at a steady pace, so many times or until asked to stop.

use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct Reading {
    value: f64,
    unit: &'static str,
}

fn main() -> gg_sdk::Result<()> {
    let name: String = gg_sdk::config::get_or("name", "boiler".to_owned())?;
    let interval: u64 = gg_sdk::config::get_or("intervalMs", 500)?;
    let count: Option<u32> = gg_sdk::config::get_or("count", None)?;
    let topic = format!("sensors/{name}/temperature");
    gg_sdk::info!("publishing to {topic}", interval = interval);

    let mut published = 0;
    while !gg_sdk::lifecycle::stopping() && count.is_none_or(|count| published < count) {
        // A slow wave between 15 and 35 degrees.
        let phase = f64::from(published) * std::f64::consts::TAU / 12.0;
        let value = ((25.0 + 10.0 * phase.sin()) * 10.0).round() / 10.0;
        gg_sdk::publish_json(&topic, &Reading { value, unit: "C" })?;
        published += 1;
        std::thread::sleep(Duration::from_millis(interval));
    }
    gg_sdk::info!("done", readings = published);
    Ok(())
}
