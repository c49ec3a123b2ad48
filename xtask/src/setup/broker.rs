//! A broker of MQTT, for the tests of the link to the cloud and to compare with.

use anyhow::Result;
use std::path::Path;

use super::{debian, run};

/// Install it if it is missing.
pub fn install() -> Result<()> {
    // Debian puts it where only the administrator looks.
    let there = run::which("mosquitto").is_some() || Path::new("/usr/sbin/mosquitto").is_file();
    if there { Ok(()) } else { debian::install(&["mosquitto"]) }
}
