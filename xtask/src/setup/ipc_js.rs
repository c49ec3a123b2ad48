//! AWS's client of Greengrass IPC in JavaScript, for the tests: its packages in a folder, and a node
//! that every user can run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::{Js, cache, debian, run};

/// What a component of the tests installs itself, too.
const PACKAGE: &[u8] = include_bytes!("../../../tests/ipc/package.json");
const LOCK: &[u8] = include_bytes!("../../../tests/ipc/package-lock.json");

/// Where Debian puts its programs, whatever else comes first on the search path.
const NODE: &str = "/usr/bin/node";
const NPM: &str = "/usr/bin/npm";

/// The AWS IoT Device SDK for JavaScript.
#[derive(Debug)]
pub struct IpcJs {
    /// The folder `node_modules`.
    pub packages: PathBuf,
    pub node: &'static str,
}

/// Install what is missing.
pub fn install(js: &Js) -> Result<IpcJs> {
    if ![NODE, NPM].iter().all(|program| Path::new(program).is_file()) {
        debian::install(&["nodejs", "npm"])?;
    }
    let name = format!("ipc-js-{}", cache::fingerprint([PACKAGE, LOCK]));
    let folder = cache::find_or_make(&name, |folder| {
        eprintln!("setup: installing the AWS IoT Device SDK for JavaScript");
        fs::write(folder.join("package.json"), PACKAGE)?;
        fs::write(folder.join("package-lock.json"), LOCK)?;
        run::quietly(js.npm_ci()?.current_dir(folder))
    })?;
    let packages = folder.join("node_modules");
    let mut load = Command::new(NODE);
    load.env("NODE_PATH", &packages);
    if let Err(error) = run::quietly(load.args(["-e", "require('aws-iot-device-sdk-v2')"])) {
        bail!("{NODE} cannot use the AWS IoT Device SDK: {error}");
    }
    Ok(IpcJs { packages, node: NODE })
}
