//! The root folder: whose it is, who else may touch it, and whether a nucleus runs in it.

use super::{Case, Sheet, Verdict};
use rustix::process::geteuid;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;

pub(super) fn look(case: &Case, sheet: &Sheet) {
    let path = case.root.display();
    let found = match fs::metadata(&case.root) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            sheet.ok(path, "is not there yet: gg-host start makes it");
            return;
        }
        Err(error) => {
            let remedy = "let the user that runs gg-host into all folders above it, or name another \
                          with --root";
            sheet.bad(Verdict::Failure, path, format!("cannot be opened: {error}"), remedy);
            return;
        }
    };
    if !found.is_dir() {
        let remedy = "move it away, or name another with --root";
        sheet.bad(Verdict::Failure, path, "is not a folder", remedy);
        return;
    }
    let (own, mode) = (geteuid().as_raw(), found.mode() & 0o7777);
    if found.uid() != own && own != 0 {
        let message =
            format!("belongs to the user {}, and gg-host doctor runs as {own}", found.uid());
        let remedy =
            "run it, and the nucleus, as that user or as root, or name another with --root";
        sheet.bad(Verdict::Failure, &path, message, remedy);
    } else if mode & 0o002 != 0 {
        let message = format!("everybody can write to it (mode {mode:04o})");
        sheet.bad(Verdict::Failure, &path, message, format!("chmod o-w {path}"));
    } else {
        sheet.ok(&path, format!("belongs to the user {}, mode {mode:04o}", found.uid()));
    }
    let state = case.root.join("state");
    if let Ok(found) = fs::metadata(&state)
        && found.mode() & 0o077 != 0
    {
        let message = format!("others can look into it (mode {:04o})", found.mode() & 0o7777);
        let remedy = format!("chmod 700 {}", state.display());
        sheet.bad(Verdict::Failure, state.display(), message, remedy);
    }
    match &case.running {
        Some(process) => sheet.ok("nucleus", format!("process {process} runs in it")),
        None => sheet.ok("nucleus", "none runs in it"),
    }
}
