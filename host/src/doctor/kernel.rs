//! What the kernel confines and limits native components with.

use super::{Case, Sheet, Verdict};
use crate::runtime::process::{Part, survey};
use std::fs;

pub(super) fn look(case: &Case, sheet: &Sheet) {
    if let Ok(release) = fs::read_to_string("/proc/sys/kernel/osrelease") {
        sheet.ok("Linux", release.trim());
    }
    for Part { name, found, without } in survey(&case.root) {
        match found {
            Ok(how) => sheet.ok(name, how),
            Err(why) => {
                let (without, remedy) = without.split_once("; ").unwrap_or((
                    without,
                    "use a kernel that has it, and start gg-host as root, outside of a container",
                ));
                sheet.bad(Verdict::Warning, name, format!("{without} ({why})"), remedy);
            }
        }
    }
}
