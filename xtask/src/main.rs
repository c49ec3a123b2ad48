//! The project's own chores.

mod bindings;
mod samples;
mod setup;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let ci = std::env::var("CI").is_ok_and(|value| value == "true") || std::env::args().any(|argument| argument == "--ci");
    match std::env::args().nth(1).as_deref() {
        Some("setup") => setup::run(ci).map(drop),
        Some("samples") => samples::build(&setup::run(ci)?, ci),
        Some("bindings") => bindings::generate(ci || std::env::args().any(|argument| argument == "--check")),
        _ => bail!("cargo xtask setup | samples | bindings"),
    }
}
