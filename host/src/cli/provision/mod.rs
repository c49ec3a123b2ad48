//! `gg-host provision`: a device is given what it needs to know its cloud.

mod claim;
mod kit;

use super::{Format, RootArg, start_tracing};
use crate::cloud::{Identity, check_pair};
use crate::nucleus::root::Root;
use crate::private_file;
use anyhow::{Context as _, Result, bail, ensure};
use claim::ClaimArgs;
use gg_model::recipe::parse_value;
use gg_model::{NucleusFile, NucleusSettings};
use kit::{CERTIFICATE, CONFIGURATION, Kit, PRIVATE_KEY, ROOTS};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Largest file that is taken, in bytes.
const LARGEST: u64 = 1 << 20;

/// Give this device its identity, and the configuration by which it knows its cloud.
///
/// From a kit, as `gg-cloud thing add NAME --kit FILE` writes it; from a configuration of Greengrass
/// that is there, such as /greengrass/v2/config.yaml, as it is; or by a claim, with which `gg-host start`
/// then gets the device a certificate of its own. Everything is written into the root folder, for its
/// owner alone. What is there is kept unless --replace is given, and no nucleus may run.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("from").required(true))]
pub(super) struct Args {
    #[command(flatten)]
    root: RootArg,

    /// A kit: a tar archive with config.yaml, device.pem.crt, private.pem.key and AmazonRootCA1.pem.
    #[arg(long, value_name = "FILE", group = "from")]
    kit: Option<PathBuf>,

    /// A configuration of Greengrass. What it names stays where it is.
    #[arg(long, visible_alias = "init-config", value_name = "FILE", group = "from")]
    config: Option<PathBuf>,

    #[command(flatten)]
    claim: ClaimArgs,

    /// Write over what is there.
    #[arg(long)]
    replace: bool,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

/// What is to be written.
#[derive(Debug, Default)]
struct Files {
    /// `config.yaml`.
    configuration: String,
    /// What it names.
    others: Vec<(&'static str, Vec<u8>)>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    start_tracing(0);
    let root = std::path::absolute(args.root.path()?)?;
    let files = match (&args.kit, &args.config) {
        (Some(path), _) => of_kit(path, &root).with_context(|| path.display().to_string())?,
        (None, Some(path)) => of_configuration(path).with_context(|| path.display().to_string())?,
        (None, None) => args.claim.files(&root)?,
    };
    let file = check(&files.configuration)?;
    if files.others.is_empty() && file.claim.is_none() {
        let identity = Identity::new(&file.identity, 0).check();
        identity
            .map_err(anyhow::Error::msg)
            .context("the configuration's identity is of no use")?;
    }
    write(&root, &files, args.replace)?;
    let names = files.others.iter().map(|(name, _)| *name);
    let names: Vec<_> = [CONFIGURATION].into_iter().chain(names).collect();
    let mut stdout = std::io::stdout().lock();
    if args.output == Format::Json {
        let said = json!({ "thingName": file.thing, "root": root, "files": names });
        writeln!(stdout, "{said}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let thing = file.thing.map_or_else(|| "the device".to_owned(), |thing| thing.to_string());
    let root = quoted(&root);
    writeln!(stdout, "{thing} is set up in {root}: {}", names.join(", "))?;
    writeln!(stdout, "Now start it:         gg-host start --root {root}")?;
    writeln!(stdout, "or as a service:      gg-host service install --root {root}")?;
    writeln!(stdout, "If something is off:  gg-host doctor --root {root}")?;
    Ok(ExitCode::SUCCESS)
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// From a kit: its files, and its configuration with the paths that they will have.
fn of_kit(path: &Path, root: &Path) -> Result<Files> {
    let mut kit = Kit::read(File::open(path)?)?;
    let text = String::from_utf8(kit.take(CONFIGURATION));
    let text = text.with_context(|| format!("{CONFIGURATION} is not UTF-8"))?;
    let mut configuration = parse_value(&text).context(CONFIGURATION)?;
    ensure!(configuration.is_object(), "{CONFIGURATION} is no object");
    let system = &mut configuration["system"];
    ensure!(system.is_object() || system.is_null(), "{CONFIGURATION}: system is no object");
    let place = |name: &str| Value::from(root.join(name).display().to_string());
    for (key, name) in [
        ("certificateFilePath", CERTIFICATE),
        ("privateKeyPath", PRIVATE_KEY),
        ("rootCaPath", ROOTS),
        ("rootpath", ""),
    ] {
        system[key] = if name.is_empty() { json!(root.display().to_string()) } else { place(name) };
    }
    let others: Vec<_> = kit.into_files().collect();
    let content =
        |name| others.iter().find(|(other, _)| *other == name).map(|(_, content)| content);
    if let (Some(certificate), Some(key)) = (content(CERTIFICATE), content(PRIVATE_KEY)) {
        check_pair(certificate, key).map_err(anyhow::Error::msg)?;
    }
    // JSON is YAML, in which every text stands in quotes.
    Ok(Files { configuration: format!("---\n{configuration:#}\n"), others })
}

/// A configuration as it is.
fn of_configuration(path: &Path) -> Result<Files> {
    let configuration = String::from_utf8(read(path)?).context("it is not UTF-8")?;
    Ok(Files { configuration, others: Vec::new() })
}

/// A file that is not large.
fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= LARGEST, "it is longer than {} MiB", LARGEST >> 20);
    Ok(bytes)
}

/// Whether a nucleus could start with a configuration, and would know its cloud.
fn check(configuration: &str) -> Result<NucleusFile> {
    let file = NucleusFile::parse(configuration).context(CONFIGURATION)?;
    for warning in &file.warnings {
        tracing::warn!(config = CONFIGURATION, "{warning}");
    }
    let settings = NucleusSettings::read_all(&file.configurations).context(CONFIGURATION)?;
    if file.claim.is_none() {
        ensure!(file.thing.is_some(), "{CONFIGURATION} has no system.thingName");
        let endpoint = settings.endpoint.is_some();
        ensure!(endpoint, "{CONFIGURATION} has no iotDataEndpoint: it leads to no cloud");
    }
    Ok(file)
}

/// Write everything, and the configuration last: with it the device is set up.
fn write(root: &Path, files: &Files, replace: bool) -> Result<()> {
    // Nobody else, and no nucleus.
    let locked = Root::lock(root)?;
    let others = files.others.iter().map(|(name, content)| (*name, content.as_slice()));
    let all: Vec<_> = others.chain([(CONFIGURATION, files.configuration.as_bytes())]).collect();
    for (name, _) in all.iter().filter(|_| !replace) {
        let path = locked.path().join(name);
        if fs::symlink_metadata(&path).is_ok() {
            bail!("{} is there, and is kept; --replace writes over it", path.display());
        }
    }
    for (name, content) in all {
        let path = locked.path().join(name);
        let written = private_file::write(&path, content);
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
