//! Python, and componentize-py in an environment of its own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{cache, debian, run};

const REQUIREMENTS: &str = include_str!("../../../guest-sdk/python/requirements.txt");

/// A virtual environment.
#[derive(Debug)]
pub struct Python {
    pub folder: PathBuf,
}

impl Python {
    /// The interpreter.
    pub fn interpreter(&self) -> PathBuf {
        self.folder.join("bin/python3")
    }
}

/// Install componentize-py, if it is missing.
pub fn install() -> Result<Python> {
    environment("componentize-py", REQUIREMENTS)
}

/// An environment with these packages, of which `what` is why; made if it is missing.
pub fn environment(what: &str, requirements: &str) -> Result<Python> {
    if run::which("python3").is_none() {
        debian::install(&["python3", "python3-venv"])?;
    }
    let folder = cache::find_or_make(&name(requirements), |folder| {
        eprintln!("setup: installing {what}");
        let make =
            || run::quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
        make().or_else(|_| {
            debian::install(&["python3-venv"])?;
            make()
        })?;
        let file = folder.join("requirements.txt");
        std::fs::write(&file, requirements)?;
        let mut pip = Command::new(folder.join("bin/python3"));
        pip.args(["-m", "pip", "--quiet", "install", "--only-binary", ":all:", "--requirement"])
            .arg(&file);
        run::quietly(&mut pip)
    })?;
    Ok(Python { folder })
}

/// An environment works with the interpreter that made it and with no other.
fn name(requirements: &str) -> String {
    let ask = "import sys; print(sys.executable, sys.version)";
    let interpreter = run::output(Command::new("python3").args(["-c", ask])).unwrap_or_default();
    format!("python-{}", cache::fingerprint([requirements.as_bytes(), interpreter.as_bytes()]))
}
