//! The folder of a control plane, for commands that change what is in it themselves.
//!
//! They use the state beside the server rather than ask it: that takes no key and no running server, and
//! who may write to the folder is its owner anyway. SQLite lets one change at a time, and the server
//! remembers nothing of what it read.

use super::folder;
use crate::clock::Clock;
use crate::pki::Authority;
use crate::registry::Place;
use crate::state::{Sqlite, State};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// What is in it.
pub(super) struct Data {
    pub(super) state: Box<dyn State>,
    pub(super) authority: Authority,
    pub(super) place: Place,
    pub(super) clock: Clock,
}

/// Which folder.
#[derive(Debug, clap::Args)]
pub(super) struct Folder {
    /// The folder of the control plane. Default: as for `gg-cloud serve`.
    #[arg(long, env = "GG_CLOUD_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl Folder {
    /// What is in the folder of a server that was started before.
    pub(super) fn open(&self) -> Result<Data> {
        let data = self.find()?;
        open(&data, &data.join("state.sqlite"))
    }

    /// The folder of a server that was started before.
    pub(super) fn find(&self) -> Result<PathBuf> {
        let data = folder::find(self.data.as_deref())?;
        folder::check(&data)?;
        if !data.join("state.sqlite").is_file() {
            bail!(
                "there is no control plane in {}; start `gg-cloud serve` once, or name its folder \
                 with --data",
                data.display()
            );
        }
        Ok(data)
    }
}

fn open(data: &Path, file: &Path) -> Result<Data> {
    let clock = Clock::system();
    let authority = Authority::open(&data.join("pki"), &clock)?;
    let state: Box<dyn State> = Box::new(Sqlite::open(file).context("failed to open the state")?);
    let place = state.change(|tx| Place::settle(tx, None, None))?;
    Ok(Data { state, authority, place, clock })
}
