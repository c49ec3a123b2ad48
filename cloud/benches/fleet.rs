//! A simulated fleet: so many devices, each with a certificate and a connection of its own, and a
//! deployment to all of them, against the real program. `cargo xtask simulate` runs it.
//!
//! `--devices N` names a size, and can be given several times; `--rounds N` repeats each; `--idle SECONDS`
//! looks in between at how much work devices are that say nothing; `--json` is for programs.

mod common;

/// A file for each part.
mod fleet {
    pub(crate) mod board;
    pub(crate) mod device;
    pub(crate) mod enrol;
    pub(crate) mod mqtt;
    pub(crate) mod round;
    pub(crate) mod table;

    /// The component that is deployed.
    pub(crate) const COMPONENT: &str = "com.example.Simulated";
}

use anyhow::{Context as _, Result, ensure};
use common::{finish, say, values_of};
use fleet::round::{self, Figures};
use fleet::table;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Sizes of fleets, unless some are named.
const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// Files that gg-cloud has open besides one for each device.
const FILES: u64 = 1_000;

fn main() -> Result<()> {
    let number = |text: &String| text.parse().with_context(|| format!("{text} is no number"));
    let named = values_of("--devices").iter().map(number).collect::<Result<Vec<usize>>>()?;
    let rounds = values_of("--rounds").first().map_or(Ok(1), number)?;
    let idle = values_of("--idle").first().map(number).transpose()?;
    let most = most_devices()?;
    let sizes: Vec<usize> = match named.is_empty() {
        true => SIZES.iter().map(|size| *size.min(&most)).collect(),
        false => named,
    };
    for size in &sizes {
        ensure!((1..=most).contains(size), "between 1 and {most} devices can be simulated here");
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let mut all: Vec<(usize, Vec<Figures>)> = Vec::new();
    for size in sizes {
        let mut figures = Vec::new();
        for round in 1..=rounds {
            say(&format!("{size} devices, round {round} of {rounds}"));
            figures.push(runtime.block_on(round::run(size, idle.unwrap_or_default()))?);
        }
        all.push((size, figures));
    }
    finish(&table::rows(&all));
    Ok(())
}

/// As many as there can be files for: this process has one for each device, and gg-cloud, too.
fn most_devices() -> Result<usize> {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).context("failed to allow for more open files")?;
    let files = files.maximum.unwrap_or(u64::MAX);
    Ok(usize::try_from(files.saturating_sub(FILES))?.min(16_000))
}
