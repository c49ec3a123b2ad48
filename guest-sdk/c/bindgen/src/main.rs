//! Generates the C bindings: `cargo run` in this folder. With `--check` it only compares.
//!
//! Every interface is in both sets. A component imports only the ones whose functions it calls,
//! because the linker leaves out the others.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

/// The folder, and what the world includes. A C `main` needs no export of ours: the C library has
/// it export `wasi:cli/run`.
const WORLDS: [(&str, &str); 2] =
    [("handler", "gg:host/handler@0.1.0"), ("service", "gg:host/imports@0.1.0")];

const INTERFACES: [&str; 2] = ["mqtt", "inference"];

fn main() -> Result<ExitCode> {
    let check = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--check") => true,
        Some(other) => bail!("unknown argument {other}"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut stale = false;
    for (name, included) in WORLDS {
        let folder = root.join("../bindings").join(name);
        fs::create_dir_all(&folder)?;
        for (file, bytes) in generate(&root.join("../../../wit"), name, included)?.iter() {
            let path = folder.join(file);
            if fs::read(&path).is_ok_and(|old| old == bytes) {
                continue;
            }
            if check {
                eprintln!("{name}/{file} is out of date");
                stale = true;
            } else {
                fs::write(&path, bytes)
                    .with_context(|| format!("failed to write {}", path.display()))?;
            }
        }
    }
    Ok(if stale { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn generate(wit: &Path, name: &str, included: &str) -> Result<Files> {
    let imports: String =
        INTERFACES.iter().map(|name| format!("  import gg:host/{name}@0.1.0;\n")).collect();
    let world =
        format!("package gg:guest;\n\nworld {name} {{\n  include {included};\n{imports}}}\n");
    let mut resolve = Resolve::default();
    resolve.push_path(wit).context("failed to read the WIT package")?;
    let package = resolve.push_str("guest.wit", &world)?;
    let world = resolve.select_world(&[package], Some(name))?;
    // The same names for both worlds.
    let options = wit_bindgen_c::Opts { rename_world: Some("gg".to_owned()), ..Default::default() };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    Ok(files)
}
