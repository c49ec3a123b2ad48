//! What a deployment has asked for: that the nucleus or the whole device starts again.

use crate::deployment::bootstrap::Restart;
use anyhow::{Context as _, Result, ensure};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// The code of a nucleus that has asked for the device to be started again, as of a step
/// `bootstrap`.
const REBOOTS: u8 = 101;

/// Do it. Once the nucleus has let go of everything.
///
/// # Errors
/// This program cannot be started again, or the device cannot be.
pub(super) fn restart(what: Restart, reboot: &str) -> Result<ExitCode> {
    match what {
        Restart::Nucleus => {
            tracing::info!("a deployment asks for a restart of the nucleus");
            let program = std::env::current_exe().context("cannot find this program")?;
            // The process stays, so that whoever watches over it sees no end.
            let error = Command::new(program).args(std::env::args_os().skip(1)).exec();
            Err(error).context("cannot start this program again")
        }
        Restart::Device => {
            tracing::info!("a deployment asks for a restart of the device: {reboot}");
            let status = Command::new("sh").arg("-c").arg(reboot).status();
            let status = status.with_context(|| format!("cannot run {reboot:?}"))?;
            ensure!(
                status.success(),
                "{reboot:?} failed; restart the device, and the deployment goes on (see --reboot-command)"
            );
            Ok(ExitCode::from(REBOOTS))
        }
    }
}
