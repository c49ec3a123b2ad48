//! `gg-host service`: the nucleus as a service of systemd.

use super::RootArg;
use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, ExitCode};

/// Where systemd finds the units of the machine.
const UNITS: &str = "/etc/systemd/system";

/// The unit's name.
const UNIT: &str = "gg-host.service";

/// Run the nucleus as a service of systemd.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the unit, and start it now and at every start of the machine.
    Install {
        #[command(flatten)]
        root: RootArg,
        /// Print the unit, and do nothing.
        #[arg(long)]
        print: bool,
        /// Write the unit into this folder, and start nothing.
        #[arg(long, value_name = "FOLDER")]
        into: Option<PathBuf>,
    },
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let Command::Install { root, print, into } = &args.command;
    let program = std::env::current_exe().context("cannot find this program")?;
    let root = std::path::absolute(root.path()?)?;
    let text = unit(&program, &root)?;
    let mut stdout = std::io::stdout().lock();
    if *print {
        write!(stdout, "{text}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let path = into.as_deref().unwrap_or_else(|| Path::new(UNITS)).join(UNIT);
    std::fs::write(&path, text).with_context(|| {
        format!("cannot write {}; run this as root, or see --print", path.display())
    })?;
    writeln!(stdout, "wrote {}", path.display())?;
    if into.is_none() {
        systemctl(&["daemon-reload"])?;
        systemctl(&["enable", "--now", UNIT])?;
        writeln!(stdout, "{UNIT} is started; systemctl status {UNIT} shows how it stands")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn systemctl(arguments: &[&str]) -> Result<()> {
    let status = Program::new("systemctl")
        .args(arguments)
        .status()
        .context("cannot run systemctl; is this a machine with systemd?")?;
    ensure!(status.success(), "systemctl {} failed", arguments.join(" "));
    Ok(())
}

/// `Delegate` and `KillMode`: the nucleus keeps its components in control groups of its own and
/// stops them in order; what is left of them systemd ends.
fn unit(program: &Path, root: &Path) -> Result<String> {
    let quoted = |path: &Path| -> Result<String> {
        let text = path.to_str().context("a path of the unit is not UTF-8")?;
        ensure!(!text.contains(['\n', '"', '\\']), "{text:?} cannot stand in a unit");
        // What systemd would take for a specifier or a variable.
        Ok(format!("\"{}\"", text.replace('%', "%%").replace('$', "$$")))
    };
    Ok(format!(
        "[Unit]
Description=gg-host, an edge runtime with the semantics of AWS IoT Greengrass V2
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} start --root {root}
Restart=always
RestartSec=1
WatchdogSec=60
TimeoutStopSec=60
KillMode=mixed
Delegate=yes
LimitNOFILE=65536
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
",
        program = quoted(program)?,
        root = quoted(root)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_names_the_program_and_the_folder_as_systemd_reads_them() {
        let text = unit(Path::new("/opt/gg host/gg-host"), Path::new("/var/lib/100%")).unwrap();
        let line = "ExecStart=\"/opt/gg host/gg-host\" start --root \"/var/lib/100%%\"\n";
        assert!(text.contains(line), "{text}");
        assert!(unit(Path::new("/a\nb"), Path::new("/r")).is_err());
    }
}
