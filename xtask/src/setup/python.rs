//! Python: componentize-py in an environment of its own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{cache, debian, run};

const REQUIREMENTS: &str = include_str!("../../../guest-sdk/python/requirements.txt");

/// A virtual environment with componentize-py.
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

/// Install what is missing.
pub fn install() -> Result<Python> {
    Ok(Python { folder: environment("python", "componentize-py", REQUIREMENTS)? })
}

/// A virtual environment with these packages, and its folder. `what` is said to be installed.
pub(super) fn environment(name: &str, what: &str, requirements: &str) -> Result<PathBuf> {
    if run::which("python3").is_none() {
        debian::install(&["python3", "python3-venv"])?;
    }
    cache::find_or_make(&fingerprint(name, requirements), |folder| {
        eprintln!("setup: installing {what}");
        let make =
            || run::quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
        make().or_else(|_| {
            debian::install(&["python3-venv"])?;
            make()
        })?;
        let listed = folder.join("requirements.txt");
        std::fs::write(&listed, requirements)?;
        let mut pip = Command::new(folder.join("bin/python3"));
        pip.args(["-m", "pip", "--quiet", "install", "--only-binary", ":all:", "--requirement"])
            .arg(&listed);
        run::quietly(&mut pip)
    })
}

/// An environment works with the interpreter that made it and with no other.
fn fingerprint(name: &str, requirements: &str) -> String {
    let ask = "import sys; print(sys.executable, sys.version)";
    let interpreter = run::output(Command::new("python3").args(["-c", ask])).unwrap_or_default();
    format!("{name}-{}", cache::fingerprint([requirements.as_bytes(), interpreter.as_bytes()]))
}
