//! The folder for everything that is kept, private to its owner.

use super::backup::RESTORING;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The one that is chosen, or the usual one; it is made if it is not there.
pub(super) fn find(chosen: Option<&Path>) -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = match chosen {
        Some(folder) => folder.to_owned(),
        None if rustix::process::geteuid().is_root() => "/var/lib/gg-cloud".into(),
        None => {
            let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
            let Some(state) = state else {
                bail!("neither --data nor HOME says where to keep things; give --data FOLDER");
            };
            state.join("gg-cloud")
        }
    };
    let made = fs::create_dir_all(&folder).and_then(|()| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        folder.canonicalize()
    });
    made.with_context(|| {
        format!("failed to use the folder {}; name another with --data", folder.display())
    })
}

/// Whether a folder is one that a server can use.
///
/// # Errors
/// A backup was being restored into it, and that was cut off.
pub(super) fn check(folder: &Path) -> Result<()> {
    match folder.join(RESTORING).exists() {
        false => Ok(()),
        true => bail!(
            "a backup was being restored into {} and that was cut off; empty the folder, and restore \
             it again",
            folder.display()
        ),
    }
}
