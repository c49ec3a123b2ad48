//! Other programs.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Run a program; what it prints is shown only if it fails.
pub fn quietly(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// Run a program and return what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("failed to run {name}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{name} failed ({})\n{}", output.status, beginning(&format!("{stderr}{stdout}")));
    }
    Ok(stdout)
}

/// As much of a message as one reads; npm, for one, adds its manual.
fn beginning(text: &str) -> String {
    const LINES: usize = 25;
    let mut lines: Vec<&str> = text.trim_end().lines().take(LINES + 1).collect();
    if lines.len() > LINES {
        lines[LINES] = "...";
    }
    lines.join("\n")
}

/// Run a program that may hang; it says itself what is wrong.
pub fn with_deadline(command: &mut Command, deadline: Duration) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child =
        command.stdin(Stdio::null()).spawn().with_context(|| format!("failed to run {name}"))?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            if !status.success() {
                bail!("{name} failed ({status})");
            }
            return Ok(());
        }
        if start.elapsed() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("{name} was not done after {} s", deadline.as_secs());
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Where a program is on the search path.
pub fn which(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
