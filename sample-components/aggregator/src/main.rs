//! An aggregator: mean, least and greatest value over windows of time.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// What the component's configuration holds, and what it is without.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Settings {
    filter: String,
    topic: String,
    window_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            filter: "sensors/+/temperature".to_owned(),
            topic: "aggregates/temperature".to_owned(),
            window_ms: 5_000,
        }
    }
}

#[derive(Deserialize)]
struct Reading {
    value: f64,
}

#[derive(Serialize)]
struct Summary {
    count: u32,
    mean: f64,
    min: f64,
    max: f64,
}

fn main() -> gg_sdk::Result<()> {
    let settings: Settings = gg_sdk::config::get_or("", Settings::default())?;
    let readings = gg_sdk::subscribe(&settings.filter)?;
    let window = Duration::from_millis(settings.window_ms);
    while !gg_sdk::lifecycle::stopping() {
        let end = Instant::now() + window;
        let mut values = Vec::new();
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let Some(message) = readings.next_timeout(left)? else { break };
            match message.json::<Reading>() {
                Ok(reading) => values.push(reading.value),
                Err(error) => gg_sdk::warn!("not a reading", topic = message.topic, error = error),
            }
        }
        if let Some(summary) = summary(&values) {
            gg_sdk::publish_json(&settings.topic, &summary)?;
        }
    }
    Ok(())
}

fn summary(values: &[f64]) -> Option<Summary> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(Summary {
        count,
        mean: values.iter().sum::<f64>() / f64::from(count),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}
