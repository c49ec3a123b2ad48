//! JavaScript: the packages that `guest-sdk/js` pins.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use super::{cache, debian, run};

const PACKAGE: &[u8] = include_bytes!("../../../guest-sdk/js/package.json");
const LOCK: &[u8] = include_bytes!("../../../guest-sdk/js/package-lock.json");

/// What the bundler needs.
const NODE: (u32, u32) = (20, 19);

/// Node and a folder with `node_modules`.
#[derive(Debug)]
pub struct Js {
    pub node: PathBuf,
    pub folder: PathBuf,
}

/// Install what is missing.
pub fn install() -> Result<Js> {
    let node = match node() {
        Ok(node) => node,
        Err(_) if run::which("node").is_none() => {
            debian::install(&["nodejs", "npm"])?;
            node()?
        }
        Err(error) => return Err(error),
    };
    let folder = cache::find_or_make(&name(), |folder| {
        eprintln!("setup: installing the JavaScript engines");
        fs::write(folder.join("package.json"), PACKAGE)?;
        fs::write(folder.join("package-lock.json"), LOCK)?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        run::quietly(npm.current_dir(folder))
    })?;
    Ok(Js { node, folder })
}

/// Native modules differ between machines that share a folder.
fn name() -> String {
    format!("js-{}-{}", env::consts::ARCH, cache::fingerprint([PACKAGE, LOCK]))
}

fn node() -> Result<PathBuf> {
    let node = run::which("node").context("node is not installed")?;
    run::which("npm").context("npm is not installed")?;
    let version = run::output(Command::new(&node).arg("--version"))?;
    let mut numbers =
        version.trim().trim_start_matches('v').split('.').map_while(|number| number.parse().ok());
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
        bail!("node has the version {version:?}");
    };
    if (major, minor) < NODE {
        bail!("node {}.{} or newer is needed, this is {}", NODE.0, NODE.1, version.trim());
    }
    Ok(node)
}
