//! JavaScript: the packages that `guest-sdk/js` pins.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Result, bail};

use super::{cache, debian, run};

const PACKAGE: &[u8] = include_bytes!("../../../guest-sdk/js/package.json");
const LOCK: &[u8] = include_bytes!("../../../guest-sdk/js/package-lock.json");

/// What the bundler needs.
const NODE: (u32, u32) = (20, 19);

/// What is taken where the machine's is older, as Debian 12's is, with an npm that runs on it.
const OWN_NODE: &str = "22.23.3";
const OWN_NPM: &str = "10.9.4";

/// Node and a folder with `node_modules`.
#[derive(Debug)]
pub struct Js {
    pub node: PathBuf,
    pub folder: PathBuf,
}

impl Js {
    /// Installs exactly what a lock file says.
    pub fn npm_ci(&self) -> Result<Command> {
        npm_ci(&self.node)
    }
}

/// Install what is missing.
pub fn install() -> Result<Js> {
    if run::which("npm").is_none() {
        debian::install(&["nodejs", "npm"])?;
    }
    let node = match machines_node() {
        Some(node) => node,
        None => own_node()?,
    };
    let folder = cache::find_or_make(&name(), |folder| {
        eprintln!("setup: installing the JavaScript engines");
        fs::write(folder.join("package.json"), PACKAGE)?;
        fs::write(folder.join("package-lock.json"), LOCK)?;
        run::quietly(npm_ci(&node)?.current_dir(folder))
    })?;
    Ok(Js { node, folder })
}

fn npm_ci(node: &Path) -> Result<Command> {
    let mut npm = Command::new("npm");
    npm.env("PATH", search_path(node)?);
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    Ok(npm)
}

/// Native modules differ between machines that share a folder.
fn name() -> String {
    format!("js-{}-{}", env::consts::ARCH, cache::fingerprint([PACKAGE, LOCK]))
}

/// The machine's, if it is new enough.
fn machines_node() -> Option<PathBuf> {
    let node = run::which("node")?;
    let version = run::output(Command::new(&node).arg("--version")).ok()?;
    let mut numbers =
        version.trim().trim_start_matches('v').split('.').map_while(|number| number.parse().ok());
    ((numbers.next()?, numbers.next()?) >= NODE).then_some(node)
}

/// One from npm, which has the program as a package.
fn own_node() -> Result<PathBuf> {
    let architecture = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => bail!("node {}.{} or newer is needed; install it for {other}", NODE.0, NODE.1),
    };
    let name = format!("node-{OWN_NODE}-{architecture}");
    let folder = cache::find_or_make(&name, |folder| {
        eprintln!("setup: fetching node {OWN_NODE}, because the machine's is too old");
        fs::write(folder.join("package.json"), "{}")?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .arg(format!("node-linux-{architecture}@{OWN_NODE}"))
            .arg(format!("npm@{OWN_NPM}"));
        run::quietly(npm.current_dir(folder))
    })?;
    Ok(folder.join("node_modules/.bin/node"))
}

/// The search path with node's folder first: npm runs on the node it finds there.
fn search_path(node: &Path) -> Result<OsString> {
    let machines = env::var_os("PATH").unwrap_or_default();
    let first = node.parent().map(Path::to_path_buf);
    Ok(env::join_paths(first.into_iter().chain(env::split_paths(&machines)))?)
}
