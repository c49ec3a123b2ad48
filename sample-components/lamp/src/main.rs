//! A lamp: does what its shadow wants of it, and says how it is.

use gg_sdk::shadow::Shadow;
use serde::{Deserialize, Serialize};

/// What can be wanted of it. A delta has the members that differ, and no others.
#[derive(Debug, Deserialize, Serialize)]
struct Light {
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brightness: Option<u8>,
}

fn main() -> gg_sdk::Result<()> {
    let shadow = Shadow::named("light");
    for delta in shadow.on_delta::<Light>()? {
        let Light { on, brightness } = match delta {
            Ok(delta) => delta.state,
            Err(error @ gg_sdk::Error::Json(_)) => {
                gg_sdk::warn!("not what a lamp can do", error = error);
                continue;
            }
            Err(error) => return Err(error),
        };
        // No lamp is brighter than this.
        let wanted = Light { on, brightness: brightness.map(|wanted| wanted.min(100)) };
        gg_sdk::info!("switching", light = format!("{wanted:?}"));
        shadow.report(&wanted)?;
    }
    Ok(())
}
