//! C: clang, a WASI C library that is recent enough, and Rust's linker of components.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::debian::{self, Package};
use super::{cache, run};

/// The first release of wasi-libc that works with the current linker, and the least one that is
/// taken: with the one of 2022, output is lost.
const LIBC: &str = "20260129";

/// What `gg-cc` needs to know.
#[derive(Debug)]
pub struct C {
    pub clang: PathBuf,
    pub sysroot: PathBuf,
    pub linker: PathBuf,
}

/// Install what is missing. Rust's target must be there.
pub fn install() -> Result<C> {
    let linker = linker()?;
    let clang = match clang() {
        Some(clang) => clang,
        None => {
            debian::install(&["clang"])?;
            clang().context("clang is still not there")?
        }
    };
    let folder = cache::find_or_make(&name(), |folder| {
        eprintln!("setup: fetching a C library for WASI");
        let packages =
            [Package { name: "wasi-libc", accept: &|version| date(version) >= Some(LIBC) }];
        debian::unpack(&packages, debian::SUITES, folder)?;
        sysroot_in(folder).map(drop).context("this wasi-libc has no wasm32-wasip2")
    })?;
    let sysroot =
        sysroot_in(&folder).with_context(|| format!("{} is not complete", folder.display()))?;
    Ok(C { clang, sysroot, linker })
}

fn name() -> String {
    format!("wasi-libc-{LIBC}")
}

/// Debian's versions are `0.0~git20260129.ec0effd-3`.
fn date(version: &str) -> Option<&str> {
    version.split_once("git")?.1.get(..LIBC.len())
}

fn sysroot_in(folder: &Path) -> Option<PathBuf> {
    let sysroot = folder.join("usr");
    sysroot.join("lib/wasm32-wasip2/libc.a").is_file().then_some(sysroot)
}

/// The newest one, if there are several.
fn clang() -> Option<PathBuf> {
    let numbered = (14..=30).rev().map(|number| format!("clang-{number}"));
    ["clang".to_owned()].into_iter().chain(numbered).find_map(|name| run::which(&name))
}

fn linker() -> Result<PathBuf> {
    let libdir = run::output(Command::new("rustc").args(["--print", "target-libdir"]))?;
    let linker = Path::new(libdir.trim()).with_file_name("bin").join("wasm-component-ld");
    if !linker.is_file() {
        bail!("this Rust has no {}", linker.display());
    }
    Ok(linker)
}
