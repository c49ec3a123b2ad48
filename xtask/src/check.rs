//! What is checked before the tests: formatting, lints, and the dependencies' licences, sources
//! and bans as `deny.toml` has them. cargo-deny reads the same file; this needs no network.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The workspaces whose sources are formatted.
const FORMATTED: [&str; 5] = [".", "sample-components", "tests/guests", "benches/guests", "fuzz"];

/// Run all checks.
pub fn run() -> Result<()> {
    for workspace in FORMATTED {
        if Path::new(ROOT).join(workspace).join("Cargo.toml").is_file() {
            cargo(workspace, &["fmt", "--all", "--check"])?;
        }
    }
    // Without what others wrote, which is carried here with changes.
    let ours = ["clippy", "--workspace", "--all-targets", "--no-deps", "--", "--deny", "warnings"];
    cargo(".", &ours)?;
    dependencies()
}

fn cargo(workspace: &str, arguments: &[&str]) -> Result<()> {
    println!("==> cargo {} ({workspace})", arguments.join(" "));
    let folder = Path::new(ROOT).join(workspace);
    let status = Command::new(env!("CARGO")).args(arguments).current_dir(folder).status()?;
    if !status.success() {
        bail!("cargo {} failed in {workspace}", arguments.join(" "));
    }
    Ok(())
}

/// Licences, sources and bans of everything in the lock file.
fn dependencies() -> Result<()> {
    println!("==> dependencies against deny.toml");
    let rules: toml::Table = fs::read_to_string(Path::new(ROOT).join("deny.toml"))?.parse()?;
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(ROOT)
        .output()?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo lists packages")?;
    let allowed = texts(&rules, &["licenses", "allow"]);
    let denied = names(&rules, &["bans", "deny"]);
    let mut problems = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let source = package["source"].as_str();
        if source.is_some_and(|source| !source.starts_with("registry+")) {
            problems.push(format!("{name} comes from {source:?}, which is no registry"));
        }
        if denied.contains(name) {
            problems.push(format!("{name} is banned"));
        }
        let licence = package["license"].as_str().unwrap_or_default();
        if !licence_allowed(licence, &allowed) {
            problems.push(format!("{name} has the licence {licence:?}, which is not allowed"));
        }
    }
    if !problems.is_empty() {
        bail!("deny.toml is not kept:\n  {}", problems.join("\n  "));
    }
    println!("    {} packages, all as deny.toml allows", packages.len());
    Ok(())
}

/// Whether one of the alternatives of an SPDX expression is allowed. Expressions here are `AND`s
/// of `OR`s or the other way round, in parentheses or not.
fn licence_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    let words: Vec<&str> = plain.split_whitespace().collect();
    let parts = |separator: &str, words: &[&str]| -> Vec<Vec<String>> {
        words
            .split(|word| *word == separator)
            .map(|part| part.iter().map(ToString::to_string).collect())
            .collect()
    };
    !words.is_empty()
        && parts("AND", &words).iter().all(|part| {
            let part: Vec<&str> = part.iter().map(String::as_str).collect();
            parts("OR", &part).iter().any(|licence| allowed.contains(&licence.join(" ")))
        })
}

fn at<'a>(rules: &'a toml::Table, path: &[&str]) -> impl Iterator<Item = &'a toml::Value> {
    let (last, folders) = path.split_last().unwrap_or((&"", &[]));
    let mut table = Some(rules);
    for folder in folders {
        table = table.and_then(|table| table.get(*folder)?.as_table());
    }
    table.and_then(|table| table.get(*last)?.as_array()).into_iter().flatten()
}

fn texts(rules: &toml::Table, path: &[&str]) -> BTreeSet<String> {
    at(rules, path).filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

fn names(rules: &toml::Table, path: &[&str]) -> BTreeSet<String> {
    at(rules, path)
        .filter_map(|value| Some(value.get("crate").or(value.get("name"))?.as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_and_conjunctions_of_licences() {
        let allowed: BTreeSet<String> =
            ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "MIT/Apache-2.0",
            "(MIT OR GPL-3.0) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(licence_allowed(good, &allowed), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0"] {
            assert!(!licence_allowed(bad, &allowed), "{bad}");
        }
    }
}
