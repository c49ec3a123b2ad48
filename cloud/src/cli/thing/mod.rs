//! `gg-cloud thing`: devices, prepared.

mod kit;

use super::data;
use crate::registry::endpoint::{self, Endpoint};
use crate::registry::{Refusal, enrolment};
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use kit::Kit;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Devices.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(Add),
}

/// Make a core device, and write what it needs to a file.
///
/// The thing and its group are made if they are not there, and a certificate in any case. The file is a
/// tar archive, readable by its owner alone: config.yaml, device.pem.crt, private.pem.key and
/// AmazonRootCA1.pem, which belong into the device's Greengrass folder. The private key is nowhere else.
#[derive(Debug, Args)]
struct Add {
    /// What the thing is called.
    name: String,
    /// The thing group that it is in.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// The file to write, such as press.tar.gz. It must not be there.
    #[arg(long, value_name = "FILE")]
    kit: PathBuf,
    /// The device's folder, which config.yaml names.
    #[arg(long, value_name = "FOLDER", default_value = "/greengrass/v2")]
    root: String,
    /// The name or address by which the device finds this control plane; it must be one of those of
    /// `gg-cloud serve --name`. Default: the first of them, else the machine's name.
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    #[command(flatten)]
    data: data::Folder,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Command::Add(add) = &arguments.command;
    add.run()?;
    Ok(ExitCode::SUCCESS)
}

impl Add {
    fn run(&self) -> Result<()> {
        let data = self.data.open()?;
        let known = endpoint::get(data.state.snapshot()?.as_ref())?;
        let Some(known) = known else {
            bail!("the control plane was never started; start `gg-cloud serve` once");
        };
        let name = self.endpoint.clone().unwrap_or(known.name);
        let issued = data.authority.issue(&self.name)?;
        let kit = Kit {
            thing: &self.name,
            root: self.root.trim_end_matches('/'),
            endpoint: &Endpoint { name, ..known },
            region: &data.place.region,
            issued: &issued,
            authority: data.authority.certificate_pem(),
        };
        let (now, group) = (data.clock.now(), self.group.as_deref());
        let mut written = false;
        // The kit is written before the change lasts: what nobody has the key to is no device.
        let done = data.state.change(|tx| {
            enrolment::enrol(tx, &data.place, &self.name, group, &issued.certificate, now)?;
            kit.write(&self.kit).map_err(|error| {
                let what = format!("{} cannot be written: {error}", self.kit.display());
                Refusal::invalid(what)
            })?;
            written = true;
            Ok::<_, Refusal>(())
        });
        if done.is_err() && written {
            let _stays_useless = fs::remove_file(&self.kit);
        }
        done.with_context(|| format!("failed to add {}", self.name))?;
        let said =
            format!("{} is a core device; what it needs is in {}", self.name, self.kit.display());
        let _nobody_reads = writeln!(std::io::stdout(), "{said}");
        Ok(())
    }
}
