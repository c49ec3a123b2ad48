//! Builds the sample components into `target/samples`, each only if something it is made of has
//! changed since.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::setup::{Toolchains, cache, run};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A sample that is not written in Rust.
struct Sample {
    name: &'static str,
    source: &'static str,
    language: Language,
}

#[derive(Clone, Copy)]
enum Language {
    C,
    JavaScript { engine: &'static str },
    Python,
}

const SAMPLES: &[Sample] = &[
    Sample { name: "anomaly-py", source: "anomaly-py/anomaly.py", language: Language::Python },
    Sample { name: "counter-c", source: "counter-c/counter.c", language: Language::C },
    Sample { name: "filter-c", source: "filter-c/filter.c", language: Language::C },
    Sample {
        name: "filter-js",
        source: "filter-js/filter.js",
        language: Language::JavaScript { engine: "qjs" },
    },
    Sample {
        name: "filter-js-full",
        source: "filter-js/filter.js",
        language: Language::JavaScript { engine: "full" },
    },
    Sample { name: "filter-py", source: "filter-py/filter.py", language: Language::Python },
    Sample {
        name: "forecast-js",
        source: "forecast-js/forecast.js",
        language: Language::JavaScript { engine: "qjs" },
    },
    Sample { name: "int8-c", source: "int8-c/int8.c", language: Language::C },
    Sample {
        name: "remote-js",
        source: "remote-js/remote.js",
        language: Language::JavaScript { engine: "qjs" },
    },
    Sample {
        name: "lamp-js",
        source: "lamp-js/lamp.js",
        language: Language::JavaScript { engine: "qjs" },
    },
    Sample { name: "lamp-py", source: "lamp-py/lamp.py", language: Language::Python },
    Sample { name: "remote-py", source: "remote-py/remote.py", language: Language::Python },
    Sample { name: "verified-py", source: "verified-py/verified.py", language: Language::Python },
];

/// Build all samples, or only those named, and put their recipes beside them. Those whose
/// toolchain is missing are left out with a warning, and with `ci` are an error.
pub fn build(tools: &Toolchains, only: Option<&[&str]>, ci: bool) -> Result<()> {
    let root = fs::canonicalize(ROOT)?;
    let out = root.join("target/samples");
    fs::create_dir_all(&out)?;
    let lock = File::create(out.join(".lock"))?;
    lock.lock()?;

    let mut skipped = Vec::new();
    if tools.rust.is_none() {
        skipped.push("those in Rust");
    } else if root.join("sample-components/Cargo.toml").is_file() {
        build_rust(&root, &root.join("sample-components"), &out)?;
    }
    copy_recipes(&root, &out)?;
    copy_models(&root.join("sample-components/models"), &out.join("models"))?;
    for sample in SAMPLES {
        if only.is_some_and(|names| !names.contains(&sample.name)) {
            continue;
        }
        match command(sample, tools, &root) {
            Some((command, inputs)) => build_one(sample, command, &inputs, &root, &out)?,
            None => skipped.push(sample.name),
        }
    }
    if skipped.is_empty() {
        return Ok(());
    }
    if ci {
        bail!("no toolchain for the samples: {}", skipped.join(", "));
    }
    eprintln!("WARNING: not built, because a toolchain is missing: {}", skipped.join(", "));
    Ok(())
}

/// How to build a sample, but for where to, and what goes into it; `None` without its toolchain.
fn command(sample: &Sample, tools: &Toolchains, root: &Path) -> Option<(Command, Vec<PathBuf>)> {
    let source = root.join("sample-components").join(sample.source);
    let folder = source.parent()?.to_owned();
    let sdk = root.join("guest-sdk");
    Some(match sample.language {
        Language::C => {
            let c = tools.c.as_ref()?;
            let mut command = Command::new(sdk.join("c/bin/gg-cc"));
            command.arg(&source);
            command
                .env("GG_CLANG", &c.clang)
                .env("GG_WASI_SYSROOT", &c.sysroot)
                .env("GG_WASM_LD", &c.linker);
            let parts = ["bin", "bindings", "include", "src"].map(|part| sdk.join("c").join(part));
            (command, [folder].into_iter().chain(parts).collect())
        }
        Language::JavaScript { engine } => {
            let js = tools.js.as_ref()?;
            let mut command = Command::new(&js.node);
            command.arg(sdk.join("js/bin/gg-build.js")).arg(&source).args(["--engine", engine]);
            command.env("GG_JS_TOOLCHAIN", &js.folder);
            let parts = ["bin", "src", "package.json", "package-lock.json"]
                .map(|part| sdk.join("js").join(part));
            (command, [folder, root.join("wit")].into_iter().chain(parts).collect())
        }
        Language::Python => {
            let python = tools.python.as_ref()?;
            let mut command = Command::new(python.interpreter());
            command.args(["-m", "gg_host.build"]).arg(&source);
            command.env("PYTHONPATH", sdk.join("python")).env("PYTHONDONTWRITEBYTECODE", "1");
            let parts = ["gg_host", "requirements.txt"].map(|part| sdk.join("python").join(part));
            (command, [folder, root.join("wit")].into_iter().chain(parts).collect())
        }
    })
}

fn build_one(
    sample: &Sample,
    mut command: Command,
    inputs: &[PathBuf],
    root: &Path,
    out: &Path,
) -> Result<()> {
    let inputs = fingerprint(&command, inputs, root)?;
    let (component, stamp) =
        (out.join(format!("{}.wasm", sample.name)), out.join(format!("{}.inputs", sample.name)));
    if component.is_file() && fs::read_to_string(&stamp).is_ok_and(|old| old == inputs) {
        return Ok(());
    }
    let new = out.join(format!(".{}.wasm", sample.name));
    run::quietly(command.arg("-o").arg(&new))
        .with_context(|| format!("failed to build {}", sample.name))?;
    fs::rename(&new, &component)?;
    fs::write(stamp, inputs)?;
    report(sample.name, &component)
}

/// Of the command and of every file that goes into a sample.
fn fingerprint(command: &Command, inputs: &[PathBuf], root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for input in inputs {
        collect(input, &mut files)?;
    }
    files.sort();
    let mut parts = vec![format!("{command:?}").into_bytes()];
    for file in files {
        parts.push(file.strip_prefix(root)?.as_os_str().as_encoded_bytes().to_owned());
        parts.push(fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?);
    }
    Ok(cache::fingerprint(parts.iter().map(Vec::as_slice)))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    // What no build reads.
    let ignored = ["__pycache__", "recipe.yaml"].map(OsStr::new);
    if path.is_symlink() || path.file_name().is_some_and(|name| ignored.contains(&name)) {
        return Ok(());
    }
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("failed to read {}", path.display()))? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}

/// A recipe finds its artifacts beside it.
fn copy_recipes(root: &Path, out: &Path) -> Result<()> {
    for entry in fs::read_dir(root.join("sample-components"))? {
        let recipe = entry?.path().join("recipe.yaml");
        if let (true, Some(name)) = (recipe.is_file(), recipe.parent().and_then(Path::file_name)) {
            fs::copy(&recipe, out.join(name).with_extension("yaml"))?;
        }
    }
    Ok(())
}

/// The recipes of models, with the artifacts that they name.
fn copy_models(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let recipe = entry?.file_name();
        if Path::new(&recipe).extension() != Some(OsStr::new("yaml")) {
            continue;
        }
        let text = fs::read_to_string(from.join(&recipe))?;
        let named = text.split("\"file:").skip(1).filter_map(|rest| rest.split('"').next());
        for file in named.map(OsStr::new).chain([recipe.as_os_str()]) {
            fs::copy(from.join(file), to.join(file))
                .with_context(|| format!("failed to copy {}", from.join(file).display()))?;
        }
    }
    Ok(())
}

/// Build the hostile guests of the tests into `target/guests`.
pub fn build_guests() -> Result<()> {
    let root = fs::canonicalize(ROOT)?;
    let out = root.join("target/guests");
    fs::create_dir_all(&out)?;
    build_rust(&root, &root.join("tests/guests"), &out)
}

/// Build the guests of the benchmarks into `target/bench-guests`, and the samples in Rust.
pub fn build_bench_guests() -> Result<()> {
    let root = fs::canonicalize(ROOT)?;
    for (workspace, out) in
        [("sample-components", "target/samples"), ("benches/guests", "target/bench-guests")]
    {
        let out = root.join(out);
        fs::create_dir_all(&out)?;
        build_rust(&root, &root.join(workspace), &out)?;
    }
    Ok(())
}

/// Build a workspace of guests in Rust; cargo knows itself what is up to date.
fn build_rust(root: &Path, workspace: &Path, out: &Path) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo
        .args([
            "build",
            "--release",
            "--target",
            "wasm32-wasip2",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", root.join("target/wasm"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = cargo.output().context("failed to run cargo")?;
    if !output.status.success() {
        bail!("the guests in {} do not build", workspace.display());
    }
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        let files = message["filenames"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_str);
        let Some(file) = files.into_iter().find(|file| file.ends_with(".wasm")) else { continue };
        let name = message["target"]["name"]
            .as_str()
            .context("cargo names its targets")?
            .replace('_', "-");
        let (new, component) =
            (out.join(format!(".{name}.wasm")), out.join(format!("{name}.wasm")));
        let bytes = fs::read(file)?;
        if fs::read(&component).is_ok_and(|old| old == bytes) {
            continue;
        }
        fs::write(&new, bytes)?;
        fs::rename(&new, &component)?;
        report(&name, &component)?;
    }
    Ok(())
}

fn report(name: &str, component: &Path) -> Result<()> {
    let kib = fs::metadata(component)?.len().div_ceil(1024);
    eprintln!("samples: {name:<16} {kib:>6} KiB");
    Ok(())
}
