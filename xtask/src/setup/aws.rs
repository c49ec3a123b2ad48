//! AWS for the tests: its SDK for Python, its command line, moto, which plays the part of its services, and a client of
//! MQTT. Packages in a folder, for the interpreter that runs components of the tests, too.

use super::{Ipc, Python, ipc, run};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;

const REQUIREMENTS: &str = include_str!("../../../tests/aws/requirements.txt");

/// The packages.
#[derive(Debug)]
pub struct Aws {
    pub packages: PathBuf,
}

/// Install what is missing.
pub fn install(python: &Python, interpreter: &Ipc) -> Result<Aws> {
    let packages = ipc::packages("aws", REQUIREMENTS, python)?;
    let mut import = Command::new(interpreter.interpreter);
    import.env("PYTHONPATH", &packages).env("PYTHONDONTWRITEBYTECODE", "1");
    import.args(["-c", "import awscli, boto3, moto.server, paho.mqtt"]);
    if let Err(error) = run::quietly(&mut import) {
        bail!("{} cannot use boto3, the AWS CLI, moto or paho: {error}", interpreter.interpreter);
    }
    Ok(Aws { packages })
}
