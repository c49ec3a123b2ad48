//! AWS's client of Greengrass IPC in Python, for the tests: its packages in a folder, and an interpreter that
//! every user can run, as the components under test run as another user.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::{Python, cache, debian, run};

/// What a component of the tests installs itself, too.
const REQUIREMENTS: &str = include_str!("../../../tests/ipc/requirements.txt");

/// Where Debian puts its interpreter, whatever else comes first on the search path.
const INTERPRETER: &str = "/usr/bin/python3";

/// The AWS IoT Device SDK for Python.
#[derive(Debug)]
pub struct Ipc {
    pub packages: PathBuf,
    pub interpreter: &'static str,
}

/// Install what is missing.
pub fn install(python: &Python) -> Result<Ipc> {
    // A component of the tests makes an environment of its own.
    let has_venv =
        || run::quietly(Command::new(INTERPRETER).args(["-c", "import ensurepip, venv"]));
    if !Path::new(INTERPRETER).is_file() || has_venv().is_err() {
        debian::install(&["python3", "python3-venv"])?;
    }
    let packages = packages("ipc", REQUIREMENTS, python)?;
    let mut import = Command::new(INTERPRETER);
    import.env("PYTHONPATH", &packages).env("PYTHONDONTWRITEBYTECODE", "1");
    if let Err(error) = run::quietly(import.args(["-c", "import awsiot.greengrasscoreipc"])) {
        bail!("{INTERPRETER} cannot use the AWS IoT Device SDK: {error}");
    }
    Ok(Ipc { packages, interpreter: INTERPRETER })
}

/// A folder of packages for that interpreter.
pub fn packages(name: &str, requirements: &str, python: &Python) -> Result<PathBuf> {
    let version = "import sys; print('%d.%d' % sys.version_info[:2])";
    let version = run::output(Command::new(INTERPRETER).args(["-c", version]))?;
    let version = version.trim();
    let fingerprint = cache::fingerprint([requirements.as_bytes()]);
    cache::find_or_make(&format!("{name}-python{version}-{fingerprint}"), |folder| {
        eprintln!("setup: installing {} for Python", requirements.replace('\n', " ").trim());
        let mut pip = Command::new(python.interpreter());
        pip.args(["-m", "pip", "--quiet", "install", "--only-binary", ":all:", "--no-compile"])
            .args(["--python-version", version, "--target"])
            .arg(folder)
            .args(requirements.split_whitespace());
        run::quietly(&mut pip)
    })
}
