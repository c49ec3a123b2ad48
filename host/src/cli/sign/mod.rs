//! `gg-host sign`, `gg-host verify` and `gg-host key`: signatures on files for those who have no cosign,
//! and such as cosign takes and makes.

mod recipe;

use super::Format;
use crate::component::signatures::with_ending;
use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueHint;
use gg_trust::signature::{MAX_SIGNATURE_BYTES, SUFFIXES};
use gg_trust::{Content, PrivateKey, PublicKey, Signature};
use serde_json::json;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Most bytes of a file that is signed: it is held in memory.
const LARGEST_FILE: u64 = 256 << 20;

/// Most bytes of a key's file.
const LARGEST_KEY: u64 = 64 << 10;

/// The variable with the password of a key, the same as cosign's.
const PASSWORD: &str = "COSIGN_PASSWORD";

/// Make a pair of keys: NAME.key, which signs, and NAME.pub, by which signatures are verified.
/// $COSIGN_PASSWORD is the password of the first; without it, it is kept in the clear, for its owner
/// alone. Both are in the form of cosign's (ECDSA on P-256).
#[derive(Debug, clap::Args)]
pub(super) struct KeyArgs {
    /// What the files are called; a folder before it must exist.
    #[arg(default_value = "gg-host", value_name = "NAME")]
    name: PathBuf,
    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

/// Sign files, or a recipe.
///
/// The signature of FILE is written to FILE.sigstore.json, a Sigstore bundle, which cosign verifies:
/// cosign verify-blob --key NAME.pub --bundle FILE.sigstore.json --insecure-ignore-tlog FILE.
///
/// A recipe carries its signature: with --recipe it is printed as JSON with the digests of its
/// artifacts and a signature on what it means, and keeps both in any cloud. To sign it with cosign,
/// sign what --statement prints, and add that with --signature.
#[derive(Debug, clap::Args)]
pub(super) struct SignArgs {
    /// What to sign: artifacts, or recipes with the digests of their artifacts.
    #[arg(required_unless_present = "recipe", value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// The key (PEM; PKCS#8, or cosign's with its password in $COSIGN_PASSWORD).
    #[arg(
        long, short = 'k', value_name = "KEY", value_hint = ValueHint::FilePath,
        required_unless_present_any = ["statement", "signature"]
    )]
    key: Option<PathBuf>,
    /// A recipe, JSON or YAML, that is to carry its signature.
    #[arg(
        long, value_name = "RECIPE", value_hint = ValueHint::FilePath, conflicts_with = "files"
    )]
    recipe: Option<PathBuf>,
    /// A folder with artifacts of the recipe by their names; they say the digests that are missing.
    #[arg(
        long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "recipe",
        default_value = "."
    )]
    artifact_dir: PathBuf,
    /// Print what is to be signed of the recipe, and sign nothing.
    #[arg(long, requires = "recipe", conflicts_with_all = ["key", "signature"])]
    statement: bool,
    /// A signature on the recipe's statement that somebody has made.
    #[arg(
        long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "recipe",
        conflicts_with = "key"
    )]
    signature: Option<PathBuf>,
    /// How to print what was signed.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

/// Verify the signatures of files, by gg-host or by cosign: those beside them, or in a recipe. The code is 1 if one does not hold.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// What was signed.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Public keys (PEM), one of which must have signed.
    #[arg(long, short = 'k', required = true, value_name = "KEY", value_hint = ValueHint::FilePath)]
    key: Vec<PathBuf>,
    /// The signature. Default: the file beside FILE that ends with .sigstore.json, .bundle or .sig.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    signature: Option<PathBuf>,
    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

pub(super) fn key(args: &KeyArgs) -> Result<ExitCode> {
    let [private, public] = [".key", ".pub"].map(|ending| with_ending(&args.name, ending));
    let pair = PrivateKey::generate()?;
    let password = password();
    let text = match &password {
        Some(password) => Zeroizing::new(pair.to_encrypted_pem(password.as_bytes())?),
        None => pair.to_pem(),
    };
    write_new(&private, 0o600, text.as_bytes())?;
    write_new(&public, 0o644, pair.public().to_pem().as_bytes())?;
    let id = pair.public().id();
    match args.output {
        Format::Json => {
            say(&json!({ "privateKey": private, "publicKey": public, "keyId": id.to_string() })
                .to_string())
        }
        Format::Text => {
            let kept = if password.is_some() { "with its password" } else { "without a password" };
            say(&format!(
                "{} signs ({kept}); keep it to yourself\n{} verifies; its id is {id}",
                private.display(),
                public.display()
            ))
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn sign(args: &SignArgs) -> Result<ExitCode> {
    if let Some(recipe) = &args.recipe {
        return recipe::sign(recipe, args);
    }
    let key = args.key.as_deref().context("--key is missing")?;
    let key = private_key(key)?;
    for file in &args.files {
        let content = read(file, LARGEST_FILE)?;
        let bundle = Signature::on_file(&content, &key)?.to_bundle();
        let path = with_ending(file, SUFFIXES[0]);
        fs::write(&path, bundle).with_context(|| format!("cannot write {}", path.display()))?;
        match args.output {
            Format::Json => {
                let id = key.public().id();
                say(&json!({ "file": file, "signature": path, "keyId": id.to_string() })
                    .to_string())?;
            }
            Format::Text => say(&format!("{}", path.display()))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    ensure!(
        args.signature.is_none() || args.files.len() == 1,
        "--signature is of one file, and {} are named",
        args.files.len()
    );
    let keys: Vec<(&PathBuf, PublicKey)> =
        args.key.iter().map(|path| Ok((path, public_key(path)?))).collect::<Result<_>>()?;
    let mut all = true;
    for file in &args.files {
        let held = holds(file, args.signature.as_deref(), &keys);
        all &= held.is_ok();
        match args.output {
            Format::Json => say(&match held {
                Ok(key) => json!({ "file": file, "verified": true, "key": key }),
                Err(error) => {
                    json!({ "file": file, "verified": false, "reason": format!("{error:#}") })
                }
            }
            .to_string())?,
            Format::Text => say(&match held {
                Ok(key) => format!("{}: signed with {}", file.display(), key.display()),
                Err(error) => format!("{}: not verified: {error:#}", file.display()),
            })?,
        }
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// By which key a file's signature holds.
fn holds(file: &Path, signature: Option<&Path>, keys: &[(&PathBuf, PublicKey)]) -> Result<PathBuf> {
    let content = read(file, LARGEST_FILE)?;
    let path = match signature {
        Some(path) => path.to_owned(),
        None => {
            let mut beside = SUFFIXES.iter().map(|ending| with_ending(file, ending));
            match beside.find(|path| path.exists()) {
                Some(path) => path,
                None => match recipe::holds(&content, keys)? {
                    Some(key) => return Ok(key),
                    None => bail!("there is no signature beside it ({})", SUFFIXES.join(", ")),
                },
            }
        }
    };
    let bytes = read(&path, MAX_SIGNATURE_BYTES as u64)?;
    let signature = Signature::read(&bytes).with_context(|| path.display().to_string())?;
    let content = Content::of(&content);
    let mut last = None;
    for (path, key) in keys {
        match signature.verify(key, &content) {
            Ok(()) => return Ok((*path).clone()),
            Err(flaw) => last = Some(flaw),
        }
    }
    match last {
        Some(flaw) => bail!("{}: {flaw}", path.display()),
        None => bail!("no key"),
    }
}

fn private_key(path: &Path) -> Result<PrivateKey> {
    let text = Zeroizing::new(String::from_utf8(read(path, LARGEST_KEY)?)?);
    let password = password();
    let key = PrivateKey::from_pem(&text, password.as_ref().map(|text| text.as_bytes()));
    key.with_context(|| {
        format!("{}: cannot be used (a password is read from ${PASSWORD})", path.display())
    })
}

fn public_key(path: &Path) -> Result<PublicKey> {
    let text = String::from_utf8(read(path, LARGEST_KEY)?)?;
    PublicKey::from_pem(&text).with_context(|| path.display().to_string())
}

fn password() -> Option<Zeroizing<String>> {
    std::env::var(PASSWORD).ok().filter(|text| !text.is_empty()).map(Zeroizing::new)
}

/// A file that is not longer than this.
fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {shown}"))?;
    ensure!(bytes.len() as u64 <= most, "{shown} is longer than {most} bytes");
    Ok(bytes)
}

/// Write a file that is not there yet.
fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new();
    let file = file.write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
