//! `gg-cloud backup` and `gg-cloud restore`.

mod entries;
mod read;
#[cfg(test)]
mod tests;
mod write;

use super::{data, folder};
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File};
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where a restore puts things until all are there. A folder that has it is not whole.
pub(super) const RESTORING: &str = "restoring";

/// Write everything that is kept to one file, whether the server runs or not.
///
/// In it are the database, the artifacts, the certificate authority with its key, and the keys of
/// secrets: whoever has the file has all of them. Sessions of MQTT clients and retained messages are
/// not in it.
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The file to write, a tar archive that only its owner can read. It must not be there.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    data: data::Folder,
}

/// Make the folder of a control plane of a backup.
///
/// The folder must be empty, or not there. Devices and clients then find the same keys, certificates and
/// things as before.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// What `gg-cloud backup` wrote.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder to make. Default: as for `gg-cloud serve`.
    #[arg(long, env = "GG_CLOUD_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
}

pub(super) fn backup(args: &Backup) -> Result<ExitCode> {
    let data = args.data.find()?;
    let written = write::write(&data, &args.file);
    let written =
        written.with_context(|| format!("failed to write the backup {}", args.file.display()))?;
    say(&format!("{written} objects and everything else are in {}", args.file.display()));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn restore(args: &Restore) -> Result<ExitCode> {
    let open = || format!("failed to read {}", args.file.display());
    let file = File::open(&args.file).with_context(open)?;
    let data = folder::find(args.data.as_deref())?;
    if !is_empty(&data).with_context(|| format!("failed to read {}", data.display()))? {
        bail!(
            "{} is not empty; name a folder that is with --data, or move what is there away",
            data.display()
        );
    }
    let objects = read::restore(BufReader::new(file), &data);
    let objects = objects.with_context(|| format!("failed to restore {}", args.file.display()))?;
    say(&format!("{objects} objects and everything else are in {}", data.display()));
    Ok(ExitCode::SUCCESS)
}

/// Whether nothing is in a folder, but what file systems put there.
fn is_empty(folder: &Path) -> std::io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        if entry?.file_name() != "lost+found" {
            return Ok(false);
        }
    }
    Ok(true)
}

fn say(text: &str) {
    let _nobody_reads = writeln!(std::io::stdout(), "{text}");
}
