//! A broker of MQTT, for the tests of the link to the cloud and to compare with, and a security
//! module made of software, which holds the keys of devices in those tests; and what makes a program
//! believe in another time.

use anyhow::Result;
use std::path::Path;

use super::{debian, run};

/// Install it and its clients if they are missing.
pub fn install() -> Result<()> {
    // Debian puts it where only the administrator looks.
    let broker = run::which("mosquitto").is_some() || Path::new("/usr/sbin/mosquitto").is_file();
    let there = broker && run::which("mosquitto_pub").is_some();
    if there { Ok(()) } else { debian::install(&["mosquitto", "mosquitto-clients"]) }
}

/// Install SoftHSM, and what makes keys in it, if they are missing.
pub fn install_token() -> Result<()> {
    let there = ["softhsm2-util", "pkcs11-tool"].iter().all(|tool| run::which(tool).is_some());
    if there { Ok(()) } else { debian::install(&["softhsm2", "opensc"]) }
}

/// Where Debian puts libfaketime, below a folder for the kind of machine.
const FAKETIME: &str = "faketime/libfaketime.so.1";

/// Install libfaketime if it is missing.
pub fn install_faketime() -> Result<()> {
    let mut libraries = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let there = libraries.any(|folder| folder.path().join(FAKETIME).is_file());
    if there { Ok(()) } else { debian::install(&["libfaketime"]) }
}
