//! Rust's target `wasm32-wasip2` for the toolchain in use: from rustup, and where rustup cannot
//! download, built from Debian's sources of exactly this compiler.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::cache::{self, Scratch};
use super::debian::{self, Package};
use super::run;

const TARGET: &str = "wasm32-wasip2";
const RUSTUP_DEADLINE: Duration = Duration::from_secs(600);

/// A component begins with these bytes: the magic number, version 13, layer 1.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// Install it if it is missing. `GG_WASM_TARGET=rustup` or `debian` leaves one way only.
pub fn install() -> Result<()> {
    let rust = Rust::in_use()?;
    if rust.has_target() {
        return Ok(());
    }
    eprintln!("setup: adding {TARGET} to Rust {}", rust.version);
    let way = env::var("GG_WASM_TARGET").unwrap_or_default();
    match way.as_str() {
        "rustup" => rust.by_rustup()?,
        "debian" => rust.by_debian()?,
        _ => rust.by_rustup().or_else(|rustup| {
            eprintln!("setup: not from rustup: {rustup:#}");
            rust.by_debian()
        })?,
    }
    rust.try_target()
}

/// The toolchain in use.
struct Rust {
    version: String,
    host: String,
    sysroot: PathBuf,
}

impl Rust {
    fn in_use() -> Result<Self> {
        let version = run::output(rustc().arg("-vV"))?;
        let field = |name: &str| -> Result<String> {
            let value = version.lines().find_map(|line| line.strip_prefix(name));
            Ok(value.with_context(|| format!("rustc does not tell its {name}"))?.to_owned())
        };
        let sysroot = run::output(rustc().args(["--print", "sysroot"]))?.trim().into();
        Ok(Self { version: field("release: ")?, host: field("host: ")?, sysroot })
    }

    fn rustlib(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib")
    }

    fn has_target(&self) -> bool {
        is_complete(&self.rustlib().join(TARGET))
    }

    fn by_rustup(&self) -> Result<()> {
        if !self.rustlib().join("multirust-config.toml").is_file() {
            bail!("{} is not rustup's", self.sysroot.display());
        }
        let toolchain = self.sysroot.file_name().context("the toolchain has no name")?;
        let mut rustup = Command::new("rustup");
        rustup.args(["--quiet", "target", "add", "--toolchain"]).arg(toolchain).arg(TARGET);
        run::with_deadline(&mut rustup, RUSTUP_DEADLINE)?;
        if !self.has_target() {
            bail!("rustup did not put {TARGET} into {}", self.sysroot.display());
        }
        Ok(())
    }

    /// Debian's `rust-src` and `wasi-libc`, compiled once per compiler version.
    fn by_debian(&self) -> Result<()> {
        let name = format!("rust-std-{}-{TARGET}-{}", self.version, self.host);
        let built = cache::find_or_make(&name, |folder| self.build(folder))?;
        let _lock = cache::lock("rust-toolchain")?;
        if self.has_target() {
            return Ok(());
        }
        // All of it or nothing: a copy beside its place, then one rename.
        let stage = Scratch::new(&self.rustlib())?;
        let new = stage.path().join(TARGET);
        copy_tree(&built, &new)?;
        let place = self.rustlib().join(TARGET);
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::rename(&new, &place)?;
        self.register()
    }

    fn build(&self, folder: &Path) -> Result<()> {
        let work = Scratch::temporary()?;
        let root = work.path().join("root");
        // Debian's revision follows the upstream version: `1.95.0+dfsg1-1~bpo13+1`.
        let this_compiler = |version: &str| {
            version.strip_prefix(&self.version).is_some_and(|rest| rest.starts_with(['+', '-']))
        };
        let packages = [
            Package { name: "rust-src", accept: &this_compiler },
            Package { name: "wasi-libc", accept: &|_| true },
        ];
        debian::unpack(&packages, debian::SUITES, &root)?;

        let sources =
            fs::read_dir(root.join("usr/src"))?.flatten().map(|entry| entry.path().join("library"));
        let library = sources.into_iter().find(|path| path.join("sysroot").is_dir());
        let library = library.context("rust-src has no library")?;
        let libc = root.join("usr/lib").join(TARGET);
        if !libc.join("libc.a").is_file() {
            bail!("this wasi-libc has no {TARGET}");
        }
        eprintln!("setup: compiling Rust's standard library for {TARGET}; this takes minutes");
        let target = work.path().join("target");
        run::quietly(&mut self.cargo(&library.join("sysroot"), &libc, &target)?)?;

        let lib = folder.join("lib");
        let own = lib.join("self-contained");
        fs::create_dir_all(&own)?;
        for file in fs::read_dir(target.join(TARGET).join("release/deps"))? {
            let file = file?.path();
            if file.extension() == Some(OsStr::new("rlib")) {
                copy_into(&file, &lib)?;
            }
        }
        for file in ["crt1-command.o", "crt1-reactor.o", "libc.a"] {
            copy_into(&libc.join(file), &own)?;
        }
        if !is_complete(folder) {
            bail!("the compiled library is not complete");
        }
        Ok(())
    }

    fn cargo(&self, package: &Path, libc: &Path, target: &Path) -> Result<Command> {
        // The compiler in use, whatever rust-toolchain.toml lies above this folder.
        let bin = self.sysroot.join("bin");
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([bin.clone()].into_iter().chain(env::split_paths(&path)))?;
        let flags = [
            "-Cforce-unwind-tables=no".to_owned(),
            "-Cembed-bitcode=yes".to_owned(),
            "-Zforce-unstable-if-unmarked".to_owned(),
            format!("-Lnative={}", libc.display()),
        ];
        let mut cargo = Command::new(bin.join("cargo"));
        for (name, _) in env::vars_os() {
            // What the cargo that runs this program has set, and the user's own wishes.
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_") || name.starts_with("RUST"))
                && name != "CARGO_HOME"
            {
                cargo.env_remove(name);
            }
        }
        // The crates come from the registry as the library's lock file pins them: the folder
        // `vendor` of rust-src lacks some that cargo wants to see.
        cargo
            .args(["build", "--quiet", "--locked", "--release", "--target", TARGET])
            .args(["--features", "panic-unwind backtrace"])
            .current_dir(package)
            .env("PATH", path)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        Ok(cargo)
    }

    /// Tell rustup, so that it does not want to download what is here, and can remove it.
    fn register(&self) -> Result<()> {
        let rustlib = self.rustlib();
        let name = format!("rust-std-{TARGET}");
        let (list, config) = (rustlib.join("components"), rustlib.join("multirust-config.toml"));
        let Ok(components) = fs::read_to_string(&list) else { return Ok(()) };
        let Ok(mut text) = fs::read_to_string(&config) else { return Ok(()) };
        if components.lines().any(|line| line == name) {
            return Ok(());
        }
        let mut files = Vec::new();
        list_files(&rustlib.join(TARGET), &mut files)?;
        let mut manifest = String::new();
        for file in &files {
            manifest.push_str(&format!("file:{}\n", file.strip_prefix(&self.sysroot)?.display()));
        }
        fs::write(rustlib.join(format!("manifest-{name}")), manifest)?;
        text.push_str(&format!(
            "\n[[components]]\npkg = \"rust-std\"\ntarget = \"{TARGET}\"\nis_extension = false\n"
        ));
        let new = rustlib.join("multirust-config.toml.new");
        fs::write(&new, text)?;
        fs::rename(&new, &config)?;
        writeln!(fs::File::options().append(true).open(&list)?, "{name}")?;
        Ok(())
    }

    /// Compile a program and see that a component comes out.
    fn try_target(&self) -> Result<()> {
        let work = Scratch::temporary()?;
        let (source, program) = (work.path().join("probe.rs"), work.path().join("probe.wasm"));
        fs::write(&source, "fn main() { println!(\"{:?}\", std::env::args().next()); }\n")?;
        run::quietly(
            rustc()
                .args(["--edition", "2024", "-O", "--target", TARGET, "-o"])
                .arg(&program)
                .arg(&source),
        )?;
        if !fs::read(&program)?.starts_with(COMPONENT) {
            bail!("rustc --target {TARGET} does not make components");
        }
        Ok(())
    }
}

/// rustup's proxy would try to download what rust-toolchain.toml asks for before it answers.
fn rustc() -> Command {
    let mut rustc = Command::new("rustc");
    rustc.env("RUSTUP_AUTO_INSTALL", "0");
    rustc
}

fn is_complete(folder: &Path) -> bool {
    let Ok(files) = fs::read_dir(folder.join("lib")) else { return false };
    // cargo gives it no hash where rustup's has one.
    let is_std = |name: &str| {
        name == "libstd.rlib" || (name.starts_with("libstd-") && name.ends_with(".rlib"))
    };
    let has_std = files.flatten().any(|file| file.file_name().to_str().is_some_and(is_std));
    has_std
        && ["crt1-command.o", "libc.a"]
            .iter()
            .all(|file| folder.join("lib/self-contained").join(file).is_file())
}

fn list_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list_files(&path, files)?;
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let mut files = Vec::new();
    list_files(from, &mut files)?;
    for file in files {
        let copy = to.join(file.strip_prefix(from)?);
        copy_into(&file, copy.parent().context("a file lies in a folder")?)?;
    }
    Ok(())
}

fn copy_into(file: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let name = file.file_name().context("a file has a name")?;
    fs::copy(file, folder.join(name))
        .with_context(|| format!("failed to copy {}", file.display()))?;
    Ok(())
}
